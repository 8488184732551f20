"""Would models of other lines say the same? How steady an explanation is over the folds.

Each fold of the cross-validation left us a model that had not seen a part of the lines. What
these models make of the same sample tells which of its explanation rests on a few lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from models.drug_model import DrugModel
from models.patterns import Pattern, best_pattern
from serving.calls import Samples
from serving.top_features import largest

#: A feature is stable if at least this share of the folds' models agree on it.
STABLE_SHARE = 0.6


@dataclass(frozen=True)
class Stability:
    """How steady the explanations of some samples are for one drug.

    Attributes
    ----------
    top_k_share : ndarray of shape (n_samples, top_k)
        For each feature that the explanation names, the share of the folds' models that also
        have it among their own top k. A feature that contributes nothing is in no top k.
    agreement : ndarray of shape (n_samples,)
        Spearman's rank correlation of the contributions, signs included, by the final model and
        by a fold's, over all features in the top k of either; mean over the folds, -1 to 1.

    Both are NaN where no fold has a model of the sample's modalities, and `agreement` also where
    there is nothing to rank: less than two features that differ.
    """

    top_k_share: np.ndarray
    agreement: np.ndarray

    @property
    def stable(self) -> np.ndarray:
        """Whether each named feature is stable, (n_samples, top_k); None where unknown."""
        stable = (self.top_k_share >= STABLE_SHARE).astype(object)
        stable[np.isnan(self.top_k_share)] = None
        return stable


def stability(
    model: DrugModel, samples: Samples, values: np.ndarray, chosen: np.ndarray
) -> Stability:
    """Compare each sample's explanation with those that the folds' models give.

    Parameters
    ----------
    model : DrugModel
    samples : Samples
    values : ndarray of shape (n_samples, n_features)
        The final model's contributions.
    chosen : ndarray of int, shape (n_samples, top_k)
        Columns of the features that the explanation names (`serving.top_features.largest`).
    """
    shares, agreements = np.zeros(chosen.shape), np.zeros(len(values))
    n_folds, n_ranked = np.zeros((2, len(values)))
    for pattern, rows in _by_pattern(model, samples):
        ours = _Told(values[rows], samples.named.order, samples.named.count)
        named = ours.order[chosen[rows]]
        our_top = ours.moved(named)
        for theirs in _told_by_folds(model, samples, pattern, rows):
            their_top = theirs.moved(theirs.top(chosen.shape[1]))
            shares[rows] += _among(named, their_top, ours.count)
            ranked = _rank_agreement(ours, theirs, our_top, their_top)
            agreements[rows] += np.nan_to_num(ranked)
            n_folds[rows] += 1
            n_ranked[rows] += np.isfinite(ranked)
    with np.errstate(invalid="ignore"):  # 0 / 0 where there is nothing to compare with
        return Stability(shares / n_folds[:, None], agreements / n_ranked)


@dataclass(frozen=True)
class _Told:
    """What one model says of some samples.

    Attributes
    ----------
    values : ndarray of shape (n_samples, n_columns)
        Contributions.
    order : ndarray of int, shape (n_columns,)
        Number of each column's feature.
    count : int
        Numbers in use; features are meant by their number, and -1 is none.
    """

    values: np.ndarray
    order: np.ndarray
    count: int

    def top(self, top_k: int) -> np.ndarray:
        """Features that moved each prediction most, (n_samples, top_k)."""
        return np.asarray(self.order[largest(self.values, self.order, top_k)])

    def of(self, features: np.ndarray) -> np.ndarray:
        """Contribution of each row's features; zero for none, and where the model lacks it."""
        column = np.full(self.count + 1, -1)  # the last place is that of -1
        column[self.order] = np.arange(len(self.order))
        places = column[features]
        found = np.take_along_axis(self.values, np.maximum(places, 0), axis=1)
        return np.where(places >= 0, found, 0.0)

    def moved(self, features: np.ndarray) -> np.ndarray:
        """Each row's features that contribute anything; -1 in the place of others."""
        return np.where(self.of(features) != 0, features, -1)


def _by_pattern(model: DrugModel, samples: Samples) -> Iterator[tuple[Pattern, np.ndarray]]:
    """Each sub-model that predicts samples, and the rows of those."""
    patterns = [best_pattern(has, model.blend.patterns) for has in samples.patterns]
    for pattern in dict.fromkeys(patterns):
        if pattern is not None:
            yield pattern, np.flatnonzero([other == pattern for other in patterns])


def _told_by_folds(
    model: DrugModel, samples: Samples, pattern: Pattern, rows: np.ndarray
) -> Iterator[_Told]:
    """What each fold's own sub-model says of some rows, one at a time."""
    for fold, blend in model.fold_blends.items():
        if pattern not in blend.blends_:
            continue
        modalities, order = samples.named.fold_modalities[fold], samples.named.fold_order[fold]
        columns = np.flatnonzero(np.isin(modalities, [*pattern, "clinical"]))
        seen = samples.fold_features[fold].iloc[rows, columns]
        values = blend.blends_[pattern].contributions(seen).values
        yield _Told(values, order[columns], samples.named.count)


def _among(features: np.ndarray, others: np.ndarray, count: int) -> np.ndarray:
    """Whether each row's features are among that row's others; -1 is among none."""
    row = count * np.arange(len(features))[:, None]
    return np.isin(features + row, (others + row)[others >= 0]) & (features >= 0)


def _rank_agreement(
    ours: _Told, theirs: _Told, our_top: np.ndarray, their_top: np.ndarray
) -> np.ndarray:
    """Spearman's correlation of two models' contributions over the top features of either.

    NaN where fewer than two features, or only equal contributions, are to be ranked.
    """
    added = np.where(_among(their_top, our_top, ours.count), -1, their_top)
    features = np.hstack([our_top, added])
    used = features >= 0
    deviations = []
    for told in (ours, theirs):
        # What is not used comes last, so that it changes no other's rank.
        ranks = rankdata(np.where(used, told.of(features), np.inf), axis=1)
        total = np.where(used, ranks, 0.0).sum(axis=1)
        mean = total / np.maximum(used.sum(axis=1), 1)
        deviations.append(np.where(used, ranks - mean[:, None], 0.0))
    first, second = deviations
    spread = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    shared = (first * second).sum(axis=1)
    known = spread > 0
    return np.where(known, np.clip(shared / np.where(known, spread, 1.0), -1.0, 1.0), np.nan)
