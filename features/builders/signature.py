"""Signatures: scores of gene expression as a study gives them, in training standard deviations."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd

from sidestep.features.builders.base import FeatureBuilder, mean_and_sd, require, well_measured
from sidestep.features.study.signatures import match_signatures
from sidestep.features.study.study import Study

_CLIP_SD = 8.0


class SignatureScoreBuilder(FeatureBuilder):
    """Scores of signatures, each less the training mean, in training standard deviations.

    A signature is known by its `ENTITY_STABLE_ID`; case and punctuation do not count. A study
    that lacks some of the training's signatures has NaN there, which contributes nothing.

    Attributes
    ----------
    signatures_ : list of str
        As in ``Study.signatures``: measured in half of the training samples, and not constant.
    mean_, sd_ : ndarray of shape (n_signatures,)
        Of the training samples.
    """

    modality = "signature"

    def fit(self, X: Study, y: object = None) -> Self:
        """Learn signatures, means and deviations.

        Raises
        ------
        InputError
            If no sample has signatures.
        """
        table = well_measured(require(X.signatures, "signature", X))
        self.signatures_ = [str(name) for name in table.columns]
        self.feature_names_ = [f"signature:{name}" for name in self.signatures_]
        self.mean_, self.sd_ = mean_and_sd(table.to_numpy(float))
        return self

    def _measured(self, X: Study) -> pd.DataFrame | None:
        if X.signatures is None:
            return None
        places = match_signatures(self.signatures_, [str(name) for name in X.signatures.columns])
        values = np.full((len(X.signatures), len(places)), np.nan)
        values[:, places >= 0] = X.signatures.to_numpy(float)[:, places[places >= 0]]
        standard = np.clip((values - self.mean_) / self.sd_, -_CLIP_SD, _CLIP_SD)
        return pd.DataFrame(standard, index=X.signatures.index, columns=self.feature_names_)
