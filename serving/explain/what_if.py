"""What would the features of a sample be if some of them were different?

A feature has the same scale in the model and in every fold of its cross-validation (training
standard deviations, log2, or 1 and 0), so that each gets the same change: predictions, intervals
and applicability all answer for the changed sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.builders.names import BURDEN, modality_of
from sidestep.features.builders.rppa import RppaBuilder
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.serving.explain.settings import Change
from sidestep.serving.scoring.outlook import Samples

# Where the builders cut a feature: no sample has more.
_MOST = {"expression": 8.0, "rppa": 8.0, "copy_number": 4.0}


def changed_sample(
    predictor: PanelPredictor, samples: Samples, changes: Sequence[Change]
) -> Samples:
    """The sample with all changes made, one after the other.

    Where a protein's or phosphoprotein's level changes, its phospho-to-total ratios follow; a
    ratio that is itself named changes alone. Levels end where the builders cut them (8 SD, 4
    log2 units), and the mutation burden at 0.

    Parameters
    ----------
    predictor : PanelPredictor
    samples : Samples
        Of one sample.
    changes : sequence of Change
        Of features that the sample has.
    """
    for change in changes:
        amount = np.array([[change.amount]])
        samples = _edited(predictor, samples, [change.feature], amount, relative=change.relative)
    return samples


def shifted_samples(
    predictor: PanelPredictor, samples: Samples, features: Sequence[str], shifts: np.ndarray
) -> Samples:
    """Variants of one sample, each with some features shifted; as `changed_sample` makes them.

    Parameters
    ----------
    predictor : PanelPredictor
    samples : Samples
        Of one sample.
    features : sequence of str
        Levels; not ratios, which follow.
    shifts : ndarray of shape (n_variants, n_shifted_features)
        Added to each feature, in its own scale.

    Returns
    -------
    Samples
        One row a variant.
    """
    return _edited(predictor, samples, features, shifts, relative=True)


def ratio_slopes(joiner: FeatureJoiner) -> list[tuple[str, str, float]]:
    """How far each phospho-to-total ratio moves when a level does.

    Returns
    -------
    list of (str, str, float)
        Level, ratio, and training SDs of the ratio per training SD of the level.
    """
    slopes: list[tuple[str, str, float]] = []
    for builder in joiner.builders_:
        if not isinstance(builder, RppaBuilder):
            continue
        sd = dict(zip(builder.feature_names_, builder.sd_.tolist(), strict=True))
        for phospho in builder.ratios_:
            total = phospho.split("_", 1)[0]
            ratio = f"rppa:{phospho}/{total}"
            slopes.append((f"rppa:{phospho}", ratio, sd[f"rppa:{phospho}"] / sd[ratio]))
            slopes.append((f"rppa:{total}", ratio, -sd[f"rppa:{total}"] / sd[ratio]))
    return slopes


def _edited(
    predictor: PanelPredictor,
    samples: Samples,
    features: Sequence[str],
    amounts: np.ndarray,
    *,
    relative: bool,
) -> Samples:
    """Samples whose tables, the model's and the folds', have all been edited alike."""

    def edit(table: pd.DataFrame, joiner: FeatureJoiner) -> pd.DataFrame:
        return _edited_table(table, joiner, features, amounts, relative=relative)

    n_variants = len(amounts)
    return replace(
        samples,
        features=edit(samples.features, predictor.joiner),
        fold_features={
            fold: edit(table, predictor.fold_joiners[fold])
            for fold, table in samples.fold_features.items()
        },
        patterns=samples.patterns * n_variants,
        modalities=samples.modalities * n_variants,
    )


def _edited_table(
    table: pd.DataFrame,
    joiner: FeatureJoiner,
    features: Sequence[str],
    amounts: np.ndarray,
    *,
    relative: bool,
) -> pd.DataFrame:
    """One row of features as many rows; a fold that does not build a feature goes without it."""
    places = table.columns.get_indexer(pd.Index(list(features), dtype=object)).tolist()
    built = [at for at, place in enumerate(places) if place >= 0]
    columns, asked = [places[at] for at in built], amounts[:, built]
    values = np.repeat(table.to_numpy(float), len(amounts), axis=0)
    old = values[:, columns]
    new = old + asked if relative else np.where(np.isnan(old), old, asked)
    most = np.array([_MOST.get(modality_of(features[at]), np.inf) for at in built])
    least = np.where([features[at] == BURDEN for at in built], 0.0, -most)
    values[:, columns] = new.clip(least, most)
    moved = {features[at]: new[:, place] - old[:, place] for place, at in enumerate(built)}
    following = [slope for slope in ratio_slopes(joiner) if slope[0] in moved]
    ratios = table.columns.get_indexer(pd.Index([ratio for _, ratio, _ in following]))
    for (level, _, slope), column in zip(following, ratios, strict=True):
        values[:, column] += slope * moved[level]
    values[:, ratios] = values[:, ratios].clip(-_MOST["rppa"], _MOST["rppa"])
    index = table.index if len(amounts) == 1 else [str(number) for number in range(len(amounts))]
    return pd.DataFrame(values, index=index, columns=table.columns)
