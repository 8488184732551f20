"""Ranks of genes within samples, for any choice of genes from one sorting.

`scipy.stats.rankdata` gives the same ranks of one choice; to import it takes half a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from sidestep.features.builders.once import once
from sidestep.features.few_rows import few_rows


@dataclass(frozen=True)
class GeneOrder:
    """Genes of each sample in the order of their levels.

    Places are kept in as few bytes as they need: a cohort's are held for as long as it is scored.

    Attributes
    ----------
    measured : ndarray of bool, shape (n_samples, n_genes)
        Where levels are finite.
    order : ndarray of int, shape (n_samples, n_genes)
        Genes from the lowest to the highest level, then those not measured.
    first, last : ndarray of int, shape (n_samples, n_genes)
        Places in that order of the first and the last of the genes that have a gene's level, its
        own included; the same array where no level is that of two genes.
    """

    measured: np.ndarray
    order: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        """Order of samples x genes; what is not finite is not measured."""
        measured = np.isfinite(values)
        n_genes = values.shape[1]
        order, first, last = np.empty((3, *values.shape), dtype=np.min_scalar_type(n_genes))
        places, tied = np.arange(n_genes, dtype=order.dtype), False
        for rows in few_rows(*values.shape):
            levels = np.where(measured[rows], values[rows], np.nan)
            ordered = np.argsort(levels, axis=1)
            order[rows] = ordered
            cells = (ordered + n_genes * np.arange(len(levels))[:, None]).ravel()
            levels = levels.ravel().take(cells).reshape(levels.shape)
            another = levels[:, 1:] != levels[:, :-1]
            begins = ends = np.broadcast_to(places, levels.shape)
            if not another.all():
                tied, edge = True, np.ones((len(levels), 1), dtype=bool)
                begins = np.where(np.hstack([edge, another]), places, places[0])
                ends = np.where(np.hstack([another, edge]), places, places[-1])
                begins = np.maximum.accumulate(begins, axis=1)
                ends = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
            for found, at in ((first, begins), (last, ends)):
                found[rows].reshape(-1)[cells] = at.ravel()
        return cls(measured, order, first, last if tied else first)

    def halves(self, genes: np.ndarray) -> np.ndarray:
        """Twice the rank of each of some genes within its sample, among those of them measured.

        Genes with equal levels share their mean rank, which is a multiple of one half.

        Parameters
        ----------
        genes : ndarray of int, shape (n_chosen,)
            Columns, each once; -1 for a gene that is not there.

        Returns
        -------
        ndarray of int, shape (n_samples, n_chosen)
            2 for the lowest of a sample; 0 where not measured.
        """
        there = genes >= 0
        found = np.zeros((len(self.order), len(genes)), dtype=np.int32)
        if not there.all():
            found[:, there] = self.halves(genes[there])
            return found
        n_genes = self.order.shape[1]
        chosen = np.zeros(n_genes, dtype=bool)
        chosen[genes] = True
        for rows in few_rows(*self.order.shape):
            counted, measured = chosen.take(self.order[rows]), self.measured[rows]
            whole = measured.all()
            if not whole:
                counted &= np.arange(n_genes) < measured.sum(axis=1)[:, None]
            # How many of the genes stand before each place of a sample's order; the samples' are
            # laid one behind the other.
            before = np.zeros((len(counted), n_genes + 1), dtype=np.int32)
            np.cumsum(counted, axis=1, out=before[:, 1:])
            before, begins = before.ravel(), (n_genes + 1) * np.arange(len(counted))[:, None]
            first = last = self.first[rows].take(genes, axis=1) + begins
            if self.last is not self.first:
                last = self.last[rows].take(genes, axis=1) + begins
            halves = before.take(first)
            halves += before[1:].take(last)
            halves += 1
            if not whole:
                halves[~measured.take(genes, axis=1)] = 0
            found[rows] = halves
        return found


@once
def gene_order(table: pd.DataFrame) -> GeneOrder:
    """Order of the genes of samples x genes."""
    return GeneOrder.of(table.to_numpy(float))
