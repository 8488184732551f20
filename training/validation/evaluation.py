"""Metrics a drug and method, over all lines and within HER2-high lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sidestep.training.validation.cross_validation import METHODS
from sidestep.training.validation.metrics import METRICS, Score, donor_weights, pearson, score

FEWEST_HER2_HIGH = 8
#: Draws of donors, of which the intervals rest on the first `n_bootstrap`.
DRAWS = 2000


@dataclass(frozen=True)
class Evaluation:
    """How well every method did on the lines that were held out.

    Attributes
    ----------
    metrics : DataFrame
        `drug, subset (all or her2_high), method, metric, value, lower, upper, n`; the interval
        is the 95 % percentile bootstrap over donors.
    r : mapping of str to mapping of str to ndarray of shape (1 + draws,)
        Drug -> method -> Pearson r within folds: of all lines, then of each draw of donors. The
        draws are the same for all methods of a drug.
    """

    metrics: pd.DataFrame
    r: Mapping[str, Mapping[str, np.ndarray]]


def evaluate(
    predictions: pd.DataFrame, her2_high: pd.Series, *, seed: int, n_bootstrap: int = 1000
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
    """
    rows = []
    r: dict[str, Mapping[str, np.ndarray]] = {}
    for drug, table in predictions.groupby("drug", sort=False):
        high = table["sample_id"].map(her2_high).astype(bool)
        subsets = {"all": (table, DRAWS)}
        if high.sum() >= FEWEST_HER2_HIGH:
            subsets["her2_high"] = (table[high], n_bootstrap)
        for subset, (lines, draws) in subsets.items():
            n = lines["sample_id"].nunique()
            scores = _scores(lines, draws, n_bootstrap, seed)
            if subset == "all":
                r[str(drug)] = {method: found.r for method, found in scores.items()}
            rows += [
                (drug, subset, method, name, e.value, e.lower, e.upper, n)
                for method, found in scores.items()
                for name, e in found.estimates.items()
            ]
    columns = ["drug", "subset", "method", "metric", "value", "lower", "upper", "n"]
    return Evaluation(pd.DataFrame(rows, columns=columns), r)


def _scores(lines: pd.DataFrame, draws: int, n_bootstrap: int, seed: int) -> dict[str, Score]:
    """Every method of one drug, with the same draws of donors."""
    weights = donor_weights(lines["donor"].to_numpy(dtype=str), draws, seed)
    observed, reference = lines[["observed", "train_mean"]].to_numpy(float).T
    folds = fold_groups(lines)
    return {
        method: score(
            observed,
            lines[method].to_numpy(float),
            reference,
            folds,
            weights,
            intervals_of=n_bootstrap,
        )
        for method in METHODS
    }


def fold_groups(predictions: pd.DataFrame) -> np.ndarray:
    """A number for each fold of each assignment, (n_rows,): lines predicted by the same model."""
    return np.asarray(predictions.groupby(["repeat", "fold"], sort=False).ngroup())


def evaluate_folds(predictions: pd.DataFrame) -> pd.DataFrame:
    """Pearson r and RMSE of the blend in every fold: `drug, fold, pearson, rmse, n`.

    Correlation in a fold of fewer than 3 lines is NaN.
    """
    rows = []
    for _, lines in predictions.groupby(["drug", "fold"], sort=False):
        observed, predicted = lines["observed"].to_numpy(), lines["blend"].to_numpy()
        r = pearson(observed, predicted) if len(lines) >= 3 else np.nan
        rmse = float(np.sqrt(np.mean((observed - predicted) ** 2)))
        rows.append((lines["drug"].iloc[0], lines["fold"].iloc[0], r, rmse, len(lines)))
    return pd.DataFrame(rows, columns=["drug", "fold", "pearson", "rmse", "n"])


def panel_means(metrics: pd.DataFrame) -> pd.DataFrame:
    """Mean of every metric over the drugs, all lines: methods x metrics."""
    everywhere = metrics[metrics["subset"] == "all"]
    means = everywhere.pivot_table("value", "method", "metric", aggfunc="mean")
    return means.reindex(index=list(METHODS), columns=list(METRICS))
