"""Prediction intervals from out-of-fold errors: CV+, scaled by local difficulty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.pattern_blend import PatternBlend
from models.patterns import Pattern

_FEWEST_LINES = 10


@dataclass(frozen=True)
class HeldOutErrors:
    """Errors of one drug's sub-model on the training lines, each held out of its fold.

    Attributes
    ----------
    folds : ndarray of shape (n_lines,)
        Number of the fold model that had not seen the line.
    scores : ndarray of shape (n_lines,)
        Absolute error over difficulty.
    predictions : ndarray of shape (n_lines,)
        Out-of-fold predictions, in response units.
    """

    folds: np.ndarray
    scores: np.ndarray
    predictions: np.ndarray


def difficulty(blend: PatternBlend, pattern: Pattern, X: pd.DataFrame) -> np.ndarray:
    r"""How large an error a sub-model expects of itself, (n_samples,), in response units.

    .. math:: d(x) = \sqrt{e^2 + (\hat y_{ridge}(x) - \hat y_{trees}(x))^2}

    with :math:`e` the ridge's leave-one-donor-out error on its training lines: a sample on
    which the two members disagree is a difficult one. It is a function of the fitted model
    alone, so that intervals scaled by it keep their coverage.
    """
    member = blend.blends_[pattern]
    ridge, trees = blend.members_as(pattern, X).T
    return np.sqrt(member.ridge_.loo_error_**2 + (ridge - trees) ** 2)


def held_out_errors(
    blend: PatternBlend, fold: int, X: pd.DataFrame, y: np.ndarray, has: Sequence[Pattern]
) -> dict[Pattern, HeldOutErrors]:
    """Errors of every sub-model of a fold on the held-out lines that have its modalities.

    A line that has more modalities counts too, as if it had only those of the sub-model.
    """
    errors = {}
    for pattern in blend.patterns:
        rows = np.flatnonzero([set(pattern) <= set(row) for row in has])
        held_out = X.iloc[rows]
        predicted = blend.predict_as(pattern, held_out)
        scores = np.abs(y[rows] - predicted) / difficulty(blend, pattern, held_out)
        errors[pattern] = HeldOutErrors(np.full(len(rows), fold), scores, predicted)
    return errors


def join_errors(
    parts: Sequence[Mapping[Pattern, HeldOutErrors]],
) -> dict[Pattern, HeldOutErrors]:
    """Errors of all folds; a sub-model that only some folds could fit has those lines' errors."""
    joined: dict[Pattern, HeldOutErrors] = {}
    for pattern in dict.fromkeys(pattern for part in parts for pattern in part):
        found = [part[pattern] for part in parts if pattern in part]
        joined[pattern] = HeldOutErrors(
            np.concatenate([errors.folds for errors in found]),
            np.concatenate([errors.scores for errors in found]),
            np.concatenate([errors.predictions for errors in found]),
        )
    return joined


def cv_plus(
    errors: HeldOutErrors, predicted: np.ndarray, difficulties: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    r"""CV+ prediction interval (Barber, Candes, Ramdas and Tibshirani, Ann Stat 2021).

    With :math:`s_i` the score of training line :math:`i` and :math:`k(i)` the fold that held it
    out, the interval's ends are the order statistics of
    :math:`\hat y_{-k(i)}(x) \pm s_i \, d_{-k(i)}(x)` at the corrected level
    :math:`\lceil (1 - \alpha) (n + 1) \rceil`. Whatever the distribution, coverage is at least
    :math:`1 - 2 \alpha` up to a term that falls with the number of lines a fold; in practice it
    is close to :math:`1 - \alpha`.

    Parameters
    ----------
    errors : HeldOutErrors
        Of n lines.
    predicted, difficulties : ndarray of shape (n_folds, n_samples)
        Of every fold model for the new samples.
    level : float
        1 - alpha, such as 0.9.

    Returns
    -------
    lower, upper : ndarray of shape (n_samples,)
        NaN where there are too few lines for the level.
    """
    n = len(errors.scores)
    rank = int(np.ceil(level * (n + 1)))
    if n < _FEWEST_LINES or rank > n:
        nothing = np.full(predicted.shape[1], np.nan)
        return nothing, nothing
    centre = predicted[errors.folds]
    reach = errors.scores[:, None] * difficulties[errors.folds]
    upper = np.partition(centre + reach, rank - 1, axis=0)[rank - 1]
    lower = -np.partition(reach - centre, rank - 1, axis=0)[rank - 1]
    return lower, upper
