"""Which columns of the feature matrix make up which view."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from features.builders.names import modality_of

TARGET_VIEW = "target"


def view_columns(
    features: Sequence[str], target_features: Collection[str] = ()
) -> dict[str, np.ndarray]:
    """Column numbers of each view: one a modality, and the drug-target view where it has any.

    Parameters
    ----------
    features : sequence of str
        Column names of the feature matrix.
    target_features : collection of str
        Features of the drug's targets and their partners; names that are no column are ignored.
    """
    modality = np.array([modality_of(name) for name in features])
    views = {str(name): np.flatnonzero(modality == name) for name in dict.fromkeys(modality)}
    found = pd.Index(features).get_indexer(pd.Index(list(target_features), dtype=object))
    target = np.unique(found[found >= 0])
    if len(target):
        views[TARGET_VIEW] = target
    return views


def view_mixtures(views: Collection[str], target_shares: Sequence[float]) -> list[dict[str, float]]:
    """Candidate weightings of the views, each summing to one.

    The modalities share what the target view leaves, either all alike or only the abundance
    modalities (expression and RPPA), which hold most of the signal where mutations and copy
    number are known for few lines. Few candidates: with tens of lines, a rich choice costs more
    by chance than it gains.
    """
    modalities = [name for name in views if name != TARGET_VIEW]
    abundance = [name for name in modalities if name in ("expression", "rppa")]
    shares = target_shares if TARGET_VIEW in views else (0.0,)
    mixtures: list[dict[str, float]] = []
    for share in shares:
        for chosen in (modalities, abundance):
            if share < 1 and not chosen:
                continue
            mixture = {name: (1 - share) / len(chosen) for name in chosen if share < 1}
            if share > 0:
                mixture[TARGET_VIEW] = share
            if mixture and mixture not in mixtures:
                mixtures.append(mixture)
    return mixtures
