"""Copy number: log2 ratio a gene."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd

from sidestep.features.builders.base import FeatureBuilder, require, well_measured
from sidestep.features.study.study import Study

# Typical log2 ratios of the five discrete calls in tumours of usual purity. GISTIC2 separates deep
# and shallow events near +-0.9 and +-0.1 (Mermel et al., Genome Biol 2011,
# DOI 10.1186/gb-2011-12-4-r41).
_LOG2_OF_CALL = {-2.0: -1.3, -1.0: -0.4, 0.0: 0.0, 1.0: 0.4, 2.0: 1.3}
_CLIP_LOG2 = 4.0


class CopyNumberBuilder(FeatureBuilder):
    """Copy number, log2 ratio to diploid or ploidy, clipped at +-4.

    Discrete calls (-2 ... 2) are read as the log2 ratio that is typical of them, so that a
    study with calls can be scored by a model of log2 ratios.
    """

    modality = "copy_number"

    def fit(self, X: Study, y: object = None) -> Self:
        """Learn which genes are measured and vary.

        Raises
        ------
        InputError
            If no sample has copy number.
        """
        table = well_measured(require(X.copy_number, "copy number", X))
        self.genes_ = [str(gene) for gene in table.columns]
        self.entrez_ = {g: int(e) for g, e in X.entrez.reindex(self.genes_).dropna().items()}
        self.feature_names_ = [f"copy_number:{gene}" for gene in self.genes_]
        return self

    def _measured(self, X: Study) -> pd.DataFrame | None:
        if X.copy_number is None:
            return None
        values = self._gene_columns().values(X.copy_number)
        if X.copy_number_kind == "discrete":
            values = np.interp(values, list(_LOG2_OF_CALL), list(_LOG2_OF_CALL.values()))
        np.clip(values, -_CLIP_LOG2, _CLIP_LOG2, out=values)
        return pd.DataFrame(values, index=X.copy_number.index, columns=self._names(), copy=False)
