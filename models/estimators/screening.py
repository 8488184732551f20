"""Which features are worth a look, judged on the training lines alone?"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from sidestep.models.estimators.folds import Folds
from sidestep.models.estimators.lines import FeatureRanking, TrainingLines, correlation_strengths


def screen(
    X: pd.DataFrame | TrainingLines,
    y: np.ndarray,
    n_features: int,
    always: Collection[str] = (),
) -> np.ndarray:
    """Columns most correlated with the response, and those named in `always`.

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
