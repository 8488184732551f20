"""Plates to curves: what a drug does to each line, as numbers with their errors and a status.

Every series of doses has a row, whatever came of it; `STATUSES` says what a status means. An IC50
outside of the doses is given as beyond them, never as a number that nobody measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from sidestep.features.assays.growth_rate import (
    area_over,
    between_times,
    growth_rate_max,
    growth_rate_values,
    time_course_values,
)
from sidestep.features.assays.hill import (
    GROWTH_RATE,
    VIABILITY,
    VIABILITY_FREE,
    HillBounds,
    HillFits,
    dose_at,
    fit_hill,
    hill,
    mean_between,
)
from sidestep.features.assays.readings import CONTROL, Readings
from sidestep.features.assays.relative import relative_to_control
from sidestep.features.assays.series import Series, series_of
from sidestep.features.errors import InputError

#: Status -> what it means, the one that counts first in front.
STATUSES: Final = {
    "no control": "no untreated control matches these wells, so nothing can be said",
    "too few doses": "fewer doses than a curve needs",
    "noisy control": "control wells scatter by more than 30 % of their mean",
    "non-monotone": "the response rises again with the dose by more than noise allows",
    "flat": "no curve fits better than a constant (F-test)",
    "extrapolated": "half the control's signal lies beyond the doses: the IC50 is given as a limit",
    "fitted": "a curve whose IC50 lies between the doses",
}
FEWEST_DOSES: Final = 4
MOST_CONTROL_CV: Final = 0.3
#: As gDR: a value above 1.1 pulls no curve.
CAP: Final = 1.1
_RISE: Final = 0.3
_RISE_SINGLE: Final = 0.4


@dataclass(frozen=True)
class CurveOptions:
    """How curves are fitted.

    Attributes
    ----------
    parameters : int
        3 (the control is the upper plateau) or 4.
    robust : bool
        Outliers weigh less in the fit of relative viability. Growth rates are fitted by least
        squares, as the published tools do.
    apart : tuple of str
        What parts curves beside sample, drug, condition and time: ``replicate``, ``plate``.
    area : tuple of float
        Fixed range of the activity area, micromolar (micrograms a millilitre by weight).
    time_course : bool
        Growth rates between one time and the next rather than since the drug was given.
    level : float
        Of the intervals.
    alpha : float
        Of the F-test against a constant.
    """

    parameters: int = 3
    robust: bool = True
    apart: tuple[str, ...] = ()
    area: tuple[float, float] = (0.005, 5.0)
    time_course: bool = False
    level: float = 0.95
    alpha: float = 0.05

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.parameters not in (3, 4):
            raise InputError(f"a curve has 3 or 4 parameters, not {self.parameters}")
        low, high = self.area
        if not 0 < low < high:
            raise InputError(f"the range of doses {low:g} to {high:g} must rise and be above 0")
        unknown = set(self.apart) - {"replicate", "plate"}
        if unknown:
            raise InputError(f"curves are parted by replicate or plate, not by {min(unknown)!r}")


@dataclass(frozen=True)
class Curves:
    """Fitted curves and what they were fitted to.

    Attributes
    ----------
    table : pandas.DataFrame
        A row a curve; the columns are described in docs/assays.md.
    series : Series
        Points: ``relative`` and, where it can be told, ``growth``.
    fits : HillFits
        Of relative viability; a constant where the status is ``flat``.
    growth_fits : HillFits or None
        Of growth rates.
    wells : pandas.DataFrame
        Treated wells; `series.row` points into it.
    options : CurveOptions
    """

    table: pd.DataFrame
    series: Series
    fits: HillFits
    growth_fits: HillFits | None
    wells: pd.DataFrame
    options: CurveOptions


def fit_curves(readings: Readings, options: CurveOptions | None = None) -> Curves:
    """Fit every series of doses.

    Raises
    ------
    InputError
        If no well holds a drug, or no well at all has a control.
    """
    options = options or CurveOptions()
    doses = relative_to_control(readings)
    wells = doses.wells
    if wells.empty:
        raise InputError(_without_drug(readings))
    if wells["value"].isna().all():
        raise InputError("no well with a drug holds a measured value: every cell is empty")
    if wells["relative"].isna().all():
        if (wells["control_wells"] > 0).any():
            raise InputError(
                "the signal of every control is 0 or less: give the controls' signals, before "
                "background is taken off"
            )
        raise InputError(
            "no treated well has an untreated control: give wells of dose 0 or of DMSO for each "
            "sample and condition, a column of control signals, or relative values (--values)"
        )
    growth = np.full(len(wells), np.nan)
    if doses.is_signal and options.time_course:
        wells = between_times(wells)
        growth = time_course_values(wells)
    elif doses.is_signal:
        growth = growth_rate_values(
            *(wells[c].to_numpy(float) for c in ("value", "control", "time0"))
        )
    wells = wells.assign(growth=growth)
    series = series_of(
        wells, ("relative", "growth", "control_cv", "control", "time0"), options.apart
    )
    capped = np.minimum(series["relative"], CAP)
    bounds = bounds_of(options)
    fits = fit_hill(series.log_doses, capped, bounds=bounds, robust=options.robust)
    fits, flat = _constant_where_flat(
        fits, series.log_doses, capped, bounds.parameters, options.alpha
    )
    table = _describe(series, fits, flat, options)
    growth_fits = None
    if np.isfinite(series["growth"]).any():
        growth_fits = fit_hill(series.log_doses, series["growth"], bounds=GROWTH_RATE)
        growth_fits, still = _constant_where_flat(
            growth_fits, series.log_doses, series["growth"], GROWTH_RATE.parameters, options.alpha
        )
        table = pd.concat([table, _describe_growth(series, growth_fits, still, options)], axis=1)
    return Curves(table, series, fits, growth_fits, wells, options)


def _without_drug(readings: Readings) -> str:
    """Why no well counts as treated, and what to do."""
    wells = readings.wells
    if ((wells["role"] == CONTROL) & (wells["dose"] > 0)).any():
        return (
            "every well with a dose is a control by its role (a column 'role' or 'control' says "
            "which wells are): mark untreated wells alone, and name a column of their signals "
            "'control_signal'"
        )
    return "no well holds a drug: name a column of doses and one of drugs"


def bounds_of(options: CurveOptions) -> HillBounds:
    """Bounds of the parameters of relative viability."""
    return VIABILITY if options.parameters == 3 else VIABILITY_FREE


def half_dose(theta: np.ndarray, parameters: int) -> np.ndarray:
    """Log10 IC50 of curves: at half the control, or half the upper plateau where that is fitted."""
    if parameters == 3:
        return dose_at(theta, np.full(len(theta), 0.5))
    flat = np.abs(theta[:, 2] - theta[:, 3]) < 1e-3  # a constant has no plateau to be half of
    return dose_at(theta, np.where(flat, 0.5, theta[:, 3] / 2))


@dataclass(frozen=True)
class _Flat:
    """The F-test of each curve against a constant."""

    is_flat: np.ndarray
    p: np.ndarray
    r2: np.ndarray
    rmse: np.ndarray


def _constant_where_flat(
    fits: HillFits, log_doses: np.ndarray, values: np.ndarray, parameters: int, alpha: float
) -> tuple[HillFits, _Flat]:
    """Put the mean in place of curves that fit no better, by the F-test of gDR and GRmetrics."""
    given = np.isfinite(values) & np.isfinite(log_doses)
    n = given.sum(axis=1)
    total = np.where(given, values, 0.0).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / n
        around = np.where(given, (values - mean[:, None]) ** 2, 0.0).sum(axis=1)
        freedom = n - parameters + 1
        f = ((around - fits.sse) / (parameters - 1)) / (fits.sse / freedom)
        p = np.where(freedom > 0, stats.f.sf(f, parameters - 1, np.maximum(freedom, 1)), np.nan)
        r2 = np.where(around > 0, 1 - fits.sse / around, 0.0)
        spread = np.sqrt(around / np.maximum(n - 1, 1) / n)
    is_flat = ~(p < alpha)
    theta, covariance = fits.theta.copy(), fits.covariance.copy()
    theta[is_flat, 2:] = mean[is_flat, None]
    covariance[is_flat] = 0.0
    covariance[is_flat, 2:, 2:] = (spread[is_flat] ** 2)[:, None, None]
    sse = np.where(is_flat, around, fits.sse)
    freedom = np.where(is_flat, np.maximum(n - 1, 1), fits.freedom)
    fits = replace(fits, theta=theta, covariance=covariance, sse=sse, freedom=freedom)
    with np.errstate(divide="ignore", invalid="ignore"):
        rmse = np.sqrt(sse / n)
    return fits, _Flat(is_flat, p, np.where(is_flat, 0.0, r2), rmse)


def _describe(series: Series, fits: HillFits, flat: _Flat, options: CurveOptions) -> pd.DataFrame:
    """The columns of relative viability."""
    doses, means, counts = series.at_doses("relative")
    given = np.isfinite(series["relative"]) & np.isfinite(series.log_doses)
    table = series.keys.rename(columns={"unit": "dose_unit"}).copy()
    table["n_doses"] = (counts > 0).sum(axis=1)
    table["n_points"] = given.sum(axis=1)
    table["n_left_out"] = (series.row >= 0).sum(axis=1) - table["n_points"]
    table["n_outliers"] = (given & (fits.weights < 0.05)).sum(axis=1)
    low, high = series.lowest, series.highest
    table["lowest_dose"], table["highest_dose"] = 10.0**low, 10.0**high
    rise = _rise(series, doses, means, counts)
    top = np.fmax.reduce(means, axis=1, initial=np.nan)
    table["status"], table["reason"] = _statuses(series, table, flat, fits, rise, top, options)
    bad = table["status"].isin(["no control", "too few doses"]).to_numpy()
    curve = ~bad & ~flat.is_flat
    table["e_0"], table["e_inf"] = fits.theta[:, 3], fits.theta[:, 2]
    table["slope"] = np.where(curve, np.exp(fits.theta[:, 1]), np.nan)
    table["ec50"] = np.where(curve, 10.0 ** fits.theta[:, 0], np.nan)
    table["r2"], table["rmse"], table["flat_p"] = flat.r2, flat.rmse, flat.p
    quantile = stats.t.ppf((1 + options.level) / 2, fits.freedom)
    _add_dose(
        table,
        "ic50",
        fits,
        lambda theta: half_dose(theta, options.parameters),
        (low, high),
        quantile,
    )
    ratio = _time0_share(series)
    if np.isfinite(ratio).any():
        growth = (1 + ratio) / 2
        _add_dose(table, "gi50", fits, lambda theta: dose_at(theta, growth), (low, high), quantile)
    area = np.log10(options.area)
    for name, ends in (("auc", (low, high)), ("activity_area", (area[0], area[1]))):
        where = [np.broadcast_to(end, len(series)) for end in ends]
        value = mean_between(fits.theta, *where)
        error = fits.error(lambda theta, where=where: mean_between(theta, *where))  # type: ignore[misc]
        if name == "activity_area":
            value = 1 - value
        _add_number(table, name, value, error, quantile)
        if name == "auc":
            table["aac"] = 1 - value
    inside = np.minimum(high, area[1]) - np.maximum(low, area[0])
    table["activity_area_tested"] = np.clip(inside / (area[1] - area[0]), 0, 1)
    _add_number(
        table, "emax", hill(fits.theta, high[:, None])[:, 0],
        fits.error(lambda theta: hill(theta, high[:, None])[:, 0]), quantile,
    )  # fmt: skip
    table["highest_value"] = top
    numbers = table.columns[table.columns.get_loc("e_0") :]
    table.loc[bad, [c for c in numbers if table[c].dtype.kind == "f"]] = np.nan
    table.loc[bad, [c for c in numbers if c.endswith("_limit")]] = ""
    return table


def _describe_growth(
    series: Series, fits: HillFits, flat: _Flat, options: CurveOptions
) -> pd.DataFrame:
    """The columns of growth rates; names as in Hafner et al."""
    doses, means, _ = series.at_doses("growth")
    enough = np.isfinite(means).sum(axis=1) >= FEWEST_DOSES
    table = pd.DataFrame(index=range(len(series)))
    quantile = stats.t.ppf((1 + options.level) / 2, fits.freedom)
    ends = (np.fmin.reduce(doses, axis=1), np.fmax.reduce(doses, axis=1))
    half = np.full(len(series), 0.5)
    _add_dose(table, "gr50", fits, lambda theta: dose_at(theta, half), ends, quantile)
    table["gr_max"] = growth_rate_max(means, doses)
    table["gr_aoc"] = area_over(means, doses)
    curve = ~flat.is_flat
    table["gr_inf"] = fits.theta[:, 2]
    table["gec50"] = np.where(curve, 10.0 ** fits.theta[:, 0], np.nan)
    table["gr_slope"] = np.where(curve, np.exp(fits.theta[:, 1]), np.nan)
    table["gr_r2"], table["gr_flat_p"] = flat.r2, flat.p
    table.loc[~enough, [c for c in table if table[c].dtype.kind == "f"]] = np.nan
    table.loc[~enough, "gr50_limit"] = ""
    return table


def _add_dose(
    table: pd.DataFrame, name: str, fits: HillFits, place: Callable[[np.ndarray], np.ndarray],
    ends: tuple[np.ndarray, np.ndarray], quantile: np.ndarray,
) -> None:  # fmt: skip
    """A dose at which the curve falls to a level: number, limit, error and interval.

    ``<name>`` is the end of the doses where ``<name>_limit`` is ``>`` or ``<``; ``<name>_fitted``
    where the curve meets the level, doses or not; ``<name>_se`` is of the log10. `place` gives
    the log10 dose of parameters (n_curves, 4).
    """
    found = place(fits.theta)
    low, high = ends
    above, below = found > high + 1e-9, found < low - 1e-9
    inside = ~(above | below) & np.isfinite(found)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.where(inside, fits.error(place), np.nan)
        table[name] = 10.0 ** np.where(above, high, np.where(below, low, found))
        table[f"{name}_limit"] = np.where(above, ">", np.where(below, "<", ""))
        table[f"{name}_se"] = error
        table[f"{name}_lower"] = 10.0 ** (found - quantile * error)
        table[f"{name}_upper"] = 10.0 ** (found + quantile * error)
        table[f"{name}_fitted"] = np.where(np.isfinite(found), 10.0**found, np.nan)


def _add_number(
    table: pd.DataFrame, name: str, value: np.ndarray, error: np.ndarray, quantile: np.ndarray
) -> None:
    """A number with its standard error and interval."""
    table[name], table[f"{name}_se"] = value, error
    table[f"{name}_lower"], table[f"{name}_upper"] = (
        value - quantile * error,
        value + quantile * error,
    )


def _time0_share(series: Series) -> np.ndarray:
    """Signal at time 0 over that of the control: the median of a curve's wells."""
    share = series["time0"] / series["control"]
    known = np.isfinite(share)
    share = np.where(known, share, np.nan)
    share[~known.any(axis=1), 0] = np.nan
    ordered = np.sort(share, axis=1)
    count = known.sum(axis=1)
    rows = np.arange(len(series))
    low, high = np.maximum((count - 1) // 2, 0), count // 2
    high = np.minimum(high, np.maximum(count - 1, 0))
    return np.asarray(np.where(count > 0, (ordered[rows, low] + ordered[rows, high]) / 2, np.nan))


def _rise(series: Series, doses: np.ndarray, means: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """How far the response rises again with the dose, 0 where noise may do it."""
    capped = np.minimum(means, CAP)
    so_far = np.fmin.accumulate(capped, axis=1)
    rise = np.fmax.reduce(capped - so_far, axis=1, initial=0.0)
    values = np.minimum(series["relative"], CAP)
    nearest = np.stack(
        [np.searchsorted(d, x - 1e-5) for d, x in zip(doses, series.log_doses, strict=True)]
    )
    nearest = np.minimum(nearest, doses.shape[1] - 1)
    deviation = values - np.take_along_axis(capped, nearest, axis=1)
    known = np.isfinite(deviation)
    freedom = known.sum(axis=1) - (counts > 0).sum(axis=1)
    squares = np.where(known, deviation**2, 0.0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        replicates = np.maximum(counts.sum(axis=1) / np.maximum((counts > 0).sum(axis=1), 1), 1)
        noise = np.sqrt(squares / freedom) * np.sqrt(2 / replicates)
    least = np.where(freedom > 2, np.maximum(_RISE, 4 * noise), _RISE_SINGLE)
    return np.asarray(np.where(rise > least, rise, 0.0))


def _statuses(
    series: Series, table: pd.DataFrame, flat: _Flat, fits: HillFits, rise: np.ndarray,
    top: np.ndarray, options: CurveOptions,
) -> tuple[list[str], list[str]]:  # fmt: skip
    """Status of each curve, and what led to it in words."""
    cv = np.fmax.reduce(
        np.where(np.isfinite(series["control_cv"]), series["control_cv"], np.nan), axis=1
    )
    half = half_dose(fits.theta, options.parameters)
    top_dose = series.highest
    beyond = ~((half >= series.lowest - 1e-9) & (half <= top_dose + 1e-9))
    points = series.row >= 0
    without = points.any(axis=1) & ~np.isfinite(series["relative"]).any(axis=1)
    unit, counts = table["dose_unit"].to_list(), table["n_doses"].to_numpy(int)
    lowest, highest = (table[f"{end}_dose"].to_numpy(float) for end in ("lowest", "highest"))
    statuses, reasons = [], []
    for at in range(len(series)):
        says: list[tuple[str, str]] = []
        low, high, n = lowest[at], highest[at], int(counts[at])
        if without[at]:
            says.append(("no control", "no untreated control matches these wells"))
        elif n < FEWEST_DOSES:
            says.append(
                ("too few doses", f"{n} dose(s) with a value; a curve takes {FEWEST_DOSES}")
            )
        else:
            if cv[at] > MOST_CONTROL_CV:
                says.append(
                    ("noisy control", f"control wells scatter by {cv[at]:.0%} of their mean")
                )
            if rise[at] > 0:
                says.append(("non-monotone", f"rises again by {rise[at]:.2f} with the dose"))
            if flat.is_flat[at]:
                says.append(("flat", _flat_words(fits.theta[at, 2], low, high, unit[at])))
            elif beyond[at]:
                side = f"above {high:.4g}" if half[at] > top_dose[at] else f"below {low:.4g}"
                says.append(("extrapolated", f"IC50 {side} {unit[at]}, beyond the doses"))
            else:
                says.append(("fitted", ""))
        if top[at] > 1.2:
            says.append((says[0][0], f"grows to {top[at]:.2f} of the control at some dose"))
        statuses.append(next(name for name in STATUSES if name in [word for word, _ in says]))
        reasons.append("; ".join(text for _, text in says if text))
    return statuses, reasons


#: How the reason of a flat curve begins, at either end.
ALL_DEAD, ALL_ALIVE = "all dead", "all alive"


def _flat_words(mean: float, low: float, high: float, unit: str) -> str:
    if mean <= 0.5:
        return f"{ALL_DEAD}: {mean:.2f} of the control at every dose, IC50 below {low:.4g} {unit}"
    word = f"{ALL_ALIVE}: " if mean > 0.8 else ""
    return f"{word}{mean:.2f} of the control at every dose, IC50 above {high:.4g} {unit}"
