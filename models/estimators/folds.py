"""Folds that never part the lines of one donor."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from sidestep.features.errors import InputError

Folds = list[tuple[np.ndarray, np.ndarray]]


def donor_folds(
    donors: np.ndarray, n_folds: int, seed: int, strata: np.ndarray | None = None
) -> Folds:
    """Split lines into folds by donor, each fold with its share of every stratum.

    Parameters
    ----------
    donors : ndarray of shape (n_samples,)
    n_folds : int
        Lowered to the number of donors where there are fewer.
    seed : int
    strata : ndarray of shape (n_samples,), optional
        Lineage or subtype; strata with fewer lines than folds are pooled.

    Returns
    -------
    list of (training rows, test rows)

    Raises
    ------
    InputError
        If there are fewer than two donors or `n_folds` is below two.
    """
    if n_folds < 2:
        raise InputError(f"{n_folds} folds cannot test anything; give at least 2")
    n_donors = len(np.unique(donors))
    if n_donors < 2:
        raise InputError(f"{n_donors} donor cannot be split; give lines of at least 2 donors")
    n_folds = min(n_folds, n_donors)
    labels = np.zeros(len(donors), dtype=int) if strata is None else _pooled(strata, n_folds)
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros((len(donors), 1)), labels, donors))


def _pooled(strata: np.ndarray, n_folds: int) -> np.ndarray:
    """Strata as numbers; those with fewer lines than folds become one."""
    _, which, counts = np.unique(strata.astype(str), return_inverse=True, return_counts=True)
    rare = counts[which] < n_folds
    labels = np.where(rare, -1, which)
    if 0 < rare.sum() < n_folds:  # still too few to spread: join the largest stratum
        labels[rare] = counts.argmax()
    return np.asarray(labels)
