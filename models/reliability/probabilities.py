"""What held-out patients say of new ones: a calibrated probability, and an interval of log-odds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from sidestep.models.estimators.blend_contributions import Members
from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.estimators.patterns import Pattern
from sidestep.models.estimators.rows import FeatureRows
from sidestep.models.reliability.calibration import BetaCalibration
from sidestep.models.reliability.groups import NO_GROUP
from sidestep.models.reliability.intervals import (
    NO_MEMBERS,
    HeldOutErrors,
    Interval,
    KnownMembers,
)

#: Models of folds that an interval needs.
_FEWEST_FOLDS = 3
# A probability itself depends on no level.
_ANY_LEVEL = 0.8


def jackknife(folds: np.ndarray, level: float) -> np.ndarray:
    r"""How far other patients to learn from would move what is said of each patient, (n_samples,).

    .. math:: t_{K - 1} \sqrt{\frac{K - 1}{K} \sum_k (f_{-k}(x) - \bar f(x))^2}

    by the jackknife that leaves out one of :math:`K` folds of patients at a time [1]_.

    Parameters
    ----------
    folds : ndarray of shape (n_folds, n_samples)
        What the model without each fold says.
    level : float
        Of the interval, such as 0.8.

    References
    ----------
    .. [1] Efron and Stein, The jackknife estimate of variance, Ann Stat 9:586-596 (1981),
       doi 10.1214/aos/1176345462.
    """
    n = len(folds)
    if n < _FEWEST_FOLDS:
        return np.full(folds.shape[1], np.nan)
    # Fold by fold: of one patient NumPy would add up many folds in another order than of several.
    mean = sum(folds) / n
    error = np.sqrt((n - 1) / n * sum((said - mean) ** 2 for said in folds))
    return np.asarray(scipy.special.stdtrit(n - 1, 0.5 + level / 2) * error)


@dataclass(frozen=True)
class PatientAnswers:
    """What one sub-model and its folds' models say of some patients.

    Attributes
    ----------
    calibration, marker_calibration : BetaCalibration or None
        From log-odds of held-out patients, of the sub-model and of its marker alone.
    predicted, marker : ndarray of shape (n_samples,)
        Log-odds; NaN of a patient without the marker.
    folds : ndarray of shape (n_folds, n_samples)
        Log-odds by the model of each fold of the cross-validation.
    """

    calibration: BetaCalibration | None
    marker_calibration: BetaCalibration | None
    predicted: np.ndarray
    marker: np.ndarray
    folds: np.ndarray

    @classmethod
    def of(
        cls,
        errors: HeldOutErrors,
        blend: PatternBlend,
        pattern: Pattern,
        rows: tuple[FeatureRows, np.ndarray],
        folds: Mapping[int, PatternBlend],
        fold_features: Mapping[int, pd.DataFrame | FeatureRows],
        known: KnownMembers = NO_MEMBERS,
    ) -> PatientAnswers:
        """Ask a sub-model and its folds' models.

        Parameters
        ----------
        errors : HeldOutErrors
            Of the sub-model.
        blend : PatternBlend
        pattern : Pattern
        rows : tuple of (FeatureRows, ndarray of int)
            Patients, and those of them that the sub-model predicts.
        folds : mapping of int to PatternBlend
            Each fold's model.
        fold_features : mapping of int to (DataFrame or FeatureRows)
            The patients' features as each fold builds them; of folds whose members are `known`
            they are not looked at.
        known : mapping of (int, Pattern) to Members, optional
            What the members of some folds' sub-models predict of these patients.
        """
        features, some = rows
        fitted = blend.blends_[pattern]
        values = features.part(pattern, some)
        members = Members.of(fitted, values)
        answers = []
        for fold, model in folds.items():
            if pattern not in model.blends_:
                continue
            sub_model, said = model.blends_[pattern], known.get((fold, pattern))
            if said is None:
                of_fold = FeatureRows.of(fold_features[fold])
                of_fold.require(model.feature_names_in_)
                said = Members.of(sub_model, of_fold.part(pattern, some))
            answers.append(sub_model.blend(said.predictions))
        observed = np.rint(errors.observed)
        has = np.isfinite(errors.marker_errors)
        by_marker = observed[has] - errors.marker_errors[has]
        return cls(
            calibration=BetaCalibration.of(errors.predictions, observed),
            marker_calibration=BetaCalibration.of(by_marker, observed[has]),
            predicted=fitted.blend(members.predictions),
            marker=members.marker_alone,
            folds=np.array(answers).reshape(-1, len(some)),
        )

    def interval(self, level: float) -> Interval:
        """Interval of each patient's log-odds (`jackknife`), and not of an outcome: that is 0 or 1.

        NaN where there are fewer than three folds' models.
        """
        reach = jackknife(self.folds, level)
        return self.predicted - reach, self.predicted + reach


@dataclass(frozen=True)
class PatientPredictive:
    """What held-out patients say of some new ones, each by the sub-model that predicts it.

    It answers what `reliability.predictive.Predictive` does of a continuous response; a threshold
    does not count, since a patient is resistant where the event does not come about.

    Attributes
    ----------
    n_samples : int
    parts : sequence of (ndarray of int, PatientAnswers)
        Rows of the patients that each sub-model predicts. The others have no usable modality: of
        them everything is NaN.
    higher_is_resistant : bool
        Whether the event is resistance.
    """

    n_samples: int
    parts: Sequence[tuple[np.ndarray, PatientAnswers]]
    higher_is_resistant: bool

    def interval(self, level: float) -> Interval:
        """Lower and upper end of each patient's log-odds, (n_samples,) each."""
        lower, upper = np.full((2, self.n_samples), np.nan)
        for rows, answers in self.parts:
            lower[rows], upper[rows] = answers.interval(level)
        return lower, upper

    def interval_groups(self, level: float) -> np.ndarray:
        """Empty: all patients calibrate every interval."""
        return np.full(self.n_samples, NO_GROUP, dtype=object)

    def probability(self, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Calibrated probability of the event, and those of the ends of `interval`."""
        found = np.full((3, self.n_samples), np.nan)
        for rows, answers in self.parts:
            if answers.calibration is not None:
                for place, values in enumerate((answers.predicted, *answers.interval(level))):
                    found[place, rows] = answers.calibration.probability(values)
        return found[0], found[1], found[2]

    def p_resistant(self, threshold: float) -> np.ndarray:
        """Probability that each patient is resistant, 0 to 1."""
        return self._resistant(self.probability(_ANY_LEVEL)[0])

    def marker_p_resistant(self, threshold: float) -> np.ndarray:
        """The same by the marker alone; NaN for a patient without it."""
        found = np.full(self.n_samples, np.nan)
        for rows, answers in self.parts:
            if answers.marker_calibration is not None:
                found[rows] = answers.marker_calibration.probability(answers.marker)
        return self._resistant(found)

    def beyond(self, thresholds: np.ndarray) -> np.ndarray:
        """As `p_resistant`."""
        return self.p_resistant(float("nan"))

    def marker_beyond(self, thresholds: np.ndarray) -> np.ndarray:
        """As `marker_p_resistant`."""
        return self.marker_p_resistant(float("nan"))

    def _resistant(self, event: np.ndarray) -> np.ndarray:
        return event if self.higher_is_resistant else 1.0 - event
