r"""Growth rate inhibition: what a drug does to the rate of growth, not to the number of cells.

.. math:: GR = 2^{\log_2(x / x_0) / \log_2(x_{ctrl} / x_0)} - 1

1 is no effect, 0 a full stop, below 0 cells die, above 1 they grow faster than the control. A line
that divides slowly does not look resistant for it, as with relative viability.

References
----------
Hafner, Niepel, Chung and Sorger, Growth rate inhibition metrics correct for confounders in
measuring sensitivity to cancer drugs, Nat Methods 13:521-527 (2016), doi 10.1038/nmeth.3853.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

# A count of zero has no logarithm; the published tools take a millionth of time 0 for it.
_SMALLEST = 1e-6
_SAME_WELL = ["sample", "drug", "condition", "replicate", "plate", "well", "dose", "unit"]


def growth_rate_values(value: np.ndarray, control: np.ndarray, time0: np.ndarray) -> np.ndarray:
    """GR values of signals; NaN where the control did not grow or a signal is missing.

    Parameters
    ----------
    value, control, time0 : numpy.ndarray
        Signals after treatment, of the untreated control at the same time, and when the drug was
        given (or at an earlier time, for the rate between two times).

    Examples
    --------
    >>> growth_rate_values(np.array([400.0, 200.0, 100.0]), np.array([400.0] * 3),
    ...                    np.array([200.0] * 3)).round(2).tolist()
    [1.0, 0.0, -0.5]
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        grown = np.log2(np.maximum(value / time0, _SMALLEST))
        control_grown = np.log2(np.maximum(control / time0, _SMALLEST))
        found = np.exp2(grown / control_grown) - 1
    usable = (time0 > 0) & (control_grown > 0) & np.isfinite(found)
    return np.asarray(np.where(usable, found, np.nan), float)


def between_times(wells: pd.DataFrame) -> pd.DataFrame:
    """Wells with the signals of the time before as their time 0: growth between two times.

    Parameters
    ----------
    wells : pandas.DataFrame
        Treated wells of `relative.Doses`, followed over several times.

    Returns
    -------
    pandas.DataFrame
        ``time0`` is the well's own signal at the time before, and ``control0`` the control's; of
        the first time both are the signal when the drug was given.
    """
    ordered = wells.sort_values([*_SAME_WELL, "time"], kind="stable")
    groups = ordered.groupby(_SAME_WELL, sort=False, dropna=False)
    before = groups["value"].shift().fillna(ordered["time0"])
    control_before = groups["control"].shift().fillna(ordered["time0"])
    return ordered.assign(time0=before, control0=control_before).sort_index()


def time_course_values(wells: pd.DataFrame) -> np.ndarray:
    """GR values between each time and the one before, of wells as `between_times` gives them."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        rate, control_rate = (
            np.log2(np.maximum((wells[late] / wells[early]).to_numpy(float), _SMALLEST))
            for late, early in (("value", "time0"), ("control", "control0"))
        )
        found = np.exp2(rate / control_rate) - 1
    usable = (control_rate > 0) & np.isfinite(found)
    return np.where(usable, found, np.nan)


def growth_rate_max(values: np.ndarray, log_doses: np.ndarray) -> np.ndarray:
    """The lower of the values at the two highest doses, the mean of replicates each; (n_curves,).

    Parameters
    ----------
    values, log_doses : numpy.ndarray
        (n_curves, n_doses), doses rising, NaN as padding at the end.
    """
    known = np.isfinite(values)
    last = np.maximum(known.shape[1] - 1 - known[:, ::-1].argmax(axis=1), 0)
    rows = np.arange(len(values))
    return np.asarray(np.fmin(values[rows, last], values[rows, np.maximum(last - 1, 0)]))


def area_over(values: np.ndarray, log_doses: np.ndarray) -> np.ndarray:
    """Area over the values by trapezoids over log10 dose, over the width of the doses; (n_curves,).

    Parameters
    ----------
    values, log_doses : numpy.ndarray
        (n_curves, n_doses), doses rising, NaN as padding at the end.
    """
    known = np.isfinite(values[:, 1:]) & np.isfinite(values[:, :-1])
    width = np.where(known, np.diff(log_doses, axis=1), 0.0)
    over = np.where(known, 1 - (values[:, 1:] + values[:, :-1]) / 2, 0.0)
    with np.errstate(invalid="ignore"):
        return np.asarray((width * over).sum(axis=1) / width.sum(axis=1))
