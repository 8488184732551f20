"""How stable an explanation is: whether the models of the cross-validation's folds give the same.

Each fold of the cross-validation left us a model that had not seen a part of the lines. What
these models make of the same sample tells which of its explanation rests on a few lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.reliability.intervals import KnownMembers
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

    members : mapping of (int, Pattern) to ndarray of shape (n_rows, 3)
        What ridge, trees and marker of a fold's sub-model predict of the samples of a pattern, as
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


def stability_of(
    model: DrugModel, samples: Samples, values: np.ndarray, columns: np.ndarray
) -> Stability:
    """Compare each sample's explanation with those that the folds' models give.

    That of a training line, which the model of its fold gives, is compared with those of the other
    folds' models.

    Parameters
    ----------
    model : DrugModel
    samples : Samples
    values : ndarray of shape (n_samples, n_features)
        The model's contributions.
    columns : ndarray of int, shape (n_samples, top_k)
        Of the features that the explanation names (`serving.scoring.contributions.largest`).
    """
    from sidestep.serving.scoring.contribution_loops import compare_rows

    shares, agreements = np.zeros(columns.shape), np.zeros(len(values))
    n_folds, n_ranked = np.zeros((2, len(values)))
    numbered = samples.named
    our_column = _columns_of(numbered.order, numbered.count)
    named = numbered.order[columns]
    members = {}
    for pattern, rows in samples.rows.by_pattern(model.blend.blends_).items():
        for fold, blends in model.fold_blends.items():
            if fold == model.fold or pattern is None or pattern not in blends.blends_:
                continue
            fold_rows = samples.fold_rows[fold]
            order = numbered.fold_order[fold][fold_rows.columns(pattern)]
            said = blends.blends_[pattern].explain_largest(
                fold_rows.part(pattern, rows),
                order,
                _columns_of(order, numbered.count)[named[rows]],
                columns.shape[1],
            )
            compare_rows(
                values, our_column, named, rows, said.asked, order[said.columns], said.values,
                shares, agreements, n_ranked,
            )  # fmt: skip
            n_folds[rows] += 1
            members[fold, pattern] = said.members
    with np.errstate(invalid="ignore"):  # 0 / 0 where there is nothing to compare with
        return Stability(shares / n_folds[:, None], agreements / n_ranked, members)


def _columns_of(order: np.ndarray, count: int) -> np.ndarray:
    """Column of the feature of each number; -1 where there is none."""
    column = np.full(count, -1)
    column[order] = np.arange(len(order))
    return column
