"""Published signatures computed from genes, on the scale of breast tumours that is frozen here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.builders.base import mean_and_sd
from sidestep.features.knowledge.study_signatures import STUDY_SIGNATURE_TABLE
from sidestep.features.knowledge.tumour_levels import ANCHOR, GENE, TUMOUR_LEVEL_TABLE

_FEWEST_ANCHORS = 0.5


@dataclass(frozen=True)
class PublishedScores:
    """Definitions of signatures, and the frozen levels that they are standardised by.

    A gene's level is its log2 ratio to the mean of the anchors within the sample, less its mean
    among the tumours, in their standard deviations. A score is the mean of its genes' levels, over
    the standard deviation of that mean among the tumours: it is in standard deviations of tumours,
    as a cohort's standardised scores are. A sample scores the same alone and in any cohort.

    Attributes
    ----------
    anchors : list of str
    genes : list of str
    mean, sd : ndarray of shape (n_genes,)
    members : mapping of str to mapping
        Signature -> its ``plus`` and ``minus`` genes, those with a level.
    sizes : ndarray of int, shape (n_signatures,)
        Genes of each definition, those without a level too.
    spread : ndarray of shape (n_signatures,)
        Standard deviation of each mean of levels.
    """

    anchors: Sequence[str]
    genes: Sequence[str]
    mean: np.ndarray
    sd: np.ndarray
    members: Mapping[str, Mapping[str, Sequence[str]]]
    sizes: np.ndarray
    spread: np.ndarray

    @classmethod
    def of_tables(cls) -> Self:
        """Every signature of the table whose genes are known, with the levels of the table."""
        levels = TUMOUR_LEVEL_TABLE.load()
        anchors = [name for name, level in levels.items() if level.role == ANCHOR]
        genes = [name for name, level in levels.items() if level.role == GENE]
        members, sizes = _definitions(genes)
        named = [name for name in members if name in levels]
        return cls(
            anchors,
            genes,
            np.array([levels[gene].mean for gene in genes]),
            np.array([levels[gene].sd for gene in genes]),
            {name: members[name] for name in named},
            np.array([sizes[name] for name in named], dtype=np.int64),
            np.array([levels[name].sd for name in named]),
        )

    @classmethod
    def of_tumours(cls, levels: pd.DataFrame, anchors: Sequence[str]) -> Self:
        """What a cohort of tumours says of them: the numbers of the table.

        Parameters
        ----------
        levels : DataFrame of shape (n_tumours, n_genes)
            log2 expression.
        anchors : sequence of str
        """
        wanted = {gene for row in STUDY_SIGNATURE_TABLE.load().values() for gene in row.genes}
        genes = [gene for gene in sorted(wanted) if gene in levels]
        members, sizes = _definitions(genes)
        mean, sd = mean_and_sd(_ratios(levels, genes, anchors))
        whole = cls(
            list(anchors), genes, mean, sd, members,
            np.array(list(sizes.values()), dtype=np.int64), np.ones(len(members)),
        )  # fmt: skip
        _, spread = mean_and_sd(whole.scores(levels).to_numpy(float))
        return cls(whole.anchors, genes, mean, sd, members, whole.sizes, spread)

    def only(self, names: Sequence[str]) -> Self:
        """The same for some of its signatures, in that order."""
        places = [list(self.members).index(name) for name in names]
        return type(self)(
            self.anchors,
            self.genes,
            self.mean,
            self.sd,
            {name: self.members[name] for name in names},
            self.sizes[places],
            self.spread[places],
        )

    def scores(self, expression: pd.DataFrame, *, z_scores: bool = False) -> pd.DataFrame:
        """Scores of samples, (n_samples, n_signatures), in standard deviations of tumours.

        A score needs half of the genes of its definition, and half of the anchors; else NaN. Of
        z-scores, which are standardised over their cohort already, no anchor is needed.

        Parameters
        ----------
        expression : DataFrame of shape (n_samples, n_genes)
            log2 levels, or z-scores, NaN where missing.
        z_scores : bool
        """
        if z_scores:
            values = expression.reindex(columns=list(self.genes)).to_numpy(float)
        else:
            values = (_ratios(expression, self.genes, self.anchors) - self.mean) / self.sd
        standard = pd.DataFrame(values, index=expression.index, columns=list(self.genes))
        found = {}
        for (name, genes), size, spread in zip(
            self.members.items(), self.sizes, self.spread, strict=True
        ):
            up, down = (standard[list(genes[sign])].to_numpy(float) for sign in ("plus", "minus"))
            signed = np.hstack([up, -down])
            count = np.isfinite(signed).sum(axis=1)
            total = np.where(np.isfinite(signed), signed, 0.0).sum(axis=1)
            enough = 2 * count >= size
            found[name] = np.where(enough, total / np.maximum(count, 1) / spread, np.nan)
        return pd.DataFrame(found, index=expression.index, columns=list(self.members), dtype=float)

    def get_state(self) -> dict[str, Any]:
        """Plain values and arrays."""
        return vars(self)


def _definitions(genes: Sequence[str]) -> tuple[dict[str, dict[str, list[str]]], dict[str, int]]:
    """Genes with a level of each signature that has half of its genes, and how many it has."""
    members: dict[str, dict[str, list[str]]] = {}
    sizes: dict[str, int] = {}
    for row in STUDY_SIGNATURE_TABLE.load().values():
        known = {gene: sign for gene, sign in row.genes.items() if gene in set(genes)}
        if row.genes and 2 * len(known) >= len(row.genes):
            members[row.name] = {
                "plus": [gene for gene, sign in known.items() if sign > 0],
                "minus": [gene for gene, sign in known.items() if sign < 0],
            }
            sizes[row.name] = len(row.genes)
    return members, sizes


def _ratios(expression: pd.DataFrame, genes: Sequence[str], anchors: Sequence[str]) -> np.ndarray:
    """log2 ratios of genes to the mean of the anchors, (n_samples, n_genes)."""
    reference = expression.reindex(columns=list(anchors)).to_numpy(float)
    measured = np.isfinite(reference)
    count = measured.sum(axis=1)
    total = np.where(measured, reference, 0.0).sum(axis=1)
    enough = count >= _FEWEST_ANCHORS * len(anchors)
    centre = np.where(enough, total / np.maximum(count, 1), np.nan)
    return np.asarray(expression.reindex(columns=list(genes)).to_numpy(float) - centre[:, None])
