"""What a condition or a genotype does to a drug's curve: fold change of IC50, difference of AUC.

One line and drug is compared with itself under another condition (a coculture against alone), or
one line with another (a mutant against the wild type). What tells the error:

==========  ========================================================================
method      when
==========  ========================================================================
plates      both sides stand on the same plates, at least three: the differences on each
            plate, by a paired t-test
replicates  each side has at least three replicates or plates: one is left out at a time
wells       else: the errors of the two curves (delta method), which know nothing of what
            differs from plate to plate
==========  ========================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from sidestep.features.assays.curves import CurveOptions, Curves, fit_curves, half_dose
from sidestep.features.assays.doses import MOLAR
from sidestep.features.assays.hill import mean_between
from sidestep.features.assays.jackknife import LeftOut, leave_out
from sidestep.features.assays.readings import Readings
from sidestep.features.assays.responses import WITHHELD
from sidestep.features.assays.significance import false_discovery_rates
from sidestep.features.errors import InputError, some
from sidestep.features.identifiers import match_key
from sidestep.features.knowledge.drugs import CONCENTRATION_TABLE, find_drug

BETWEEN: Final = ("condition", "sample")
PROTECTED, SENSITISED, NO_CHANGE, UNTOLD = "protected", "sensitised", "no change", "not told"
#: Verdict -> what it means.
VERDICTS: Final = {
    PROTECTED: "more drug is needed, or more is left at the same doses (q at most the limit)",
    SENSITISED: "less drug is needed, or less is left at the same doses (q at most the limit)",
    NO_CHANGE: "no difference beyond what noise may do",
    UNTOLD: "a curve is missing, or its status withholds it",
}
#: Conditions that stand for the untouched line where the user names none.
_PLAIN: Final = frozenset(
    match_key(word)
    for word in ("", "alone", "mono", "monoculture", "control", "none", "before", "parental",
                 "vehicle", "untreated", "wild type", "WT", "0")
)  # fmt: skip


@dataclass(frozen=True)
class Shifts:
    """Comparisons of curves.

    Attributes
    ----------
    table : pandas.DataFrame
        A row a comparison; the columns are described in docs/assays.md.
    curves : Curves
        The curves, all replicates together.
    between, against : str
        What is compared, and the side that the others are held against.
    fdr : float
        Up to which q a shift counts.
    """

    table: pd.DataFrame
    curves: Curves
    between: str
    against: str
    fdr: float


@dataclass(frozen=True)
class _Difference:
    """A difference of many pairs: estimate, standard error, degrees of freedom."""

    value: np.ndarray
    error: np.ndarray
    freedom: np.ndarray

    def interval(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        half = stats.t.ppf((1 + level) / 2, self.freedom) * self.error
        return self.value - half, self.value + half

    @property
    def p(self) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(2 * stats.t.sf(np.abs(self.value / self.error), self.freedom))


def find_shifts(
    readings: Readings,
    between: str = "condition",
    against: str = "",
    options: CurveOptions | None = None,
    fdr: float = 0.05,
) -> Shifts:
    """Compare curves between conditions, or between samples.

    Parameters
    ----------
    readings : Readings
    between : {"condition", "sample"}
    against : str
        The condition or sample that the others are held against. By default the condition that
        means untouched (alone, monoculture, control …) or has no name.
    options : CurveOptions
    fdr : float
        Up to which q (Benjamini-Hochberg over all comparisons) a shift counts.

    Raises
    ------
    InputError
        If there is nothing to compare, or the side to compare with is not told or not there.
    """
    if between not in BETWEEN:
        raise InputError(f"curves are compared between condition or sample, not {between!r}")
    options = replace(options or CurveOptions(), apart=())
    curves = fit_curves(readings, options)
    side = _side(curves.table, between, against)
    left, right = _pairs(curves.table, between, side)
    if not len(left):
        raise InputError(
            f"nothing stands against {side or 'no ' + between!r}: the same drug is not there with "
            f"another {between}"
        )
    table = _describe(curves, left, right, between, options, fdr)
    return Shifts(table, curves, between, side, fdr)


def _side(table: pd.DataFrame, between: str, against: str) -> str:
    """The side that others are held against, as the table writes it."""
    names = list(dict.fromkeys(table[between]))
    if against:
        found = [name for name in names if match_key(name) == match_key(against)]
        if not found:
            raise InputError(f"no {between} is named {against!r}; there are {some(names, 8)}")
        return str(found[0])
    if len(names) < 2:
        shown = f", {names[0]!r}" if names[0] else ""
        instead = next(name for name in BETWEEN if name != between)
        raise InputError(
            f"the plates have one {between} only{shown}; a shift takes two: name a column "
            f"{between!r}, or compare with --between {instead}"
        )
    plain = [name for name in names if match_key(name) in _PLAIN] if between == "condition" else []
    if len(plain) != 1:
        raise InputError(
            f"which {between} do the others stand against? Give --against one of {some(names, 8)}"
        )
    return str(plain[0])


def _pairs(table: pd.DataFrame, between: str, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the curves to compare, and of those they are held against."""
    keys = [k for k in ("sample", "drug", "condition", "time", "unit_") if k != between]
    named = table.assign(unit_=table["dose_unit"], row=np.arange(len(table)))
    named["time"] = named["time"].fillna(-1.0)
    reference = named.loc[named[between] == side, [*keys, "row"]]
    others = named.loc[named[between] != side, [*keys, "row"]]
    both = others.merge(reference, on=keys, suffixes=("", "_reference"))
    return both["row"].to_numpy(int), both["row_reference"].to_numpy(int)


def _describe(
    curves: Curves, left: np.ndarray, right: np.ndarray, between: str,
    options: CurveOptions, fdr: float,
) -> pd.DataFrame:  # fmt: skip
    """A row a comparison."""
    one, other = (curves.table.iloc[rows].reset_index(drop=True) for rows in (left, right))
    table = one[["sample", "drug", "condition", "time", "dose_unit"]].copy()
    table["against"] = other[between]
    low, high = (
        function(values[left], values[right])
        for function, values in (
            (np.maximum, curves.series.lowest), (np.minimum, curves.series.highest),
        )
    )  # fmt: skip
    usable = ~(one["status"].isin(WITHHELD) | other["status"].isin(WITHHELD)).to_numpy()
    usable &= high > low
    dose, area = _by_wells(curves, left, right, low, high)
    method = np.full(len(table), "wells", dtype=object)
    without = leave_out(curves)
    for at in np.flatnonzero(usable):
        pair = int(left[at]), int(right[at])
        ends = float(low[at]), float(high[at])
        if (paired := _by_plates(curves, without, *pair, ends)) is not None:
            method[at] = "plates"
            for difference, numbers in zip((dose, area), paired, strict=True):
                difference.value[at], difference.error[at], difference.freedom[at] = numbers
        elif (errors := _by_replicates(curves, without, *pair, ends)) is not None:
            method[at] = "replicates"
            for difference, told in zip((dose, area), errors, strict=True):
                difference.error[at], difference.freedom[at] = told
    table["method"] = np.where(usable, method, "")
    for name, side in (("ic50", one), ("ic50_against", other)):
        table[name], table[f"{name}_limit"] = side["ic50"], side["ic50_limit"]
    _add_fold_change(table, dose, usable, one, other, options.level)
    bounds = area.interval(options.level)
    for name, values in zip(("", "_lower", "_upper"), (area.value, *bounds), strict=True):
        table[f"auc_difference{name}"] = np.where(usable, values, np.nan)
    table["auc_p"] = np.where(usable, area.p, np.nan)
    # Two looks at one shift: the smaller p counts, twice.
    both = table[["ic50_p", "auc_p"]]
    table["p"] = (both.min(axis=1) * both.notna().sum(axis=1)).clip(upper=1.0)
    table["q"] = false_discovery_rates(table["p"].to_numpy(float))
    table["verdict"], table["reason"] = _verdicts(table, one, other, fdr)
    return pd.concat([table, _plasma(table)], axis=1)


def _by_wells(
    curves: Curves, left: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[_Difference, _Difference]:
    """Differences of log10 IC50 and of AUC from the errors of the two curves."""
    differences = []

    def half(theta: np.ndarray) -> np.ndarray:
        return half_dose(theta, curves.options.parameters)

    def mean(theta: np.ndarray) -> np.ndarray:
        return mean_between(theta, low, high)

    for quantity in (half, mean):
        values, variances, freedoms = [], [], []
        for rows in (left, right):
            part = curves.fits.take(rows)
            values.append(quantity(part.theta))
            variances.append(part.error(quantity) ** 2)
            freedoms.append(part.freedom)
        with np.errstate(divide="ignore", invalid="ignore"):
            total = variances[0] + variances[1]
            freedom = total**2 / sum(v**2 / f for v, f in zip(variances, freedoms, strict=True))
            difference = values[0] - values[1]
        freedom = np.where(np.isfinite(freedom), freedom, 1.0)
        differences.append(_Difference(difference, np.sqrt(total), freedom))
    return differences[0], differences[1]


def _by_plates(
    curves: Curves, without: LeftOut, left: int, right: int, ends: tuple[float, float]
) -> list[tuple[float, float, float]] | None:
    """Differences of log10 IC50 and AUC on each plate: mean, its error, degrees of freedom.

    None where the two curves do not stand on the same plates, three or more.
    """
    parts = [without.of(row) for row in (left, right)]
    if not {left, right} <= without.by_plate or list(parts[0]) != list(parts[1]):
        return None
    one, other = (
        _doses_and_areas(curves, row, without.alone.theta[list(part.values())], ends)
        for row, part in zip((left, right), parts, strict=True)
    )
    found = []
    for first, second in zip(one, other, strict=True):
        difference = first - second
        count = len(difference)
        error = difference.std(ddof=1) / np.sqrt(count)
        found.append((float(difference.mean()), float(error), count - 1.0))
    return found


def _by_replicates(
    curves: Curves, without: LeftOut, left: int, right: int, ends: tuple[float, float]
) -> list[tuple[float, float]] | None:
    """Errors of the differences of log10 IC50 and AUC, and their degrees of freedom.

    None where one side has too few replicates.
    """
    parts = [without.of(row) for row in (left, right)]
    if not all(parts):
        return None
    sides = [
        _doses_and_areas(curves, row, without.fits.theta[list(part.values())], ends)
        for row, part in zip((left, right), parts, strict=True)
    ]
    found = []
    for estimates in zip(*sides, strict=True):
        variances = [_jackknife_variance(side) for side in estimates]
        total = sum(variances)
        spread = sum(v**2 / (len(e) - 1) for v, e in zip(variances, estimates, strict=True))
        found.append((float(np.sqrt(total)), float(total**2 / spread) if spread > 0 else 1.0))
    return found


def _doses_and_areas(
    curves: Curves, row: int, theta: np.ndarray, ends: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Log10 IC50s, no further out than the doses of the curve, and areas."""
    inside = curves.series.lowest[row], curves.series.highest[row]
    doses = np.clip(half_dose(theta, curves.options.parameters), *inside)
    return doses, mean_between(theta, *(np.full(len(theta), end) for end in ends))


def _jackknife_variance(estimates: np.ndarray) -> float:
    count = len(estimates)
    return float((count - 1) / count * ((estimates - estimates.mean()) ** 2).sum())


def _add_fold_change(
    table: pd.DataFrame, dose: _Difference, usable: np.ndarray, one: pd.DataFrame,
    other: pd.DataFrame, level: float,
) -> None:  # fmt: skip
    """Fold change of IC50 with its interval; a limit where an IC50 lies beyond the doses."""
    limits = [side["ic50_limit"].to_numpy(str) for side in (one, other)]
    inside = (limits[0] == "") & (limits[1] == "")
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.log10((one["ic50"] / other["ic50"]).to_numpy(float))
    value = np.where(inside, dose.value, ends)
    up = (limits[0] == ">") | (limits[1] == "<")
    down = (limits[0] == "<") | (limits[1] == ">")
    untold = ~usable | (up & down) | ~np.isfinite(value)
    table["fold_change"] = np.where(untold, np.nan, 10.0**value)
    table["fold_change_limit"] = np.where(untold | inside, "", np.where(up, ">", "<"))
    told = usable & inside
    for name, end in zip(("lower", "upper"), dose.interval(level), strict=True):
        with np.errstate(over="ignore"):
            table[f"fold_change_{name}"] = np.where(told, 10.0**end, np.nan)
    table["ic50_p"] = np.where(told, dose.p, np.nan)


def _verdicts(
    table: pd.DataFrame, one: pd.DataFrame, other: pd.DataFrame, fdr: float
) -> tuple[list[str], list[str]]:
    verdicts, reasons = [], []
    statuses = [list(zip(side["status"], side["reason"], strict=True)) for side in (one, other)]
    for at, (_, row) in enumerate(table.iterrows()):
        if not row["method"]:
            bad = [(word, text) for word, text in (s[at] for s in statuses) if word in WITHHELD]
            verdicts.append(UNTOLD)
            reasons.append(": ".join(bad[0]) if bad else "no doses in common")
            continue
        by_dose = not row["auc_p"] < row["ic50_p"] and np.isfinite(row["ic50_p"])
        rise = np.log10(row["fold_change"]) if by_dose else row["auc_difference"]
        reason = f"by the {'IC50' if by_dose else 'AUC'}, q {row['q']:.2g}"
        if not np.isfinite(row["ic50_p"]):
            reason += "; an IC50 lies beyond the doses"
        reasons.append(reason)
        if not row["q"] <= fdr or rise == 0:
            verdicts.append(NO_CHANGE)
        else:
            verdicts.append(PROTECTED if rise > 0 else SENSITISED)
    return verdicts, reasons


def _plasma(table: pd.DataFrame) -> pd.DataFrame:
    """What a patient's plasma reaches beside each comparison, where it is known."""
    known = CONCENTRATION_TABLE.load()
    rows = []
    for _, row in table.iterrows():
        drug = find_drug(row["drug"])
        level = known.get(drug.name) if drug is not None and row["dose_unit"] == MOLAR else None
        if level is None:
            rows.append((np.nan, "", "", ""))
            continue
        plasma = level.level / 1000
        kind = "free" if level.free is not None else "total"
        rows.append((plasma, kind, level.source, _reach(row, plasma)))
    return pd.DataFrame(rows, columns=["plasma", "plasma_kind", "plasma_source", "plasma_reaches"])


def _reach(row: pd.Series, plasma: float) -> str:
    """Which of the two IC50s the plasma concentration reaches."""
    reached = []
    for name in ("ic50", "ic50_against"):
        value, limit = row[name], row[f"{name}_limit"]
        if (
            not np.isfinite(value)
            or (limit == ">" and plasma > value)
            or (limit == "<" and plasma < value)
        ):
            return ""
        reached.append(plasma >= value)
    return {(True, True): "both", (False, False): "neither", (False, True): "against only",
            (True, False): "shifted only"}[(reached[0], reached[1])]  # fmt: skip
