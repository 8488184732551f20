"""How stable an explanation is: whether the models of the cross-validation's folds give the same.

Each fold of the cross-validation left us a model that had not seen a part of the lines. What
these models make of the same sample tells which of its explanation rests on a few lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from sidestep.models.estimators.blend_contributions import Members, largest_contributions
from sidestep.models.estimators.patterns import Pattern
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.reliability.intervals import KnownMembers
from sidestep.serving.scoring.explained import Explained
from sidestep.serving.scoring.samples import Samples

#: A feature is stable if at least this share of the folds' models agree on it.
STABLE_SHARE = 0.6


@dataclass(frozen=True)
class Stability:
    """How stable the explanations of some samples are for one drug.

    Attributes
    ----------
    top_k_share : ndarray of shape (n_samples, top_k)
        For each feature that the explanation names, the share of the folds' models that also
        have it among their own top k. A feature that contributes nothing is in no top k.
    agreement : ndarray of shape (n_samples,)
        Spearman's rank correlation of the contributions, signs included, by the final model and
        by a fold's, over all features in the top k of either; mean over the folds, -1 to 1.

    members : mapping of (int, Pattern) to Members
        What the members of a fold's sub-model predict of the samples of a pattern, as
        `PanelPredictor.predictive` takes it: they come with the explanations.

    Shares and agreement are NaN where no fold has a model of the sample's modalities, and
    `agreement` also where there is nothing to rank: less than two features that differ.
    """

    top_k_share: np.ndarray
    agreement: np.ndarray
    members: KnownMembers = field(default_factory=dict)

    @property
    def stable(self) -> np.ndarray:
        """Whether each named feature is stable, (n_samples, top_k); None where unknown."""
        stable = (self.top_k_share >= STABLE_SHARE).astype(object)
        stable[np.isnan(self.top_k_share)] = None
        return stable


def stabilities_of(
    drugs: Sequence[tuple[DrugModel, Explained]], samples: Samples
) -> list[Stability]:
    """Compare the explanations of each drug with those that the folds' models give.

    That of a training line, which the model of its fold gives, is compared with those of the other
    folds' models. Fold after fold is asked about all drugs and its features are then let go of:
    those of all folds need not be there at once.

    Parameters
    ----------
    drugs : sequence of (DrugModel, Explained)
        Each drug's model, and how it explains its predictions of the samples.
    samples : Samples

    Returns
    -------
    list of Stability
        One a drug.
    """
    counts = [_Counts(model, explained, samples) for model, explained in drugs]
    for fold in samples.fold_features:
        together: dict[tuple[Pattern, bytes], tuple[np.ndarray, list[_Counts]]] = {}
        for one in counts:
            for pattern, rows in one.answered_by(fold):
                together.setdefault((pattern, rows.tobytes()), (rows, []))[1].append(one)
        for (pattern, _), (rows, those) in together.items():
            _compare(fold, pattern, rows, those, samples)
        samples.let_go(fold)
    return [one.stability for one in counts]


class _Counts:
    """How often the folds' models agree with one drug's explanations."""

    def __init__(self, model: DrugModel, explained: Explained, samples: Samples) -> None:
        self.model, self.explained = model, explained
        self._by_pattern = samples.rows.by_pattern(model.blend.blends_)
        self.named = samples.named.order[explained.columns]
        self.shares = np.zeros(self.named.shape)
        self.agreements, self.n_folds, self.n_ranked = np.zeros((3, len(self.named)))
        self.members: dict[tuple[int, Pattern], Members] = {}

    def answered_by(self, fold: int) -> Iterator[tuple[Pattern, np.ndarray]]:
        """Patterns of which a fold has a sub-model, and the samples of each."""
        blends = self.model.fold_blends.get(fold)
        if blends is None or fold == self.model.fold:
            return
        for pattern, rows in self._by_pattern.items():
            if pattern is not None and pattern in blends.blends_:
                yield pattern, rows

    def ours(
        self, pattern: Pattern, rows: np.ndarray, numbers: np.ndarray, samples: Samples
    ) -> np.ndarray:
        """What features, by their numbers, contribute to the model's own predictions of rows."""
        own = samples.named.order[samples.rows.columns(pattern)]
        column = _columns_of(own, samples.named.count)[numbers]
        answered, said = self.explained.said[pattern]
        if len(answered) == len(rows):
            return said.of(column)
        asked = np.full((len(answered), numbers.shape[1]), -1)
        places = np.searchsorted(answered, rows)
        asked[places] = column
        return said.of(asked)[places]

    @property
    def stability(self) -> Stability:
        """What was counted of all folds."""
        with np.errstate(invalid="ignore"):  # 0 / 0 where there is nothing to compare with
            shares, agreement = self.shares / self.n_folds[:, None], self.agreements / self.n_ranked
        return Stability(shares, agreement, self.members)


def _compare(
    fold: int, pattern: Pattern, rows: np.ndarray, counts: Sequence[_Counts], samples: Samples
) -> None:
    """Ask one fold's sub-models of several drugs about the same samples."""
    from sidestep.serving.scoring.contribution_loops import compare_rows

    numbered, fold_rows = samples.named, samples.fold_rows[fold]
    order = numbered.fold_order[fold][fold_rows.columns(pattern)]
    column = _columns_of(order, numbered.count)
    said = largest_contributions(
        [one.model.fold_blends[fold].blends_[pattern] for one in counts],
        fold_rows.part(pattern, rows),
        order,
        [column[one.named[rows]] for one in counts],
        max(one.named.shape[1] for one in counts),
    )
    for one, theirs in zip(counts, said, strict=True):
        top = order[theirs.columns]
        compare_rows(
            one.explained.values, one.named, rows, theirs.asked, top, theirs.values,
            one.ours(pattern, rows, top, samples), numbered.count, one.shares, one.agreements,
            one.n_ranked,
        )  # fmt: skip
        one.n_folds[rows] += 1
        one.members[fold, pattern] = theirs.members


def _columns_of(order: np.ndarray, count: int) -> np.ndarray:
    """Column of the feature of each number; -1 where there is none."""
    column = np.full(count, -1)
    column[order] = np.arange(len(order))
    return column
