"""Folds that never part the lines of one donor."""

from __future__ import annotations

import numpy as np
import scipy

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
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros((len(donors), 1)), labels, donors))


def lineage_folds(donors: np.ndarray, lineages: np.ndarray, n_folds: int, seed: int) -> Folds:
    """Split lines into folds by whole lineage: what is held out is of no lineage that was learned.

    The lineages, the largest first, go to the fold that has the fewest lines so far. Lineages that
    share a donor stay together, and a line whose lineage is not known goes with its donor alone.

    Parameters
    ----------
    donors : ndarray of shape (n_samples,)
    lineages : ndarray of shape (n_samples,)
        Empty where not known.
    n_folds : int
        Lowered to the number of lineages where there are fewer.
    seed : int
        Order of lineages of one size.

    Returns
    -------
    list of (training rows, test rows)

    Raises
    ------
    InputError
        If there are fewer than two lineages or `n_folds` is below two.
    """
    if n_folds < 2:
        raise InputError(f"{n_folds} folds cannot test anything; give at least 2")
    known = lineages != ""
    if len(np.unique(lineages[known].astype(str))) < 2:
        raise InputError(
            "the lines are not of two known lineages, so none can be held out whole; split by donor"
        )
    blocks = _together(donors.astype(str), lineages.astype(str))
    _, which, sizes = np.unique(blocks, return_inverse=True, return_counts=True)
    lowered = min(n_folds, len(sizes))
    if lowered < 2:
        raise InputError("all lineages share donors, so none can be held out whole; split by donor")
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    fold_of, filled = np.zeros(len(sizes), int), np.zeros(lowered, int)
    for block in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        fold_of[block] = int(filled.argmin())
        filled[fold_of[block]] += sizes[block]
    folds = fold_of[which]
    return [(np.flatnonzero(folds != n), np.flatnonzero(folds == n)) for n in range(lowered)]


def _together(donors: np.ndarray, lineages: np.ndarray) -> np.ndarray:
    """Number of the lines that donors and lineages link, directly or by others, (n_samples,)."""
    _, donor = np.unique(donors, return_inverse=True)
    names, lineage = np.unique(lineages, return_inverse=True)
    known = names[lineage] != ""
    size = donor.max() + 1 + len(names)
    linked = scipy.sparse.coo_array(
        (np.ones(known.sum()), (donor[known], donor.max() + 1 + lineage[known])), shape=(size, size)
    )
    _, component = scipy.sparse.csgraph.connected_components(linked, directed=False)
    return np.asarray(component[donor])


def _pooled(strata: np.ndarray, n_folds: int) -> np.ndarray:
    """Strata as numbers; those with fewer lines than folds become one."""
    _, which, counts = np.unique(strata.astype(str), return_inverse=True, return_counts=True)
    rare = counts[which] < n_folds
    labels = np.where(rare, -1, which)
    if 0 < rare.sum() < n_folds:  # still too few to spread: join the largest stratum
        labels[rare] = counts.argmax()
    return np.asarray(labels)
