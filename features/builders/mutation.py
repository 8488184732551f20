"""Mutations: non-silent, hotspot and truncating calls a gene, and tumour mutation burden."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd

from sidestep.features.builders.base import FeatureBuilder, require
from sidestep.features.builders.names import BURDEN
from sidestep.features.knowledge.variants import known_hotspots
from sidestep.features.study.study import Study
from sidestep.features.vocabulary.effects import CUTTING, NONSILENT, UNKNOWN, effects
from sidestep.features.vocabulary.protein_changes import residue

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
        calls = _described(require(X.mutations, "mutation", X), _sequenced(X))
        called = set(calls.loc[calls["nonsilent"], "gene"])
        for panel in X.panel_of.dropna().unique():
            called &= X.panels.get(panel, frozenset(called))
        self.panel_ = sorted(called)
        lines = calls[calls["nonsilent"]].groupby("place")["sample_id"].nunique()
        known = {f"{gene} {place}" for gene, place in known_hotspots()}
        self.hotspots_ = sorted(
            str(place) for place, n in lines.items() if n >= self.min_lines or place in known
        )
        counts = self._alterations(calls).groupby("feature")["sample_id"].nunique()
        self.feature_names_ = [*sorted(counts.index[counts >= self.min_lines]), BURDEN]
        return self

    def _measured(self, X: Study) -> pd.DataFrame | None:
        sequenced = _sequenced(X)
        if X.mutations is None or len(sequenced) == 0:
            return None
        calls = _described(X.mutations, sequenced)
        altered = self._alterations(calls).drop_duplicates()
        altered = altered[altered["feature"].isin(self.feature_names_)]
        names = pd.Index(self.feature_names_)
        values = self._without_unread(calls, sequenced)
        values[
            sequenced.get_indexer(pd.Index(altered["sample_id"])),
            names.get_indexer(pd.Index(altered["feature"])),
        ] = 1.0
        genes = [feature.split(":")[1] for feature in self.feature_names_[:-1]]
        values[:, :-1][~_covered(X, genes)] = np.nan
        values[:, -1] = self._burden(X, calls)
        return pd.DataFrame(values, index=sequenced, columns=names)

    def _without_unread(self, calls: pd.DataFrame, sequenced: pd.Index) -> np.ndarray:
        """Zeros for samples x features; NaN where a call in the gene has an unknown effect."""
        values = np.zeros((len(sequenced), len(self.feature_names_)))
        unread = calls[calls["unread"]]
        if len(unread):
            genes = pd.Index([feature.split(":")[1] for feature in self.feature_names_[:-1]])
            for gene, of_gene in unread.groupby("gene"):
                rows = sequenced.get_indexer(pd.Index(of_gene["sample_id"]))
                values[np.ix_(rows, np.flatnonzero(genes == gene))] = np.nan
        return values

    def _alterations(self, calls: pd.DataFrame) -> pd.DataFrame:
        """Sample and feature of every alteration, before any filter."""
        kinds = [
            (calls["nonsilent"], ""),
            (calls["nonsilent"] & calls["place"].isin(self.hotspots_), ":hotspot"),
            (calls["truncating"], ":truncating"),
        ]
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "sample_id": calls.loc[chosen, "sample_id"],
                        "feature": "mutation:" + calls.loc[chosen, "gene"] + suffix,
                    }
                )
                for chosen, suffix in kinds
            ]
        )

    def _burden(self, X: Study, calls: pd.DataFrame) -> np.ndarray:
        """log2(1 + non-silent calls a thousand covered genes of the training panel)."""
        counted = calls[calls["nonsilent"] & calls["gene"].isin(self.panel_)]
        numbers = counted.groupby("sample_id").size().reindex(_sequenced(X), fill_value=0)
        covered = _covered(X, self.panel_).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.where(covered > 0, 1000.0 * numbers.to_numpy() / covered, np.nan)
        by_sample = calls[calls["unread"]].groupby("sample_id").size()
        unread = by_sample.reindex(_sequenced(X), fill_value=0).to_numpy()
        rate[unread > _MOST_UNREAD * (unread + numbers.to_numpy())] = np.nan
        return np.log2(1.0 + rate)


def _sequenced(study: Study) -> pd.Index:
    return pd.Index([], dtype="str") if study.sequenced is None else study.sequenced


def _described(calls: pd.DataFrame, sequenced: pd.Index) -> pd.DataFrame:
    """Calls of sequenced samples, with `nonsilent`, `truncating`, `unread` and `place`.

    An `unread` call has an unknown effect; a place reads ``PIK3CA H1047``.
    """
    known = calls[calls["sample_id"].isin(sequenced)]
    effect = effects(known["classification"], known["protein_change"])
    return known.assign(
        nonsilent=effect.isin(NONSILENT),
        truncating=effect.isin(CUTTING),
        unread=effect.eq(UNKNOWN),
        place=known["gene"] + " " + residue(known["protein_change"]),
    )


def _covered(study: Study, genes: list[str]) -> np.ndarray:
    """Whether each sequenced sample's panel covers each gene: (n_sequenced, n_genes)."""
    sequenced = _sequenced(study)
    covered = np.full((len(sequenced), len(genes)), True)
    panel_of = study.panel_of.reindex(sequenced)
    for panel in panel_of.dropna().unique():
        if panel in study.panels:
            covered[(panel_of == panel).to_numpy()] = np.isin(genes, list(study.panels[panel]))
    return covered
