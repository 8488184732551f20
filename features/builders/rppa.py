"""RPPA: antibody levels and phospho-to-total ratios."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd

from sidestep.features.builders.base import (
    FeatureBuilder,
    columns_at,
    mean_and_sd,
    require,
    well_measured,
)
from sidestep.features.study.antibodies import match_antibodies
from sidestep.features.study.study import Study

_CLIP_SD = 8.0


class RppaBuilder(FeatureBuilder):
    """Protein and phosphoprotein levels in training standard deviations.

    Levels are log2 intensities, so the phospho-to-total ratio of a phosphosite whose total
    protein is also on the array is their difference. Antibodies of another platform are found by
    gene and overlapping phosphosites (`features.study.antibodies.match_antibodies`).

    Levels that arrive as z-scores are taken as standardised already. No ratios are built of them:
    the difference of two z-scores is the ratio of nothing. A model that was itself trained on
    z-scores takes samples with levels as not measured.

    Attributes
    ----------
    antibodies_ : list of str
        Canonical names, as in ``Study.rppa``.
    ratios_ : list of str
        Phospho antibodies with a total antibody of the same gene.
    mean_, sd_ : ndarray of shape (n_features,)
        Of the training lines, log2 units.
    """

    modality = "rppa"
    z_scores_ = False  # of models that were saved before z-scores were told apart

    def fit(self, X: Study, y: object = None) -> Self:
        """Learn antibodies, ratios, means and deviations.

        Raises
        ------
        InputError
            If no sample has RPPA.
        """
        table = well_measured(require(X.rppa, "RPPA", X))
        self.z_scores_ = X.rppa_kind == "z-score"
        self.antibodies_ = [str(name) for name in table.columns]
        totals = {name for name in self.antibodies_ if "_" not in name}
        self.ratios_ = [
            name
            for name in self.antibodies_
            if "_p" in name and name.split("_", 1)[0] in totals and not self.z_scores_
        ]
        self.feature_names_ = [f"rppa:{name}" for name in self.antibodies_] + [
            f"rppa:{name}/{name.split('_', 1)[0]}" for name in self.ratios_
        ]
        self.mean_, self.sd_ = mean_and_sd(self._levels_and_ratios(table))
        if self.z_scores_:
            self.mean_, self.sd_ = np.zeros_like(self.mean_), np.ones_like(self.sd_)
        return self

    def _measured(self, X: Study) -> pd.DataFrame | None:
        if X.rppa is None:
            return None
        found = match_antibodies(self.antibodies_, list(X.rppa.columns))
        places = X.rppa.columns.get_indexer(pd.Index([found.get(a) for a in self.antibodies_]))
        levels = columns_at(X.rppa, places)
        table = pd.DataFrame(levels, index=X.rppa.index, columns=self.antibodies_)
        if X.rppa_kind == "z-score":
            standard = np.full((len(table), len(self.feature_names_)), np.nan)
            standard[:, : len(self.antibodies_)] = table.to_numpy(float)
        elif self.z_scores_:
            standard = np.full((len(table), len(self.feature_names_)), np.nan)
        else:
            standard = (self._levels_and_ratios(table) - self.mean_) / self.sd_
        clipped = np.clip(standard, -_CLIP_SD, _CLIP_SD)
        return pd.DataFrame(clipped, index=table.index, columns=self._names())

    def _levels_and_ratios(self, table: pd.DataFrame) -> np.ndarray:
        phospho = table[self.ratios_].to_numpy(float)
        total = table[[name.split("_", 1)[0] for name in self.ratios_]].to_numpy(float)
        return np.hstack([table.to_numpy(float), phospho - total])
