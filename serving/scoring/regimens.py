"""What a model of patients expects under each regimen, and how far regimens differ for a patient.

A patient had one regimen, if any; the rows of the others say what the model expects had it been
another. They rest on what the trial randomised, and on nothing else: where a regimen was never
given to patients of the same HER2 status, the row says so and makes no call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.builders.names import REGIMEN, modality_of
from sidestep.features.builders.regimen import RegimenBuilder, her2_status
from sidestep.features.identifiers import match_key
from sidestep.features.study.study import Study
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.reliability.probabilities import PatientAnswers, PatientPredictive, jackknife
from sidestep.serving.scoring.samples import Samples


@dataclass(frozen=True)
class Regimens:
    """Regimens under which some samples are to be answered.

    Attributes
    ----------
    names : tuple of str
        Those of the training patients.
    own : ndarray of str, shape (n_samples,)
        Regimen that each sample had, as the model names it where it knows it; empty if not told.
    status : tuple of str
        HER2 status of each sample.
    """

    names: tuple[str, ...]
    own: np.ndarray
    status: tuple[str, ...]

    @classmethod
    def of(cls, predictor: PanelPredictor, study: Study, samples: pd.Index) -> Regimens | None:
        """Those of samples of a study; None for a model that knows no regimens."""
        builder = predictor.joiner.regimens
        if builder is None:
            return None
        part = study.select(list(samples))
        known = {match_key(name): name for name in builder.regimens_}
        own = np.full(len(samples), "", dtype=object)
        by_case = {str(name).casefold(): name for name in part.clinical.columns}
        attribute = by_case.get(builder.attribute.casefold())
        if attribute is not None:
            own = np.array(
                [
                    "" if pd.isna(word) else known.get(match_key(str(word)), str(word))
                    for word in part.clinical[attribute]
                ],
                dtype=object,
            )
        return cls(tuple(builder.regimens_), own, tuple(her2_status(part)))

    @property
    def asked(self) -> list[str]:
        """Every regimen that some sample gets a row of: the model's, then those it never saw."""
        unseen = sorted({str(name) for name in self.own} - {"", *self.names})
        return [*self.names, *unseen]

    def rows(self, regimen: str) -> np.ndarray:
        """Samples that get a row of a regimen: all, or of an unseen one those that had it."""
        if regimen in self.names:
            return np.arange(len(self.own))
        return np.flatnonzero(self.own == regimen)

    def among(self, rows: np.ndarray) -> Regimens:
        """Those of some of the samples."""
        return Regimens(self.names, self.own[rows], tuple(self.status[row] for row in rows))

    def given(self, regimen: str) -> np.ndarray:
        """Whether each sample had a regimen."""
        return np.asarray(self.own == regimen)

    def never_given(self, builder: RegimenBuilder, regimen: str) -> np.ndarray:
        """Whether no training patient of each sample's HER2 status had a regimen."""
        return np.array([builder.seen(regimen, said) == 0 for said in self.status], dtype=bool)

    def compared_with(self, builder: RegimenBuilder) -> list[str]:
        """Regimen that each sample's others are compared with: its own, else the commonest."""
        commonest = max(self.names, key=lambda name: (builder.seen(name, "undecided"), name))
        return [own if own in self.names else commonest for own in self.own]


def under(predictor: PanelPredictor, samples: Samples, regimens: Regimens, regimen: str) -> Samples:
    """Samples as if they had a regimen; those that really had it keep the drugs that they got.

    Parameters
    ----------
    predictor : PanelPredictor
        That answers, whose joiners built the samples' features.
    samples : Samples
    regimens : Regimens
        Of these samples.
    regimen : str
    """
    own = regimens.given(regimen)
    features = _conditioned(predictor.joiner, samples.features, regimens, regimen, own)
    folds = samples.changed_folds(
        lambda fold, table: _conditioned(
            predictor.fold_joiners[fold], table, regimens, regimen, own
        )
    )
    return replace(samples, features=features, fold_features=folds)


def _conditioned(
    joiner: FeatureJoiner,
    features: pd.DataFrame,
    regimens: Regimens,
    regimen: str,
    own: np.ndarray,
) -> pd.DataFrame:
    """Features whose columns of regimens say that the samples had one."""
    builder = joiner.regimens
    if builder is None or own.all():
        return features
    columns = np.flatnonzero([modality_of(str(name)) == REGIMEN for name in features.columns])
    values = features.to_numpy(float).copy()
    values[np.ix_(~own, columns)] = builder.under(regimen, regimens.status)[~own]
    return pd.DataFrame(values, index=features.index, columns=features.columns, copy=False)


def differences(
    found: Mapping[str, PatientPredictive],
    predictions: Mapping[str, np.ndarray],
    versus: Sequence[str],
    regimen: str,
    level: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-odds under a regimen less those under what each sample is compared with.

    Parameters
    ----------
    found : mapping of str to PatientPredictive
        By regimen, of all samples.
    predictions : mapping of str to ndarray of shape (n_samples,)
    versus : sequence of str
        As `Regimens.compared_with`.
    regimen : str
    level : float
        Of the interval, which is that of the jackknife over the folds' models.

    Returns
    -------
    difference, lower, upper : ndarray of shape (n_samples,)
    """
    n = len(versus)
    difference, lower, upper = np.full((3, n), np.nan)
    this = _by_fold(found[regimen])
    for other in dict.fromkeys(versus):
        rows = np.flatnonzero(np.array(versus) == other)
        that = _by_fold(found[other])
        difference[rows] = predictions[regimen][rows] - predictions[other][rows]
        if this.shape[0] and this.shape == that.shape:
            reach = jackknife((this - that)[:, rows], level)
            lower[rows], upper[rows] = difference[rows] - reach, difference[rows] + reach
    return difference, lower, upper


def _by_fold(predictive: PatientPredictive) -> np.ndarray:
    """Log-odds of every sample by each fold's model; NaN where a fold has none for it."""
    parts: Sequence[tuple[np.ndarray, PatientAnswers]] = predictive.parts
    n_folds = max((len(answers.folds) for _, answers in parts), default=0)
    values = np.full((n_folds, predictive.n_samples), np.nan)
    for rows, answers in parts:
        values[: len(answers.folds), rows] = answers.folds
    return values
