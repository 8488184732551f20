"""Ranks of genes within samples, for any choice of genes from one sorting.

`scipy.stats.rankdata` gives the same ranks of one choice; to import it takes half a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from sidestep.features.builders.once import once


@dataclass(frozen=True)
class GeneOrder:
    """Genes of each sample in the order of their levels.

    Attributes
    ----------
    values : ndarray of shape (n_samples, n_genes)
        Levels, NaN where not measured.
    measured : ndarray of bool, shape (n_samples, n_genes)
        Where levels are finite.
    order : ndarray of int, shape (n_samples, n_genes)
        Genes from the lowest to the highest level, then those not measured.
    first, last : ndarray of int, shape (n_samples, n_genes)
        Places of the first and the last of the genes that have a gene's level, its own included:
        in the orders of all samples, each with one place more, laid one behind the other.
    """

    values: np.ndarray
    measured: np.ndarray
    order: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        """Order of samples x genes; what is not finite is not measured."""
        values = np.ascontiguousarray(values, dtype=float)
        measured = np.isfinite(values)
        levels = values if measured.all() else np.where(measured, values, np.nan)
        order = np.argsort(levels, axis=1)
        n_samples, n_genes = values.shape
        cells = (order + n_genes * np.arange(n_samples)[:, None]).ravel()
        ordered = levels.ravel().take(cells).reshape(levels.shape)
        another = ordered[:, 1:] != ordered[:, :-1]
        places = np.arange(n_genes)
        offsets = (n_genes + 1) * np.arange(n_samples)[:, None]

        def by_gene(found: np.ndarray) -> np.ndarray:
            placed = np.empty(values.size, dtype=np.intp)
            placed[cells] = (found + offsets).ravel()
            return placed.reshape(values.shape)

        if another.all():
            first = by_gene(places)
            return cls(values, measured, order, first, first)
        edge = np.ones((n_samples, 1), dtype=bool)
        begins = np.where(np.hstack([edge, another]), places, 0)
        ends = np.where(np.hstack([another, edge]), places, n_genes)
        first = by_gene(np.maximum.accumulate(begins, axis=1))
        last = by_gene(np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1])
        return cls(values, measured, order, first, last)

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
        if not there.all():
            found = np.zeros((len(self.values), len(genes)), dtype=np.int32)
            found[:, there] = self.halves(genes[there])
            return found
        n_samples, n_genes = self.values.shape
        chosen = np.zeros(n_genes, dtype=bool)
        chosen[genes] = True
        counted = chosen.take(self.order)
        whole = self.measured.all()
        if not whole:
            counted &= np.arange(n_genes) < self.measured.sum(axis=1)[:, None]
        # How many of the genes stand before each place of a sample's order.
        before = np.zeros((n_samples, n_genes + 1), dtype=np.int32)
        np.cumsum(counted, axis=1, out=before[:, 1:])
        before = before.ravel()
        first = self.first.take(genes, axis=1)
        last = first if self.last is self.first else self.last.take(genes, axis=1)
        halves = before.take(first)
        halves += before[1:].take(last)
        halves += 1
        if not whole:
            halves[~self.measured.take(genes, axis=1)] = 0
        return halves


@once
def gene_order(table: pd.DataFrame) -> GeneOrder:
    """Order of the genes of samples x genes."""
    return GeneOrder.of(table.to_numpy(float))
