"""How active is a pathway by the proteins and phosphosites of an array?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from features.antibodies import match_antibodies


def antibody_levels(rppa: pd.DataFrame, antibodies: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Levels under the names that the scores use.

    Parameters
    ----------
    rppa : DataFrame of shape (n_samples, n_antibodies)
        Log2 levels, under canonical names (`features.antibodies`).
    antibodies : mapping of str to sequence of str
        Name in the score -> names that the antibody goes by, the likeliest first.

    Returns
    -------
    DataFrame of shape (n_samples, n_wanted)
        NaN where the array has no antibody of that site.
    """
    available = list(rppa.columns)
    columns = {}
    for name, spellings in antibodies.items():
        found = match_antibodies(spellings, available)
        column = next((found[spelling] for spelling in spellings if spelling in found), None)
        columns[name] = np.nan if column is None else rppa[column]
    return pd.DataFrame(columns, index=rppa.index, columns=list(antibodies), dtype=float)


def signed_mean(
    levels: pd.DataFrame, plus: Sequence[str], minus: Sequence[str], at_least: float = 0.5
) -> np.ndarray:
    """Mean of the members that rise with a pathway's activity and of the negated others.

    The published score is their sum (Akbani et al., Nat Commun 2014, PMID 24871328); divided by
    the members measured it means the same on arrays that lack some.

    Parameters
    ----------
    levels : DataFrame of shape (n_samples, n_antibodies)
        Centred and scaled.
    plus, minus : sequence of str
        Columns of `levels`.
    at_least : float
        Share of the members that a sample must have.

    Returns
    -------
    ndarray of shape (n_samples,)
        NaN where too few members are measured.
    """
    signs = np.array([1.0] * len(plus) + [-1.0] * len(minus))
    signed = levels[[*plus, *minus]].to_numpy(float) * signs
    return mean_of_measured(signed, at_least)


def mean_of_measured(values: np.ndarray, at_least: float = 0.5) -> np.ndarray:
    """Mean of each row over the values it has; NaN where it has less than that share, or none."""
    values = np.ascontiguousarray(values)
    measured = np.isfinite(values)
    count = measured.sum(axis=1)
    total = np.where(measured, values, 0.0).sum(axis=1)
    enough = (count > 0) & (count >= at_least * values.shape[1])
    return np.where(enough, total / np.maximum(count, 1), np.nan)
