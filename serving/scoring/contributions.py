"""Contributions to each prediction: their sums by modality and mechanism, and the largest."""

from __future__ import annotations

import numpy as np

from sidestep.features.builders.names import MODALITIES
from sidestep.features.few_rows import few_rows
from sidestep.features.mechanisms.of_features import MECHANISMS

# The compiled loops are imported inside the functions, because they import numba.


#: Place of a feature in a table of sums that has none for it.
_NOWHERE = -1


def places_in(groups: tuple[str, ...], labels: np.ndarray) -> np.ndarray:
    """Place of each feature's label among `groups`, int, (n_features,); -1 where it has none."""
    places = {name: place for place, name in enumerate(groups)}
    return np.array([places.get(label, _NOWHERE) for label in labels], dtype=np.int64)


def grouped_sums(
    modalities: np.ndarray, mechanisms: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sums of the contributions of each modality's, and of each mechanism's, features.

    Parameters
    ----------
    modalities : ndarray of int, shape (n_features,)
        Places of the features in `MODALITIES` (`places_in`); a regimen has none.
    mechanisms : ndarray of int, shape (n_features,)
        Places of the features in `MECHANISMS`.
    values : ndarray of shape (n_samples, n_features)
        Shapley values.

    Returns
    -------
    by_modality : ndarray of shape (n_samples, n_modalities)
        In the order of `features.builders.names.MODALITIES`, in response units. It is NaN (null in
        the file) where the model has no feature of the modality at all; where the model has some
        and the sample lacks them it is zero, since the sub-model that predicts it has none.
        Regimens are no modality.
    by_mechanism : ndarray of shape (n_samples, n_mechanisms)
        In the order of `features.mechanisms.of_features.MECHANISMS`, in response units; zero for
        a mechanism that no feature stands for.
    """
    from sidestep.serving.scoring.contribution_loops import sum_groups

    # Modalities, mechanisms, and last what is of no modality.
    n = len(MODALITIES)
    nowhere = n + len(MECHANISMS)
    groups = np.vstack([np.where(modalities == _NOWHERE, nowhere, modalities), n + mechanisms])
    sums = np.zeros((len(values), nowhere + 1))
    sum_groups(values, groups, sums)
    sums += 0.0  # no negative zeros
    sums[:, :n][:, np.bincount(groups[0], minlength=n)[:n] == 0] = np.nan
    return sums[:, :n], sums[:, n:nowhere]


def largest_measured(
    values: np.ndarray, measured: np.ndarray, order: np.ndarray, top_k: int
) -> np.ndarray:
    """Columns of the largest magnitudes of each row, largest first, those that were measured first.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features)
    measured : ndarray of bool, shape (n_samples, n_features)
        What was not stands behind all that was, and is named by no explanation.
    order : ndarray of shape (n_features,)
        Of equal magnitudes the one of the lower number comes first.
    top_k : int

    Returns
    -------
    ndarray of int, shape (n_samples, min(top_k, n_features))
    """
    from sidestep.models.estimators.shares import largest_rows

    columns = np.empty((len(values), min(top_k, values.shape[1])), dtype=np.int64)
    largest_rows(values, measured, order, columns)
    return columns


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
    sums = np.empty(len(values))
    for part in few_rows(*values.shape):
        others = values[part].copy()
        np.put_along_axis(others, columns[part], 0.0, axis=1)
        sums[part] = others.sum(axis=1)
    return sums
