"""Wells arranged into dose series: one row of arrays a curve, padded with NaN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sidestep.features.assays.dose_means import dose_means

#: What parts one curve from another, before what the user adds.
CURVE_KEYS = ("sample", "drug", "condition", "time", "unit")


@dataclass(frozen=True)
class Series:
    """Dose series of many curves.

    Attributes
    ----------
    keys : pandas.DataFrame
        A row a curve: `CURVE_KEYS` and what the user parts curves by.
    log_doses : numpy.ndarray
        (n_curves, n_points), log10 of micromolar (micrograms a millilitre), rising; NaN pads.
    columns : dict of str to numpy.ndarray
        Numbers of each point, shaped as `log_doses`.
    row : numpy.ndarray
        Row of each point in the table of wells, -1 for padding.
    """

    keys: pd.DataFrame
    log_doses: np.ndarray
    columns: dict[str, np.ndarray]
    row: np.ndarray

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, column: str) -> np.ndarray:
        return self.columns[column]

    @property
    def lowest(self) -> np.ndarray:
        """Lowest log10 dose of each curve."""
        return _reduced(np.fmin, self.log_doses)

    @property
    def highest(self) -> np.ndarray:
        """Highest log10 dose of each curve."""
        return _reduced(np.fmax, self.log_doses)

    def at_doses(self, column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Doses, mean of a column at each, and the number of points, (n_curves, n_doses) each.

        Doses rise; NaN pads the end.
        """
        return dose_means(self.log_doses, self.columns[column])


def _reduced(function: np.ufunc, values: np.ndarray) -> np.ndarray:
    return np.asarray(function.reduce(values, axis=1, initial=np.nan))


def series_of(wells: pd.DataFrame, columns: Sequence[str], apart: Sequence[str] = ()) -> Series:
    """Arrange treated wells into curves.

    Parameters
    ----------
    wells : pandas.DataFrame
        Treated wells (see `relative.Doses`); those of dose 0 or without dose are passed over, but
        each curve has a row.
    columns : sequence of str
        Number columns to arrange.
    apart : sequence of str
        What else parts curves, such as ``replicate`` or ``plate``.
    """
    keys = list(dict.fromkeys([*CURVE_KEYS, *apart]))
    wells = wells.reset_index(drop=True)
    number = wells.groupby(keys, sort=True, dropna=False).ngroup().to_numpy()
    first = (
        wells[keys].assign(curve=number).drop_duplicates("curve").set_index("curve").sort_index()
    )
    dose = wells["dose"].to_numpy(float)
    usable = np.flatnonzero(np.isfinite(dose) & (dose > 0))
    order = usable[np.lexsort((dose[usable], number[usable]))]
    curve = number[order]
    start = np.searchsorted(curve, np.arange(len(first)))
    place = np.arange(len(order)) - start[curve]
    width = max(int(place.max(initial=0)) + 1, 1)
    shape = (len(first), width)

    def spread(values: np.ndarray, padding: float = np.nan) -> np.ndarray:
        array = np.full(shape, padding)
        array[curve, place] = values[order]
        return array

    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log10(dose)
    arrays = {name: spread(wells[name].to_numpy(float)) for name in columns}
    rows = spread(np.arange(len(wells), dtype=float), -1.0).astype(int)
    return Series(first.reset_index(drop=True), spread(logs), arrays, rows)
