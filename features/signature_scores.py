"""How strongly does a sample's RNA show a signature, judged by the sample alone?

Only the order of genes within the sample counts, so that no other sample and no scale matters.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata


def ranks_within(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rank of each gene within its sample, among the genes that the sample has.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_genes)
        NaN where not measured.

    Returns
    -------
    ranks : ndarray of shape (n_samples, n_genes)
        1 for the lowest; genes with equal values share their mean rank; NaN where not measured.
    counts : ndarray of int, shape (n_samples,)
        Genes that each sample has.
    """
    measured = np.isfinite(values)
    ranks = np.full(values.shape, np.nan)
    patterns, which = np.unique(measured, axis=0, return_inverse=True)
    for number, has in enumerate(patterns):
        cells = np.ix_(np.flatnonzero(which.ravel() == number), has)
        ranks[cells] = rankdata(values[cells], axis=1)
    return ranks, measured.sum(axis=1)


def singscore(
    ranks: np.ndarray, counts: np.ndarray, up: np.ndarray, down: np.ndarray
) -> np.ndarray:
    r"""Score of a signature with genes that are high and genes that are low in its state.

    .. math:: s = c(U) - c(D), \qquad
        c(G) = \frac{\bar r_G - \frac{n + 1}{2}}{N - n} - \frac{1}{2}

    with :math:`\bar r_G` the mean rank of the :math:`n` genes of a set among the :math:`N` genes
    of the sample: each set gives -1/2 if it takes the lowest ranks there are and 1/2 if it takes
    the highest (Foroutan et al., BMC Bioinformatics 2018, DOI 10.1186/s12859-018-2435-4).

    Parameters
    ----------
    ranks, counts
        As `ranks_within` returns.
    up, down : ndarray of int
        Columns of the genes; a set may be empty.

    Returns
    -------
    ndarray of shape (n_samples,)
        NaN where a sample has none of the genes of a set that is not empty.
    """
    score = np.zeros(len(ranks))
    for columns, sign in ((up, 1.0), (down, -1.0)):
        if len(columns):
            score += sign * _centred(ranks[:, columns], counts)
    return score


def _centred(ranks: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean rank of a set, -1/2 ... 1/2."""
    measured = np.isfinite(ranks)
    n = measured.sum(axis=1)
    total = np.where(measured, ranks, 0.0).sum(axis=1)  # ranks are halves: the sum is exact
    with np.errstate(divide="ignore", invalid="ignore"):
        centred = (total / n - (n + 1) / 2) / (counts - n) - 0.5
    return np.where((n > 0) & (counts > n), centred, np.nan)


def rank_levels(ranks: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Ranks on the scale of a normal distribution: quantile ``(rank - 1/2) / count``.

    A gene at the median of its sample is at 0. Unlike the rank itself, the level of the highest
    genes is not pressed together.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(ndtri((ranks - 0.5) / counts[:, None]))
