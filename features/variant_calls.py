"""Which protein changes does each sample carry, and in which genes were they looked for?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from features.mutations import is_nonsilent, is_truncating, residue
from features.study import Study

#: What follows the residue of a substitution: one or three letters, or a stop.
_SUBSTITUTE = r"\d([A-Za-z]{1,3}|\*)\)?$"


@dataclass(frozen=True)
class VariantCalls:
    """Non-silent calls of sequenced samples.

    Attributes
    ----------
    samples : pandas.Index
        All samples of the study.
    calls : pandas.DataFrame
        `row` (place of the sample in `samples`), `gene`, `change` (``"H1047R"``, NaN for what is
        no substitution), `residue` (``"H1047"``), `truncating`.
    sequenced : ndarray of bool, shape (n_samples,)
    panel_of : ndarray of shape (n_samples,)
        Gene panel of each sample; empty where all genes are covered.
    panels : mapping of str to frozenset
        Gene panel -> genes covered.
    """

    samples: pd.Index
    calls: pd.DataFrame
    sequenced: np.ndarray
    panel_of: np.ndarray
    panels: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, study: Study) -> Self:
        """Calls of a study; none where it has no mutation file."""
        sequenced = np.zeros(len(study.samples), dtype=bool)
        if study.sequenced is not None:
            sequenced = np.asarray(study.samples.isin(study.sequenced))
        panel_of = study.panel_of.reindex(study.samples).astype(object)
        return cls(
            samples=study.samples,
            calls=_nonsilent(study, sequenced),
            sequenced=sequenced,
            panel_of=panel_of.where(panel_of.notna(), "").to_numpy(dtype=object),
            panels=study.panels,
        )

    def tested(self, gene: str) -> np.ndarray:
        """Whether each sample's test covers a gene: bool, (n_samples,)."""
        lacking = [panel for panel, genes in self.panels.items() if gene not in genes]
        return np.asarray(self.sequenced & ~np.isin(self.panel_of, lacking))

    def of_gene(self, gene: str) -> pd.DataFrame:
        """Calls in one gene."""
        return self.calls.take(self._places.get(gene, np.zeros(0, dtype=np.intp)))

    @cached_property
    def _places(self) -> Mapping[str, np.ndarray]:
        """Gene -> places of its calls, found once: some hundred genes are asked for."""
        groups = self.calls.groupby("gene").indices
        return {str(gene): np.asarray(places) for gene, places in groups.items()}

    def carriers(self, gene: str, change: str = "") -> np.ndarray:
        """Whether each sample carries a change: 1, 0, or NaN where it was not looked for.

        Parameters
        ----------
        gene : str
        change : str
            A substitution (``"F1174L"``), a residue for any change there (``"F1174"``), or
            nothing for any non-silent call.
        """
        calls = self.of_gene(gene)
        if change:
            calls = calls[((calls["change"] == change) | (calls["residue"] == change)).to_numpy()]
        return self._marked(gene, calls)

    def substituted(self, gene: str, change: str) -> np.ndarray:
        """Whether each sample carries a substitution: 1, 0, or NaN where it was not looked for.

        As `carriers`, but a residue stands for another amino acid in its place only: what is known
        of a residue does not hold for calls that cut the protein short there, or add or take away
        residues.
        """
        calls = self.of_gene(gene)
        another = calls["change"].notna() & ~calls["change"].astype("str").str.endswith("*")
        there = (calls["residue"] == change) & another & ~calls["truncating"].astype(bool)
        return self._marked(gene, calls[((calls["change"] == change) | there).to_numpy()])

    def resized(self, gene: str, residue: str) -> np.ndarray:
        """Whether an in-frame call begins with a residue: 1, 0, or NaN where not looked for."""
        calls = self.of_gene(gene)
        kept = calls["change"].isna() & ~calls["truncating"].astype(bool)
        return self._marked(gene, calls[((calls["residue"] == residue) & kept).to_numpy()])

    def truncated(self, gene: str) -> np.ndarray:
        """Whether a call cuts each sample's protein short: 1, 0, or NaN where not looked for."""
        calls = self.of_gene(gene)
        return self._marked(gene, calls[calls["truncating"].to_numpy(bool)])

    def _marked(self, gene: str, calls: pd.DataFrame) -> np.ndarray:
        marks = np.where(self.tested(gene), 0.0, np.nan)
        marks[calls["row"].to_numpy(int)] = 1.0
        return marks


def short_changes(protein_change: pd.Series) -> pd.Series:
    """Substitutions in one-letter code: ``p.H1047R`` and ``p.His1047Arg`` are ``"H1047R"``.

    Returns
    -------
    pandas.Series
        NaN where the change is no substitution of one residue.
    """
    substitute = protein_change.astype("str").str.strip().str.extract(_SUBSTITUTE, expand=False)
    # The new residue is read by the rules for the old one, for which it needs a number.
    return residue(protein_change) + residue(substitute + "1").str.slice(0, 1)


def _nonsilent(study: Study, sequenced: np.ndarray) -> pd.DataFrame:
    columns = ["row", "gene", "change", "residue", "truncating"]
    if study.mutations is None or not sequenced.any():
        return pd.DataFrame(columns=columns)
    calls = study.mutations[is_nonsilent(study.mutations["classification"]).to_numpy()]
    rows = study.samples.get_indexer(pd.Index(calls["sample_id"]))
    described = calls.assign(
        row=rows,
        change=short_changes(calls["protein_change"]),
        residue=residue(calls["protein_change"]),
        truncating=is_truncating(calls["classification"]),
    )
    kept: pd.DataFrame = described.loc[(rows >= 0) & sequenced[rows], columns]
    return kept.reset_index(drop=True)
