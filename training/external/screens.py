"""How well screens of the same drug agree on the same lines: no model can be expected to do better.

Two measurements with independent errors correlate as the product of their reliabilities does
(Spearman, Am J Psychol 15:72 (1904), doi:10.2307/1412159), so that what laboratories agree on is
about what can be learned of one from the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.study.responses import Response, columns_of, screen_of
from sidestep.features.study.study import Study
from sidestep.training.external.accuracy import FEWEST, interval_of
from sidestep.training.validation.metrics import correlation, donor_weights

COLUMNS = ("drug", "screen", "lines", "pearson", "lower", "upper")


def agreement(
    study: Study,
    response: Response,
    drugs: Mapping[str, str],
    *,
    n_bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """Correlation of a response with other screens of the same drugs in the same study.

    Another screen is a response whose identifier begins with another word (``gdsc2_auc`` and
    ``gdsc2_ln_ic50`` are one screen, ``ctrp2_auc`` is another), or another column of the same drug.
    Both are turned so that higher is more resistant.

    Returns
    -------
    DataFrame
        `COLUMNS`: a row a drug and other screen with at least `FEWEST` lines in both; the interval
        is the 95 % bootstrap over donors.
    """
    rows = []
    for drug, column in drugs.items():
        mine = _resistance(response, column)
        for name, other in _others(study, response, drug, column):
            both = mine.index[mine.notna() & other.reindex(mine.index).notna()]
            if len(both) < FEWEST:
                continue
            donors = study.donors.loc[both].to_numpy(dtype=str)
            weights = donor_weights(donors, n_bootstrap, seed)
            a, b = mine[both].to_numpy(float), other[both].to_numpy(float)
            draws = correlation(a, b, weights)
            rows.append((drug, name, len(both), float(draws[0]), *interval_of(draws)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _others(
    study: Study, response: Response, drug: str, column: str
) -> Iterator[tuple[str, pd.Series]]:
    """Names and values of the other screens of a drug."""
    for other in columns_of(drug, response):
        if other != column:
            yield f"{response.stable_id}, {other}", _resistance(response, other)
    for stable_id in study.response_files:
        if screen_of(stable_id) == screen_of(response.stable_id):
            continue
        try:
            elsewhere = study.response(stable_id)
        except InputError:
            continue  # one without a direction, which nobody asked for
        for other in columns_of(drug, elsewhere):
            yield f"{stable_id}, {other}", _resistance(elsewhere, other)
            break


def _resistance(response: Response, column: str) -> pd.Series:
    sign = 1.0 if response.higher_is_resistant else -1.0
    return response.values[column].astype(float) * sign


def ceiling(table: pd.DataFrame) -> float:
    """Mean r over the drugs of the best agreeing other screen of each; NaN without any."""
    if not len(table):
        return float("nan")
    return float(np.nanmean(table.groupby("drug", sort=False)["pearson"].max()))
