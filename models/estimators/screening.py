"""Features ranked by how strongly they go with a response, on the training lines alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from sidestep.features.builders.names import REGIMEN
from sidestep.models.estimators.folds import Folds
from sidestep.models.estimators.lines import FeatureRanking, Measured, TrainingLines

_FEATURES_AT_ONCE = 2048
# A spread this small, relative to the squares that it is what is left of, is rounding.
_ROUNDING = 1e-10
# A spread this small, relative to the largest response, is none.
_NOTHING = 1e-12


def screen(
    X: pd.DataFrame | TrainingLines,
    y: np.ndarray,
    n_features: int,
    always: Collection[str] = (),
) -> np.ndarray:
    """Columns most correlated with the response, and those named in `always`; never regimens.

    Correlation is taken over the lines that have the feature, times the square root of their
    share, so that a feature known for few lines must be that much stronger.

    Parameters
    ----------
    X : DataFrame or TrainingLines of shape (n_samples, n_features_in)
        Training lines only.
    y : ndarray of shape (n_samples,)
    n_features : int
        How many to keep by correlation.
    always : collection of str
        Features kept whatever their correlation, such as the drug-target view.

    Returns
    -------
    ndarray of int
        Column numbers, ascending.
    """
    lines = TrainingLines.of(X)
    ranking = lines.ranking or rank_features([lines], [y])[0]
    return ranking.best(n_features, lines.places(always))


def rank_features(
    lines: Sequence[TrainingLines], responses: Sequence[np.ndarray]
) -> list[FeatureRanking]:
    """Rank the features for several sets of lines of one matrix, each set by itself.

    Together they read the matrix once, which is what takes the time.

    Parameters
    ----------
    lines : sequence of TrainingLines
        Of one matrix.
    responses : sequence of ndarray of shape (n_lines,)
        Of each.
    """
    matrix = lines[0].matrix
    numbers: dict[tuple[bytes, bytes], int] = {}
    keys = [(some.rows.tobytes(), y.tobytes()) for some, y in zip(lines, responses, strict=True)]
    for key in keys:
        numbers.setdefault(key, len(numbers))
    members, centred = np.zeros((2, len(matrix.values), len(numbers)))
    for key, some, y in zip(keys, lines, responses, strict=True):
        members[some.rows, numbers[key]] = 1.0
        centred[some.rows, numbers[key]] = y - y.mean()
    strengths, varies = correlation_strengths(matrix.standard, matrix.measured, members, centred)
    varies[matrix.modalities.get(REGIMEN, np.empty(0, int))] = False
    return [
        FeatureRanking.of(
            strengths[some.column_numbers, numbers[key]], varies[some.column_numbers, numbers[key]]
        )
        for key, some in zip(keys, lines, strict=True)
    ]


def rank_folds(lines: TrainingLines, y: np.ndarray, folds: Folds) -> list[FeatureRanking]:
    """Rank the features by the training lines of each fold."""
    return rank_features(
        [lines.among(train) for train, _ in folds], [y[train] for train, _ in folds]
    )


def correlation_strengths(
    standard: np.ndarray, measured: Measured, members: np.ndarray, responses: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Absolute correlation of every feature, times the root of the share of lines that have it.

    All sums over lines are matrix products, so that the features are read once for all sets.

    Parameters
    ----------
    standard : ndarray of shape (n_lines, n_features)
        About the lines' mean, for the sake of rounding; zero where not measured.
    measured : Measured
    members : ndarray of shape (n_lines, n_sets)
        1 where a line belongs to a set, else 0.
    responses : ndarray of shape (n_lines, n_sets)
        About the mean of the set; zero outside it.

    Returns
    -------
    strengths : ndarray of shape (n_features, n_sets)
        Zero where the feature, or the response of the lines that have it, does not vary.
    varies : ndarray of bool of shape (n_features, n_sets)
        Whether the feature differs between lines of the set.
    """
    n_features, n_sets = standard.shape[1], members.shape[1]
    x, xx, xy = np.empty((3, n_features, n_sets))
    both = np.hstack([members, responses])
    for start in range(0, n_features, _FEATURES_AT_ONCE):
        block = slice(start, start + _FEATURES_AT_ONCE)
        part = standard[:, block]
        sums = part.T @ both
        x[block], xy[block] = sums[:, :n_sets], sums[:, n_sets:]
        xx[block] = (part**2).T @ members
    count, y, yy = (
        (measured.kinds.T @ values)[measured.kind] for values in (members, responses, responses**2)
    )
    count = np.maximum(count, 1.0)
    spread_x, spread_y = xx - x**2 / count, yy - y**2 / count
    varies = spread_x > _ROUNDING * xx
    spread = np.sqrt(np.maximum(spread_x * spread_y, 0.0))
    nothing = _NOTHING * np.abs(responses).max(axis=0)
    defined = varies & (spread_y > _ROUNDING * yy) & (spread > nothing)
    covariance = np.abs(xy - x * y / count)
    strengths = np.where(defined, covariance, 0.0) / np.where(defined, spread, 1.0)
    return strengths * np.sqrt(count / members.sum(axis=0)), varies
