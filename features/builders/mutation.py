"""Mutations: non-silent, hotspot and truncating calls a gene, and tumour mutation burden."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd

from sidestep.features.builders.base import FeatureBuilder, require
from sidestep.features.builders.called import Called, called
from sidestep.features.builders.names import BURDEN
from sidestep.features.knowledge.variants import known_hotspots
from sidestep.features.study.study import Study

# Of a sample's calls that may be unreadable for its burden to be counted.
_MOST_UNREAD = 0.1


class MutationBuilder(FeatureBuilder):
    """Mutation status a gene, 1 or 0; NaN where the gene was not tested.

    A sample outside ``cases_sequenced`` and a gene outside the sample's panel are missing, not
    wild type. A hotspot is a residue of ``features/knowledge/tables/hotspots.tsv``, or one that at
    least `min_lines` training lines share.

    Parameters
    ----------
    min_lines : int
        Training lines that must carry an alteration for it to become a feature.

    Attributes
    ----------
    panel_ : list of str
        Genes that count for tumour mutation burden: those with a call in training, which every
        training panel covers.
    hotspots_ : list of str
        ``GENE residue`` pairs, known or recurrent in training.
    """

    modality = "mutation"

    def __init__(self, min_lines: int = 3) -> None:
        self.min_lines = min_lines

    def fit(self, X: Study, y: object = None) -> Self:
        """Learn recurrent alterations.

        Raises
        ------
        InputError
            If no sample was sequenced.
        """
        calls = called(require(X.mutations, "mutation", X), _sequenced(X))
        seen = set(calls.genes[np.unique(calls.gene[calls.nonsilent])])
        for panel in X.panel_of.dropna().unique():
            seen &= X.panels.get(panel, frozenset(seen))
        self.panel_ = sorted(seen)
        carriers = _carriers(calls.row, calls.place, calls.nonsilent & (calls.place >= 0))
        known = {f"{gene} {place}" for gene, place in known_hotspots()}
        self.hotspots_ = sorted(
            str(place)
            for place, n in zip(calls.places, carriers, strict=False)
            if n >= self.min_lines or (n and place in known)
        )
        recurrent = [
            f"mutation:{gene}{suffix}"
            for suffix, chosen in self._kinds(calls).items()
            for gene, n in zip(calls.genes, _carriers(calls.row, calls.gene, chosen), strict=False)
            if n >= self.min_lines
        ]
        self.feature_names_ = [*sorted(recurrent), BURDEN]
        return self

    def _measured(self, X: Study) -> pd.DataFrame | None:
        sequenced = _sequenced(X)
        if X.mutations is None or len(sequenced) == 0:
            return None
        calls = called(X.mutations, sequenced)
        names = self._names()
        values = np.zeros((len(sequenced), len(names)))
        genes = [feature.split(":")[1] for feature in self.feature_names_[:-1]]
        if calls.unread.any():
            unread = np.zeros((len(sequenced), len(calls.genes) + 1), dtype=bool)
            unread[calls.row[calls.unread], calls.gene[calls.unread]] = True
            # The last column is that of genes without a call.
            values[:, :-1][unread[:, calls.genes.get_indexer(pd.Index(genes))]] = np.nan
        for suffix, chosen in self._kinds(calls).items():
            columns = names.get_indexer("mutation:" + calls.genes + suffix)[calls.gene[chosen]]
            built = columns >= 0
            values[calls.row[chosen][built], columns[built]] = 1.0
        values[:, :-1][~_covered(X, genes)] = np.nan
        values[:, -1] = self._burden(X, calls)
        return pd.DataFrame(values, index=sequenced, columns=names, copy=False)

    def _kinds(self, calls: Called) -> dict[str, np.ndarray]:
        """Suffix of the features of each kind of alteration -> which calls are such."""
        recurrent = np.append(calls.places.isin(self.hotspots_), False)
        return {
            "": calls.nonsilent,
            ":hotspot": calls.nonsilent & recurrent[calls.place],
            ":truncating": calls.truncating,
        }

    def _burden(self, X: Study, calls: Called) -> np.ndarray:
        """log2(1 + non-silent calls a thousand covered genes of the training panel)."""
        n_samples = len(_sequenced(X))
        counted = calls.nonsilent & calls.genes.isin(self.panel_)[calls.gene]
        numbers = np.bincount(calls.row[counted], minlength=n_samples)
        covered = _covered(X, self.panel_).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.where(covered > 0, 1000.0 * numbers / covered, np.nan)
        unread = np.bincount(calls.row[calls.unread], minlength=n_samples)
        rate[unread > _MOST_UNREAD * (unread + numbers)] = np.nan
        return np.log2(1.0 + rate)


def _carriers(row: np.ndarray, what: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """How many samples have each alteration in one of the chosen calls, (n_alterations,)."""
    n_rows = int(row.max(initial=0)) + 1
    return np.bincount(np.unique(what[chosen] * n_rows + row[chosen]) // n_rows)


def _sequenced(study: Study) -> pd.Index:
    return pd.Index([], dtype="str") if study.sequenced is None else study.sequenced


def _covered(study: Study, genes: list[str]) -> np.ndarray:
    """Whether each sequenced sample's panel covers each gene: (n_sequenced, n_genes)."""
    sequenced = _sequenced(study)
    covered = np.full((len(sequenced), len(genes)), True)
    panel_of = study.panel_of.reindex(sequenced)
    for panel in panel_of.dropna().unique():
        if panel in study.panels:
            of_panel = study.panels[panel]
            covered[(panel_of == panel).to_numpy()] = [gene in of_panel for gene in genes]
    return covered
