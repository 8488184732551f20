"""Out-of-fold errors, and the prediction intervals made of them: CV+, scaled by difficulty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import Self

import numpy as np
import pandas as pd

from sidestep.models.estimators.blend import Blend
from sidestep.models.estimators.blend_contributions import Members
from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.estimators.patterns import Pattern, pattern_columns, row_patterns
from sidestep.models.estimators.rows import FeatureRows
from sidestep.models.reliability.applicability import ModelSpace, NearestLines, model_space

#: Held-out lines that a statement about new samples needs.
FEWEST_LINES = 10
_LEAST = np.finfo(float).eps

Interval = tuple[np.ndarray, np.ndarray]
#: What the members of a fold's sub-model predict of the samples of a pattern.
KnownMembers = Mapping[tuple[int, Pattern], Members]
NO_MEMBERS: KnownMembers = MappingProxyType({})


@dataclass(frozen=True)
class HeldOutErrors:
    """Errors of one drug's sub-model on the training lines, each held out of its fold.

    Attributes
    ----------
    lines : ndarray of shape (n_lines,)
        Row of each line among the training lines.
    folds : ndarray of shape (n_lines,)
        Number of the fold model that had not seen the line.
    errors : ndarray of shape (n_lines,)
        Observed less predicted response over difficulty.
    difficulty : ndarray of shape (n_lines,)
        Error that the fold model expected of itself, in response units.
    predictions : ndarray of shape (n_lines,)
        Out-of-fold predictions, in response units.
    marker_errors : ndarray of shape (n_lines,)
        Observed less predicted response of the fold's marker alone, in response units; NaN for a
        line without the marker.
    distances : ndarray of shape (n_lines,)
        To the fold model's own training lines (`NearestLines`); NaN where they are too few.
    """

    lines: np.ndarray
    folds: np.ndarray
    errors: np.ndarray
    difficulty: np.ndarray
    predictions: np.ndarray
    marker_errors: np.ndarray
    distances: np.ndarray

    @cached_property
    def matched(self) -> dict[tuple[float, bool], tuple[float, float]]:
        """What `models.reliability.predictive` has worked out of these errors."""
        return {}

    @property
    def scores(self) -> np.ndarray:
        """Absolute error of each line over its difficulty, (n_lines,)."""
        return np.asarray(np.abs(self.errors))

    @property
    def observed(self) -> np.ndarray:
        """Response of each line, (n_lines,)."""
        return np.asarray(self.predictions + self.errors * self.difficulty)

    def without(self, fold: int) -> Self:
        """Errors of the other folds' lines, for the interval of a line that `fold` held out.

        They count as made by the model of `fold`. That line's out-of-fold error is one of a set
        that knows no order, since every line is held out once by a model that was fitted in the
        same way; so the others' errors, of which its own and its siblings' are none, say how far
        off the model of its fold is. The other folds' models, which CV+ would ask as well, have
        learned from the line, and their predictions for it are too good.
        """
        kept = self.folds != fold
        parts = {field.name: getattr(self, field.name)[kept] for field in fields(self)}
        return replace(self, **parts | {"folds": np.full(int(kept.sum()), fold)})

    def percentile(self, predictions: np.ndarray, among: np.ndarray) -> np.ndarray:
        """Percentile of predictions among the out-of-fold ones, 0 to 100; ties count half.

        Parameters
        ----------
        predictions : ndarray of shape (n_samples,)
        among : ndarray of shape (n_training_lines,)
            Whether each training line is one to compare with. Without any the result is NaN.
        """
        ordered = np.sort(self.predictions[among[self.lines]])
        if not len(ordered):
            return np.full(len(predictions), np.nan)
        below = np.searchsorted(ordered, predictions, side="left")
        upto = np.searchsorted(ordered, predictions, side="right")
        return np.asarray(50.0 * (below + upto) / len(ordered))


def difficulty(blend: PatternBlend, pattern: Pattern, X: pd.DataFrame) -> np.ndarray:
    r"""Size of the error that a sub-model expects of itself, (n_samples,), in response units.

    .. math:: d(x) = \sqrt{e^2 + 4 \sum_m s_m (\hat y_m(x) - \sum_k s_k \hat y_k(x))^2}

    with :math:`e` the ridge's leave-one-donor-out error on its training lines and :math:`s_m` the
    members' shares of the weight: a sample on which they disagree is a difficult one. The second
    term is twice their standard deviation, squared: with halves of ridge and trees, their
    difference. A member without weight does not count. It is a function of the fitted model alone,
    so that intervals scaled by it keep their coverage [1]_.

    References
    ----------
    .. [1] Lei et al., Distribution-free predictive inference for regression, J Am Stat Assoc
       113:1094-1111 (2018), doi 10.1080/01621459.2017.1307116.
    """
    return own_error(blend.blends_[pattern], blend.members_as(pattern, X))


def own_error(blend: Blend, members: np.ndarray) -> np.ndarray:
    """The same from what the members of the sub-model predict, (n_samples, 3)."""
    shares = blend.shares_
    # Term by term, as `models.estimators.blend.blended`.
    centre = sum(share * member for share, member in zip(shares, members.T, strict=True))
    spread = sum(
        share * (member - centre) ** 2 for share, member in zip(shares, members.T, strict=True)
    )
    # A constant response leaves no error at all, and errors are divided by this.
    return blend.outcome.difficulty(blend.ridge_.loo_error_, np.asarray(spread)) + _LEAST


def distances(
    blend: PatternBlend,
    pattern: Pattern,
    nearest: NearestLines,
    X: pd.DataFrame,
    among: np.ndarray | None = None,
) -> np.ndarray:
    """Distance of samples to training lines in a sub-model's own space, (n_samples,).

    Parameters
    ----------
    blend : PatternBlend
    pattern : Pattern
    nearest : NearestLines
    X : DataFrame of shape (n_samples, n_features)
    among : ndarray of int, optional
        Rows of `nearest` to compare with; all by default.
    """
    space = model_space(sub_model_weights(blend, pattern, nearest), nearest.features_, pattern)
    return nearest.distances(X, space, pattern, among)


def sub_model_weights(blend: PatternBlend, pattern: Pattern, nearest: NearestLines) -> np.ndarray:
    """Share of a sub-model that rests on each feature that it sees (`Blend.feature_weights`).

    The features of a fold's model are known by their names among those of `nearest`; one that is
    not there counts as if it varied by one.
    """
    names = blend.feature_names_in_.tolist()
    columns = pattern_columns(names, pattern)
    if names == nearest.features_:
        sd = nearest.sd_[columns]
    else:
        sd = nearest.sd_of([names[column] for column in columns])
    return blend.blends_[pattern].feature_weights(sd)


def sub_model_space(
    blend: PatternBlend, pattern: Pattern, nearest: NearestLines, weights: np.ndarray
) -> ModelSpace:
    """Space of a sub-model among the features of the lines to compare with.

    Parameters
    ----------
    blend : PatternBlend
    pattern : Pattern
    nearest : NearestLines
    weights : ndarray of shape (n_pattern_features,)
        As `sub_model_weights` returns.
    """
    names = blend.feature_names_in_.tolist()
    if names == nearest.features_:
        return model_space(weights, nearest.features_, pattern)
    own = [names[column] for column in pattern_columns(names, pattern)]
    by_name = dict(zip(own, weights.tolist(), strict=True))
    columns = pattern_columns(nearest.features_, pattern)
    placed = np.array([by_name.get(nearest.features_[column], 0.0) for column in columns])
    return model_space(placed, nearest.features_, pattern)


def held_out_errors(
    blend: PatternBlend,
    fold: int,
    nearest: NearestLines,
    X: pd.DataFrame,
    y: np.ndarray,
    lines: np.ndarray,
) -> dict[Pattern, HeldOutErrors]:
    """Errors of every sub-model of a fold on the held-out lines that have its modalities.

    A line that has more modalities counts too, as if it had only those of the sub-model.

    Parameters
    ----------
    blend : PatternBlend
        Fitted without the lines of the fold.
    fold : int
    nearest : NearestLines
        The lines that `blend` was fitted on.
    X, y
        Features and responses of the held-out lines.
    lines : ndarray of shape (n_held_out,)
        Their rows among the training lines.
    """
    has = row_patterns(X)
    errors = {}
    for pattern in blend.patterns:
        rows = np.flatnonzero([set(pattern) <= set(row) for row in has])
        held_out = X.iloc[rows]
        fitted = blend.blends_[pattern]
        values = FeatureRows(held_out).part(pattern, np.arange(len(rows)))
        members = Members.of(fitted, values)
        predicted = fitted.blend(members.predictions)
        expected = own_error(fitted, members.predictions)
        errors[pattern] = HeldOutErrors(
            lines=lines[rows],
            folds=np.full(len(rows), fold),
            errors=(y[rows] - predicted) / expected,
            difficulty=expected,
            predictions=predicted,
            marker_errors=y[rows] - members.marker_alone,
            distances=distances(blend, pattern, nearest, held_out),
        )
    return errors


def join_errors(
    parts: Sequence[Mapping[Pattern, HeldOutErrors]],
) -> dict[Pattern, HeldOutErrors]:
    """Errors of all folds; a sub-model that only some folds could fit has those lines' errors.

    One that met no held-out line is left out: no line has all modalities that it needs.
    """
    joined: dict[Pattern, HeldOutErrors] = {}
    for pattern in dict.fromkeys(pattern for part in parts for pattern in part):
        found = [part[pattern] for part in parts if pattern in part]
        if not any(len(errors.lines) for errors in found):
            continue
        joined[pattern] = HeldOutErrors(
            *(
                np.concatenate([getattr(errors, field.name) for errors in found])
                for field in fields(HeldOutErrors)
            )
        )
    return joined


def cv_plus(
    scores: np.ndarray,
    folds: np.ndarray,
    predicted: np.ndarray,
    difficulties: np.ndarray,
    level: float,
) -> Interval:
    r"""CV+ prediction interval [1]_ of new samples.

    With :math:`s_i` the score of training line :math:`i` and :math:`k(i)` the fold that held it
    out, the interval's ends are the order statistics of
    :math:`\hat y_{-k(i)}(x) \pm s_i \, d_{-k(i)}(x)` at the corrected rank
    :math:`(1 - \alpha) (n + 1)`. Whatever the distribution, coverage is at least
    :math:`1 - 2 \alpha` up to a term that falls with the number of lines a fold; in practice it
    is close to :math:`1 - \alpha`. Between two ranks the ends are interpolated: rounded up, as in
    the paper, 28 lines would promise 80 % and hold 83.

    Parameters
    ----------
    scores : ndarray of shape (n_lines,)
        Absolute out-of-fold error of each training line over its difficulty.
    folds : ndarray of shape (n_lines,)
        Row of `predicted` of the fold model that had not seen the line.
    predicted, difficulties : ndarray of shape (n_folds, n_samples)
        Of every fold model for the new samples.
    level : float
        1 - alpha, such as 0.9.

    Returns
    -------
    lower, upper : ndarray of shape (n_samples,)
        NaN where there are too few lines for the level.

    References
    ----------
    .. [1] Barber, Candès, Ramdas and Tibshirani, Predictive inference with the jackknife+, Ann Stat
       49:486-507 (2021), doi 10.1214/20-AOS1965.
    """
    rank = corrected_rank(len(scores), level)
    if rank is None:
        nothing = np.full(predicted.shape[1], np.nan)
        return nothing, nothing
    # A sample's values side by side in memory, where they are sorted out the fastest.
    centre = predicted.T[:, folds]
    reach = scores * difficulties.T[:, folds]
    return -order_statistic(reach - centre, rank), order_statistic(centre + reach, rank)


def corrected_rank(n: int, level: float) -> float | None:
    """Rank, from 1, of the score that bounds a share `level` of new ones; None if n is too few."""
    # Rounded, so that 0.8 of 10 is no more than 8.
    rank = round(level * (n + 1), 9)
    return None if n < FEWEST_LINES or rank > n else rank


def order_statistic(values: np.ndarray, rank: float) -> np.ndarray:
    """Value of a rank, from 1, along the last axis; between two ranks interpolated."""
    below = int(rank)
    share = rank - below
    above = min(below, values.shape[-1] - 1)
    ordered = np.partition(values, [below - 1, above], axis=-1)
    return np.asarray((1 - share) * ordered[..., below - 1] + share * ordered[..., above])
