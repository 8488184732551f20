"""Metrics a drug and method, over all lines and within HER2-high lines."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sidestep.training.validation.cross_validation import METHODS
from sidestep.training.validation.metrics import METRICS, pearson, score

FEWEST_HER2_HIGH = 8


def evaluate(
    predictions: pd.DataFrame, her2_high: pd.Series, *, seed: int, n_bootstrap: int = 1000
) -> pd.DataFrame:
    """Out-of-fold metrics of every method for every drug.

    Parameters
    ----------
    predictions : DataFrame
        As `training.validation.cross_validation.CrossValidation.repeated`.
    her2_high : Series
        Sample -> whether it is HER2-high; metrics within those need 8 of them.
    seed, n_bootstrap : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        `drug, subset (all or her2_high), method, metric, value, lower, upper, n`; the interval
        is the 95 % percentile bootstrap over donors.
    """
    rows = []
    for drug, table in predictions.groupby("drug", sort=False):
        high = table["sample_id"].map(her2_high).astype(bool)
        subsets = {"all": table}
        if high.sum() >= FEWEST_HER2_HIGH:
            subsets["her2_high"] = table[high]
        for subset, lines in subsets.items():
            n = lines["sample_id"].nunique()
            for method in METHODS:
                estimates = score(
                    lines["observed"].to_numpy(float),
                    lines[method].to_numpy(float),
                    lines["train_mean"].to_numpy(float),
                    lines["donor"].to_numpy(dtype=str),
                    fold_groups(lines),
                    n_bootstrap=n_bootstrap,
                    seed=seed,
                )
                rows += [
                    (drug, subset, method, name, e.value, e.lower, e.upper, n)
                    for name, e in estimates.items()
                ]
    columns = ["drug", "subset", "method", "metric", "value", "lower", "upper", "n"]
    return pd.DataFrame(rows, columns=columns)


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
