"""What each sample's genes carry: protein changes, amplification, loss and fusion.

Every answer is 1, 0, or NaN where nothing that could tell was measured: a gene outside a sample's
panel was not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from sidestep.features.builders.called import effects_of, residues_of
from sidestep.features.builders.once import once
from sidestep.features.groups import her2_high
from sidestep.features.study.study import Study
from sidestep.features.vocabulary.effects import CUTTING, NONSILENT, UNKNOWN
from sidestep.features.vocabulary.protein_changes import substitutions

#: log2 ratio from which a gene counts as amplified, and the discrete call that says so.
AMPLIFIED_LOG2, AMPLIFIED_CALL = 1.0, 2.0
#: log2 ratio down to which a gene counts as deleted: what is typical of a deep deletion in tumours
#: of usual purity (Mermel et al., Genome Biol 2011, DOI 10.1186/gb-2011-12-4-r41). One copy of two
#: in a pure cell line is -1 and does not count.
DELETED_LOG2, DELETED_CALL = -1.3, -2.0

_NOWHERE = np.zeros(0, dtype=np.intp)


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
    unread : pandas.DataFrame
        `row` and `gene` of calls whose effect cannot be read: such a gene is neither mutated nor
        wild type there.
    sequenced : ndarray of bool, shape (n_samples,)
    panel_of : ndarray of shape (n_samples,)
        Gene panel of each sample; empty where all genes are covered.
    panels : mapping of str to frozenset
        Gene panel -> genes covered.
    """

    samples: pd.Index
    calls: pd.DataFrame
    unread: pd.DataFrame
    sequenced: np.ndarray
    panel_of: np.ndarray
    panels: Mapping[str, frozenset[str]]

    @classmethod
    @once
    def of(cls, study: Study) -> Self:
        """Calls of a study; none where it has no mutation file."""
        sequenced = np.zeros(len(study.samples), dtype=bool)
        if study.sequenced is not None:
            sequenced = np.asarray(study.samples.isin(study.sequenced))
        panel_of = study.panel_of.reindex(study.samples).astype(object)
        calls, unread = _nonsilent(study, sequenced)
        return cls(
            samples=study.samples,
            calls=calls,
            unread=unread,
            sequenced=sequenced,
            panel_of=panel_of.where(panel_of.notna(), "").to_numpy(dtype=object),
            panels=study.panels,
        )

    def tested(self, gene: str) -> np.ndarray:
        """Whether each sample's test covers a gene: bool, (n_samples,)."""
        lacking = [panel for panel, genes in self.panels.items() if gene not in genes]
        if not lacking:  # of most studies, whose genes are all covered
            return self.sequenced.copy()
        return np.asarray(self.sequenced & ~np.isin(self.panel_of, lacking))

    def of_gene(self, gene: str) -> pd.DataFrame:
        """Calls in one gene."""
        return self.calls.take(self._of_gene(gene))

    @cached_property
    def _places(self) -> Mapping[str, np.ndarray]:
        """Gene -> places of its calls, found once: some hundred genes are asked for."""
        groups = self.calls.groupby("gene").indices
        return {str(gene): np.asarray(places) for gene, places in groups.items()}

    def _of_gene(self, gene: str) -> np.ndarray:
        """Places of the calls in one gene."""
        return self._places.get(gene, _NOWHERE)

    @cached_property
    def _columns(self) -> dict[str, np.ndarray]:
        """Columns of `calls` as arrays, and which calls put another residue in the place of one."""
        columns = {name: self.calls[name].to_numpy(object) for name in ("change", "residue")}
        cut = self.calls["truncating"].to_numpy(bool)
        another = self.calls["change"].notna().to_numpy(bool)
        cut_short = self.calls["change"].astype("str").str.endswith("*").eq(True).to_numpy(bool)
        return columns | {
            "row": self.calls["row"].to_numpy(np.intp),
            "truncating": cut,
            "another": another & ~cut_short & ~cut,
            "resized": ~another & ~cut,
        }

    def carriers(self, gene: str, change: str = "") -> np.ndarray:
        """Whether each sample carries a change: 1, 0, or NaN where it was not looked for.

        Parameters
        ----------
        gene : str
        change : str
            A substitution (``"F1174L"``), a residue for any change there (``"F1174"``), or
            nothing for any non-silent call.
        """
        places, calls = self._of_gene(gene), self._columns
        if change:
            same = calls["change"][places] == change, calls["residue"][places] == change
            places = places[np.logical_or(*same)]
        return self._marked(gene, places)

    def substituted(self, gene: str, change: str) -> np.ndarray:
        """Whether each sample carries a substitution: 1, 0, or NaN where it was not looked for.

        As `carriers`, but a residue stands for another amino acid in its place only: what is known
        of a residue does not hold for calls that cut the protein short there, or add or take away
        residues.
        """
        places, calls = self._of_gene(gene), self._columns
        same_residue = (calls["residue"][places] == change) & calls["another"][places]
        return self._marked(gene, places[(calls["change"][places] == change) | same_residue])

    def resized(self, gene: str, residue: str) -> np.ndarray:
        """Whether an in-frame call begins with a residue: 1, 0, or NaN where not looked for."""
        places, calls = self._of_gene(gene), self._columns
        same = (calls["residue"][places] == residue) & calls["resized"][places]
        return self._marked(gene, places[same])

    def truncated(self, gene: str) -> np.ndarray:
        """Whether a call cuts each sample's protein short: 1, 0, or NaN where not looked for."""
        places = self._of_gene(gene)
        return self._marked(gene, places[self._columns["truncating"][places]])

    def _marked(self, gene: str, places: np.ndarray) -> np.ndarray:
        """1 for the samples of some calls in a gene, 0 or NaN for the others."""
        marks = np.where(self.tested(gene), 0.0, np.nan)
        marks[self._unread.get(gene, _NOWHERE)] = np.nan
        marks[self._columns["row"][places]] = 1.0
        return marks

    @cached_property
    def _unread(self) -> Mapping[str, np.ndarray]:
        """Gene -> samples with a call in it whose effect cannot be read."""
        rows = self.unread["row"].to_numpy(np.intp)
        groups = self.unread.groupby("gene").indices
        return {str(gene): rows[places] for gene, places in groups.items()}


def _nonsilent(study: Study, sequenced: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Non-silent calls of sequenced samples, and (row, gene) of those whose effect is unknown."""
    columns = ["row", "gene", "change", "residue", "truncating"]
    if study.mutations is None or not sequenced.any():
        return pd.DataFrame(columns=columns), pd.DataFrame(columns=columns[:2])
    calls = study.mutations
    rows = study.samples.get_indexer(pd.Index(calls["sample_id"]))
    effect = effects_of(calls)
    kept = (rows >= 0) & sequenced[rows]
    unread = calls.assign(row=rows).loc[kept & effect.eq(UNKNOWN).to_numpy(), columns[:2]]
    shown = kept & effect.isin(NONSILENT).to_numpy()
    described = calls[shown].assign(
        row=rows[shown],
        change=substitutions(calls.loc[shown, "protein_change"]),
        residue=residues_of(calls)[shown],
        truncating=effect[shown].isin(CUTTING),
    )
    return described[columns].reset_index(drop=True), unread.reset_index(drop=True)


def amplified(study: Study, gene: str) -> np.ndarray:
    """Whether a gene is amplified in each sample, (n_samples,).

    By copy number; ERBB2 also if the clinical file says that the sample is HER2-positive, which
    holds whatever its copy number.
    """
    state = amplified_in_copies(study, gene)
    if gene == "ERBB2":
        clinical = replace(study, copy_number=None, expression=None, rppa=None)
        state[her2_high(clinical).to_numpy(bool)] = 1.0
    return state


def amplified_in_copies(study: Study, gene: str) -> np.ndarray:
    """Whether the copy number of a gene alone shows its amplification, (n_samples,)."""
    discrete = study.copy_number_kind == "discrete"
    levels = copy_number(study, gene)
    return _beyond(levels, levels >= (AMPLIFIED_CALL if discrete else AMPLIFIED_LOG2))


def deleted(study: Study, gene: str) -> np.ndarray:
    """Whether all copies of a gene are deleted in each sample, (n_samples,)."""
    discrete = study.copy_number_kind == "discrete"
    levels = copy_number(study, gene)
    return _beyond(levels, levels <= (DELETED_CALL if discrete else DELETED_LOG2))


def lost(study: Study, calls: VariantCalls, gene: str) -> np.ndarray:
    """Whether a gene is deleted or cut short in each sample, (n_samples,).

    NaN where neither copy number nor mutations of it were measured.
    """
    return any_of(deleted(study, gene), calls.truncated(gene))


def fused(study: Study, gene: str) -> np.ndarray:
    """Whether a gene is fused to another one in each sample, (n_samples,).

    A study lists the fusions that were found and not where they were looked for. A sample
    without one counts as tested if it has another structural variant or was sequenced.
    """
    state = np.full(len(study.samples), np.nan)
    if study.fusions is None:
        return state
    state[study.samples.isin(study.fusions["sample_id"])] = 0.0
    if study.sequenced is not None:
        state[study.samples.isin(study.sequenced)] = 0.0
    state[study.samples.isin(fusions_of(study, gene).index)] = 1.0
    return state


def fusions_of(study: Study, gene: str) -> pd.Series:
    """Sample -> name of its fusion of a gene, such as ``"EML4-ALK"``; several joined by ``/``.

    A rearrangement within the gene is no fusion. Where the file names one partner only, the name
    is ``"ALK fusion"``.
    """
    if study.fusions is None:
        return pd.Series(dtype="str")
    one, other = study.fusions["gene_a"], study.fusions["gene_b"]
    found = study.fusions[((one == gene) ^ (other == gene)).to_numpy()].astype("str")
    names = found["gene_a"].str.cat(found["gene_b"], sep="-").fillna(f"{gene} fusion")
    return names.groupby(found["sample_id"].to_numpy(), sort=False).agg(
        lambda several: "/".join(dict.fromkeys(several))
    )


def any_of(*states: np.ndarray) -> np.ndarray:
    """1 where any of the states is 1, else 0 where any was measured, else NaN."""
    several = np.column_stack(states)
    measured = np.isfinite(several)
    shown = np.where(measured, several, 0.0).max(axis=1)
    return np.where(measured.any(axis=1), shown, np.nan)


def copy_number(study: Study, gene: str) -> np.ndarray:
    """Copy number of a gene as the study has it, (n_samples,), NaN where not measured."""
    if study.copy_number is None or gene not in study.copy_number:
        return np.full(len(study.samples), np.nan)
    return study.copy_number[gene].reindex(study.samples).to_numpy(float)


def _beyond(levels: np.ndarray, beyond: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(levels), beyond.astype(float), np.nan)
