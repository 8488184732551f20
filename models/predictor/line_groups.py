"""Groups of the training lines whose own errors calibrate intervals: HER2-high ones, and lineages.

An interval that rests on the errors of all lines is too wide where a group is predicted well, and
too narrow where it is predicted badly. A sample of a group that has lines enough gets an interval
of that group's errors alone, which holds its share of the group (Mondrian conformal prediction).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.groups import lineage_column, lineage_labels
from sidestep.features.identifiers import match_key
from sidestep.features.study.study import Study
from sidestep.features.vocabulary.sample_types import NEITHER, TUMOUR, sample_kinds
from sidestep.models.predictor.her2 import Her2Reference
from sidestep.models.reliability.groups import NO_GROUP

#: As the column `interval_group` names the HER2-high lines.
HER2_HIGH = "HER2-high"


@dataclass(frozen=True)
class LineGroups:
    """Lineage of each training line, and how the lineage of any sample is read.

    Attributes
    ----------
    attribute : str
        Clinical attribute that names lineages, or subtypes where all lines are of one lineage
        (`features.groups.lineage_column`); empty where the training study has none.
    lineages : tuple of str
        Its value of each training line; empty where not recorded.
    """

    attribute: str
    lineages: tuple[str, ...]

    @classmethod
    def fit(cls, study: Study, lines: pd.Index) -> Self:
        """Those of the lines of a training study.

        Parameters
        ----------
        study : Study
        lines : Index
            Samples of the study, in the order of the training lines.
        """
        labels = lineage_labels(study).reindex(lines)
        known = labels.notna().tolist()
        texts = [str(label) if has else "" for label, has in zip(labels, known, strict=True)]
        return cls(lineage_column(study) or "", tuple(texts))

    def of_lines(self, her2: Her2Reference) -> np.ndarray:
        """Groups of the training lines, (n_training_lines, 2): HER2-high first, then lineage."""
        return _ways(her2.high, [self._group(lineage) for lineage in self.lineages])

    def of_samples(self, her2: Her2Reference, study: Study, features: pd.DataFrame) -> np.ndarray:
        """Groups of any samples, (n_samples, 2), as `of_lines` has those of the lines.

        HER2-high is what the model's frozen cut-offs say; a lineage is read from the attribute
        that named the lines', whatever its case and punctuation. A sample that its study calls a
        tumour, or anything else but a line, is in no group: it errs in ways of its own. What is
        found of a sample does not depend on the others.

        Parameters
        ----------
        her2 : Her2Reference
        study : Study
            Holds the samples, and maybe others.
        features : DataFrame of shape (n_samples, n_features)
            By the final joiner.
        """
        clinical = study.clinical.loc[features.index]
        lineages = [NO_GROUP] * len(features)
        if self.attribute in clinical:
            lineages = [self._group(value) for value in clinical[self.attribute]]
        high = her2.calls(study, features)["high"].to_numpy(bool)
        groups = _ways(high, lineages)
        groups[np.isin(sample_kinds(clinical), (TUMOUR, NEITHER))] = NO_GROUP
        return groups

    def _group(self, value: object) -> str:
        key = match_key(value) if isinstance(value, str) else ""
        label = self._labels.get(key)
        return NO_GROUP if label is None else f"{self.attribute}={label}"

    @cached_property
    def _labels(self) -> dict[str, str]:
        """Key -> lineage as the first training line of it spells it."""
        labels: dict[str, str] = {}
        for lineage in self.lineages:
            if key := match_key(lineage):
                labels.setdefault(key, lineage)
        return labels

    def get_state(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {"attribute": self.attribute, "lineages": list(self.lineages)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Groups that `get_state` described."""
        return cls(state["attribute"], tuple(state["lineages"]))


def _ways(high: np.ndarray, lineages: list[str]) -> np.ndarray:
    groups = np.empty((len(lineages), 2), dtype=object)
    groups[:, 0] = np.where(high, HER2_HIGH, NO_GROUP)
    groups[:, 1] = lineages
    return groups
