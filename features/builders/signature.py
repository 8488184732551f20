"""Signatures: scores as a study gives them or as its genes say, in training deviations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd

from sidestep.features.builders.base import FeatureBuilder, mean_and_sd, well_measured
from sidestep.features.builders.published_scores import PublishedScores
from sidestep.features.errors import InputError
from sidestep.features.knowledge.study_signatures import find_signature
from sidestep.features.study.signatures import STANDARDISED, match_signatures
from sidestep.features.study.study import Study
from sidestep.features.vocabulary.sample_types import LINE, sample_kinds

_CLIP_SD = 8.0
#: Mechanisms whose signatures are of other cells than those of the tumour.
_OTHER_CELLS = ("immune", "stroma")


class SignatureScoreBuilder(FeatureBuilder):
    """Scores of signatures, each less the training mean, in training standard deviations.

    A signature is known by its `ENTITY_STABLE_ID`; case and punctuation do not count. A study
    that lacks some of the training's signatures has NaN there, which contributes nothing.

    Published signatures whose genes are known are computed from expression where scores are not
    given (`builders.published_scores`), on the scale of breast tumours. They meet given scores
    on it if their study says that they are standardised, for it then was over such tumours. To a
    model of scores that are not, computed ones count as training deviations; to a model of computed
    ones, such scores say nothing. A model learns from computed ones where its training study has
    genes and no signatures; of cell lines without those of immune cells and stroma, which lines
    do not have.

    Attributes
    ----------
    signatures_ : list of str
        As in ``Study.signatures``: measured in half of the training samples, and not constant.
    mean_, sd_ : ndarray of shape (n_signatures,)
        Of the training samples.
    computed_, standard_ : bool
        Whether the training's scores were computed from genes, and whether they are in standard
        deviations of tumours.
    published_ : dict
        State of the `PublishedScores` of those signatures that can be computed.
    """

    modality = "signature"

    def fit(self, X: Study, y: object = None) -> Self:
        """Learn signatures, means and deviations.

        Raises
        ------
        InputError
            If no sample has signatures, nor genes to compute them from.
        """
        published = PublishedScores.of_tables()
        given = X.signatures
        self.computed_ = given is None or given.empty
        self.standard_ = self.computed_ or X.signatures_kind == STANDARDISED
        table = _computed(X, published) if self.computed_ else given
        if self.computed_ and table is not None and _of_lines(X):
            table = table[[name for name in table if _of_tumour_cells(str(name))]]
        if table is None or table.empty or table.isna().all(axis=None):
            raise InputError(
                f"study {X.study_id}: no sample has signature data to fit on, nor the genes to "
                "compute it from; train without signature or add its meta and data file"
            )
        table = well_measured(table)
        self.signatures_ = [str(name) for name in table.columns]
        self.feature_names_ = [f"signature:{name}" for name in self.signatures_]
        self.mean_, self.sd_ = mean_and_sd(table.to_numpy(float))
        places = match_signatures(list(published.members), self.signatures_)
        known = [name for name, place in zip(published.members, places, strict=True) if place >= 0]
        self.published_ = published.only(known).get_state()
        return self

    def _measured(self, X: Study) -> pd.DataFrame | None:
        given = self._given(X)
        computed = _computed(X, PublishedScores(**self.published_))
        if given is None and computed is None:
            return None
        values = np.full((len(X.samples), len(self.signatures_)), np.nan)
        if computed is not None:
            places = match_signatures(self.signatures_, [str(name) for name in computed.columns])
            rows = X.samples.get_indexer(computed.index)
            values[np.ix_(rows, places >= 0)] = computed.to_numpy(float)[:, places[places >= 0]]
            if self.standard_:
                values = (values - self.mean_) / self.sd_
        if given is not None:
            rows = X.samples.get_indexer(given.index)
            values[rows] = np.where(np.isfinite(given), given, values[rows])
        measured = np.isfinite(values).any(axis=1)
        return pd.DataFrame(
            np.clip(values[measured], -_CLIP_SD, _CLIP_SD),
            index=X.samples[measured],
            columns=self.feature_names_,
        )

    def computed_of(self, given: Sequence[str]) -> list[str]:
        """Signatures that are computed where a study has genes and gives the scores `given`."""
        self._require_fitted("feature_names_")
        names = list(PublishedScores(**self.published_).members)
        places = match_signatures(names, given)
        return [name for name, place in zip(names, places, strict=True) if place < 0]

    def _given(self, X: Study) -> pd.DataFrame | None:
        """Scores that the study gives, in training deviations; None where they do not count."""
        if X.signatures is None or (self.computed_ and X.signatures_kind != STANDARDISED):
            return None
        places = match_signatures(self.signatures_, [str(name) for name in X.signatures.columns])
        values = np.full((len(X.signatures), len(places)), np.nan)
        values[:, places >= 0] = X.signatures.to_numpy(float)[:, places[places >= 0]]
        return pd.DataFrame((values - self.mean_) / self.sd_, index=X.signatures.index)


def _of_lines(X: Study) -> bool:
    """Whether most samples are cell lines by their study's own words."""
    return 2 * sample_kinds(X.clinical).count(LINE) > len(X.samples)


def _of_tumour_cells(name: str) -> bool:
    known = find_signature(name)
    return known is None or known.mechanism not in _OTHER_CELLS


def _computed(X: Study, published: PublishedScores) -> pd.DataFrame | None:
    """Scores from the genes of a study; None where it has no genes."""
    if X.expression is None or not published.members:
        return None
    return published.scores(X.expression, z_scores=X.expression_kind == "z-score")
