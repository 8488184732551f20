"""How a cohort of tumours is learned: counted, shifted, predicted, and frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.builders.names import modality_of
from sidestep.features.errors import InputError
from sidestep.features.study.study import Study
from sidestep.features.vocabulary.sample_types import LINE, NEITHER, sample_kinds
from sidestep.models.estimators.patterns import Pattern, row_patterns
from sidestep.models.estimators.rows import FeatureRows
from sidestep.models.predictor.cohort import (
    FEWEST_TUMOURS,
    CohortStanding,
    TumourCohort,
    along,
    having,
    lines_mean,
)
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.predictor.shift_account import shift_account
from sidestep.models.reliability.predictive import FoldAnswers

#: Values kept of a distribution, at most: then evenly spaced quantiles stand for it.
MOST_KEPT: Final = 1000
#: Modalities whose levels a platform and a tissue move. A mutation is there or not.
_MOVED: Final = ("expression", "rppa", "copy_number", "signature")
# Quantiles that stand for the responses a tumour may have.
_RESPONSES = 16
# Digits kept of a shift, in training standard deviations.
_DIGITS = 5

Parts = Callable[[], Iterable[Study]]


def tumour_cohort(
    predictor: PanelPredictor,
    parts: Parts,
    *,
    name: str,
    model: str,
    study: tuple[str, Mapping[str, str], bool],
    where: str = "",
) -> TumourCohort:
    """Predict the tumours of a study once, and keep where they lie.

    The tumours are gone through twice: for the shift, and for what the model says of them. Samples
    that are training lines, or cell lines by their own study's words, are left out.

    Parameters
    ----------
    predictor : PanelPredictor
    parts : callable
        Gives the study in parts, the same ones each time.
    name : str
        Of the cohort.
    model : str
        Digest of the model.
    study : tuple of (str, mapping, bool)
        Identifier, digests of its files, and whether it is simulated.
    where : str
        Which of the study's samples the parts hold, for the record.

    Raises
    ------
    InputError
        If fewer than 20 tumours have the modalities of any sub-model.
    """
    counted = _Counted(predictor)
    for part in parts():
        counted.add(part)
    if counted.most_having < FEWEST_TUMOURS:
        raise InputError(
            f"study {study[0]} has {counted.most_having} tumour(s) with modalities of the model, "
            f"and {FEWEST_TUMOURS} are needed to stand for others; give a larger cohort"
        )
    seen: dict[tuple[str, Pattern], list[np.ndarray]] = {}
    told: list[np.ndarray] = []
    shift = counted.sums[None].shift
    for part in parts():
        features = _tumours(predictor, part)
        if len(features):
            told.append(along(predictor.nearest, shift, features))
            _predict(predictor, part, features, counted, seen)
    standings: dict[str, dict[Pattern, CohortStanding]] = {}
    for (drug, pattern), tables in seen.items():
        predictions, distances, *responses = np.concatenate(tables, axis=1)
        standings.setdefault(drug, {})[pattern] = CohortStanding(
            len(predictions),
            _kept(predictions),
            _kept(distances),
            _middle(np.stack(responses[:_RESPONSES])),
            _middle(np.stack(responses[_RESPONSES:])),
        )
    lines = pd.DataFrame(
        predictor.nearest.lines_.astype(float) * predictor.nearest.sd_,
        columns=predictor.nearest.features_,
    )
    digests, simulated = study[1:]
    return TumourCohort(
        name=name,
        study_id=study[0],
        digests=dict(digests),
        simulated=simulated,
        model=model,
        n=counted.n,
        where=where,
        patterns=counted.patterns,
        shift=shift,
        fold_shifts={n: sums.shift for n, sums in counted.sums.items() if n is not None},
        standings=standings,
        told={
            "tumours": _share_told(np.concatenate(told)),
            "lines": _share_told(along(predictor.nearest, shift, lines)),
        },
        account=shift_account(predictor.nearest.features_, shift / predictor.nearest.sd_),
    )


class _Sums:
    """Sums over tumours of the features as one joiner builds them, and the shift that follows."""

    def __init__(self, names: Sequence[str], lines: Mapping[str, float]) -> None:
        self.moved = np.array([modality_of(name) in _MOVED for name in names])
        self.lines = np.array([lines.get(name, 0.0) for name in names])
        self.count, self._total = np.zeros((2, len(names)))

    def add(self, values: np.ndarray) -> None:
        measured = np.isfinite(values)
        self.count += measured.sum(axis=0)
        self._total += np.where(measured, values, 0.0).sum(axis=0)

    @property
    def shift(self) -> np.ndarray:
        """Mean of the tumours less that of the lines; zero for what nothing moves."""
        with np.errstate(invalid="ignore"):
            mean = self._total / np.where(self.count > 0, self.count, np.nan)
        return np.asarray(np.round(np.where(self.moved, mean - self.lines, 0.0), _DIGITS) + 0.0)

    def alone(self, features: pd.DataFrame) -> pd.DataFrame:
        """Features of each tumour, aligned by the shift of the others.

        A tumour is a part of the mean: from the others' it lies farther off by n / (n - 1).
        """
        factor = np.where(self.moved, self.count / np.maximum(self.count - 1.0, 1.0), 1.0)
        far = (features.to_numpy(float) - self.shift - self.lines) * factor
        return pd.DataFrame(self.lines + far, index=features.index, columns=features.columns)


class _Counted:
    """The tumours of a study: how many have what, and their sums by joiner (None: all lines)."""

    def __init__(self, predictor: PanelPredictor) -> None:
        nearest = predictor.nearest
        centre = dict(zip(nearest.features_, lines_mean(nearest) * nearest.sd_, strict=True))
        joiners: dict[int | None, FeatureJoiner] = {None: predictor.joiner}
        joiners.update(predictor.fold_joiners.items())
        self.sums = {
            number: _Sums(list(map(str, joiner.get_feature_names_out())), centre)
            for number, joiner in joiners.items()
        }
        self.n = 0
        self.patterns: dict[Pattern, int] = {}
        self._predictor = predictor
        blends = [model.blend.patterns for model in predictor.drugs.values()]
        self._fitted = list(dict.fromkeys(pattern for patterns in blends for pattern in patterns))

    def add(self, part: Study) -> None:
        """Count the tumours of a part of the study."""
        features = _tumours(self._predictor, part)
        if not len(features):
            return
        self.n += len(features)
        for pattern in row_patterns(features):
            self.patterns[pattern] = self.patterns.get(pattern, 0) + 1
        self.sums[None].add(features.to_numpy(float))
        tumours = part.select(list(features.index))
        for number, built in self._predictor.fold_features(tumours).items():
            self.sums[number].add(built.to_numpy(float))

    def having(self, pattern: Pattern) -> int:
        """Tumours that have all of some modalities."""
        return having(self.patterns, pattern)

    @property
    def most_having(self) -> int:
        """Tumours that have the modalities of the sub-model that most have."""
        return max((self.having(pattern) for pattern in self._fitted if pattern), default=0)


def _tumours(predictor: PanelPredictor, part: Study) -> pd.DataFrame:
    """Features of the samples of a part that are no cell lines and can be used."""
    features = predictor.features(part)
    usable = ~np.isinf(features.to_numpy(float)).any(axis=1)
    usable &= ~features.index.isin(list(part.failed))
    usable &= ~np.isin(sample_kinds(part.clinical), (LINE, NEITHER))
    usable &= np.array([bool(pattern) for pattern in row_patterns(features)])
    features = features.loc[usable]
    known = predictor.known.find(part, features)
    new: pd.DataFrame = features.loc[[one is None for one in known]]
    return new


def _predict(
    predictor: PanelPredictor,
    part: Study,
    features: pd.DataFrame,
    counted: _Counted,
    seen: dict[tuple[str, Pattern], list[np.ndarray]],
) -> None:
    """Add what is said of some tumours, by drug and sub-model, to what was seen.

    A column a tumour: prediction, distance, and the responses that it may have by the model and by
    the marker alone, as so many quantiles.
    """
    has = row_patterns(features)
    alone = counted.sums[None].alone(features)
    tumours = part.select(list(features.index))
    fold_rows = {
        fold: FeatureRows(counted.sums[fold].alone(built))
        for fold, built in predictor.fold_features(tumours).items()
    }
    for model in predictor.drugs.values():
        for pattern in model.blend.patterns:
            if counted.having(pattern) < FEWEST_TUMOURS or pattern not in model.errors:
                continue
            rows = np.flatnonzero([set(pattern) <= set(row) for row in has])
            if not len(rows):
                continue
            some: pd.DataFrame = alone.iloc[rows]
            around = model.view(pattern, predictor.nearest).neighbourhood
            far = around.distances(some.to_numpy(float))
            answers = FoldAnswers.of(
                model.errors[pattern], pattern, model.fold_blends, fold_rows, rows
            )
            told = [
                model.blend.predict_as(pattern, some),
                far,
                *_quantiles(answers.responses),
                *_quantiles(answers.marker_responses),
            ]
            seen.setdefault((model.name, pattern), []).append(np.stack(told))


def _quantiles(responses: np.ndarray) -> np.ndarray:
    """Evenly spaced quantiles of the responses that tumours may have, (n_quantiles, n_tumours)."""
    if not responses.shape[1]:
        return np.full((_RESPONSES, len(responses)), np.nan)
    steps = (np.arange(_RESPONSES) + 0.5) / _RESPONSES
    return np.asarray(np.quantile(responses, steps, axis=1))


def _middle(responses: np.ndarray) -> float:
    """Median of the responses that all tumours may have; those without any do not count."""
    known = responses[np.isfinite(responses)]
    return float(np.median(known)) if len(known) else float("nan")


def _kept(values: np.ndarray) -> np.ndarray:
    """Values in order; of many, evenly spaced quantiles."""
    ordered = np.sort(values[np.isfinite(values)])
    if len(ordered) <= MOST_KEPT:
        return ordered
    return np.asarray(np.quantile(ordered, np.linspace(0.0, 1.0, MOST_KEPT)))


def _share_told(way: np.ndarray) -> float | None:
    """Share of samples, of those that can be told, that lie nearer to the tumours."""
    known = way[np.isfinite(way)]
    return round(float(np.mean(known > 0.5)), 4) if len(known) else None
