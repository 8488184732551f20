"""What do the names of a model's features say? Modality, mechanism, and which are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from features.builders.names import modality_of
from features.mechanisms import mechanisms_of


@dataclass(frozen=True)
class NamedFeatures:
    """Features of the final models and of the cross-validation's folds, under one numbering.

    A fold learns its features from its own lines, so that it may have some that the final models
    lack, and the other way round. They are matched by name.

    Attributes
    ----------
    names, modalities, mechanisms : ndarray of str, shape (n_features,)
        Of the columns that the final models see.
    order : ndarray of int, shape (n_features,)
        Number of each column: its place in the alphabet among all features.
    fold_modalities : mapping of int to ndarray of str, shape (n_fold_features,)
        Of the columns that each fold's models see.
    fold_order : mapping of int to ndarray of int, shape (n_fold_features,)
        Number of each of them.
    count : int
        Features of different names.
    """

    names: np.ndarray
    modalities: np.ndarray
    mechanisms: np.ndarray
    order: np.ndarray
    fold_modalities: Mapping[int, np.ndarray]
    fold_order: Mapping[int, np.ndarray]
    count: int

    @classmethod
    def of(cls, names: pd.Index, folds: Mapping[int, pd.Index]) -> Self:
        """Number the features of the final models and of each fold's."""
        every = pd.Index(names.to_numpy(object))
        for other in folds.values():
            every = every.union(other, sort=False)
        every = every[np.argsort(every.to_numpy(object), kind="stable")]
        return cls(
            names=names.to_numpy(object),
            modalities=_modalities(names),
            mechanisms=mechanisms_of(names.tolist()),
            order=every.get_indexer(names),
            fold_modalities={fold: _modalities(other) for fold, other in folds.items()},
            fold_order={fold: every.get_indexer(other) for fold, other in folds.items()},
            count=len(every),
        )


def _modalities(names: pd.Index) -> np.ndarray:
    return np.array([modality_of(name) for name in names.tolist()], dtype=object)
