"""One matrix from all blocks, with each feature's modality and a coverage report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.builders.base import FeatureBuilder
from sidestep.features.builders.clinical import ClinicalBuilder
from sidestep.features.builders.copy_number import CopyNumberBuilder
from sidestep.features.builders.expression import ExpressionBuilder
from sidestep.features.builders.mutation import MutationBuilder
from sidestep.features.builders.names import REGIMEN, modality_of
from sidestep.features.builders.once import once
from sidestep.features.builders.regimen import RegimenBuilder
from sidestep.features.builders.rppa import RppaBuilder
from sidestep.features.builders.signature import SignatureScoreBuilder
from sidestep.features.errors import InputError
from sidestep.features.estimator import Transformer
from sidestep.features.study.study import Study

_BUILDERS: dict[str, type[FeatureBuilder]] = {
    "expression": ExpressionBuilder,
    "rppa": RppaBuilder,
    "mutation": MutationBuilder,
    "copy_number": CopyNumberBuilder,
    "signature": SignatureScoreBuilder,
    "clinical": ClinicalBuilder,
    REGIMEN: RegimenBuilder,
}


class FeatureJoiner(Transformer):
    """Fit one builder a modality and put their blocks side by side.

    Parameters
    ----------
    modalities : sequence of str, optional
        Modalities to use; by default every molecular modality that the training study has.
    clinical : sequence of str
        Clinical attributes to use as covariates.
    regimen : tuple of (str, str), optional
        Clinical attributes that tell the regimen, and the drugs given (`RegimenBuilder`).
    extra : sequence of FeatureBuilder
        Builders of one's own, not fitted; a copy of each is fitted beside the others. Each adds
        features to a modality that models know (`MODALITIES` of `features.builders.names`), so
        that the sub-models of that modality see them. A joiner with such builders learns and
        predicts like any other, but has no state and so cannot be saved: loading a model runs
        no code, and theirs would have to be run.

    Attributes
    ----------
    builders_ : list of FeatureBuilder
        In the order expression, RPPA, mutation, copy number, signature, clinical, regimen, then
        `extra`.
    """

    def __init__(
        self,
        modalities: Sequence[str] | None = None,
        clinical: Sequence[str] = (),
        extra: Sequence[FeatureBuilder] = (),
        regimen: tuple[str, str] | None = None,
    ) -> None:
        self.modalities = modalities
        self.clinical = clinical
        self.regimen = regimen
        self.extra = extra

    def fit(self, X: Study, y: object = None) -> Self:
        """Fit every builder on the samples of `X`.

        Raises
        ------
        InputError
            If a modality is unknown, or none is left to build from; or if a builder of `extra`
            names its features as none of its modality, or as another builder does.
        """
        molecular = [name for name in _BUILDERS if name not in ("clinical", REGIMEN)]
        unknown = sorted(set(self.modalities or ()) - set(molecular))
        if unknown:
            raise InputError(f"unknown modality {unknown[0]}; choose from {', '.join(molecular)}")
        present = {name for name, samples in X.profiled().items() if len(samples)}
        chosen = [
            name
            for name in molecular
            if (name in present if self.modalities is None else name in self.modalities)
        ]
        builders: list[FeatureBuilder] = [_BUILDERS[name]() for name in chosen]
        if self.clinical:
            builders.append(ClinicalBuilder(tuple(self.clinical)))
        if self.regimen is not None:
            builders.append(RegimenBuilder(*self.regimen))
        if not builders:
            raise InputError(
                f"study {X.study_id} has none of {', '.join(molecular)}; nothing to train on"
            )
        own = [builder.fit(X) for builder in builders]
        added = [type(builder)(**builder.get_params()).fit(X) for builder in self.extra]
        _require_usable_names(own, added)
        self.builders_ = [*own, *added]
        return self

    def transform(self, X: Study) -> pd.DataFrame:
        """Samples x features of all blocks, float64, NaN where not measured."""
        self._require_fitted("builders_")
        blocks = [builder.transform(X) for builder in self.builders_]
        # One array, which models then read as it is, where blocks would be copied each time.
        values = np.hstack([block.to_numpy(float) for block in blocks])
        names = self._joined([block.columns for block in blocks])
        return pd.DataFrame(values, index=X.samples, columns=names, copy=False)

    def _joined(self, parts: list[pd.Index]) -> pd.Index:
        """Names of all features: the same object as long as the blocks' are the same."""
        kept: tuple[list[pd.Index], pd.Index] | None = vars(self).get("_kept_names")
        if kept is None or not all(map(pd.Index.is_, kept[0], parts)):
            names = np.concatenate([part.to_numpy(object) for part in parts])
            # Not as text of Arrow's, which is made into Python's at each look.
            kept = self._kept_names = parts, pd.Index(names, dtype=object)
        return kept[1]

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Names of all features, block after block."""
        self._require_fitted("builders_")
        return np.concatenate([builder.get_feature_names_out() for builder in self.builders_])

    @property
    def regimens(self) -> RegimenBuilder | None:
        """The builder of regimens, if they are told."""
        self._require_fitted("builders_")
        found = [builder for builder in self.builders_ if isinstance(builder, RegimenBuilder)]
        return found[0] if found else None

    @property
    def modality_(self) -> pd.Series:
        """Feature -> modality."""
        names = list(self.get_feature_names_out())
        return pd.Series([modality_of(name) for name in names], index=names, name="modality")

    def get_state(self) -> dict[str, Any]:
        """State of every builder, by modality.

        Raises
        ------
        InputError
            If there are builders in `extra`.
        """
        self._require_fitted("builders_")
        if self.extra:
            raise InputError(
                f"features of {type(self.extra[0]).__name__} cannot be saved: a saved model is "
                "loaded without running code, by the builders of features/builders alone; make "
                "it one of those, or train without it"
            )
        return {builder.modality: builder.get_state() for builder in self.builders_}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Joiner that `get_state` described."""
        clinical = state.get("clinical", {}).get("parameters", {}).get("attributes", ())
        regimen = state.get(REGIMEN, {}).get("parameters")
        joiner = cls(
            [name for name in state if name not in ("clinical", REGIMEN)],
            clinical,
            regimen=regimen and (regimen["attribute"], regimen["drugs_attribute"]),
        )
        # In the order of `fit`, whatever the order of the state: models know columns by place.
        names = sorted(state, key=list(_BUILDERS).index)
        joiner.builders_ = [_BUILDERS[name].from_state(state[name]) for name in names]
        return joiner


def _require_usable_names(own: list[FeatureBuilder], added: list[FeatureBuilder]) -> None:
    """Refuse features that models would not look at, or could not tell from others."""
    if not added:
        return
    taken = {name for builder in own for name in builder.get_feature_names_out()}
    for builder in added:
        label, modality = type(builder).__name__, builder.modality
        if modality not in _BUILDERS:
            raise InputError(
                f"builder {label} has the modality {modality!r}, of which no model knows; set it "
                f"to one of {', '.join(_BUILDERS)}"
            )
        for name in builder.get_feature_names_out():
            if modality_of(name) != modality:
                raise InputError(
                    f"builder {label} names a feature {name!r}; begin the name with {modality}:"
                )
            if name in taken:
                raise InputError(
                    f"builder {label} names a feature {name!r}, which there is already; give it "
                    "another name"
                )
            taken.add(name)


@once
def coverage(features: pd.DataFrame) -> pd.DataFrame:
    """Share of each modality's features that each sample really has.

    Parameters
    ----------
    features : DataFrame of shape (n_samples, n_features)
        As `FeatureJoiner.transform` returns.

    Returns
    -------
    DataFrame of shape (n_samples, n_modalities)
        0 (lacks the modality) ... 1 (every feature measured). Regimens are no modality.
    """
    modality = pd.Series([modality_of(name) for name in features.columns.tolist()], dtype=object)
    measured = np.isfinite(features.to_numpy())
    names = [name for name in modality.unique() if name != REGIMEN]
    return pd.DataFrame(
        {name: measured[:, modality == name].mean(axis=1) for name in names},
        index=features.index,
    )
