"""The saved predictor: frozen features, and one explained model with its evidence a drug."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.builders.once import sharing
from sidestep.features.study.responses import BINARY, CONTINUOUS, drug_columns
from sidestep.features.study.study import Study
from sidestep.models.estimators.base import Contributions
from sidestep.models.estimators.by_fold import ByFold
from sidestep.models.estimators.outcomes import outcome_of
from sidestep.models.estimators.pattern_blend import Said
from sidestep.models.estimators.patterns import Pattern
from sidestep.models.estimators.rows import FeatureRows
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.her2 import Her2Reference
from sidestep.models.predictor.known_lines import KnownLines
from sidestep.models.predictor.line_groups import LineGroups
from sidestep.models.predictor.marker import MarkerStanding, marker_standing
from sidestep.models.predictor.references import MechanismReference
from sidestep.models.reliability.applicability import (
    NearestLines,
    applicability,
    least_applicability,
    weight_covered,
)
from sidestep.models.reliability.groups import large_groups
from sidestep.models.reliability.intervals import NO_MEMBERS, Interval, KnownMembers
from sidestep.models.reliability.predictive import FoldAnswers, Predictive
from sidestep.models.reliability.probabilities import PatientAnswers, PatientPredictive
from sidestep.models.reliability.thresholds import EVENT, ResponseThreshold, response_threshold

# Rows keep what was worked out of a table for one drug, for the next.
Features = pd.DataFrame | FeatureRows


@dataclass(frozen=True)
class ResponseScale:
    """What the predicted numbers mean.

    Attributes
    ----------
    stable_id, metric, unit : str
        Of the response that the model was trained on.
    higher_is_resistant : bool
    kind : {"continuous", "binary"}
        A binary response is predicted by the log-odds of its event.
    event : str
        What came about or not, such as ``pCR``; empty of a continuous response.
    grouping : str
        How the words of a clinical attribute were grouped, in a sentence; else empty.
    """

    stable_id: str
    metric: str
    unit: str
    higher_is_resistant: bool
    kind: str = CONTINUOUS
    event: str = ""
    grouping: str = ""

    @property
    def headline(self) -> str:
        """Metric that a drug's model is compared with baselines by."""
        return outcome_of(self.kind).headline


@dataclass(frozen=True)
class PanelPredictor:
    """A panel of drugs on one feature matrix: what is saved, registered and scored with.

    Attributes
    ----------
    joiner : FeatureJoiner
        Fitted on all training lines.
    fold_joiners : mapping of int to FeatureJoiner
        Fitted without the lines of that fold.
    drugs : mapping of str to DrugModel
    nearest : NearestLines
        The training lines, for applicability.
    her2 : Her2Reference
        Which training lines are HER2-high, and what makes any sample so.
    groups : LineGroups
        Lineages of the training lines, which calibrate intervals of their own.
    mechanisms : MechanismReference
        Mechanism scores of the training lines, for evidence; no model learns from them.
    scale : ResponseScale
    training : mapping
        Study, digests, seeds, settings and software versions of the training run.
    known : KnownLines
        Names, donors and folds of the training lines, to know them again.
    fold : int or None
        The fold whose lines this predictor has not seen (`unseen`); None for that of all lines.
    compared_joiner : FeatureJoiner, optional
        Of a fold's predictor: fitted on all training lines, as the features of `nearest` are.
    """

    joiner: FeatureJoiner
    fold_joiners: Mapping[int, FeatureJoiner]
    drugs: Mapping[str, DrugModel]
    nearest: NearestLines
    her2: Her2Reference
    groups: LineGroups
    mechanisms: MechanismReference
    scale: ResponseScale
    training: Mapping[str, Any]
    known: KnownLines
    fold: int | None = None
    compared_joiner: FeatureJoiner | None = None

    @cached_property
    def _unseen(self) -> dict[int, PanelPredictor]:
        """Predictors of the folds, made when first asked for."""
        return {}

    def unseen(self, fold: int) -> PanelPredictor:
        """The predictor of the cross-validation that had not seen the lines of a fold.

        It answers for these lines (`KnownLines.find`) by the same methods. Its `joiner` and its
        drugs' models are the fold's; drugs tested on no line of the fold are left out, since for
        them this predictor has learned nothing of these lines. `mechanisms` are those of the other
        folds' lines. `nearest` and `her2` stay those of all lines, so that rows mean the same.
        """
        if fold not in self._unseen:
            models = {
                name: model.unseen(fold, self.known.folds) for name, model in self.drugs.items()
            }
            self._unseen[fold] = replace(
                self,
                joiner=self.fold_joiners[fold],
                drugs={name: model for name, model in models.items() if model is not None},
                mechanisms=self.mechanisms.among(np.flatnonzero(self.known.folds != fold)),
                fold=fold,
                compared_joiner=self.joiner,
            )
        return self._unseen[fold]

    @property
    def her2_high(self) -> np.ndarray:
        """Whether each training line is HER2-high, bool, (n_training_lines,)."""
        return self.her2.high

    @property
    def compared_with(self) -> np.ndarray | None:
        """Rows of the training lines that samples are compared with; None for all of them."""
        return None if self.fold is None else np.flatnonzero(self.known.folds != self.fold)

    def __getstate__(self) -> dict[str, Any]:
        """For other processes, which make the folds' predictors themselves."""
        return {name: value for name, value in vars(self).items() if name != "_unseen"}

    def features(self, study: Study) -> pd.DataFrame:
        """Samples x features of a study, NaN where not measured."""
        return self.joiner.transform(study)

    def fold_features(self, study: Study) -> dict[int, pd.DataFrame]:
        """Samples x features as each fold of the cross-validation builds them."""
        with sharing():
            return {number: joiner.transform(study) for number, joiner in self.fold_joiners.items()}

    def interval_groups(self, study: Study, features: pd.DataFrame) -> np.ndarray:
        """Groups that each sample is in, for `predictive`: (n_samples, 2) (`LineGroups`).

        Parameters
        ----------
        study : Study
            Holds the samples, and maybe others.
        features : DataFrame of shape (n_samples, n_features)
            Of the samples, by the joiner of all lines.
        """
        return self.groups.of_samples(self.her2, study, features)

    @cached_property
    def line_groups(self) -> np.ndarray:
        """Groups that each training line is in, (n_training_lines, 2)."""
        return self.groups.of_lines(self.her2)

    def choose(self, names: Sequence[str] | None) -> list[DrugModel]:
        """Models of the drugs asked for, regardless of case, punctuation and synonyms; all if None.

        Raises
        ------
        InputError
            If the panel has no such drug.
        """
        if names is None:
            return list(self.drugs.values())
        return [self.drugs[name] for name in drug_columns(names, list(self.drugs), "the model")]

    def predict(self, features: Features, model: DrugModel) -> np.ndarray:
        """Predicted response of each sample to one drug, in the response's unit."""
        return model.blend.predict_rows(FeatureRows.of(features))

    def explain(self, features: Features, model: DrugModel) -> Contributions:
        """Exact contribution of every feature to every prediction, in the response's unit."""
        return self.explained(features, model)[1]

    def explained(self, features: Features, model: DrugModel) -> tuple[np.ndarray, Contributions]:
        """What `predict` and `explain` give, at once."""
        return model.blend.explain_rows(FeatureRows.of(features))

    def said(self, features: Features, model: DrugModel) -> Said:
        """What `explain` gives, of which any part can be asked."""
        return model.blend.said(FeatureRows.of(features))

    def predictive(
        self,
        features: Features,
        fold_features: Mapping[int, Features],
        model: DrugModel,
        groups: np.ndarray | None = None,
        known: KnownMembers = NO_MEMBERS,
    ) -> Predictive | PatientPredictive:
        """Interval and probability of resistance of each sample, from held-out errors.

        A sample gets what models of its own modalities earned. NaN where there are too few
        training lines, or no usable modality. With `groups` (`interval_groups`) its interval rests
        on the errors of its own group, where that has lines enough; without, on those of all.
        `known` are predictions by the folds' members, where somebody asked them before.
        """
        folds = model.fold_blends
        rows_of_fold = ByFold(folds, lambda fold: FeatureRows.of(fold_features[fold]))
        if self.scale.kind == BINARY:
            own, rows_of = FeatureRows.of(features), _by_pattern(features, model)
            answers = []
            for pattern, rows in rows_of:
                errors = model.errors[pattern]
                found = PatientAnswers.of(
                    errors, model.blend, pattern, (own, rows), folds, rows_of_fold, known
                )
                answers.append((rows, found))
            return PatientPredictive(len(features), answers, self.scale.higher_is_resistant)
        parts = []
        of_lines = large_groups(self.line_groups, model.lines)
        for pattern, rows in _by_pattern(features, model):
            errors = model.errors[pattern]
            of_both = None if groups is None else (of_lines[errors.lines], groups[rows])
            of_folds = FoldAnswers.of(errors, pattern, folds, rows_of_fold, rows, of_both, known)
            parts.append((rows, of_folds))
        return Predictive(len(features), parts, self.scale.higher_is_resistant)

    def interval(
        self,
        features: Features,
        fold_features: Mapping[int, Features],
        model: DrugModel,
        level: float,
        groups: np.ndarray | None = None,
    ) -> Interval:
        """Lower and upper end of each sample's prediction interval (`predictive`)."""
        return self.predictive(features, fold_features, model, groups).interval(level)

    def applicability(
        self, features: Features, model: DrugModel, compared: Features | None = None
    ) -> np.ndarray:
        """Nearness of each sample to the drug's training lines, 0 to 1 (`applicability`).

        In the space of the sub-model that predicts the sample. NaN for a sample without a usable
        modality, and where there are too few lines to compare with. `compared` are the samples'
        features as `nearest` has those of the lines, where `features` are a fold's.
        """
        beside = features if compared is None else compared
        share, values = np.full(len(features), np.nan), FeatureRows.of(beside).values
        for pattern, rows in _by_pattern(features, model):
            around = model.view(pattern, self.nearest).neighbourhood
            found = around.distances(values, rows)
            share[rows] = applicability(found, model.errors[pattern].distances)
        return share

    def least_applicability(self, features: Features, model: DrugModel) -> np.ndarray:
        """What `applicability` is for a sample farther than every held-out line, (n_samples,).

        It depends on the sample's sub-model alone. NaN for a sample without a usable modality.
        """
        least = np.full(len(features), np.nan)
        for pattern, rows in _by_pattern(features, model):
            least[rows] = least_applicability(model.errors[pattern].distances)
        return least

    def coverage(self, features: Features, model: DrugModel) -> np.ndarray:
        """Share of the weight of each sample's sub-model that rests on what the sample has."""
        covered, feature_rows = np.zeros(len(features)), FeatureRows.of(features)
        for pattern, rows in feature_rows.by_pattern(model.blend.blends_).items():
            if pattern is not None:
                weights = model.view(pattern, self.nearest).weights
                covered[rows] = weight_covered(
                    weights, feature_rows.part(pattern, rows), feature_rows.lacking(pattern, rows)
                )
        return covered

    def unmeasured(self, features: Features, model: DrugModel) -> np.ndarray:
        """Features of each sample's sub-model that the sample lacks, int, (n_samples,)."""
        lacking, feature_rows = np.zeros(len(features), int), FeatureRows.of(features)
        for pattern, rows in feature_rows.by_pattern(model.blend.blends_).items():
            if pattern is not None:
                lacking[rows] = feature_rows.lacking(pattern, rows)
        return lacking

    def marker(self, features: Features, model: DrugModel) -> MarkerStanding:
        """The drug's marker in each sample, and what it alone would say."""
        rows = FeatureRows.of(features)
        return marker_standing(model.blend, rows, self.nearest, model.lines)

    def among(self, *, her2_context: bool) -> np.ndarray:
        """Training lines that percentiles and calls refer to: all, or the HER2-high ones."""
        return self.her2_high if her2_context else np.full(len(self.her2_high), True)

    def percentile(
        self,
        features: Features,
        predictions: np.ndarray,
        model: DrugModel,
        *,
        her2_context: bool = False,
    ) -> np.ndarray:
        """Resistance percentile of each prediction, 0 most sensitive ... 100 most resistant.

        Where the prediction lies among the out-of-fold predictions that the same sub-model made
        for the training lines. Predictions are compared with predictions, not with observed
        responses, whose spread is wider. NaN where there is nothing to compare with.
        """
        among = self.among(her2_context=her2_context)
        percentile = np.full(len(features), np.nan)
        for pattern, rows in _by_pattern(features, model):
            percentile[rows] = model.errors[pattern].percentile(predictions[rows], among)
        return percentile if self.scale.higher_is_resistant else 100.0 - percentile

    def spread_of(self, model: DrugModel) -> np.ndarray:
        """What the width of an interval is held against: responses, or log-odds out of fold."""
        if self.scale.kind == CONTINUOUS:
            return model.observed
        widest = next(iter(model.errors.values()), None)
        return model.observed if widest is None else widest.predictions

    def typical_response(self, model: DrugModel, *, her2_context: bool = False) -> float:
        """Median observed response of the training lines to a drug; NaN without any."""
        among = self.among(her2_context=her2_context)[model.lines]
        return float(np.median(model.observed[among])) if among.any() else float("nan")

    def threshold(self, model: DrugModel, *, her2_context: bool = False) -> ResponseThreshold:
        """From which response on a line counts as resistant to a drug.

        A binary response has none: a patient is resistant where the event does not come about.
        """
        if self.scale.kind == BINARY:
            return ResponseThreshold(float("nan"), EVENT, 0.0)
        among = self.among(her2_context=her2_context)[model.lines]
        return response_threshold(
            model.observed[among], higher_is_resistant=self.scale.higher_is_resistant
        )

    def get_state(self) -> dict[str, Any]:
        """Everything as plain values and numeric arrays."""
        return {
            "joiner": self.joiner.get_state(),
            "fold_joiners": {str(n): joiner.get_state() for n, joiner in self.fold_joiners.items()},
            "drugs": {name: model.get_state(self.nearest) for name, model in self.drugs.items()},
            "nearest": self.nearest.get_state(),
            "her2": self.her2.get_state(),
            "groups": self.groups.get_state(),
            "mechanisms": self.mechanisms.get_state(),
            "scale": asdict(self.scale),
            "training": dict(self.training),
            "known": self.known.get_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Predictor that `get_state` described."""
        joiner = FeatureJoiner.from_state(state["joiner"])
        joiners = {int(n): FeatureJoiner.from_state(j) for n, j in state["fold_joiners"].items()}
        names = joiner.get_feature_names_out()
        fold_names = {n: joiner.get_feature_names_out() for n, joiner in joiners.items()}
        drugs = {
            name: DrugModel.from_state(model, names, fold_names)
            for name, model in state["drugs"].items()
        }
        nearest = NearestLines.from_state(state["nearest"])
        return cls(
            joiner=joiner,
            fold_joiners=joiners,
            drugs=drugs,
            nearest=nearest,
            her2=Her2Reference.from_state(state["her2"]),
            groups=LineGroups.from_state(state["groups"]),
            mechanisms=MechanismReference.from_state(state["mechanisms"]),
            scale=ResponseScale(**state["scale"]),
            training=state["training"],
            known=KnownLines.from_state(state["known"], nearest),
        )


def _by_pattern(features: Features, model: DrugModel) -> Iterator[tuple[Pattern, np.ndarray]]:
    """Rows of each sub-model of which cross-validation knows the errors."""
    for pattern, rows in FeatureRows.of(features).by_pattern(model.blend.blends_).items():
        if pattern is not None and pattern in model.errors:
            yield pattern, rows
