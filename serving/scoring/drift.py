"""How far a study, as a whole, is from what the model learned from: ``shift`` in the manifest."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sidestep.features.builders.names import modality_of
from sidestep.features.study.on_disk import SampleSource
from sidestep.features.study.study import Study
from sidestep.models.estimators.patterns import pattern_columns
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.reliability.shift import STRONG, TOO_FEW, TOO_FEW_LINES, platform_shift

#: Samples looked at, at most: enough to see any shift that matters, in bounded memory.
MOST_SAMPLES = 256
_WIDTH = 100
_DIGITS = 6


def drift_section(study: SampleSource, predictor: PanelPredictor) -> dict[str, dict[str, Any]]:
    """Platform shift and input coverage of each molecular modality of a model.

    At most 256 samples are looked at, evenly spaced in the order of their names, so that neither
    the study's size nor its order matters. A sample whose features cannot be built is left out.

    Parameters
    ----------
    study : Study or StoredStudy
    predictor : PanelPredictor

    Returns
    -------
    dict
        Modality -> plain values, None where nothing was measured: ``samples``, ``features``,
        ``share_measured``, ``statistic``, ``median_difference``, ``spread_ratio``, ``p_value``
        and ``verdict`` as in `models.reliability.shift.ModalityShift`, but strong, too, where half
        of too few samples are off the training lines' scale; ``off_scale``, how many samples are,
        and ``off_scale_example``, what shows it of one; ``weight``, the share of the
        model's weight that rests on the modality, over its drugs, where a sample has all
        modalities; and ``weight_covered``, the share of that weight that rests on features which
        the samples have, on average.
    """
    part = _spaced(study)
    features = _features(predictor, part)
    names = [str(name) for name in features.columns.tolist()]
    weights = _weights(predictor, names)
    measured = np.isfinite(features.to_numpy(float)).sum(axis=0) / max(len(features), 1)
    modality = np.array([modality_of(name) for name in names])
    donors = [str(donor) for donor in part.donors.loc[features.index]]
    doubts = predictor.mechanisms.scales.doubts(part)
    section: dict[str, dict[str, Any]] = {}
    for shift in platform_shift(predictor.nearest, features, donors=donors):
        columns = modality == shift.modality
        off = doubts.get(shift.modality, {})
        few = bool(off) and shift.verdict in (TOO_FEW, TOO_FEW_LINES)
        weight = weights[columns].sum()
        share = float(weights[columns] @ measured[columns] / weight) if weight > 0 else None
        section[shift.modality] = {
            "samples": shift.n_samples,
            "features": shift.n_features,
            "share_measured": _plain(shift.share_measured),
            "statistic": _plain(shift.statistic),
            "median_difference": _plain(shift.median_difference),
            "spread_ratio": _plain(shift.spread_ratio),
            "p_value": _plain(shift.p_value),
            "verdict": STRONG if few and 2 * len(off) >= shift.n_samples else shift.verdict,
            "off_scale": len(off),
            "off_scale_example": next((f"{one}: {why}" for one, why in off.items()), None),
            "weight": _plain(weight),
            "weight_covered": _plain(share),
        }
    return section


def shift_lines(section: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Lines of a table of what `drift_section` found and, where a shift is strong, what to do.

    Parameters
    ----------
    section : mapping
        As `drift_section` returns, or as read back from a manifest.
    """
    rows = {
        name: [
            _shown(found["weight"], ".0%"),
            _shown(found["weight_covered"], ".0%"),
            str(found["samples"]),
            _shown(found["median_difference"], ".2f"),
            _shown(found["spread_ratio"], ".2f"),
            _shown(found["p_value"], ".3f"),
            str(found["verdict"]),
        ]
        for name, found in section.items()
    }
    columns = ["weight", "covered", "samples", "median difference", "spread ratio", "p", "verdict"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).to_string()
    strong = [name for name, found in section.items() if found["verdict"] == STRONG]
    advice = (
        f"Strong shift in {', '.join(strong)}: read predictions that rest on it with care; "
        "`applicability` in the scores says which samples lie far from the training lines."
    )
    return [
        *(f"  {line}".rstrip() for line in table.splitlines()),
        *(textwrap.wrap(advice, _WIDTH) if strong else []),
        *(line for name, found in section.items() for line in _off_scale_lines(name, found)),
    ]


def _off_scale_lines(modality: str, found: Mapping[str, Any]) -> list[str]:
    """What is said of samples that are off the training lines' scale; nothing if none is."""
    if not found.get("off_scale"):
        return []
    text = (
        f"Off the training lines' scale in {modality}: {found['off_scale']} sample(s), for one "
        f"{found['off_scale_example']}. No call is made of them and no fact drawn from these "
        "numbers; look whether they are in another unit."
    )
    return textwrap.wrap(text, _WIDTH)


def _spaced(study: SampleSource) -> Study:
    """At most `MOST_SAMPLES` of the study, evenly spaced in the order of their names."""
    samples = sorted(map(str, study.samples))
    count = min(len(samples), MOST_SAMPLES)
    return study.select([samples[at * len(samples) // count] for at in range(count)])


def _features(predictor: PanelPredictor, part: Study) -> pd.DataFrame:
    """Features of the samples for which they can be built."""
    try:
        return predictor.features(part)
    except (MemoryError, OSError):
        raise  # the machine's fault, not a sample's
    except Exception:
        samples = list(part.samples)
        if len(samples) <= 1:
            names = predictor.joiner.get_feature_names_out()
            return pd.DataFrame(index=part.samples[:0], columns=names, dtype=float)
        middle = len(samples) // 2
        halves = [part.select(half) for half in (samples[:middle], samples[middle:])]
        return pd.concat([_features(predictor, half) for half in halves])


def _weights(predictor: PanelPredictor, names: list[str]) -> np.ndarray:
    """Share of the weight of the models of all modalities on each feature, over the drugs."""
    shares = []
    for model in predictor.drugs.values():
        pattern = model.blend.patterns[0]
        columns = pattern_columns(names, pattern)
        weights = model.blend.blends_[pattern].feature_weights(predictor.nearest.sd_[columns])
        if weights.sum() > 0:
            share = np.zeros(len(names))
            share[columns] = weights / weights.sum()
            shares.append(share)
    return np.mean(shares, axis=0) if shares else np.zeros(len(names))


def _plain(value: float | None) -> float | None:
    """A number for JSON, without digits that only rounding made; None for NaN."""
    return None if value is None or not np.isfinite(value) else round(float(value), _DIGITS)


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
