"""What the calls of a study say: genes, changed residues and effects, each word read once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sidestep.features.builders.once import once
from sidestep.features.vocabulary.effects import CUTTING, NONSILENT, UNKNOWN, effects
from sidestep.features.vocabulary.protein_changes import residue


@dataclass(frozen=True)
class Called:
    """Calls of sequenced samples, one a place of each array.

    Attributes
    ----------
    row : ndarray of int
        Place of the sample among the sequenced ones.
    gene : ndarray of int
        Place in `genes`.
    genes : Index
    place : ndarray of int
        Place in `places`; -1 where no residue is told.
    places : Index
        ``GENE residue`` pairs, such as ``PIK3CA H1047``.
    nonsilent, truncating : ndarray of bool
    unread : ndarray of bool
        Of an unknown effect.
    """

    row: np.ndarray
    gene: np.ndarray
    genes: pd.Index
    place: np.ndarray
    places: pd.Index
    nonsilent: np.ndarray
    truncating: np.ndarray
    unread: np.ndarray


@once
def effects_of(calls: pd.DataFrame) -> pd.Series:
    """Effect of each call of a study (`features.vocabulary.effects.effects`)."""
    return effects(calls["classification"], calls["protein_change"])


@once
def residues_of(calls: pd.DataFrame) -> pd.Series:
    """Residue of each call of a study (`features.vocabulary.protein_changes.residue`)."""
    return residue(calls["protein_change"])


@once
def called(calls: pd.DataFrame, sequenced: pd.Index) -> Called:
    """Calls of a study in those of its samples that were sequenced."""
    rows = sequenced.get_indexer(pd.Index(calls["sample_id"]))
    kept = rows >= 0
    effect = effects_of(calls)[kept]
    gene, genes = pd.factorize(calls["gene"][kept])
    place, places = pd.factorize(calls["gene"][kept] + " " + residues_of(calls)[kept])
    return Called(
        row=rows[kept],
        gene=gene,
        genes=pd.Index(genes),
        place=place,
        places=pd.Index(places),
        nonsilent=effect.isin(NONSILENT).to_numpy(bool),
        truncating=effect.isin(CUTTING).to_numpy(bool),
        unread=effect.eq(UNKNOWN).to_numpy(bool),
    )
