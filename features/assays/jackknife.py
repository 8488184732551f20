"""Curves without one of their replicates or plates, and of one plate alone.

Wells of a plate share what is wrong with it, so the scatter of wells around a curve tells too small
an error. The spread of estimates over what is left out tells the error between plates [1]_.

References
----------
.. [1] Efron and Stein, The jackknife estimate of variance, Ann Stat 9:586-596 (1981), doi
   10.1214/aos/1176345462.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sidestep.features.assays.curves import CAP, Curves, bounds_of
from sidestep.features.assays.hill import HillFits, fit_hill

#: Replicates or plates that tell an error.
FEWEST: Final = 3


@dataclass(frozen=True)
class LeftOut:
    """Fits of curves without one of their replicates or plates each.

    Attributes
    ----------
    fits : HillFits
    alone : HillFits
        Of each plate by itself; of nothing where replicates were left out.
    curve : numpy.ndarray
        Row of the curve in the table of curves, of each fit.
    name : list of str
        What was left out.
    by_plate : frozenset of int
        Rows of curves of which plates were left out; of the others, replicates.
    """

    fits: HillFits
    alone: HillFits
    curve: np.ndarray
    name: list[str]
    by_plate: frozenset[int]

    def of(self, row: int) -> dict[str, int]:
        """What was left out of a curve -> the row of that fit; empty where it has too few."""
        first, end = np.searchsorted(self.curve, [row, row + 1])
        return {self.name[at]: at for at in range(first, end)}


def leave_out(curves: Curves) -> LeftOut:
    """Fit each curve again without one of its plates, or replicates where plates are fewer than 3.

    Curves that have fewer than three of both are left as they are.
    """
    series, wells = curves.series, curves.wells
    plates = np.array([*wells["plate"], ""], dtype=object)
    replicates = np.array(
        [f"{p} {r}" if r else "" for p, r in zip(wells["plate"], wells["replicate"], strict=True)]
        + [""], dtype=object,
    )  # fmt: skip
    doses, values, alone, owner, names = [], [], [], [], []
    by_plate = set()
    relative = np.minimum(series["relative"], CAP)
    for row in range(len(series)):
        points = series.row[row]
        told = np.isfinite(relative[row]) & (points >= 0)
        for unit in (plates, replicates):
            of_point = unit[points]
            distinct = sorted(set(of_point[told]) - {""})
            if len(distinct) >= FEWEST and (of_point[told] != "").all():
                break
        else:
            continue
        if unit is plates:
            by_plate.add(row)
        for name in distinct:
            doses.append(series.log_doses[row])
            values.append(np.where(of_point == name, np.nan, relative[row]))
            only = of_point == name if unit is plates else np.zeros(len(of_point), bool)
            alone.append(np.where(only, relative[row], np.nan))
            owner.append(row)
            names.append(name)
    shape = (-1, series.log_doses.shape[1])
    fits = [
        fit_hill(
            np.reshape(doses, shape), np.reshape(points, shape),
            bounds=bounds_of(curves.options), robust=curves.options.robust,
        )
        for points in (values, alone)
    ]  # fmt: skip
    return LeftOut(fits[0], fits[1], np.array(owner, int), names, frozenset(by_plate))
