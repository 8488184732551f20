"""A sample as it would be with other features, and what the model would then predict otherwise.

A feature has the same scale in the model and in every fold of its cross-validation (training
standard deviations, log2, or 1 and 0), so that each gets the same change: predictions, intervals
and applicability all answer for the changed sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.builders.names import BURDEN, modality_of
from sidestep.features.builders.rppa import RppaBuilder
from sidestep.models.estimators.base import Contributions
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.serving.disk.sample_scores import finite
from sidestep.serving.explain.explanation import Explanation
from sidestep.serving.explain.settings import Change
from sidestep.serving.scoring.contributions import largest_measured
from sidestep.serving.scoring.samples import Samples

# Where the builders cut a feature: no sample has more.
_MOST = {"expression": 8.0, "rppa": 8.0, "copy_number": 4.0, "signature": 8.0}


@dataclass(frozen=True)
class FeatureDifference:
    """What a feature is and adds, before and after."""

    feature: str
    modality: str
    mechanism: str
    value_before: float | None
    value_after: float | None
    contribution_before: float
    contribution_after: float


@dataclass(frozen=True)
class WhatIf:
    """What changes for the sample that was asked for.

    Attributes
    ----------
    settings : tuple of str
        As they were given.
    n_changed : int
        Features that have another value.
    after : Explanation
    features : tuple of FeatureDifference
        Largest change of contribution first.
    """

    settings: tuple[str, ...]
    n_changed: int
    after: Explanation
    features: tuple[FeatureDifference, ...]


def changed_sample(
    predictor: PanelPredictor, samples: Samples, changes: Sequence[Change]
) -> Samples:
    """The sample with all changes made, one after the other.

    Where a protein's or phosphoprotein's level changes, its phospho-to-total ratios follow; a
    ratio that is itself named changes alone. Levels end where the builders cut them (8 SD, 4
    log2 units), and the mutation burden at 0.

    Parameters
    ----------
    predictor : PanelPredictor
    samples : Samples
        Of one sample.
    changes : sequence of Change
        Of features that the sample has.
    """
    for change in changes:
        amount = np.array([[change.amount]])
        samples = _edited(predictor, samples, [change.feature], amount, relative=change.relative)
    return samples


def shifted_samples(
    predictor: PanelPredictor, samples: Samples, features: Sequence[str], shifts: np.ndarray
) -> Samples:
    """Variants of one sample, each with some features shifted; as `changed_sample` makes them.

    Parameters
    ----------
    predictor : PanelPredictor
    samples : Samples
        Of one sample.
    features : sequence of str
        Levels; not ratios, which follow.
    shifts : ndarray of shape (n_variants, n_shifted_features)
        Added to each feature, in its own scale.

    Returns
    -------
    Samples
        One row a variant.
    """
    return _edited(predictor, samples, features, shifts, relative=True)


def ratio_slopes(joiner: FeatureJoiner) -> list[tuple[str, str, float]]:
    """How far each phospho-to-total ratio moves when a level does.

    Returns
    -------
    list of (str, str, float)
        Level, ratio, and training SDs of the ratio per training SD of the level.
    """
    slopes: list[tuple[str, str, float]] = []
    for builder in joiner.builders_:
        if not isinstance(builder, RppaBuilder):
            continue
        sd = dict(zip(builder.feature_names_, builder.sd_.tolist(), strict=True))
        for phospho in builder.ratios_:
            total = phospho.split("_", 1)[0]
            ratio = f"rppa:{phospho}/{total}"
            slopes.append((f"rppa:{phospho}", ratio, sd[f"rppa:{phospho}"] / sd[ratio]))
            slopes.append((f"rppa:{total}", ratio, -sd[f"rppa:{total}"] / sd[ratio]))
    return slopes


def changed_values(before: Samples, after: Samples) -> np.ndarray:
    """Which features of one sample have another value after than before, (n_features,)."""
    values = [one.features.to_numpy(float)[0] for one in (before, after)]
    return np.asarray((values[0] != values[1]) & ~np.isnan(values[0]))


def differing_features(
    samples: tuple[Samples, Samples], told: tuple[Contributions, Contributions], *, top_k: int
) -> tuple[FeatureDifference, ...]:
    """Features whose contribution or value changed, the largest change of contribution first.

    Parameters
    ----------
    samples : tuple of Samples
        Of one sample each: before and after.
    told : tuple of Contributions
        To the predictions of the same.
    top_k : int
        Features named.
    """
    named = samples[0].named
    values = [one.features.to_numpy(float)[0] for one in samples]
    contributions = [one.values[0] for one in told]
    change = contributions[1] - contributions[0]
    measured = np.isfinite(values[0])
    top = largest_measured(change[None], measured[None], named.order, top_k)[0]
    ranked = [at for at in top if change[at] and measured[at]]
    idle = np.flatnonzero(changed_values(*samples) & (change == 0))
    return tuple(
        FeatureDifference(
            str(named.names[at]),
            str(named.modalities[at]),
            str(named.mechanisms[at]),
            finite(values[0][at]),
            finite(values[1][at]),
            float(contributions[0][at]) + 0.0,
            float(contributions[1][at]) + 0.0,
        )
        for at in [*ranked, *idle][:top_k]
    )


def difference(before: Explanation, after: Explanation) -> dict[str, Any]:
    """After minus before, of each number that both have; None of the others."""
    changes: dict[str, Any] = {}
    for name in ("prediction", "lower", "upper", "percentile", "p_resistant", "applicability"):
        old, new = getattr(before, name), getattr(after, name)
        changes[name] = None if old is None or new is None else new - old
    for name in ("by_modality", "by_mechanism"):
        old, new = getattr(before, name), getattr(after, name)
        changes[name] = {part: new[part] - old[part] for part in old}
    return changes


def _edited(
    predictor: PanelPredictor,
    samples: Samples,
    features: Sequence[str],
    amounts: np.ndarray,
    *,
    relative: bool,
) -> Samples:
    """Samples whose tables, the model's and the folds', have all been edited alike."""

    def edit(table: pd.DataFrame, joiner: FeatureJoiner) -> pd.DataFrame:
        return _edited_table(table, joiner, features, amounts, relative=relative)

    n_variants = len(amounts)
    compared, joiner = samples.compared, predictor.compared_joiner
    return replace(
        samples,
        features=edit(samples.features, predictor.joiner),
        compared=None if compared is None or joiner is None else edit(compared, joiner),
        known=[*samples.known] * n_variants,
        off_scale=[*samples.off_scale] * n_variants,
        groups=None if samples.groups is None else np.repeat(samples.groups, n_variants, axis=0),
        fold_features=samples.changed_folds(
            lambda fold, table: edit(table, predictor.fold_joiners[fold])
        ),
        patterns=samples.patterns * n_variants,
        modalities=samples.modalities * n_variants,
    )


def _edited_table(
    table: pd.DataFrame,
    joiner: FeatureJoiner,
    features: Sequence[str],
    amounts: np.ndarray,
    *,
    relative: bool,
) -> pd.DataFrame:
    """One row of features as many rows; a fold that does not build a feature goes without it."""
    places = table.columns.get_indexer(pd.Index(list(features), dtype=object)).tolist()
    built = [at for at, place in enumerate(places) if place >= 0]
    columns, asked = [places[at] for at in built], amounts[:, built]
    values = np.repeat(table.to_numpy(float), len(amounts), axis=0)
    old = values[:, columns]
    new = old + asked if relative else np.where(np.isnan(old), old, asked)
    most = np.array([_MOST.get(modality_of(features[at]), np.inf) for at in built])
    least = np.where([features[at] == BURDEN for at in built], 0.0, -most)
    values[:, columns] = new.clip(least, most)
    moved = {features[at]: new[:, place] - old[:, place] for place, at in enumerate(built)}
    following = [slope for slope in ratio_slopes(joiner) if slope[0] in moved]
    ratios = table.columns.get_indexer(pd.Index([ratio for _, ratio, _ in following], dtype=object))
    for (level, _, slope), column in zip(following, ratios, strict=True):
        values[:, column] += slope * moved[level]
    values[:, ratios] = values[:, ratios].clip(-_MOST["rppa"], _MOST["rppa"])
    index = table.index if len(amounts) == 1 else [str(number) for number in range(len(amounts))]
    # One array, which models then read as it is.
    return pd.DataFrame(values, index=index, columns=table.columns, copy=False)
