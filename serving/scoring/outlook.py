"""What to expect of a drug in a sample, in one word, and why not to trust it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from sidestep.features.builders.joiner import FeatureJoiner, coverage
from sidestep.features.study.study import Study
from sidestep.models.estimators.base import Contributions
from sidestep.models.estimators.patterns import Pattern, best_pattern, row_patterns
from sidestep.models.estimators.rows import FeatureRows
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.serving.scoring.names import NamedFeatures
from sidestep.serving.scoring.reasons import (
    LOW_COVERAGE,
    MISSING,
    NO_INTERVAL,
    NOT_BETTER,
    OUT_OF_DOMAIN,
    UNUSED,
    WIDE_INTERVAL,
    Reason,
)

_LEAST_APPLICABILITY = 0.05
_LEAST_COVERAGE = 0.5
# By the joiner of a predictor, with its joiners of the folds.
_NAMED: WeakKeyDictionary[FeatureJoiner, tuple[Mapping[int, FeatureJoiner], NamedFeatures]] = (
    WeakKeyDictionary()
)


@dataclass(frozen=True)
class Outlook:
    """What the predictor says of some samples and one drug, and how sure it is.

    Attributes
    ----------
    prediction, lower, upper : ndarray of shape (n_samples,)
        Response units.
    level : float
        Of the interval.
    percentile : ndarray of shape (n_samples,)
        0 most sensitive ... 100 most resistant.
    applicability, coverage : ndarray of shape (n_samples,)
        0 to 1.
    call : ndarray of str, shape (n_samples,)
        ``resistant``, ``sensitive``, ``uncertain`` or ``abstain``.
    reasons : list of str
        Codes of `serving.scoring.reasons`, ``;``-joined.
    contributions : Contributions
    """

    prediction: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    level: float
    percentile: np.ndarray
    applicability: np.ndarray
    coverage: np.ndarray
    call: np.ndarray
    reasons: list[str]
    contributions: Contributions


@dataclass(frozen=True)
class Samples:
    """Some samples' features, built once for all drugs.

    Attributes
    ----------
    features : DataFrame of shape (n_samples, n_features)
    fold_features : mapping of int to DataFrame
        As each fold of the cross-validation builds them.
    named : NamedFeatures
        What the names of all these features say.
    patterns : list of Pattern
        Molecular modalities that each sample has.
    modalities : list of str
        The same and ``clinical`` where the model uses it, ``;``-joined.
    """

    features: pd.DataFrame
    fold_features: dict[int, pd.DataFrame]
    named: NamedFeatures
    patterns: list[Pattern]
    modalities: list[str]

    @cached_property
    def rows(self) -> FeatureRows:
        """The features as models read them."""
        return FeatureRows(self.features)

    @cached_property
    def fold_rows(self) -> dict[int, FeatureRows]:
        """The features of each fold as its models read them."""
        return {fold: FeatureRows(features) for fold, features in self.fold_features.items()}


def samples_of(predictor: PanelPredictor, study: Study, features: pd.DataFrame) -> Samples:
    """Everything about some samples that no drug changes.

    Parameters
    ----------
    predictor : PanelPredictor
    study : Study
        Holds the samples, and maybe others.
    features : DataFrame of shape (n_samples, n_features)
        Of the samples to be scored, as `PanelPredictor.features` returns.
    """
    patterns = row_patterns(features)
    clinical = coverage(features).get("clinical", pd.Series(0.0, index=features.index)) > 0
    folds = {n: part.loc[features.index] for n, part in predictor.fold_features(study).items()}
    return Samples(
        features,
        folds,
        _named(predictor),
        patterns,
        [
            ";".join([*pattern, *(["clinical"] if known else [])])
            for pattern, known in zip(patterns, clinical, strict=True)
        ],
    )


def _named(predictor: PanelPredictor) -> NamedFeatures:
    """What the names of a predictor's features say, worked out once."""
    known = _NAMED.get(predictor.joiner)
    if known is None or known[0] is not predictor.fold_joiners:
        names = NamedFeatures.of(
            pd.Index(predictor.joiner.get_feature_names_out()),
            {
                fold: pd.Index(joiner.get_feature_names_out())
                for fold, joiner in predictor.fold_joiners.items()
            },
        )
        known = _NAMED[predictor.joiner] = (predictor.fold_joiners, names)
    return known[1]


def outlook(
    predictor: PanelPredictor,
    model: DrugModel,
    samples: Samples,
    *,
    level: float,
    her2_context: bool,
) -> Outlook:
    """Predict, explain and judge some samples for one drug.

    The call is ``resistant`` (``sensitive``) if the whole interval lies on the resistant
    (sensitive) side of the median response of the training lines, else ``uncertain``; it is
    ``abstain`` where a reason says so.

    Parameters
    ----------
    predictor : PanelPredictor
    model : DrugModel
    samples : Samples
    level : float
        Of the interval, such as 0.8.
    her2_context : bool
        Whether percentile and call refer to the HER2-high training lines alone.
    """
    features = samples.rows
    contributions = predictor.explain(features, model)
    prediction = predictor.predict(features, model)
    lower, upper = predictor.interval(features, samples.fold_rows, model, level)
    covered = predictor.coverage(features, model)
    near = predictor.applicability(features, model)
    # With fewer than 20 held-out lines applicability never falls below 1 in 20.
    farthest = near <= predictor.least_applicability(features, model)
    flags = {
        NO_INTERVAL: ~np.isfinite(upper - lower),
        OUT_OF_DOMAIN: farthest | (near < _LEAST_APPLICABILITY),
        LOW_COVERAGE: covered < _LEAST_COVERAGE,
        NOT_BETTER: np.full(len(features), not model.beats_baselines),
        WIDE_INTERVAL: upper - lower >= _spread(model.observed, level),
    }
    typical = predictor.typical_response(model, her2_context=her2_context)
    sign = 1.0 if predictor.scale.higher_is_resistant else -1.0
    call = _calls(sign * (lower - typical), sign * (upper - typical), flags)
    return Outlook(
        prediction=prediction,
        lower=lower,
        upper=upper,
        level=level,
        percentile=predictor.percentile(features, prediction, model, her2_context=her2_context),
        applicability=near,
        coverage=covered,
        call=call,
        reasons=_codes(flags, samples.patterns, model.blend.patterns),
        contributions=contributions,
    )


def _calls(
    one_end: np.ndarray, other_end: np.ndarray, flags: dict[Reason, np.ndarray]
) -> np.ndarray:
    """Calls from the interval's ends about the typical response, positive is resistant."""
    call = np.full(len(one_end), "uncertain", dtype=object)
    call[np.minimum(one_end, other_end) > 0] = "resistant"
    call[np.maximum(one_end, other_end) < 0] = "sensitive"
    for reason, raised in flags.items():
        if reason.abstains:
            call[raised] = "abstain"
    return call


def _codes(
    flags: dict[Reason, np.ndarray], patterns: list[Pattern], fitted: list[Pattern]
) -> list[str]:
    """Reason codes of each sample, in the order of `serving.scoring.reasons.REASONS`."""
    named = {has: _of_pattern(has, fitted) for has in set(patterns)}
    return [
        ";".join([*(reason.code for reason, raised in flags.items() if raised[row]), *named[has]])
        for row, has in enumerate(patterns)
    ]


def _of_pattern(has: Pattern, fitted: list[Pattern]) -> list[str]:
    """Codes of a sample's modalities: what the model of all of them lacks, and does not use."""
    used = best_pattern(has, fitted) or ()
    return [
        *(f"{MISSING.code}:{modality}" for modality in fitted[0] if modality not in has),
        *(f"{UNUSED.code}:{modality}" for modality in has if used and modality not in used),
    ]


def _spread(observed: np.ndarray, level: float) -> float:
    """Width of the central share `level` of the training lines' responses."""
    tail = (1.0 - level) / 2
    low, high = np.quantile(observed, [tail, 1.0 - tail])
    return float(high - low)
