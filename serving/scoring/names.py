"""What do the names of a model's features say? Modality, mechanism, and which are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from sidestep.features.builders.names import modality_of
from sidestep.features.mechanisms.of_features import mechanisms_of


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
        parts = [part.to_numpy(object) for part in (names, *folds.values())]
        number, every = pd.factorize(np.concatenate(parts), sort=True)
        modality = np.array([modality_of(name) for name in every], dtype=object)
        ends = np.cumsum([len(part) for part in parts])[:-1]
        order, *fold_orders = np.split(number, ends)
        fold_order = dict(zip(folds, fold_orders, strict=True))
        return cls(
            names=parts[0],
            modalities=modality[order],
            mechanisms=mechanisms_of(parts[0]),
            order=order,
            fold_modalities={fold: modality[part] for fold, part in fold_order.items()},
            fold_order=fold_order,
            count=len(every),
        )
