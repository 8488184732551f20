"""Metrics a drug and method, over all lines and within HER2-high lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sidestep.features.study.responses import CONTINUOUS
from sidestep.training.validation.metrics import Score, donor_weights
from sidestep.training.validation.yardsticks import MODELS, Yardstick, yardstick_of

FEWEST_HER2_HIGH = 8
#: Samples of either outcome that a subset needs for metrics of its own.
FEWEST_OF_EITHER = 5
#: Draws of donors, of which the intervals rest on the first `n_bootstrap`.
DRAWS = 2000


@dataclass(frozen=True)
class Evaluation:
    """How well every method did on the lines that were held out.

    Attributes
    ----------
    yardstick : Yardstick
        Of the kind of response.
    metrics : DataFrame
        `drug, subset (all, her2_high, or another), method, metric, value, lower, upper, n`; the
        interval is the 95 % percentile bootstrap over donors, of an AUC that of DeLong.
    r : mapping of str to mapping of str to ndarray of shape (1 + draws,)
        Drug -> method -> the headline (Pearson r within folds, AUC within assignments): of all
        lines, then of each draw of donors. The draws are the same for all methods of a drug.
    """

    yardstick: Yardstick
    metrics: pd.DataFrame
    r: Mapping[str, Mapping[str, np.ndarray]]


def evaluate(
    predictions: pd.DataFrame,
    her2_high: pd.Series,
    *,
    seed: int,
    n_bootstrap: int = 1000,
    kind: str = CONTINUOUS,
    subsets: Mapping[str, pd.Series] | None = None,
) -> Evaluation:
    """Out-of-fold metrics of every method for every drug.

    Parameters
    ----------
    predictions : DataFrame
        As `training.validation.cross_validation.CrossValidation.repeated`.
    her2_high : Series
        Sample -> whether it is HER2-high; metrics within those need 8 of them.
    seed : int
        Of the bootstrap.
    n_bootstrap : int, default 1000
        Draws that the intervals rest on, at most `DRAWS`.
    kind : {"continuous", "binary"}
        Of the response.
    subsets : mapping of str to Series, optional
        Name -> sample -> whether it is of this further subset, such as a regimen.
    """
    yardstick = yardstick_of(kind)
    rows = []
    r: dict[str, Mapping[str, np.ndarray]] = {}
    for drug, table in predictions.groupby("drug", sort=False):
        high = table["sample_id"].map(her2_high).astype(bool)
        judged = {"all": (table, DRAWS)}
        if high.sum() >= FEWEST_HER2_HIGH:
            judged["her2_high"] = (table[high], n_bootstrap)
        for name, members in (subsets or {}).items():
            some = table[table["sample_id"].map(members).fillna(False).astype(bool)]
            observed = some.drop_duplicates("sample_id")["observed"]
            if observed.value_counts().reindex([0.0, 1.0], fill_value=0).min() >= FEWEST_OF_EITHER:
                judged[name] = (some, n_bootstrap)
        for subset, (lines, draws) in judged.items():
            n = lines["sample_id"].nunique()
            scores = _scores(yardstick, lines, draws, n_bootstrap, seed)
            if subset == "all":
                r[str(drug)] = {method: found.r for method, found in scores.items()}
            rows += [
                (drug, subset, method, name, e.value, e.lower, e.upper, n)
                for method, found in scores.items()
                for name, e in found.estimates.items()
            ]
    columns = ["drug", "subset", "method", "metric", "value", "lower", "upper", "n"]
    return Evaluation(yardstick, pd.DataFrame(rows, columns=columns), r)


def _scores(
    yardstick: Yardstick, lines: pd.DataFrame, draws: int, n_bootstrap: int, seed: int
) -> dict[str, Score]:
    """Every method of one drug, with the same draws of donors."""
    weights = donor_weights(lines["donor"].to_numpy(dtype=str), draws, seed)
    folds = fold_groups(lines)
    return {
        method: yardstick.score(lines, method, folds, weights, n_bootstrap)
        for method in yardstick.methods(lines)
    }


def fold_groups(predictions: pd.DataFrame) -> np.ndarray:
    """A number for each fold of each assignment, (n_rows,): lines predicted by the same model."""
    return np.asarray(predictions.groupby(["repeat", "fold"], sort=False).ngroup())


def evaluate_folds(predictions: pd.DataFrame, kind: str = CONTINUOUS) -> pd.DataFrame:
    """Headline and error of the blend in every fold: `drug, fold, pearson, rmse, n`.

    Of a binary response they are `auc` and `brier`. A correlation in a fold of fewer than 3 lines
    is NaN, and so is an area in one without either outcome.
    """
    yardstick = yardstick_of(kind)
    rows = []
    for _, lines in predictions.groupby(["drug", "fold"], sort=False):
        observed, predicted = lines["observed"].to_numpy(), lines["blend"].to_numpy()
        headline, error = yardstick.of_fold(observed, predicted)
        rows.append((lines["drug"].iloc[0], lines["fold"].iloc[0], headline, error, len(lines)))
    columns = ["drug", "fold", yardstick.headline, yardstick.error, "n"]
    return pd.DataFrame(rows, columns=columns)


def panel_means(metrics: pd.DataFrame, yardstick: Yardstick) -> pd.DataFrame:
    """Mean of every metric over the drugs, all lines: methods x metrics."""
    everywhere = metrics[metrics["subset"] == "all"]
    means = everywhere.pivot_table("value", "method", "metric", aggfunc="mean")
    methods = [name for name in (*MODELS, *yardstick.baselines) if name in means.index]
    return means.reindex(index=methods, columns=list(yardstick.metrics))
