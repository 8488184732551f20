"""Samples with their features built once for all drugs, and who answers for them.

New samples are answered by the predictor, and training lines by that of the fold which has not
seen them (`models.predictor.known_lines`).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, Self
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
import pyarrow as pa

from sidestep.features.builders.joiner import FeatureJoiner, coverage
from sidestep.features.builders.names import MODALITIES, REGIMEN, modality_of
from sidestep.features.mechanisms.of_features import MECHANISMS, mechanisms_of
from sidestep.features.study.study import Study
from sidestep.models.estimators.by_fold import ByFold
from sidestep.models.estimators.patterns import Pattern, row_patterns
from sidestep.models.estimators.rows import FeatureRows
from sidestep.models.predictor.cohort import TumourCohort
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.known_lines import Known, rows_by_fold
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.serving.disk.coded import CODED
from sidestep.serving.disk.sample_scores import OTHER
from sidestep.serving.scoring.contributions import places_in

# By the joiner of a predictor, with its joiners of the folds. These are not held, since one of them
# may be the key, which would then never be let go of.
_NAMED: WeakKeyDictionary[
    FeatureJoiner, tuple[Mapping[int, weakref.ref[FeatureJoiner]], NamedFeatures]
] = WeakKeyDictionary()


@dataclass(frozen=True)
class NamedFeatures:
    """Features of the final models and of the cross-validation's folds, under one numbering.

    A fold learns its features from its own lines, so that it may have some that the final models
    lack, and the other way round. They are matched by name.

    Attributes
    ----------
    names, modalities, mechanisms : ndarray of str, shape (n_features,)
        Of the columns that the final models see.
    order : ndarray of int, shape (n_features,)
        Number of each column: its place in the alphabet among all features.
    fold_modalities : mapping of int to ndarray of str, shape (n_fold_features,)
        Of the columns that each fold's models see.
    fold_order : mapping of int to ndarray of int, shape (n_fold_features,)
        Number of each of them.
    count : int
        Features of different names.
    """

    names: np.ndarray
    modalities: np.ndarray
    mechanisms: np.ndarray
    order: np.ndarray
    fold_modalities: Mapping[int, np.ndarray]
    fold_order: Mapping[int, np.ndarray]
    count: int

    @cached_property
    def modality_places(self) -> np.ndarray:
        """Place of each feature's modality in `MODALITIES`; -1 of a regimen, which is none."""
        return places_in(MODALITIES, self.modalities)

    @cached_property
    def mechanism_places(self) -> np.ndarray:
        """Place of each feature's mechanism in `MECHANISMS`."""
        return places_in(MECHANISMS, self.mechanisms)

    @cached_property
    def texts(self) -> dict[str, pa.Array]:
        """Codes of ``feature``, ``modality`` and ``mechanism``; last of what is no feature."""
        parts = {
            "feature": [*self.names, OTHER],
            "modality": [*self.modalities, None],
            "mechanism": [*self.mechanisms, None],
        }
        return {name: pa.array(part, CODED) for name, part in parts.items()}

    @classmethod
    def of(cls, names: pd.Index, folds: Mapping[int, pd.Index]) -> Self:
        """Number the features of the final models and of each fold's."""
        parts = [part.to_numpy(object) for part in (names, *folds.values())]
        number, every = pd.factorize(np.concatenate(parts), sort=True)
        modality = np.array([modality_of(name) for name in every], dtype=object)
        ends = np.cumsum([len(part) for part in parts])[:-1]
        order, *fold_orders = np.split(number, ends)
        fold_order = dict(zip(folds, fold_orders, strict=True))
        return cls(
            names=parts[0],
            modalities=modality[order],
            mechanisms=mechanisms_of(parts[0]),
            order=order,
            fold_modalities={fold: modality[part] for fold, part in fold_order.items()},
            fold_order=fold_order,
            count=len(every),
        )


@dataclass(frozen=True)
class Samples:
    """Some samples' features, built once for all drugs.

    Attributes
    ----------
    features : DataFrame of shape (n_samples, n_features)
    fold_features : mapping of int to DataFrame
        As each fold of the cross-validation builds them; those of `samples_of` when they are first
        asked for, and until they are let go of.
    named : NamedFeatures
        What the names of all these features say.
    patterns : list of Pattern
        Molecular modalities that each sample has.
    modalities : list of str
        The same and ``clinical`` where the model uses it, ``;``-joined.
    compared : DataFrame of shape (n_samples, n_compared_features), optional
        The features as those of the training lines are kept, where `features` are a fold's.
    known : sequence of Known or None, optional
        Which samples are training lines, or of their donors; none by default.
    off_scale : sequence of tuple of str, optional
        Modalities of each sample that are not on the training lines' scale; none by default.
    cohort : TumourCohort, optional
        The tumours that the samples are answered among, by whose shift the features are aligned;
        by default they are answered among the training lines.
    groups : ndarray of str, shape (n_samples, 2), optional
        Groups of lines that each sample is in (`PanelPredictor.interval_groups`).
    """

    features: pd.DataFrame
    fold_features: Mapping[int, pd.DataFrame]
    named: NamedFeatures
    patterns: list[Pattern]
    modalities: list[str]
    compared: pd.DataFrame | None = None
    known: Sequence[Known | None] = ()
    off_scale: Sequence[tuple[str, ...]] = ()
    cohort: TumourCohort | None = None
    groups: np.ndarray | None = None

    @cached_property
    def ids(self) -> pa.Array:
        """Name of each sample as codes, (n_samples,)."""
        return pa.array([str(name) for name in self.features.index], CODED)

    @property
    def calibrated_by(self) -> np.ndarray | None:
        """Groups whose lines may calibrate the intervals; none of samples answered as tumours."""
        return self.groups if self.cohort is None else None

    @property
    def trusted(self) -> pd.DataFrame:
        """The features, without those of modalities that are not on the training lines' scale."""
        if not any(self.off_scale):
            return self.features
        features, values = self.features, self.features.to_numpy(float, copy=True)
        for modalities in set(self.off_scale):
            rows = np.array([doubtful == modalities for doubtful in self.off_scale])
            values[np.ix_(rows, np.isin(self.named.modalities, modalities))] = np.nan
        return pd.DataFrame(values, features.index, features.columns, copy=False)

    @cached_property
    def rows(self) -> FeatureRows:
        """The features as models read them."""
        return FeatureRows(self.features)

    @cached_property
    def to_name(self) -> np.ndarray:
        """Which features an explanation may name: those measured; bool, (n_samples, n_features).

        A regimen is a condition, and is named by none.
        """
        return np.asarray(np.isfinite(self.rows.values) & (self.named.modalities != REGIMEN))

    @cached_property
    def fold_rows(self) -> ByFold[FeatureRows]:
        """The features of each fold as its models read them."""
        features = self.fold_features  # not the samples, which would hold themselves
        return ByFold(features, lambda fold: FeatureRows(features[fold]))

    def let_go(self, fold: int) -> None:
        """Keep the features of a fold no longer; they are built anew if they are asked for."""
        self.fold_rows.let_go(fold)
        if isinstance(self.fold_features, ByFold):
            self.fold_features.let_go(fold)

    def changed_folds(
        self, change: Callable[[int, pd.DataFrame], pd.DataFrame]
    ) -> ByFold[pd.DataFrame]:
        """The features of each fold with a change, which is made when they are first asked for."""
        features = self.fold_features
        return ByFold(features, lambda fold: change(fold, features[fold]))


class Splitter(Protocol):
    """Parts samples by what they are answered among, as `serving.scoring.tumours.References`."""

    def split(
        self, predictor: PanelPredictor, study: Study, samples: Samples
    ) -> list[tuple[np.ndarray, Samples]]:
        """Rows of each part, and its samples as the model is to see them."""


@dataclass(frozen=True)
class Answered:
    """Some samples, with the predictor that has not seen them.

    Attributes
    ----------
    rows : ndarray of int, shape (n_samples,)
        Their places among the samples that were asked about.
    predictor : PanelPredictor
        The whole one for new samples; that of a fold for training lines.
    samples : Samples
        With the features of `predictor`; those of tumours aligned by the shift of their cohort.
    whole : tuple of (PanelPredictor, Samples)
        The whole predictor, and the samples with its features as they were measured.
    """

    rows: np.ndarray
    predictor: PanelPredictor
    samples: Samples
    whole: tuple[PanelPredictor, Samples]

    def by(self, drug: str) -> tuple[PanelPredictor, DrugModel, Samples]:
        """Who answers on one drug, and the samples as it takes them.

        Of a drug that was tested on no line of their fold, the whole predictor has learned nothing
        of these samples.
        """
        if drug in self.predictor.drugs:
            return self.predictor, self.predictor.drugs[drug], self.samples
        predictor, samples = self.whole
        return predictor, predictor.drugs[drug], samples


def answered(
    predictor: PanelPredictor,
    study: Study,
    features: pd.DataFrame,
    references: Splitter | None = None,
) -> list[Answered]:
    """Samples by who answers for them: the predictor, or that of the fold which has not seen them.

    Parameters
    ----------
    predictor : PanelPredictor
    study : Study
        Holds the samples, and maybe others.
    features : DataFrame of shape (n_samples, n_features)
        As for `samples_of`.
    references : References, optional
        Cohorts of tumours that new samples may be answered among (`serving.scoring.tumours`).
    """
    known = predictor.known.find(study, features)
    whole = replace(samples_of(predictor, study, features), known=known)
    parts = []
    for fold, rows in rows_by_fold(known).items():
        some = whole if len(rows) == len(features) else among(whole, rows)
        if fold is not None:
            unseen = predictor.unseen(fold)
            parts.append(Answered(rows, unseen, _as_fold(predictor, some, fold), (predictor, some)))
            continue
        split = [(np.arange(len(rows)), some)]
        if references is not None:
            split = references.split(predictor, study, some)
        for places, seen in split:
            as_measured = seen if seen.cohort is None else among(some, places)
            parts.append(Answered(rows[places], predictor, seen, (predictor, as_measured)))
    return parts


def by_sample(tables: Sequence[pd.DataFrame], samples: pd.Index) -> pd.DataFrame:
    """Tables with a column `sample_id` as one, each sample's rows together, in its place.

    Rows of one sample stay in the order of the tables.
    """
    if len(tables) == 1:
        return tables[0]
    joined = pd.concat(tables, ignore_index=True)
    places = samples.get_indexer(pd.Index(joined["sample_id"]))
    return joined.iloc[np.argsort(places, kind="stable")].reset_index(drop=True)


def among(samples: Samples, rows: np.ndarray) -> Samples:
    """Some of the samples, none of them as a fold takes it."""
    return Samples(
        samples.features.iloc[rows],
        samples.changed_folds(lambda _, features: features.iloc[rows]),
        samples.named,
        [samples.patterns[row] for row in rows],
        [samples.modalities[row] for row in rows],
        known=[samples.known[row] for row in rows],
        off_scale=[samples.off_scale[row] for row in rows],
        cohort=samples.cohort,
        groups=None if samples.groups is None else samples.groups[rows],
    )


def _as_fold(predictor: PanelPredictor, samples: Samples, fold: int) -> Samples:
    """The samples as the models of a fold take them."""
    features = samples.fold_features[fold]
    return replace(
        samples,
        features=features,
        named=_named(predictor, fold),
        patterns=row_patterns(features),
        compared=samples.features,
    )


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
    off_scale = predictor.mechanisms.scales.doubts(study)
    return Samples(
        features,
        ByFold(
            predictor.fold_joiners,
            lambda fold: rows_of(predictor.fold_joiners[fold].transform(study), features.index),
        ),
        _named(predictor),
        patterns,
        modality_names(features, patterns),
        off_scale=[
            tuple(modality for modality, doubts in off_scale.items() if str(name) in doubts)
            for name in features.index
        ],
        groups=predictor.interval_groups(study, features),
    )


def rows_of(features: pd.DataFrame, samples: pd.Index) -> pd.DataFrame:
    """Rows of some samples; of all of them the table itself, as it is large."""
    return features if features.index.equals(samples) else features.loc[samples]


def modality_names(features: pd.DataFrame, patterns: Sequence[Pattern]) -> list[str]:
    """Modalities of each sample, and ``clinical`` where the model uses it, ``;``-joined."""
    clinical = coverage(features).get("clinical", pd.Series(0.0, index=features.index)) > 0
    return [
        ";".join([*pattern, *(["clinical"] if known else [])])
        for pattern, known in zip(patterns, clinical, strict=True)
    ]


def _named(predictor: PanelPredictor, fold: int | None = None) -> NamedFeatures:
    """What the names of a predictor's features, or of a fold's, say; worked out once."""
    joiner = predictor.joiner if fold is None else predictor.fold_joiners[fold]
    folds = predictor.fold_joiners
    known = _NAMED.get(joiner)
    if known is None or {n: kept() for n, kept in known[0].items()} != dict(folds):
        names = NamedFeatures.of(
            pd.Index(joiner.get_feature_names_out()),
            {fold: pd.Index(joiner.get_feature_names_out()) for fold, joiner in folds.items()},
        )
        known = _NAMED[joiner] = {n: weakref.ref(one) for n, one in folds.items()}, names
    return known[1]
