"""What held-out errors say of new samples: an interval, and the probability of resistance.

Each training line was predicted once by a model that had not seen it. Its error, put on what that
same model predicts of a new sample, is one response that the sample may have; those of all lines
are the sample's predictive distribution.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from sidestep.models.estimators.blend_contributions import Members
from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.estimators.patterns import Pattern
from sidestep.models.estimators.rows import FeatureRows
from sidestep.models.reliability.groups import NO_GROUP, calibrating_groups, members
from sidestep.models.reliability.intervals import (
    FEWEST_LINES,
    NO_MEMBERS,
    HeldOutErrors,
    Interval,
    KnownMembers,
    cv_plus,
    own_error,
)


def predictive_responses(
    errors: np.ndarray, folds: np.ndarray, predicted: np.ndarray, difficulties: np.ndarray
) -> np.ndarray:
    r"""Responses that new samples may have, one a training line, (n_samples, n_lines).

    :math:`\hat y_{-k(i)}(x) + e_i \, d_{-k(i)}(x)`, with :math:`e_i` the signed error of training
    line :math:`i` over its difficulty and :math:`k(i)` the fold that held it out: the values whose
    order statistics are the ends of a jackknife+ interval, here with their signs.

    Parameters
    ----------
    errors : ndarray of shape (n_lines,)
        Observed less predicted, over difficulty.
    folds : ndarray of int, shape (n_lines,)
        Row of `predicted` of the fold model that had not seen the line.
    predicted, difficulties : ndarray of shape (n_folds, n_samples)
        Of every fold model for the new samples.
    """
    # A sample's values side by side in memory, as in `cv_plus`.
    return np.asarray(predicted.T[:, folds] + errors * difficulties.T[:, folds])


def p_beyond(
    responses: np.ndarray, threshold: float | np.ndarray, *, higher_is_resistant: bool
) -> np.ndarray:
    r"""Probability that each sample's response lies on the resistant side, 0 to 1, (n_samples,).

    .. math:: \frac{\#\{i : r_i > t\} + \#\{i : r_i = t\} / 2 + 1/2}{n + 1}

    for `higher_is_resistant`, with :math:`r_i` the responses that the sample may have. It is the
    middle of the conformal predictive distribution [1]_ [2]_, whose step at each response is
    :math:`1 / (n + 1)`; of :math:`n` lines none can make a sample certain.

    Parameters
    ----------
    responses : ndarray of shape (n_samples, n_lines)
        As `predictive_responses` returns; a row that is NaN gives NaN.
    threshold : float, or ndarray of shape (n_samples,)
        Response units; NaN gives NaN.
    higher_is_resistant : bool

    Returns
    -------
    ndarray of shape (n_samples,)
        NaN where there are fewer than ten lines.

    References
    ----------
    .. [1] Vovk, Shen, Manokhin and Xie, Nonparametric predictive distributions based on conformal
       prediction, Mach Learn 108:445-474 (2019), doi 10.1007/s10994-018-5755-8.
    .. [2] Barber, Candès, Ramdas and Tibshirani, Predictive inference with the jackknife+, Ann Stat
       49:486-507 (2021), doi 10.1214/20-AOS1965.
    """
    n_samples, n_lines = responses.shape
    if n_lines < FEWEST_LINES:
        return np.full(n_samples, np.nan)
    sign = 1.0 if higher_is_resistant else -1.0
    beyond = sign * (responses - np.reshape(threshold, (-1, 1)))
    count = np.count_nonzero(beyond > 0, axis=1) + 0.5 * np.count_nonzero(beyond == 0, axis=1)
    return np.where(np.isnan(beyond).any(axis=1), np.nan, (count + 0.5) / (n_lines + 1))


def matched_threshold(
    predictions: np.ndarray,
    errors: np.ndarray,
    difficulties: np.ndarray,
    threshold: float,
    *,
    higher_is_resistant: bool,
) -> float:
    r"""Where predictive responses count as beyond `threshold`, as the held-out lines tell.

    The value that as large a share of the lines' own predictive responses lies beyond as the share
    of the lines that were observed beyond `threshold`: each line's prediction, with the errors of
    all others put on it. So the probabilities of the held-out lines are right on average, whatever
    the shape of the errors. Where many responses were cut off at the end of the tested range, the
    errors of the lines that reached it are too small, and `threshold` itself, as the responses'
    distribution has it, would tell of too few.

    Parameters
    ----------
    predictions : ndarray of shape (n_lines,)
        Out of fold, in response units.
    errors : ndarray of shape (n_lines,)
        Observed less predicted, over difficulty.
    difficulties : ndarray of shape (n_lines,)
    threshold : float
        Response units.
    higher_is_resistant : bool

    Returns
    -------
    float
        `threshold` itself where all lines, or none, lie beyond, or there are fewer than ten.
    """
    n_lines = len(predictions)
    sign = 1.0 if higher_is_resistant else -1.0
    beyond = np.sign(sign * (predictions + errors * difficulties - threshold))
    share = float(np.mean((beyond + 1) / 2)) if n_lines else 0.0
    if n_lines < FEWEST_LINES or not 0.0 < share < 1.0 or math.isnan(threshold):
        return threshold
    responses = predictions[:, None] + errors * difficulties[:, None]
    others = responses[~np.eye(n_lines, dtype=bool)]
    return float(np.quantile(others, 1.0 - share if higher_is_resistant else share))


def _matched(
    known: HeldOutErrors, threshold: float, higher_is_resistant: bool
) -> tuple[float, float]:
    """`matched_threshold` by a sub-model's errors, and by those of its marker alone.

    No new sample changes them, so that they are worked out once for all.
    """
    asked = threshold, higher_is_resistant
    if asked not in known.matched:
        has = np.isfinite(known.marker_errors)
        of_marker = known.marker_errors[has]
        known.matched[asked] = (
            matched_threshold(
                known.predictions,
                known.errors,
                known.difficulty,
                threshold,
                higher_is_resistant=higher_is_resistant,
            ),
            matched_threshold(
                known.observed[has] - of_marker,
                of_marker,
                np.ones(len(of_marker)),
                threshold,
                higher_is_resistant=higher_is_resistant,
            ),
        )
    return known.matched[asked]


@dataclass(frozen=True)
class FoldAnswers:
    """What the folds' models of one sub-model say of some samples, and how they erred before.

    Attributes
    ----------
    errors : HeldOutErrors
        Of that sub-model.
    folds : ndarray of int, shape (n_lines,)
        Row of the other arrays that is of the model which had not seen the line.
    predicted, difficulties : ndarray of shape (n_folds, n_samples)
        In response units.
    marker : ndarray of shape (n_folds, n_samples)
        What each fold's marker alone predicts; NaN for a sample without it.
    groups : tuple of (ndarray, ndarray), optional
        Groups of the held-out lines and of the samples, as `reliability.groups` takes them; by
        default all lines calibrate every interval.
    """

    errors: HeldOutErrors
    folds: np.ndarray
    predicted: np.ndarray
    difficulties: np.ndarray
    marker: np.ndarray
    groups: tuple[np.ndarray, np.ndarray] | None = None

    @classmethod
    def of(
        cls,
        errors: HeldOutErrors,
        pattern: Pattern,
        folds: Mapping[int, PatternBlend],
        features: Mapping[int, pd.DataFrame | FeatureRows],
        some: np.ndarray | None = None,
        groups: tuple[np.ndarray, np.ndarray] | None = None,
        known: KnownMembers = NO_MEMBERS,
    ) -> Self:
        """Ask the folds' models.

        Parameters
        ----------
        errors : HeldOutErrors
            Of that sub-model.
        pattern : Pattern
        folds : mapping of int to PatternBlend
            Each fold's model.
        features : mapping of int to (DataFrame or FeatureRows)
            The new samples' features as each fold builds them; of folds whose members are `known`
            they are not looked at.
        some : ndarray of int, optional
            Rows of the samples that are wanted; all by default.
        groups : tuple of (ndarray, ndarray), optional
            Groups of the lines of `errors`, and of the samples that are wanted.
        known : mapping of (int, Pattern) to Members, optional
            What the members of some folds' sub-models predict of these samples.
        """
        used = np.unique(errors.folds)
        answers = []
        for fold in used:
            model = folds[int(fold)]
            blend = model.blends_[pattern]
            members = known.get((int(fold), pattern))
            if members is None:
                rows = FeatureRows.of(features[int(fold)])
                rows.require(model.feature_names_in_)
                wanted = np.arange(len(rows)) if some is None else some
                members = Members.of(blend, rows.part(pattern, wanted))
            predictions = members.predictions
            answers.append(
                [blend.blend(predictions), own_error(blend, predictions), members.marker_alone]
            )
        predicted, difficulties, marker = np.swapaxes(np.array(answers), 0, 1)
        own = np.searchsorted(used, errors.folds)
        return cls(errors, own, predicted, difficulties, marker, groups)

    @property
    def responses(self) -> np.ndarray:
        """Responses that each sample may have (`predictive_responses`), (n_samples, n_lines)."""
        return predictive_responses(
            self.errors.errors, self.folds, self.predicted, self.difficulties
        )

    @property
    def marker_responses(self) -> np.ndarray:
        """The same by the marker alone, (n_samples, n_lines_with_it)."""
        has = np.isfinite(self.errors.marker_errors)
        errors = self.errors.marker_errors[has]
        return predictive_responses(errors, self.folds[has], self.marker, np.ones_like(self.marker))

    def interval(self, level: float) -> Interval:
        """CV+ interval of each sample (`cv_plus`), by the lines of its `interval_groups`.

        Within a group samples and held-out lines know no order, as they do not among all lines, so
        that intervals hold their share of each group, and not only of all samples [1]_.

        References
        ----------
        .. [1] Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, Springer (2005),
           doi 10.1007/b106715.
        """
        lower, upper = np.full((2, self.predicted.shape[1]), np.nan)
        calibrated_by = self.interval_groups(level)
        for group in dict.fromkeys(calibrated_by.tolist()):
            rows = np.flatnonzero(calibrated_by == group)
            lines = self._lines_of(group)
            lower[rows], upper[rows] = cv_plus(
                self.errors.scores[lines],
                self.folds[lines],
                self.predicted[:, rows],
                self.difficulties[:, rows],
                level,
            )
        return lower, upper

    def interval_groups(self, level: float) -> np.ndarray:
        """Group whose lines calibrate each sample's interval (`calibrating_groups`)."""
        if self.groups is None:
            return np.full(self.predicted.shape[1], NO_GROUP, dtype=object)
        return calibrating_groups(*self.groups, level)

    def _lines_of(self, group: str) -> np.ndarray:
        if self.groups is None:
            return np.full(len(self.errors.lines), True)
        return members(self.groups[0], group)

    def p_resistant(self, threshold: float, *, higher_is_resistant: bool) -> np.ndarray:
        """Probability that each sample is resistant (`p_beyond`), (n_samples,).

        `threshold` is one of observed responses; it is matched to predictive ones
        (`matched_threshold`).
        """
        matched = _matched(self.errors, threshold, higher_is_resistant)[0]
        return p_beyond(self.responses, matched, higher_is_resistant=higher_is_resistant)

    def marker_p_resistant(self, threshold: float, *, higher_is_resistant: bool) -> np.ndarray:
        """The same by the marker alone, whose errors are taken to be as large everywhere.

        NaN for a sample without the marker.
        """
        matched = _matched(self.errors, threshold, higher_is_resistant)[1]
        return p_beyond(self.marker_responses, matched, higher_is_resistant=higher_is_resistant)


@dataclass(frozen=True)
class Predictive:
    """What held-out errors say of some samples, each by the sub-model that predicts it.

    Attributes
    ----------
    n_samples : int
    parts : sequence of (ndarray of int, FoldAnswers)
        Samples of a sub-model, and what its folds say of them. A sample of no part has no usable
        modality, or a sub-model whose errors are not known: of it everything is NaN.
    higher_is_resistant : bool
    """

    n_samples: int
    parts: Sequence[tuple[np.ndarray, FoldAnswers]]
    higher_is_resistant: bool

    def interval(self, level: float) -> Interval:
        """Lower and upper end of each sample's interval, response units, (n_samples,) each."""
        lower, upper = np.full((2, self.n_samples), np.nan)
        for rows, answers in self.parts:
            lower[rows], upper[rows] = answers.interval(level)
        return lower, upper

    def interval_groups(self, level: float) -> np.ndarray:
        """Group whose lines alone calibrate each interval, str, (n_samples,); empty for all."""
        found = np.full(self.n_samples, NO_GROUP, dtype=object)
        for rows, answers in self.parts:
            found[rows] = answers.interval_groups(level)
        return found

    def probability(self, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """NaN: a continuous response is no event."""
        nothing = np.full(self.n_samples, np.nan)
        return nothing, nothing, nothing

    def p_resistant(self, threshold: float) -> np.ndarray:
        """Probability that each response lies on the resistant side of a threshold, 0 to 1."""
        p = np.full(self.n_samples, np.nan)
        for rows, answers in self.parts:
            p[rows] = answers.p_resistant(threshold, higher_is_resistant=self.higher_is_resistant)
        return p

    def marker_p_resistant(self, threshold: float) -> np.ndarray:
        """The same by the drug's marker alone; NaN for a sample without it."""
        p = np.full(self.n_samples, np.nan)
        for rows, answers in self.parts:
            p[rows] = answers.marker_p_resistant(
                threshold, higher_is_resistant=self.higher_is_resistant
            )
        return p

    def beyond(self, thresholds: np.ndarray) -> np.ndarray:
        """Probability that each response lies on the resistant side of the sample's threshold.

        The thresholds, (n_samples,), are of responses that samples may have, as those of
        `FoldAnswers.responses`, and not of observed ones.
        """
        p = np.full(self.n_samples, np.nan)
        for rows, answers in self.parts:
            p[rows] = p_beyond(
                answers.responses, thresholds[rows], higher_is_resistant=self.higher_is_resistant
            )
        return p

    def marker_beyond(self, thresholds: np.ndarray) -> np.ndarray:
        """The same by the drug's marker alone; NaN for a sample without it."""
        p = np.full(self.n_samples, np.nan)
        for rows, answers in self.parts:
            p[rows] = p_beyond(
                answers.marker_responses,
                thresholds[rows],
                higher_is_resistant=self.higher_is_resistant,
            )
        return p
