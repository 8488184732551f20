"""Expression: per-sample mapping to the training distribution, then gene-wise standardisation."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd

from sidestep.features.builders.base import (
    FeatureBuilder,
    mean_and_sd,
    require,
    well_measured,
)
from sidestep.features.builders.ranks import GeneOrder, gene_order
from sidestep.features.errors import InputError
from sidestep.features.study.study import Study

_CLIP_SD = 8.0
_KEPT_LEVELS = 8


class ExpressionBuilder(FeatureBuilder):
    """Gene expression in training standard deviations.

    Each sample is mapped on its own: the rank of a gene within the sample, over the genes that
    the sample shares with the model, becomes the quantile of the training lines' pooled
    distribution over those genes. Any monotone difference of scale (FPKM, TPM, counts,
    microarray intensity) falls away; a study's expression is logarithmic once it is read. A gene
    is then centred and scaled by the mean and standard deviation of the mapped training lines.
    This is quantile normalisation (Bolstad et al., Bioinformatics 2003,
    DOI 10.1093/bioinformatics/19.2.185) to a frozen reference, as in frozen RMA (McCall et al.,
    Biostatistics 2010, DOI 10.1093/biostatistics/kxp059).

    Expression that arrives as z-scores has lost the order of genes within a sample; it is taken
    as standardised already and not mapped. A model that was itself trained on z-scores knows no
    distribution to map levels to: samples with levels count as not measured.

    Parameters
    ----------
    max_genes : int
        Genes kept at most, the most variable over the training lines.
    above_floor : float
        A gene is kept if a tenth of the training lines express it at least this many log2 units
        above the lowest value of the training table, the detection floor.
    min_shared : int
        A sample that shares fewer genes than this cannot be mapped and counts as not measured.
    n_quantiles : int
        Quantiles a gene that summarise its training distribution.

    Attributes
    ----------
    genes_ : list of str
    quantiles_ : ndarray of shape (n_genes, n_quantiles)
        Training quantiles of each gene, in log2 units.
    mean_, sd_ : ndarray of shape (n_genes,)
        Of the mapped training lines.
    """

    modality = "expression"

    def __init__(
        self,
        max_genes: int = 15_000,
        above_floor: float = 2.0,
        min_shared: int = 50,
        n_quantiles: int = 33,
    ) -> None:
        self.max_genes = max_genes
        self.above_floor = above_floor
        self.min_shared = min_shared
        self.n_quantiles = n_quantiles

    def fit(self, X: Study, y: object = None) -> Self:
        """Learn genes, reference distribution, means and deviations.

        Raises
        ------
        InputError
            If no sample has expression, or no gene's varies.
        """
        table = well_measured(require(X.expression, "expression", X))
        if table.shape[1] == 0:
            raise InputError(
                f"study {X.study_id}: no gene's expression is measured in half of the "
                f"{len(table)} training samples and varies; give more samples, or train without "
                "expression"
            )
        self.z_scores_ = X.expression_kind == "z-score"
        values = table.to_numpy(float)
        keep = self._informative(values)
        values = values[:, keep]
        self.genes_ = [str(gene) for gene in table.columns[keep]]
        self.entrez_ = {g: int(e) for g, e in X.entrez.reindex(self.genes_).dropna().items()}
        self.feature_names_ = [f"expression:{gene}" for gene in self.genes_]
        steps = (np.arange(self.n_quantiles) + 0.5) / self.n_quantiles
        self.quantiles_ = _quantiles(values, steps).T
        self.__dict__.pop("_kept_levels", None)  # of an earlier fit
        genes = np.arange(len(self.genes_))
        mapped = values if self.z_scores_ else self._map(GeneOrder.of(values), genes)
        self.mean_, self.sd_ = mean_and_sd(mapped)
        return self

    def _informative(self, values: np.ndarray) -> np.ndarray:
        """Columns of genes that are expressed and vary; the response is not looked at."""
        sd = np.nanstd(values, axis=0)
        if not self.z_scores_:
            highest = _quantiles(values, np.array([0.9]))[0]
            expressed = highest >= np.nanmin(values) + self.above_floor
            sd = np.where(expressed, sd, 0.0) if expressed.any() else sd
        most_variable = np.argsort(-sd, kind="stable")[: self.max_genes]
        return np.sort(most_variable[sd[most_variable] > 0])

    def _measured(self, X: Study) -> pd.DataFrame | None:
        if X.expression is None:
            return None
        columns = self._gene_columns()
        if X.expression_kind == "z-score":
            standard = columns.values(X.expression)
        elif self.z_scores_:
            standard = np.full((len(X.expression), len(self.genes_)), np.nan)
        else:
            standard = self._map(gene_order(X.expression), columns.among(X.expression.columns))
            standard -= self.mean_
            standard /= self.sd_
        np.clip(standard, -_CLIP_SD, _CLIP_SD, out=standard)
        return pd.DataFrame(standard, index=X.expression.index, columns=self._names(), copy=False)

    def _map(self, order: GeneOrder, columns: np.ndarray) -> np.ndarray:
        """Map each row to the training distribution over the genes that the row has.

        Parameters
        ----------
        order : GeneOrder
        columns : ndarray of int, shape (n_genes,)
            Of the builder's genes there; -1 for one that is not there.
        """
        # Genes that tie share a rank, which is then a multiple of one half.
        halves = order.halves(columns)
        measured = halves > 0
        if len(halves) and measured.all():
            return self._levels_by_rank(measured[0]).take(halves)
        alike: dict[bytes, list[int]] = {}
        for row, has in enumerate(measured):
            alike.setdefault(has.tobytes(), []).append(row)
        mapped = np.full(halves.shape, np.nan)
        for rows in alike.values():
            shared = measured[rows[0]]
            if shared.sum() >= min(self.min_shared, len(self.genes_)):
                cells = np.ix_(rows, shared)
                mapped[cells] = self._levels_by_rank(shared).take(halves[cells])
        return mapped

    def _levels_by_rank(self, shared: np.ndarray) -> np.ndarray:
        """Level of the training distribution over some genes at each half of a rank among them.

        The samples of a study mostly have the same genes, so that the last answers are kept.
        """
        kept: dict[bytes, np.ndarray] = self.__dict__.setdefault("_kept_levels", {})
        key = shared.tobytes()
        levels = kept.get(key)
        if levels is None:
            reference = np.sort(self.quantiles_[shared].ravel())
            ranks = np.arange(2 * int(shared.sum()) + 1) / 2
            at = (ranks - 0.5) / shared.sum() * len(reference) - 0.5
            levels = np.interp(at, np.arange(len(reference)), reference)
            if len(kept) >= _KEPT_LEVELS:
                kept.clear()
            kept[key] = levels
        return levels


def _quantiles(values: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Quantiles a column, ignoring NaN, (n_steps, n_columns)."""
    if np.isfinite(values).all():  # a hundred times faster than the NaN-aware way
        return np.asarray(np.quantile(values, steps, axis=0))
    return np.asarray(np.nanquantile(values, steps, axis=0))
