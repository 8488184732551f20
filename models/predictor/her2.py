"""Which samples a model calls HER2-high: by cut-offs of its training lines, on its own scale."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.builders.once import once
from sidestep.features.groups import PROTEIN, RNA, Her2Cutoffs, her2_calls
from sidestep.features.study.study import Study

_FEATURES = {RNA: "expression:ERBB2", PROTEIN: "rppa:ERBB2"}


@dataclass(frozen=True)
class Her2Reference:
    """HER2-high training lines, and the levels above which any sample counts as HER2-high.

    RNA and protein are compared as the model's features, in training standard deviations. Each
    sample is put on that scale by itself, so that its call is the same alone, in any cohort, and
    in any unit.

    Attributes
    ----------
    cutoffs : Her2Cutoffs
    high : ndarray of bool, shape (n_training_lines,)
    """

    cutoffs: Her2Cutoffs
    high: np.ndarray

    @classmethod
    def fit(cls, study: Study, features: pd.DataFrame) -> Self:
        """Learn cut-offs from training lines.

        Parameters
        ----------
        study : Study
            Holds the lines, and maybe other samples.
        features : DataFrame of shape (n_training_lines, n_features)
            By the final joiner.
        """
        cutoffs = Her2Cutoffs.of(_levels(features))
        high = _calls(study, features, cutoffs)["high"]
        return cls(cutoffs, high.to_numpy(bool))

    @once
    def calls(self, study: Study, features: pd.DataFrame) -> pd.DataFrame:
        """Samples x `high` and `assay`, as `features.groups.her2_calls` returns.

        Parameters
        ----------
        study : Study
            Holds the samples, and maybe others.
        features : DataFrame of shape (n_samples, n_features)
            By the final joiner.
        """
        return _calls(study, features, self.cutoffs)

    def get_state(self) -> dict[str, Any]:
        """Everything as plain values and numeric arrays."""
        return {"cutoffs": asdict(self.cutoffs), "high": self.high}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Reference that `get_state` described."""
        return cls(Her2Cutoffs(**state["cutoffs"]), state["high"])


def _calls(study: Study, features: pd.DataFrame, cutoffs: Her2Cutoffs) -> pd.DataFrame:
    return her2_calls(study.select(list(features.index)), cutoffs, _levels(features))


def _levels(features: pd.DataFrame) -> pd.DataFrame:
    """ERBB2's RNA and HER2's protein among the features, NaN where not measured."""
    levels = features.reindex(columns=list(_FEATURES.values()))
    return levels.set_axis(list(_FEATURES), axis=1)
