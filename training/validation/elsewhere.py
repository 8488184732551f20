r"""What other screens measured of lines that a screen did not test, on the scale of that screen.

A line that only another screen tested is one more training line, with the response that the other
screen's value predicts:

.. math:: \tilde y = \bar y + r \frac{s_y}{s_x} (x - \bar x)

the regression of the screen on the other over the training lines that both tested, so that a screen
that agrees little says little. Everything is learned from the training lines of a fold; a test line
is held against its own screen's value alone. Which of several ways to join screens is best was
chosen on six drugs, and measured on others (`benchmarks.several_screens`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.study.responses import Response, columns_of

#: Training lines that two screens must share, for one to be read on the scale of the other.
FEWEST_SHARED: Final = 20


@dataclass(frozen=True)
class Elsewhere:
    """Values of one drug in other screens, of lines of a panel.

    Attributes
    ----------
    values : DataFrame of shape (n_lines, n_screens)
        Higher is what it is in the panel's own screen: more resistant, or more sensitive.
    numbers, donors, lineage : ndarray of shape (n_lines,)
        As in `training.validation.lines.DrugResponses`.
    """

    values: pd.DataFrame
    numbers: np.ndarray
    donors: np.ndarray
    lineage: np.ndarray


def measured_elsewhere(
    drug: str, response: Response, others: Sequence[Response]
) -> pd.DataFrame | None:
    """Values of a drug in other screens, in the direction of a response; None if none has it.

    Several columns of the drug (a compound under two identifiers) are averaged.
    """
    found = {}
    for other in others:
        columns = list(columns_of(drug, other))
        if columns:
            same = other.higher_is_resistant == response.higher_is_resistant
            found[other.stable_id] = other.values[columns].mean(axis=1) * (1.0 if same else -1.0)
    return pd.DataFrame(found).dropna(how="all") if found else None


def on_own_scale(own: pd.Series, elsewhere: pd.DataFrame) -> pd.Series:
    """Responses of lines that only other screens tested, on the scale of the own one.

    Parameters
    ----------
    own : Series of float
        Response of training lines.
    elsewhere : DataFrame
        Training lines x other screens, as `measured_elsewhere` returns.

    Returns
    -------
    Series of float
        Of the lines without an own response: the mean over the screens that tested them. A screen
        that shares fewer than `FEWEST_SHARED` lines with the own one, or does not agree with it,
        says nothing.
    """
    read = []
    for screen in elsewhere.columns:
        x = elsewhere[screen].dropna()
        both = own.index.intersection(x.index)
        if len(both) < FEWEST_SHARED:
            continue
        y_shared, x_shared = own.loc[both].to_numpy(float), x.loc[both].to_numpy(float)
        variance = float(x_shared.var())
        slope = float(np.cov(x_shared, y_shared, bias=True)[0, 1]) / variance if variance else 0.0
        if slope > 0:
            read.append(y_shared.mean() + slope * (x - x_shared.mean()))
    if not read:
        return pd.Series(dtype=float)
    values: pd.Series = pd.concat(read, axis=1).mean(axis=1)
    alone: pd.Series = values.loc[~values.index.isin(own.index)]
    return alone
