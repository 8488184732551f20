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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import pandas as pd

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
from sidestep.models.reliability.applicability import (
    NearestLines,
    applicability,
    least_applicability,
)

#: What the column `reference` says of a sample that is compared with the training lines.
LINES: Final = "lines"
#: Fewer tumours with a combination of modalities are too few to be compared with.
FEWEST_TUMOURS: Final = 20


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
        return having(self.patterns, pattern)

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
            far = around.distances(features.values, rows)
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


def having(patterns: Mapping[Pattern, int], pattern: Pattern) -> int:
    """Tumours that have all of some modalities, and maybe more."""
    return sum(count for has, count in patterns.items() if set(pattern) <= set(has))


def _numbers(values: np.ndarray) -> list[float | None]:
    """Values for JSON, which has no NaN."""
    return [None if np.isnan(value) else value for value in values.tolist()]
