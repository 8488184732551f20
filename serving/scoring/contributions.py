"""Contributions to each prediction: their sums by modality and mechanism, and the largest."""

from __future__ import annotations

import numpy as np

from sidestep.features.builders.names import MODALITIES, REGIMEN
from sidestep.features.mechanisms.of_features import MECHANISMS

# The compiled loops are imported inside the functions, because they import numba.


def modality_sums(modalities: np.ndarray, values: np.ndarray) -> dict[str, np.ndarray]:
    """Sum of the contributions of each modality's features.

    Parameters
    ----------
    modalities : ndarray of str, shape (n_features,)
        Of the features.
    values : ndarray of shape (n_samples, n_features)
        Shapley values.

    Returns
    -------
    dict of str to ndarray of shape (n_samples,)
        Modality -> sum in response units. It is NaN (null in the file) where the model has no
        feature of the modality at all; where the model has some and the sample lacks them it is
        zero, since the sub-model that predicts it has none. Regimens are no modality.
    """
    measured = modalities != REGIMEN
    if not measured.all():
        modalities, values = modalities[measured], np.ascontiguousarray(values[:, measured])
    sums = _sums_by(modalities, MODALITIES, values)
    absent = ~np.isin(np.array(MODALITIES, dtype=object), modalities)
    sums[:, absent] = np.nan
    return dict(zip(MODALITIES, sums.T, strict=True))


def mechanism_sums(mechanisms: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sum of the contributions of each mechanism's features.

    Parameters
    ----------
    mechanisms : ndarray of str, shape (n_features,)
        Of the features.
    values : ndarray of shape (n_samples, n_features)
        Shapley values.

    Returns
    -------
    ndarray of shape (n_samples, n_mechanisms)
        In the order of `features.mechanisms.of_features.MECHANISMS`, in response units; zero for
        a mechanism that no feature stands for.
    """
    return _sums_by(mechanisms, MECHANISMS, values)


def largest(values: np.ndarray, order: np.ndarray, top_k: int) -> np.ndarray:
    """Columns of the largest magnitudes of each row, largest first.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features)
    order : ndarray of shape (n_features,)
        Of equal magnitudes the one of the lower number comes first.
    top_k : int

    Returns
    -------
    ndarray of int, shape (n_samples, min(top_k, n_features))
    """
    from sidestep.serving.scoring.contribution_loops import largest_rows

    columns = np.empty((len(values), min(top_k, values.shape[1])), dtype=np.int64)
    largest_rows(np.ascontiguousarray(values, dtype=float), order, columns)
    return columns


def largest_measured(
    values: np.ndarray, measured: np.ndarray, order: np.ndarray, top_k: int
) -> np.ndarray:
    """Columns of the largest magnitudes of each row as `largest`, those that were measured first.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features)
    measured : ndarray of bool, shape (n_samples, n_features)
        What was not stands behind all that was, and is named by no explanation.
    order, top_k
        As for `largest`.
    """
    return largest(np.where(measured, values, np.nan), order, top_k)


def sum_of_others(values: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Sum of each row's values but for some columns of its own.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features)
    columns : ndarray of int, shape (n_samples, n_left_out)

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    from sidestep.serving.scoring.contribution_loops import sum_others

    sums = np.empty(len(values))
    sum_others(values, columns, sums)
    return sums


def _sums_by(labels: np.ndarray, groups: tuple[str, ...], values: np.ndarray) -> np.ndarray:
    """Sum of each row's values by the label of their column, (n_rows, n_groups)."""
    from sidestep.serving.scoring.contribution_loops import sum_groups

    places = {name: place for place, name in enumerate(groups)}
    group = np.array([places[label] for label in labels], dtype=np.int64)
    sums = np.zeros((len(values), len(groups)))
    sum_groups(values, group, sums)
    return sums + 0.0  # no negative zeros
