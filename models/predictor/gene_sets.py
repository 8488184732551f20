"""Scores of gene sets, and where a sample stands in them among the training lines."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from sidestep.features.knowledge.gene_sets import GeneSet
from sidestep.features.knowledge.symbols import current_symbol
from sidestep.models.predictor.references import LEAST_LINES, TOP_DECILE
from sidestep.models.reliability.applicability import NearestLines

#: Genes of a set that a sample and the model must share, and the share of the set's genes.
LEAST_GENES, LEAST_SHARE = 10, 0.5
_EXPRESSION = "expression:"
# On these grids the sums below are exact, so that they depend on no order and no other sample.
_LEVEL_GRID, _WEIGHT_GRID = 2.0**-16, 2.0**-12


@dataclass(frozen=True)
class GeneSetStanding:
    """Where some samples lie among the training lines, by gene set.

    Attributes
    ----------
    sets : tuple of GeneSet
    genes : ndarray of int, shape (n_samples, n_sets)
        Genes of each set that a sample and the model share.
    below, above : ndarray of shape (n_samples, n_sets)
        Share of the training lines with a lower, and with a higher, score, 0 ... 1; NaN where
        the sample has no score.
    """

    sets: tuple[GeneSet, ...]
    genes: np.ndarray
    below: np.ndarray
    above: np.ndarray

    @property
    def top(self) -> np.ndarray:
        """Whether each score is in the top decile of the lines, bool, (n_samples, n_sets)."""
        return np.asarray(self.below >= TOP_DECILE)

    @property
    def bottom(self) -> np.ndarray:
        """Whether each score is in the bottom decile, bool, (n_samples, n_sets)."""
        return np.asarray(self.above >= TOP_DECILE)


class GeneSetReference:
    r"""Scores of gene sets, and those of the training lines to judge them by.

    The score of a sample is the weighted mean of its standardised expression,

    .. math:: s = \frac{\sum_g w_g z_g}{\sum_g |w_g|},

    over the genes :math:`g` of the set that the sample and the model share, with :math:`z` in
    training standard deviations: the combined z-score of a plain set (Lee et al., PLoS Comput Biol
    2008, PMID 18989396) and, up to scale, PROGENy's weighted sum (Schubert et al., Nat Commun 2018,
    PMID 29295995). A sample that lacks genes is compared with the lines' scores over the genes
    that it has. There is no score with fewer than ten genes, or less than half of the set.

    Parameters
    ----------
    sets : sequence of GeneSet
    nearest : NearestLines
        The model's training lines.
    """

    def __init__(self, sets: Sequence[GeneSet], nearest: NearestLines) -> None:
        self.sets = tuple(sets)
        own = {
            name.removeprefix(_EXPRESSION): place
            for place, name in enumerate(nearest.features_)
            if name.startswith(_EXPRESSION)
        }
        # A gene's own row goes before another one under a symbol that it had.
        column = {current_symbol(gene): place for gene, place in own.items()} | own
        genes = (current_symbol(gene) for one in self.sets for gene in one.weights)
        wanted = dict.fromkeys(gene for gene in genes if gene in column)
        self._columns = np.array([column[gene] for gene in wanted], dtype=int)
        self._sd = nearest.sd_[self._columns]
        place = {gene: number for number, gene in enumerate(wanted)}
        self._weights = _matrix([_known(one.weights, place) for one in self.sets], len(place))
        self._sizes = np.array([len(one.weights) for one in self.sets])
        self._lines = _on_grid(nearest.lines_[:, self._columns].astype(float))

    @property
    def scorable(self) -> np.ndarray:
        """Whether the model has enough genes of each set, bool, (n_sets,)."""
        return self._enough(self._members(np.ones(len(self._columns))))

    def stand(self, features: pd.DataFrame, among: np.ndarray | None = None) -> GeneSetStanding:
        """Where samples stand among the training lines.

        Parameters
        ----------
        features : DataFrame of shape (n_samples, n_features)
            Those of the model.
        among : ndarray of int, optional
            Rows of the lines to compare with; all by default.
        """
        compared = self._lines if among is None else self._lines[among]
        # Rounded as the lines are, so that a sample like a line is not above it.
        values = features.to_numpy(float)[:, self._columns] / self._sd
        levels = _on_grid(values.astype(np.float32).astype(float))
        shape = (len(features), len(self.sets))
        genes, below, above = np.zeros(shape, int), np.full(shape, np.nan), np.full(shape, np.nan)
        patterns, which = np.unique(np.isfinite(levels), axis=0, return_inverse=True)
        for number, has in enumerate(patterns):
            rows = np.flatnonzero(which.ravel() == number)
            members = self._members(has.astype(float))
            genes[rows] = members
            scores, lines = self._scores(levels[rows], has), self._scores(compared, has)
            for place in np.flatnonzero(self._enough(members)):
                known = np.sort(lines[np.isfinite(lines[:, place]), place])
                if len(known) >= LEAST_LINES:
                    lower = np.searchsorted(known, scores[:, place], side="left")
                    upper = np.searchsorted(known, scores[:, place], side="right")
                    below[rows, place] = lower / len(known)
                    above[rows, place] = (len(known) - upper) / len(known)
        return GeneSetStanding(self.sets, genes, below, above)

    def _members(self, has: np.ndarray) -> np.ndarray:
        """Genes of each set among those that `has` marks with one, (n_sets,)."""
        return np.asarray((self._weights != 0).astype(float) @ has).astype(int)

    def _enough(self, members: np.ndarray) -> np.ndarray:
        return np.asarray((members >= LEAST_GENES) & (members >= LEAST_SHARE * self._sizes))

    def _scores(self, levels: np.ndarray, has: np.ndarray) -> np.ndarray:
        """Scores over the genes that `has` marks, (n_samples, n_sets); NaN without any."""
        measured = np.isfinite(levels) & has
        total = self._weights @ np.where(measured, levels, 0.0).T
        weight = abs(self._weights) @ measured.astype(float).T
        with np.errstate(invalid="ignore"):
            return np.asarray(total / weight).T


@functools.lru_cache(maxsize=1)
def gene_set_reference(sets: tuple[GeneSet, ...], nearest: NearestLines) -> GeneSetReference:
    """`GeneSetReference`, made once for the chunks of a job."""
    return GeneSetReference(sets, nearest)


def _known(weights: Mapping[str, float], place: Mapping[str, int]) -> dict[int, float]:
    """Place of a gene -> its weight, of the genes that the model has, whatever it calls them."""
    current = {current_symbol(gene): weight for gene, weight in weights.items()}
    return {place[gene]: weight for gene, weight in current.items() if gene in place}


def _matrix(rows: Sequence[dict[int, float]], n_genes: int) -> scipy.sparse.csr_array:
    """Weights, on their grid, (n_sets, n_genes)."""
    cells = [(number, gene, w) for number, row in enumerate(rows) for gene, w in row.items()]
    at, genes, weights = (np.array(part) for part in zip(*cells, strict=True)) if cells else (
        np.zeros(0, int), np.zeros(0, int), np.zeros(0)
    )  # fmt: skip
    return scipy.sparse.csr_array(
        (np.rint(weights / _WEIGHT_GRID), (at, genes)), shape=(len(rows), n_genes)
    )


def _on_grid(levels: np.ndarray) -> np.ndarray:
    """Whole numbers of steps; NaN stays."""
    return np.asarray(np.rint(levels / _LEVEL_GRID))
