"""Scores of RNA signatures and levels of single genes, from the order of genes in each sample.

Only that order counts, so that no other sample and no scale of measurement matters. Signatures are
scored by singscore (Foroutan et al., BMC Bioinformatics 2018, DOI 10.1186/s12859-018-2435-4).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Self

import numpy as np
import pandas as pd
import scipy

from sidestep.features.builders.base import (
    FeatureBuilder,
    GeneColumns,
    mean_and_sd,
    require,
    well_measured,
)
from sidestep.features.builders.ranks import gene_order
from sidestep.features.knowledge.receptors import RTK_TABLE
from sidestep.features.knowledge.signatures import SIGNATURE_TABLE
from sidestep.features.mechanisms.pathways import mean_of_measured
from sidestep.features.study.study import Study

_CLIP_SD = 8.0
#: Features of the receptors that bypass HER2.
BYPASS = ["expression:rtk_bypass_max", "expression:rtk_bypass_mean"]


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
    ranks : ndarray of shape (n_samples, n_genes)
        Of each gene within its sample, 1 for the lowest; NaN where not measured.
    counts : ndarray of int, shape (n_samples,)
        Genes that each sample has.
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
        return np.asarray(scipy.special.ndtri((ranks - 0.5) / counts[:, None]))


class SignatureBuilder(FeatureBuilder):
    """Scores of the signatures of `features.knowledge`, and of receptors that bypass HER2.

    ``expression:signature_NAME`` is the signature's score within the sample
    (`mechanisms.signatures.singscore`). ``expression:rtk_bypass_max`` and ``_mean`` are the
    highest and the mean level of the receptors that rescue HER2-inhibited cells
    (`features.knowledge.receptors`): IGF1R, TYRO3, PDGFRB.

    A gene's level is its rank within the sample on the scale of a normal distribution, in
    standard deviations from the mean of the training lines. Ranks run over the genes that are
    expressed in training. A sample that has less than half of them has no scores, a sample with
    less than half of a signature's genes has no score of that signature; what the training lines
    lack in this way is no feature. Z-scores have lost the order of genes within a sample: they
    give levels, as they are, and no signatures.

    Parameters
    ----------
    level_genes : sequence of str
        Further genes whose levels are wanted (`scored`).
    above_floor : float
        A gene is expressed if a tenth of the training lines have it at least this far above the
        lowest value of the training table (log2).

    Attributes
    ----------
    genes_ : list of str
        Genes that samples are ranked over.
    signature_genes_ : dict of str to dict
        Signature -> its ``up`` and ``down`` genes.
    bypass_genes_, level_genes_ : list of str
    level_mean_, level_sd_ : ndarray of shape (n_level_genes,)
        Of the training lines.
    """

    modality = "expression"

    def __init__(self, level_genes: Sequence[str] = (), above_floor: float = 2.0) -> None:
        self.level_genes = level_genes
        self.above_floor = above_floor

    def fit(self, X: Study, y: object = None) -> Self:
        """Learn genes, and the mean and deviation of levels.

        Raises
        ------
        InputError
            If no sample has expression.
        """
        table = well_measured(require(X.expression, "expression", X))
        self.z_scores_ = X.expression_kind == "z-score"
        rescuing = [gene for gene, rtk in RTK_TABLE.load().items() if rtk.rescues]
        wanted = {*self.level_genes, *rescuing}
        wanted |= {m.gene for members in SIGNATURE_TABLE.load().values() for m in members}
        self.genes_ = self._ranked(table, wanted)
        self.entrez_ = {g: int(e) for g, e in X.entrez.reindex(self.genes_).dropna().items()}
        self.signature_genes_ = {} if self.z_scores_ else _signatures_of(self.genes_)
        ranked = set(self.genes_)
        self.bypass_genes_ = [gene for gene in rescuing if gene in ranked]
        if 2 * len(self.bypass_genes_) < len(rescuing):
            self.bypass_genes_ = []
        genes = dict.fromkeys([*self.bypass_genes_, *self.level_genes])
        self.level_genes_ = [gene for gene in genes if gene in ranked]
        self.level_mean_ = np.zeros(len(self.level_genes_))
        self.level_sd_ = np.ones(len(self.level_genes_))
        self.feature_names_ = [
            *(f"expression:signature_{name}" for name in self.signature_genes_),
            *(BYPASS if self.bypass_genes_ else []),
        ]
        if self.level_genes_ and not self.z_scores_:
            ranks, counts = self._ranks(table)
            self.level_mean_, self.level_sd_ = mean_and_sd(self._rank_levels(ranks, counts))
        return self

    def scored(self, X: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Scores as `transform` gives them, and the levels of single genes.

        Returns
        -------
        scores : DataFrame of shape (n_samples, n_features)
        levels : DataFrame of shape (n_samples, n_level_genes)
            In training standard deviations.
        """
        self._require_fitted("feature_names_")
        table = pd.DataFrame(index=X.samples[:0]) if X.expression is None else X.expression
        levels, signatures = self._levels_and_signatures(table, X.expression_kind == "z-score")
        known = {**signatures, **self._bypass(levels)}
        scores = pd.DataFrame(known, index=table.index, columns=self.feature_names_, dtype=float)
        return scores.reindex(X.samples), levels.reindex(X.samples)

    def _ranked(self, table: pd.DataFrame, wanted: Collection[str]) -> list[str]:
        """Genes to rank samples over: those expressed, and those that are scored."""
        values = table.to_numpy(float)
        kept = np.ones(values.shape[1], dtype=bool)
        if not self.z_scores_ and values.size:
            high = np.nanpercentile(values, 90, axis=0) >= np.nanmin(values) + self.above_floor
            kept = high if high.any() else kept
        return [
            str(gene)
            for gene, keep in zip(table.columns, kept, strict=True)
            if keep or gene in wanted
        ]

    def _measured(self, X: Study) -> pd.DataFrame | None:
        return None if X.expression is None else self.scored(X)[0]

    def _levels_and_signatures(
        self, table: pd.DataFrame, z_scores: bool
    ) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Levels, and score of each signature, of the samples of `table`."""
        signatures: dict[str, np.ndarray] = {}
        if z_scores:
            values = GeneColumns(self.level_genes_, self.entrez_).values(table)
        elif self.z_scores_:
            values = np.full((len(table), len(self.level_genes_)), np.nan)
        else:
            ranks, counts = self._ranks(table)
            values = (self._rank_levels(ranks, counts) - self.level_mean_) / self.level_sd_
            signatures = self._signatures(ranks, counts)
        clipped = np.clip(values, -_CLIP_SD, _CLIP_SD)
        return pd.DataFrame(clipped, index=table.index, columns=self.level_genes_), signatures

    def _signatures(self, ranks: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
        place = {gene: column for column, gene in enumerate(self.genes_)}
        scores = {}
        for name, genes in self.signature_genes_.items():
            up = np.array([place[gene] for gene in genes["up"]], dtype=int)
            down = np.array([place[gene] for gene in genes["down"]], dtype=int)
            measured = np.isfinite(ranks[:, [*up, *down]]).sum(axis=1)
            score = singscore(ranks, counts, up, down)
            enough = 2 * measured >= len(up) + len(down)
            scores[f"expression:signature_{name}"] = np.where(enough, score, np.nan)
        return scores

    def _bypass(self, levels: pd.DataFrame) -> dict[str, np.ndarray]:
        if not self.bypass_genes_:
            return {}
        values = levels[self.bypass_genes_].to_numpy(float)
        mean = mean_of_measured(values)
        highest = np.where(np.isfinite(values), values, -np.inf).max(axis=1)
        return dict(zip(BYPASS, (np.where(np.isfinite(mean), highest, np.nan), mean), strict=True))

    def _ranks(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Ranks within each sample; NaN throughout for a sample with too few of the genes."""
        halves = gene_order(table).halves(self._gene_columns().among(table.columns))
        counts = (halves > 0).sum(axis=1)
        ranks = halves / 2
        ranks[halves == 0] = np.nan
        ranks[2 * counts < len(self.genes_)] = np.nan
        return ranks, counts

    def _rank_levels(self, ranks: np.ndarray, counts: np.ndarray) -> np.ndarray:
        place = {gene: column for column, gene in enumerate(self.genes_)}
        return rank_levels(ranks[:, [place[gene] for gene in self.level_genes_]], counts)


def _signatures_of(genes: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """Signatures of which at least half of the genes are ranked."""
    ranked = set(genes)
    found = {}
    for name, members in SIGNATURE_TABLE.load().items():
        up = [m.gene for m in members if m.sign > 0 and m.gene in ranked]
        down = [m.gene for m in members if m.sign < 0 and m.gene in ranked]
        if 2 * (len(up) + len(down)) >= len(members):
            found[name] = {"up": up, "down": down}
    return found
