"""Mechanisms of resistance as scores: signatures, pathways, bypass receptors, states of genes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.builders.base import FeatureBuilder
from sidestep.features.knowledge.receptors import RTK_TABLE
from sidestep.features.knowledge.rules import COMBINATION_TABLE, MARKER_TABLE
from sidestep.features.mechanisms.calls import VariantCalls
from sidestep.features.mechanisms.pathways import PathwayBuilder
from sidestep.features.mechanisms.signatures import SignatureBuilder
from sidestep.features.mechanisms.states import (
    fusion_genes,
    fusion_state,
    log2_copies,
    mean_level,
    pi3k_genotype,
    pi3k_state,
    pik3ca_activity,
    pten_loss,
)
from sidestep.features.study.study import Study

_ANTIBODIES = ("ERBB2", "ERBB2_pY1248", "ERBB3", "ERBB3_pY1289", "PTEN")
_PARTS: dict[str, type[FeatureBuilder]] = {"rna": SignatureBuilder, "protein": PathwayBuilder}


class MechanismBuilder(FeatureBuilder):
    """Scores of the mechanisms that the literature knows, next to the raw measurements.

    ============================================ ============================================
    feature                                      meaning
    ============================================ ============================================
    ``expression:signature_NAME``,               `features.mechanisms.signatures`
    ``expression:rtk_bypass_max``, ``_mean``
    ``rppa:pathway_NAME``, ``rppa:pi3k_phospho``, `features.mechanisms.pathways`
    ``rppa:apoptotic_priming``
    ``mutation:PIK3CA:strength``                 0 none ... 3 strong
    ``state:pten_loss``                          1 or 0
    ``state:pi3k_genotype``                      0 ... 3, of PIK3CA and PTEN
    ``state:pi3k``                               genotype and phospho-protein
    ``state:her2_drive``                         mean of ERBB2 RNA, protein, pY1248, copy number
    ``state:her2_partner``                       mean of ERBB3 RNA, protein, pY1289
    ``state:fusion_GENE``                        0, 1 fused, 2 fused with a resistance variant
    ============================================ ============================================

    A score is computed from the one modality that its name begins with, a ``state`` from several
    (`features.mechanisms.states`). Without expression (RPPA) in the training study there are no
    features of it; mutations, copy number and fusions need no training.

    Attributes
    ----------
    rna_ : SignatureBuilder or None
    protein_ : PathwayBuilder or None
    copies_ : ndarray of shape (2,)
        Mean and standard deviation of ERBB2 copy number in training, log2.
    """

    modality = "mechanism"

    def fit(self, X: Study, y: object = None) -> Self:
        """Learn what can be scored, and the statistics, from the samples of `X`."""
        self.rna_ = None if _lacks(X.expression) else SignatureBuilder(level_genes()).fit(X)
        self.protein_ = None if _lacks(X.rppa) else PathwayBuilder(_ANTIBODIES).fit(X)
        copies = log2_copies(X, "ERBB2")
        copies = copies[np.isfinite(copies)]
        spread = copies.std() if len(copies) else 0.0
        centre = copies.mean() if len(copies) else 0.0
        self.copies_ = np.array([centre, spread if spread > 0 else 1.0])
        parts = [part for part in (self.rna_, self.protein_) if part is not None]
        self.feature_names_ = [
            *(str(name) for part in parts for name in part.get_feature_names_out()),
            *state_names(),
        ]
        return self

    def scored(self, X: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Scores as `transform` gives them, and RNA levels of the genes of `level_genes`.

        Returns
        -------
        scores : DataFrame of shape (n_samples, n_features)
        levels : DataFrame of shape (n_samples, n_genes)
            In training standard deviations; no column without expression in training.
        """
        self._require_fitted("feature_names_")
        rna, levels = (pd.DataFrame(index=X.samples),) * 2
        if self.rna_ is not None:
            rna, levels = self.rna_.scored(X)
        blocks = [rna, *([] if self.protein_ is None else [self.protein_.transform(X)])]
        scores = pd.concat(blocks, axis=1)
        return pd.concat([scores, self._states(X, scores, levels)], axis=1), levels

    def get_state(self) -> dict[str, Any]:
        """Statistics, and the state of each part."""
        self._require_fitted("feature_names_")
        parts = {name: getattr(self, f"{name}_") for name in _PARTS}
        return {
            "feature_names": list(self.feature_names_),
            "copies": self.copies_,
            "parts": {name: part.get_state() for name, part in parts.items() if part is not None},
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Builder that `get_state` described."""
        builder = cls()
        builder.feature_names_, builder.copies_ = state["feature_names"], state["copies"]
        for name, kind in _PARTS.items():
            part = state["parts"].get(name)
            setattr(builder, f"{name}_", None if part is None else kind.from_state(part))
        return builder

    def _measured(self, X: Study) -> pd.DataFrame:
        return self.scored(X)[0]

    def _states(self, X: Study, scores: pd.DataFrame, rna: pd.DataFrame) -> pd.DataFrame:
        """States that several kinds of data tell of, and the strength of PIK3CA changes."""
        protein = pd.DataFrame() if self.protein_ is None else self.protein_.levels(X)

        def level(table: pd.DataFrame, name: str) -> np.ndarray:
            absent = np.full(len(X.samples), np.nan)
            return table[name].to_numpy(float) if name in table else absent

        calls = VariantCalls.of(X)
        strength = pik3ca_activity(calls)
        lost = pten_loss(X, calls, level(protein, "PTEN"))
        genotype = pi3k_genotype(strength, lost)
        copies = (log2_copies(X, "ERBB2") - self.copies_[0]) / self.copies_[1]
        her2 = [level(rna, "ERBB2"), level(protein, "ERBB2"), level(protein, "ERBB2_pY1248")]
        her3 = [level(rna, "ERBB3"), level(protein, "ERBB3"), level(protein, "ERBB3_pY1289")]
        states = {
            "mutation:PIK3CA:strength": strength,
            "state:pten_loss": lost,
            "state:pi3k_genotype": genotype,
            "state:pi3k": pi3k_state(genotype, level(scores, "rppa:pi3k_phospho")),
            "state:her2_drive": mean_level(*her2, copies),
            "state:her2_partner": mean_level(*her3),
            **{f"state:fusion_{gene}": fusion_state(X, calls, gene) for gene in fusion_genes()},
        }
        return pd.DataFrame(states, index=X.samples)


def state_names() -> list[str]:
    """Features that several kinds of data tell of, which every training study has."""
    return [
        "mutation:PIK3CA:strength",
        "state:pten_loss",
        "state:pi3k_genotype",
        "state:pi3k",
        "state:her2_drive",
        "state:her2_partner",
        *(f"state:fusion_{gene}" for gene in fusion_genes()),
    ]


def level_genes() -> list[str]:
    """Genes whose RNA level something is known about: receptors that were tried, terms of rules."""
    genes = [gene for gene, rtk in RTK_TABLE.load().items() if rtk.role != "not tested"]
    conditions = [rule.condition for rule in COMBINATION_TABLE.load()]
    conditions += [marker.condition for marker in MARKER_TABLE.load()]
    terms = [term for condition in conditions for term in condition.terms]
    genes += [term.name for term in terms if (term.state, term.measure) == ("high", "gene")]
    return list(dict.fromkeys([*genes, "ERBB2", "ERBB3"]))


def _lacks(table: pd.DataFrame | None) -> bool:
    return table is None or table.empty
