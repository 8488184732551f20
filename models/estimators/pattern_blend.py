"""One blend a combination of modalities, so that a sample is predicted from what it has.

A saved model's sub-models are made when they are first used: a panel of 25 drugs has more than a
thousand, of which a cohort uses a few dozen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.study.responses import CONTINUOUS
from sidestep.models.damage import refusing_damage
from sidestep.models.estimators.base import Contributions, ExplainedEstimator
from sidestep.models.estimators.blend import Blend
from sidestep.models.estimators.blend_contributions import BlendContributions
from sidestep.models.estimators.lines import TrainingLines
from sidestep.models.estimators.outcomes import Outcome, outcome_of
from sidestep.models.estimators.patterns import (
    Pattern,
    best_pattern,
    pattern_columns,
    pattern_name,
    pattern_named,
    patterns_among,
)
from sidestep.models.estimators.rows import FeatureRows
from sidestep.models.estimators.screening import rank_features
from sidestep.models.estimators.sub_model import require_sub_model
from sidestep.models.estimators.trees import saved_settings

#: Samples with just a sub-model's modalities that the full ridge must have learned from.
_FEWEST_ALIKE, _LEAST_SHARE = 10, 0.1


#: Rows that each sub-model predicts, and what it says of them.
Said = Mapping[Pattern, tuple[np.ndarray, BlendContributions]]


class PatternBlend(ExplainedEstimator):
    """A blend of all modalities, and sub-models for samples that lack some.

    A model of all modalities that is shown a sample without expression answers badly: its
    remaining weights were learned beside expression, and its trees send a missing value down a
    branch that few training lines took. A sub-model is fitted without those features instead,
    on every line that has any of its modalities. Each sample is predicted by the sub-model that
    uses most of what the sample has; features outside it contribute nothing.

    Parameters
    ----------
    target_features, markers, shrinkage, inner_folds, gates, axes, tree_settings, n_jobs, seed, kind
        As for `models.estimators.blend.Blend`. Sub-models learn no weights: four more fits of each
        would cost most of a training. Whether a drug's response goes with its marker is learned
        once, where most is measured: they take the full model's share of the marker, if they have
        a marker, and halve the rest between ridge and trees; of a binary response they take the
        full model's share of the trees, and its ridge where a tenth of the training samples lacked
        just the same modalities: it was learned from them, too, and a missing feature adds nothing.

    Attributes
    ----------
    blends_ : mapping of Pattern to Blend
        The first pattern is all modalities.
    """

    def __init__(
        self,
        target_features: Sequence[str] = (),
        markers: Sequence[str] = (),
        shrinkage: float = 100.0,
        inner_folds: int = 4,
        gates: Mapping[str, Sequence[str]] | None = None,
        axes: Mapping[str, float] | None = None,
        tree_settings: Mapping[str, Any] | None = None,
        n_jobs: int = 1,
        seed: int = 0,
        kind: str = CONTINUOUS,
    ) -> None:
        self.target_features = target_features
        self.markers = markers
        self.shrinkage = shrinkage
        self.inner_folds = inner_folds
        self.gates = gates
        self.axes = axes
        self.tree_settings = tree_settings
        self.n_jobs = n_jobs
        self.seed = seed
        self.kind = kind

    @property
    def outcome(self) -> Outcome:
        """What the kind of the response asks for."""
        return outcome_of(self.kind)

    def _fit(self, X: pd.DataFrame | TrainingLines, y: np.ndarray, groups: np.ndarray) -> None:
        lines = TrainingLines.of(X)
        has = lines.patterns
        rows: dict[Pattern, np.ndarray] = {}
        for pattern in patterns_among(has, lines.columns.tolist()):
            seen = [not rows or bool(set(row) & set(pattern)) for row in has]
            rows[pattern] = np.flatnonzero(seen)
        parts = {pattern: lines.among(rows[pattern]).seeing(pattern) for pattern in rows}
        rankings = rank_features(list(parts.values()), [y[chosen] for chosen in rows.values()])
        blends: dict[Pattern, Blend] = {}
        for (pattern, part), ranking in zip(parts.items(), rankings, strict=True):
            settings = self.get_params()
            if blends:
                settings["inner_folds"] = 0
                shares = next(iter(blends.values())).shares_
                settings |= self.outcome.sub_model_shares(*shares.tolist())
            chosen, blend = rows[pattern], Blend(**settings)
            if blends and self.outcome.shares_ridge and _frequent(pattern, has):
                # Those who lack a modality were among whom the full ridge was learned from.
                whole = parts[next(iter(blends))].column_numbers
                places = np.flatnonzero(np.isin(whole, part.column_numbers))
                blend.taking(next(iter(blends.values())).ridge_.seeing(places))
            blends[pattern] = blend.fit(part.ranked(ranking), y[chosen], groups[chosen])
        self.blends_: Mapping[Pattern, Blend] = blends

    @property
    def patterns(self) -> list[Pattern]:
        """Combinations of modalities that have a model."""
        return list(self.blends_)

    def chosen(self, X: pd.DataFrame | FeatureRows) -> list[Pattern | None]:
        """Pattern whose model predicts each row; None for a row without any usable modality."""
        rows = FeatureRows.of(X)
        fitted = {has: best_pattern(has, self.patterns) for has in set(rows.patterns)}
        return [fitted[has] for has in rows.patterns]

    def predict_as(self, pattern: Pattern, X: pd.DataFrame) -> np.ndarray:
        """Predict every row by the model of one pattern, (n_samples,)."""
        return self.blends_[pattern].blend(self.members_as(pattern, X))

    def members_as(self, pattern: Pattern, X: pd.DataFrame) -> np.ndarray:
        """Predictions of ridge, trees and marker of one pattern's model, (n_samples, 3)."""
        rows = FeatureRows(X)
        rows.require(self.feature_names_in_)
        return self.blends_[pattern].predict_members(rows.part(pattern, np.arange(len(rows))))

    def member_predictions(self, X: pd.DataFrame | FeatureRows) -> np.ndarray:
        """Predictions of ridge, trees and marker of each row's model, (n_samples, 3)."""
        rows = FeatureRows.of(X)
        members = np.empty((len(rows), 3))
        for pattern, some in self._by_model(rows):
            members[some] = self.blends_[pattern].predict_members(rows.part(pattern, some))
        return members

    def _predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.predict_rows(FeatureRows(X))

    def predict_rows(self, rows: FeatureRows) -> np.ndarray:
        """Predicted response of each row, in the unit of `y`.

        Raises
        ------
        InputError
            If the features are not those of `fit`, in that order.
        """
        rows.require(self.feature_names_in_)
        predicted = np.empty(len(rows))
        for pattern, some in self._by_model(rows):
            blend = self.blends_[pattern]
            predicted[some] = blend.blend(blend.predict_members(rows.part(pattern, some)))
        return predicted

    def _contributions(self, X: pd.DataFrame) -> Contributions:
        return self.explain_rows(FeatureRows(X))[1]

    def explain_rows(self, rows: FeatureRows) -> tuple[np.ndarray, Contributions]:
        """Predicted response of each row, with the exact contribution of every feature to it.

        Returns
        -------
        predicted : ndarray of shape (n_rows,)
            As `predict_rows` has it.
        contributions : Contributions

        Raises
        ------
        InputError
            If the features are not those of `fit`, in that order.
        """
        (predicted, base), values = np.empty((2, len(rows))), np.empty(rows.values.shape)
        for pattern, (some, said) in self.said(rows).items():
            said.write(values, some, rows.columns(pattern))
            predicted[some], base[some] = said.predicted, said.base_value
        return predicted, Contributions(base, values)

    def said(self, rows: FeatureRows) -> Said:
        """What features contribute to each row's prediction, of which any part can be asked.

        Raises
        ------
        InputError
            If the features are not those of `fit`, in that order.
        """
        rows.require(self.feature_names_in_)
        return {
            pattern: (some, BlendContributions(self.blends_[pattern], rows.part(pattern, some)))
            for pattern, some in self._by_model(rows)
        }

    def _by_model(self, rows: FeatureRows) -> Iterator[tuple[Pattern, np.ndarray]]:
        """Rows that each pattern's model predicts; those without any modality go to the first.

        The first is the model of all modalities, which then says little more than its mean; it
        is for whoever serves predictions to leave such a row out.
        """
        by_pattern = rows.by_pattern(self.blends_)
        first = self.patterns[0]
        sorted_rows = {first: np.empty(0, int)} | by_pattern
        nowhere = sorted_rows.pop(None, None)
        if nowhere is not None:
            sorted_rows[first] = np.union1d(sorted_rows[first], nowhere)
        for pattern, some in sorted_rows.items():
            if len(some) and pattern is not None:
                yield pattern, some

    def get_state(self) -> dict[str, Any]:
        """State that prediction needs, as plain values and arrays."""
        blends = {
            pattern_name(pattern): blend.get_state() for pattern, blend in self.blends_.items()
        }
        return {
            "parameters": self.get_params() | {"tree_settings": saved_settings(self.tree_settings)},
            "patterns": [pattern_name(pattern) for pattern in self.patterns],
            "blends": blends,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], features: np.ndarray) -> Self:
        """Fitted model that `get_state` described, on columns `features`."""
        model = cls(**state["parameters"]).expecting(features)
        states = {pattern_named(name): state["blends"][name] for name in state["patterns"]}
        if not states:
            raise InputError("the model holds no sub-model; train it again")
        model.blends_ = StoredBlends(states, features)
        return model


def _frequent(pattern: Pattern, has: Sequence[Pattern]) -> bool:
    """Whether samples with just these modalities are a tenth of all, and ten at least."""
    return has.count(pattern) >= max(_FEWEST_ALIKE, _LEAST_SHARE * len(has))


class StoredBlends(Mapping[Pattern, Blend]):
    """Blend of each combination of modalities, made from its state when first asked for.

    Parameters
    ----------
    states : mapping of Pattern to dict
        As `Blend.get_state` returned.
    features : ndarray of str, shape (n_features,)
        All features; a blend sees those of its pattern.
    """

    def __init__(self, states: Mapping[Pattern, dict[str, Any]], features: np.ndarray) -> None:
        self._states = states
        self._features = features
        self._made: dict[Pattern, Blend] = {}

    def __getitem__(self, pattern: Pattern) -> Blend:
        if pattern not in self._made:
            columns = pattern_columns(self._features.tolist(), pattern)
            with refusing_damage(f"sub-model {pattern_name(pattern)}"):
                require_sub_model(self._states[pattern], "the state", len(columns))
                blend = Blend.from_state(self._states[pattern], self._features[columns])
            # Of two threads that made it at once, both go on with the same one.
            return self._made.setdefault(pattern, blend)
        return self._made[pattern]

    def __contains__(self, pattern: object) -> bool:
        return pattern in self._states

    def __iter__(self) -> Iterator[Pattern]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)
