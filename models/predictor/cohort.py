"""A cohort of tumours that other tumours are answered among, frozen beside a model.

Every tumour lies away from every cell line in the same direction: it holds stroma, immune cells and
vessels, was grown in nobody's dish, and came from another platform. What all share says nothing
about one of them. So the shift of a cohort is learned once and frozen: of a tumour it is taken away
before the model looks, which then sees how the tumour differs from the average tumour where it saw
how a line differs from the average line. Where the cohort's own predictions lie is kept as well,
and a new tumour is compared with them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.builders.names import modality_of
from sidestep.features.errors import InputError
from sidestep.features.study.study import Study
from sidestep.features.vocabulary.sample_types import LINE, NEITHER, TUMOUR, sample_kinds
from sidestep.models.estimators.patterns import (
    Pattern,
    pattern_name,
    pattern_named,
    row_patterns,
)
from sidestep.models.estimators.rows import FeatureRows
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.predictor.shift_account import shift_account
from sidestep.models.reliability.applicability import (
    NearestLines,
    applicability,
    least_applicability,
)
from sidestep.models.reliability.predictive import FoldAnswers

#: What the column `reference` says of a sample that is compared with the training lines.
LINES: Final = "lines"
#: Fewer tumours with a combination of modalities are too few to be compared with.
FEWEST_TUMOURS: Final = 20
#: Values kept of a distribution, at most: then evenly spaced quantiles stand for it.
MOST_KEPT: Final = 1000
#: Modalities whose levels a platform and a tissue move. A mutation is there or not.
_MOVED: Final = ("expression", "rppa", "copy_number")
# Quantiles that stand for the responses a tumour may have.
_RESPONSES = 16
# Digits kept of a shift, in training standard deviations.
_DIGITS = 5

Parts = Callable[[], Iterable[Study]]


@dataclass(frozen=True)
class CohortStanding:
    """Where the tumours of a cohort lie by one sub-model of a drug.

    Attributes
    ----------
    n : int
        Tumours that have the sub-model's modalities.
    predictions : ndarray of shape (n_kept,)
        Their predictions in ascending order, in response units, each after the shift that the
        *other* tumours share was taken away.
    distances : ndarray of shape (n_kept,)
        Their distances to the drug's lines, likewise, in ascending order.
    threshold, marker_threshold : float
        Median of the responses that the tumours may have (`reliability.predictive`), by the model
        and by the marker alone, response units; NaN where there are none.
    """

    n: int
    predictions: np.ndarray
    distances: np.ndarray
    threshold: float
    marker_threshold: float

    def percentile(self, predictions: np.ndarray) -> np.ndarray:
        """Where predictions lie among those of the cohort, 0 to 100; ties count half."""
        below = np.searchsorted(self.predictions, predictions, side="left")
        upto = np.searchsorted(self.predictions, predictions, side="right")
        return np.asarray(50.0 * (below + upto) / len(self.predictions))


@dataclass(frozen=True)
class TumourCohort:
    """Tumours of one study, as one model sees them: what tumours are answered among.

    Attributes
    ----------
    name : str
    study_id : str
    digests : mapping of str to str
        Of the study's files.
    simulated : bool
        Whether the study was.
    model : str
        Digest of the model that predicted them.
    n : int
        Tumours.
    where : str
        Which of the study's samples they are; empty for all.
    patterns : mapping of Pattern to int
        Tumours with exactly these modalities.
    shift : ndarray of shape (n_features,)
        Mean of the tumours less that of the training lines, in the features' own units. Zero for
        mutations and clinical covariates; NaN for a feature that no tumour has.
    fold_shifts : mapping of int to ndarray of shape (n_fold_features,)
        The same of the features as each fold of the cross-validation builds them.
    standings : mapping of str to mapping of Pattern to CohortStanding
        By drug and sub-model.
    told : mapping of str to float or None
        Share of the cohort's own ``tumours``, and of the training ``lines``, that `fits` would
        take for tumours by their levels alone; None where levels tell nothing.
    account : sequence of mapping
        What the shift consists of, by modality and mechanism (`shift_account`).
    """

    name: str
    study_id: str
    digests: Mapping[str, str]
    simulated: bool
    model: str
    n: int
    where: str
    patterns: Mapping[Pattern, int]
    shift: np.ndarray
    fold_shifts: Mapping[int, np.ndarray]
    standings: Mapping[str, Mapping[Pattern, CohortStanding]]
    told: Mapping[str, float | None]
    account: Sequence[Mapping[str, Any]]

    @cached_property
    def digest(self) -> str:
        """Digest (sha256) of everything that is kept."""
        state = json.dumps(self.get_state(), sort_keys=True)
        return hashlib.sha256(state.encode()).hexdigest()

    def having(self, pattern: Pattern) -> int:
        """Tumours that have all of some modalities, and maybe more."""
        return _having(self.patterns, pattern)

    def fits(
        self, nearest: NearestLines, study: Study, features: pd.DataFrame, *, named: bool
    ) -> np.ndarray:
        """Whether each sample is to be answered among the cohort: bool, (n_samples,).

        A sample is, if the cohort has tumours enough with its modalities, and the sample's own
        study calls it neither a cell line nor normal tissue (`sample_kinds`). One that the
        study calls a tumour always is, and so is any other if a person `named` the cohort. Of the
        rest a sample is, that lies more than half way from the mean of the lines to that of the
        tumours (`along`). It depends on the sample alone.

        Parameters
        ----------
        nearest : NearestLines
            The model's training lines.
        study : Study
            Holds the samples, and maybe others.
        features : DataFrame of shape (n_samples, n_features)
        named : bool
        """
        enough = {p: bool(p) and self.having(p) >= FEWEST_TUMOURS for p in row_patterns(features)}
        known = np.array([enough[p] for p in row_patterns(features)], dtype=bool)
        kinds = np.array(sample_kinds(study.clinical.loc[features.index]))
        tumour = (kinds == TUMOUR) | named | (along(nearest, self.shift, features) > 0.5)
        return np.asarray(known & ~np.isin(kinds, (LINE, NEITHER)) & tumour)

    def aligned(self, features: pd.DataFrame, fold: int | None = None) -> pd.DataFrame:
        """Features without the shift that all tumours share.

        A feature that no tumour of the cohort has is missing then: nobody knows its shift.

        Parameters
        ----------
        features : DataFrame of shape (n_samples, n_features)
        fold : int, optional
            The fold that built them; the model of all lines by default.
        """
        shift = self.shift if fold is None else self.fold_shifts[fold]
        return pd.DataFrame(
            features.to_numpy(float) - shift, index=features.index, columns=features.columns
        )

    def applicability(
        self, predictor: PanelPredictor, features: FeatureRows, model: DrugModel
    ) -> tuple[np.ndarray, np.ndarray]:
        """How usual each sample is among tumours, 0 to 1, and the least that could be.

        The distance of `aligned` features to the drug's lines is compared with the distances of
        the cohort's tumours and with those of held-out lines, as `reliability.applicability` does;
        the greater share counts. So a sample is out of the domain that is strange among tumours
        and, without their shift, among lines, too. NaN where there is nothing to compare with.
        """
        share, least = np.full((2, len(features)), np.nan)
        for pattern, rows in self._by_pattern(features, model):
            tumours = self.standings[model.name][pattern].distances
            lines = model.errors[pattern].distances
            around = model.view(pattern, predictor.nearest).neighbourhood
            far = around.distances(features.values[np.ix_(rows, around.space.columns)])
            among_lines = applicability(far, lines)
            # Farther than all of a few lines is as far as nobody knows.
            among_lines[among_lines <= least_applicability(lines)] = 0.0
            share[rows] = np.fmax(applicability(far, tumours), among_lines)
            least[rows] = least_applicability(tumours)
        return share, least

    def percentile(
        self, features: FeatureRows, predictions: np.ndarray, model: DrugModel, *, descending: bool
    ) -> np.ndarray:
        """Resistance percentile of each prediction among the cohort's, 0 to 100.

        `descending` says that low responses are resistant.
        """
        percentile = np.full(len(features), np.nan)
        for pattern, rows in self._by_pattern(features, model):
            standing = self.standings[model.name][pattern]
            percentile[rows] = standing.percentile(predictions[rows])
        return 100.0 - percentile if descending else percentile

    def thresholds(self, features: FeatureRows, model: DrugModel) -> tuple[np.ndarray, np.ndarray]:
        """What lies in the middle of the cohort, by each sample's sub-model and by the marker."""
        middle, of_marker = np.full((2, len(features)), np.nan)
        for pattern, rows in self._by_pattern(features, model):
            standing = self.standings[model.name][pattern]
            middle[rows], of_marker[rows] = standing.threshold, standing.marker_threshold
        return middle, of_marker

    def _by_pattern(
        self, features: FeatureRows, model: DrugModel
    ) -> Iterator[tuple[Pattern, np.ndarray]]:
        """Rows of each sub-model that the cohort was predicted by."""
        known = self.standings.get(model.name, {})
        for pattern, rows in features.by_pattern(model.blend.blends_).items():
            if pattern is not None and pattern in known:
                yield pattern, rows

    def get_state(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "name": self.name,
            "study_id": self.study_id,
            "digests": dict(self.digests),
            "simulated": self.simulated,
            "model": self.model,
            "n": self.n,
            "where": self.where,
            "patterns": {pattern_name(p): count for p, count in self.patterns.items()},
            "shift": _numbers(self.shift),
            "fold_shifts": {str(n): _numbers(shift) for n, shift in self.fold_shifts.items()},
            "standings": {
                drug: {
                    pattern_name(pattern): {
                        "n": standing.n,
                        "predictions": standing.predictions.tolist(),
                        "distances": standing.distances.tolist(),
                        "thresholds": _numbers(
                            np.array([standing.threshold, standing.marker_threshold])
                        ),
                    }
                    for pattern, standing in standings.items()
                }
                for drug, standings in self.standings.items()
            },
            "told": dict(self.told),
            "account": [dict(row) for row in self.account],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Cohort that `get_state` described."""
        parts = {
            "patterns": {pattern_named(p): int(n) for p, n in state["patterns"].items()},
            "shift": np.array(state["shift"], float),
            "fold_shifts": {int(n): np.array(of, float) for n, of in state["fold_shifts"].items()},
            "standings": {
                drug: {
                    pattern_named(pattern): CohortStanding(
                        int(of["n"]),
                        np.array(of["predictions"], float),
                        np.array(of["distances"], float),
                        *np.array(of["thresholds"], float).tolist(),
                    )
                    for pattern, of in standings.items()
                }
                for drug, standings in state["standings"].items()
            },
        }
        return cls(**{**state, **parts})


def along(nearest: NearestLines, shift: np.ndarray, features: pd.DataFrame) -> np.ndarray:
    r"""How far each sample lies on the way from the lines to the tumours, (n_samples,).

    .. math:: \frac{\sum_j \delta_j (x_j - m_j)}{\sum_j \delta_j^2}

    over the features that a sample has, with :math:`m` the mean of the training lines and
    :math:`\delta` the shift: 0 at the lines' mean, 1 at the tumours', and above one half for what
    is nearer to the tumours' mean. NaN where nothing was measured, or nothing is shifted.
    """
    moved = np.flatnonzero(np.isfinite(shift) & (shift != 0.0))
    delta = shift[moved] / nearest.sd_[moved]
    values = features.to_numpy(float)[:, moved] / nearest.sd_[moved] - lines_mean(nearest)[moved]
    measured = np.isfinite(values)
    # Sums by row, so that what a sample gets depends on no other.
    way = (np.where(measured, values, 0.0) * delta).sum(axis=1)
    length = (measured * delta**2).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(way / np.where(length > 0, length, np.nan))


def lines_mean(nearest: NearestLines) -> np.ndarray:
    """Mean of the training lines, in training standard deviations; zero where none has any."""
    lines = nearest.lines_.astype(float)
    measured = np.isfinite(lines)
    count = measured.sum(axis=0)
    return np.asarray(np.where(measured, lines, 0.0).sum(axis=0) / np.maximum(count, 1))


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
        return _having(self.patterns, pattern)

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
        folds = {fold: (blend, fold_rows[fold]) for fold, blend in model.fold_blends.items()}
        for pattern in model.blend.patterns:
            if counted.having(pattern) < FEWEST_TUMOURS or pattern not in model.errors:
                continue
            rows = np.flatnonzero([set(pattern) <= set(row) for row in has])
            if not len(rows):
                continue
            some: pd.DataFrame = alone.iloc[rows]
            around = model.view(pattern, predictor.nearest).neighbourhood
            far = around.distances(some.to_numpy(float)[:, around.space.columns])
            answers = FoldAnswers.of(model.errors[pattern], pattern, folds, rows)
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


def _having(patterns: Mapping[Pattern, int], pattern: Pattern) -> int:
    return sum(count for has, count in patterns.items() if set(pattern) <= set(has))


def _numbers(values: np.ndarray) -> list[float | None]:
    """Values for JSON, which has no NaN."""
    return [None if np.isnan(value) else value for value in values.tolist()]


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
