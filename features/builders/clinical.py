"""Clinical covariates: one column a category, when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd

from sidestep.features.builders.base import FeatureBuilder
from sidestep.features.errors import InputError
from sidestep.features.study.study import Study


class ClinicalBuilder(FeatureBuilder):
    """Lineage, subtype or another clinical attribute as 0/1 columns, NaN where not recorded.

    Parameters
    ----------
    attributes : sequence of str
        Columns of the clinical table.
    min_lines : int
        Training lines that a category needs to become a feature.
    """

    modality = "clinical"

    def __init__(self, attributes: Sequence[str] = (), min_lines: int = 3) -> None:
        self.attributes = attributes
        self.min_lines = min_lines

    def fit(self, X: Study, y: object = None) -> Self:
        """Learn the categories.

        Raises
        ------
        InputError
            If the study has no such attribute.
        """
        names = []
        for attribute in self.attributes:
            if attribute not in X.clinical.columns:
                raise InputError(
                    f"study {X.study_id} has no clinical attribute {attribute}; "
                    f"it has {', '.join(map(str, X.clinical.columns)) or 'none'}"
                )
            counts = X.clinical[attribute].value_counts()
            kept = sorted(counts.index[counts >= self.min_lines])
            names += [f"clinical:{attribute}={category}" for category in kept]
        self.feature_names_ = names
        return self

    def _measured(self, X: Study) -> pd.DataFrame:
        columns = {}
        for feature in self.feature_names_:
            attribute, category = feature.removeprefix("clinical:").split("=", 1)
            if attribute in X.clinical.columns:
                recorded = X.clinical[attribute]
                columns[feature] = np.where(recorded.isna(), np.nan, recorded == category)
        return pd.DataFrame(columns, index=X.samples, dtype=float)
