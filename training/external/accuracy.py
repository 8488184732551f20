"""How good a model is on lines of another study: by drug, lineage, modalities and HER2.

Correlations are those of resistance with predicted resistance, whatever the direction of either
response, so that 1 is the same order everywhere. Intervals are 95 % percentile bootstraps over
donors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sidestep.training.validation.metrics import correlation, donor_weights, within_folds

#: A drug with fewer lines in a group has no correlation there.
FEWEST = 5
#: Columns of the table of groups.
COLUMNS = (
    "group", "value", "drugs", "lines", "pairs", "known", "pearson", "pearson_lower",
    "pearson_upper", "rmse", "rmse_relative", "covered", "brier", "brier_base", "called",
    "called_right",
)  # fmt: skip
_BINS = np.linspace(0.0, 1.0, 11)
_TAILS = (2.5, 97.5)


@dataclass(frozen=True)
class Judging:
    """How answers are judged.

    Attributes
    ----------
    same_scale : bool
        Whether predictions and responses are in one unit; else correlations are all that there is.
    higher_is_resistant : bool
        Of the model's response.
    call_at : float
        Probability that a call needs.
    n_bootstrap, seed : int
    """

    same_scale: bool
    higher_is_resistant: bool
    call_at: float
    n_bootstrap: int
    seed: int


def by_group(
    pairs: pd.DataFrame, groups: Mapping[str, pd.Series], judging: Judging
) -> pd.DataFrame:
    """A row for all pairs, one a drug, and one a value of each group.

    Parameters
    ----------
    pairs : DataFrame
        As `training.external.pairs.paired` returns.
    groups : mapping of str to Series
        Name -> sample -> value; samples without one are in no group.
    judging : Judging

    Returns
    -------
    DataFrame
        `COLUMNS`. A group's `pearson` is the mean over its drugs of r within the drug, and `drugs`
        how many have one; `rmse_relative` is the error relative to that of the mean of the
        training lines; `covered` the share of the intervals that hold the response; `brier` the
        Brier score of `p_resistant`, and `brier_base` that of the drug's own share of resistant
        lines here; `called` the share with a call, `called_right` how many of these are right.
    """
    rows = [_row("all", "all", pairs, judging)]
    rows += [_row("drug", str(drug), part, judging) for drug, part in _parts(pairs, "drug")]
    said = {"fold model": pairs["known"], "new": ~pairs["known"]}
    if pairs["known"].any():
        rows += [_row("line", name, pairs[mask], judging) for name, mask in said.items()]
    named = {"pattern": pairs["pattern"]} | {
        name: pairs["sample_id"].map(values.to_dict()) for name, values in groups.items()
    }
    for name, values in named.items():
        for value, part in _parts(pairs.assign(**{"(value)": values}), "(value)"):
            rows.append(_row(name, str(value), part, judging))
    table = pd.DataFrame([row for row in rows if row["pairs"]], columns=list(COLUMNS))
    return table.reset_index(drop=True)


def _parts(pairs: pd.DataFrame, by: str) -> Iterable[tuple[object, pd.DataFrame]]:
    """Pairs by the values of a column, in the order in which they are first seen."""
    return pairs.groupby(by, sort=False, dropna=True, observed=True)


def _row(group: str, value: str, pairs: pd.DataFrame, judging: Judging) -> dict[str, object]:
    drugs = int(pairs.groupby("drug", observed=True).size().ge(FEWEST).sum())
    row: dict[str, object] = dict.fromkeys(COLUMNS, np.nan) | {
        "group": group,
        "value": value,
        "drugs": drugs,
        "lines": pairs["sample_id"].nunique(),
        "pairs": len(pairs),
        "known": int(pairs["known"].sum()),
    }
    if not len(pairs):
        return row
    draws = pearson_draws(pairs, judging.n_bootstrap, judging.seed)
    row["pearson"] = draws[0]
    row["pearson_lower"], row["pearson_upper"] = interval_of(draws)
    if judging.same_scale:
        row |= _errors(pairs) | _probabilities(pairs, judging)
    return row


def pearson_draws(
    pairs: pd.DataFrame, n_bootstrap: int, seed: int, column: str = "toward"
) -> np.ndarray:
    """Mean over drugs of r within the drug, (1 + n_bootstrap,): of all lines, then of each draw.

    Lines that different models answer are compared within these, as in cross-validation
    (`training.validation.metrics.within_folds`). NaN where no drug has `FEWEST` lines.
    """
    weights = donor_weights(pairs["donor"].to_numpy(dtype=str), n_bootstrap, seed)
    found = []
    for _, rows in pairs.groupby("drug", sort=False, observed=True).indices.items():
        if len(rows) >= FEWEST:
            part = pairs.iloc[rows]
            found.append(
                within_folds(
                    correlation,
                    part["measured"].to_numpy(float),
                    part[column].to_numpy(float),
                    part["fold"].to_numpy(),
                    weights[:, rows],
                )
            )
    if not found:
        return np.full(1 + n_bootstrap, np.nan)
    table = np.array(found)
    counted = np.isfinite(table).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nansum(table, axis=0) / np.where(counted, counted, np.nan))


def interval_of(draws: np.ndarray) -> tuple[float, float]:
    """Ends of the 95 % interval of what the first of some draws estimates."""
    finite = draws[1:][np.isfinite(draws[1:])]
    if not len(finite):
        return float("nan"), float("nan")
    low, high = np.percentile(finite, _TAILS)
    return float(low), float(high)


def _errors(pairs: pd.DataFrame) -> dict[str, float]:
    observed = pairs["observed"].to_numpy(float)
    squared = (observed - pairs["prediction"].to_numpy(float)) ** 2
    of_mean = (observed - pairs["train_mean"].to_numpy(float)) ** 2
    lower, upper = pairs["lower"].to_numpy(float), pairs["upper"].to_numpy(float)
    has = np.isfinite(lower) & np.isfinite(upper)
    within = (lower <= observed) & (observed <= upper)
    return {
        "rmse": float(np.sqrt(squared.mean())),
        "rmse_relative": float(np.sqrt(squared.sum() / of_mean.sum())) if of_mean.sum() else np.nan,
        "covered": float(within[has].mean()) if has.any() else np.nan,
    }


def resistant(pairs: pd.DataFrame, *, higher_is_resistant: bool) -> np.ndarray:
    """Whether each response was measured beyond the drug's threshold, (n_pairs,)."""
    beyond = pairs["observed"].to_numpy(float) - pairs["threshold"].to_numpy(float)
    return np.asarray(beyond > 0 if higher_is_resistant else beyond < 0)


def _probabilities(pairs: pd.DataFrame, judging: Judging) -> dict[str, float]:
    told = pairs[np.isfinite(pairs["p_resistant"])]
    if not len(told):
        return {}
    p = told["p_resistant"].to_numpy(float)
    truth = resistant(told, higher_is_resistant=judging.higher_is_resistant)
    base = pd.Series(truth.astype(float)).groupby(told["drug"].to_numpy(object)).transform("mean")
    says, denies = p >= judging.call_at, p <= 1 - judging.call_at
    called = says | denies
    right = (says & truth) | (denies & ~truth)
    return {
        "brier": float(np.mean((p - truth) ** 2)),
        "brier_base": float(np.mean((base.to_numpy(float) - truth) ** 2)),
        "called": float(called.mean()),
        "called_right": float(right[called].mean()) if called.any() else np.nan,
    }


def reliability(pairs: pd.DataFrame, judging: Judging) -> pd.DataFrame:
    """Tenths of `p_resistant`: `from, to, pairs, p_resistant` (mean) and `resistant` (share).

    With `lower` and `upper`, the 95 % interval of the share, bootstrapped over donors. Empty where
    predictions and responses are on different scales.
    """
    columns = ["from", "to", "pairs", "p_resistant", "resistant", "lower", "upper"]
    told = pairs[np.isfinite(pairs["p_resistant"])]
    if not judging.same_scale or not len(told):
        return pd.DataFrame(columns=columns)
    p = told["p_resistant"].to_numpy(float)
    truth = resistant(told, higher_is_resistant=judging.higher_is_resistant).astype(float)
    weights = donor_weights(told["donor"].to_numpy(dtype=str), judging.n_bootstrap, judging.seed)
    bins = np.clip(np.searchsorted(_BINS, p, side="right") - 1, 0, len(_BINS) - 2)
    rows = []
    for number in np.unique(bins):
        inside = bins == number
        with np.errstate(invalid="ignore"):
            draws = weights[:, inside] @ truth[inside] / weights[:, inside].sum(axis=1)
        rows.append(
            (
                _BINS[number], _BINS[number + 1], int(inside.sum()), p[inside].mean(), draws[0],
                *interval_of(draws),
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
