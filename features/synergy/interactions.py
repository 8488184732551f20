r"""What two drugs would do together if they did not interact, by five models.

With viabilities :math:`v_1, v_2` of the single agents and :math:`v_{12}` of the pair, the excess of
a model is the viability that it expects less the one measured: above 0 the pair kills more.

=====  =======================================================================
model  expected viability
=====  =======================================================================
HSA    :math:`\min(v_1, v_2)`: the better drug alone
Bliss  :math:`v_1 v_2`: independent drugs (Bliss 1939)
Loewe  the v at which :math:`d_1 / D_1(v) + d_2 / D_2(v) = 1`: one drug diluted in the other
ZIP    Bliss of the fitted single curves, against curves fitted along both axes of the
       matrix, so that noise of single wells is smoothed (Yadav 2015 [1]_)
=====  =======================================================================

The combination index (Chou and Talalay [2]_) is :math:`d_1/D_1 + d_2/D_2` at the effect of the
pair, by median-effect lines: below 1 less drug is needed.

References
----------
.. [1] Yadav et al., Comput Struct Biotechnol J 13:504 (2015), doi 10.1016/j.csbj.2015.09.001.
.. [2] Chou, Pharmacol Rev 58:621 (2006), doi 10.1124/pr.58.3.10.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.assays.hill import HillBounds, HillFits, dose_at, fit_hill, hill

MODELS: Final = ("bliss", "hsa", "loewe", "zip")
INDEX: Final = "combination_index"
#: Curves take four doses, as in `curves`.
FEWEST_DOSES: Final = 4
# Beyond these shares of cells killed the logit of a median-effect line is noise.
_EFFECTS = (0.05, 0.95)
_FEWEST_EFFECTS = 3
_BISECTIONS = 45
#: A curve along one drug at a fixed dose of the other starts at what the other does, and may rise.
_ALONG = HillBounds(e_inf=(0.0, 1.5))


@dataclass(frozen=True)
class Layout:
    """Doses of a matrix: its cells, and which of them are the single agents of a combination.

    Attributes
    ----------
    cells : pandas.DataFrame
        dose1, dose2, a row a distinct pair of doses, none of both zero.
    combos : numpy.ndarray
        Cells with both drugs.
    alone : tuple of numpy.ndarray
        Cells with drug 1 alone, and with drug 2 alone.
    margins : tuple of numpy.ndarray
        For each combination the cell with the same dose of drug 1 (2) alone; -1 where none is.
    """

    cells: pd.DataFrame
    combos: np.ndarray
    alone: tuple[np.ndarray, np.ndarray]
    margins: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(cls, cells: pd.DataFrame) -> Layout:
        """Arrange cells with columns dose1 and dose2."""
        one, two = cells["dose1"].to_numpy(float), cells["dose2"].to_numpy(float)
        combos = np.flatnonzero((one > 0) & (two > 0))
        alone = (
            np.flatnonzero((one > 0) & (two == 0)), np.flatnonzero((two > 0) & (one == 0)),
        )  # fmt: skip
        margins = tuple(
            np.array([places.get(dose, -1) for dose in doses[combos]], int)
            for doses, places in (
                (one, {one[at]: at for at in alone[0]}), (two, {two[at]: at for at in alone[1]}),
            )
        )  # fmt: skip
        return cls(cells, combos, alone, (margins[0], margins[1]))

    def doses(self, which: int) -> np.ndarray:
        """Doses of drug 1 (0) or 2 (1) of the combinations."""
        return self.cells.iloc[self.combos][f"dose{which + 1}"].to_numpy(float)

    def single_doses(self, which: int) -> np.ndarray:
        """Doses of the cells with that drug alone."""
        return self.cells.iloc[self.alone[which]][f"dose{which + 1}"].to_numpy(float)


@dataclass(frozen=True)
class Interaction:
    """Excess of each model, and the combination index, at each combination.

    Attributes
    ----------
    excess : dict of str to numpy.ndarray
        Model -> (n_draws, n_combos), fractions of the control; NaN where it cannot be told.
    log_index : numpy.ndarray
        (n_draws, n_combos): natural logarithm of the combination index.
    lines : tuple of float
        Correlation of each drug's median-effect line in the first draw; NaN without a line.
    """

    excess: dict[str, np.ndarray]
    log_index: np.ndarray
    lines: tuple[float, float]


def interact(
    layout: Layout, viability: np.ndarray, models: Collection[str] = MODELS
) -> Interaction:
    """Compare measured combinations with what each model expects.

    Parameters
    ----------
    layout : Layout
    viability : numpy.ndarray
        (n_draws, n_cells): mean viability of each cell; draws of a bootstrap are rows.
    models : collection of str
        Of `MODELS`; the combination index comes with ``loewe``.
    """
    together = viability[:, layout.combos]
    fitted = bool({"loewe", "zip"} & set(models))
    curves = [
        _curve(layout, viability, which) if fitted or (layout.margins[which] < 0).any() else None
        for which in (0, 1)
    ]
    single = [_alone(layout, viability, which, curves[which]) for which in (0, 1)]
    excess = {}
    if "bliss" in models:
        excess["bliss"] = single[0] * single[1] - together
    if "hsa" in models:
        excess["hsa"] = np.minimum(*single) - together
    log_index, lines = np.full(together.shape, np.nan), (np.nan, np.nan)
    if "loewe" in models:
        excess["loewe"] = _loewe(layout, curves) - together
        log_index, lines = combination_index(layout, viability)
    if "zip" in models:
        excess["zip"] = _zip(layout, viability, curves)
    return Interaction(excess, log_index, lines)


def _curve(layout: Layout, viability: np.ndarray, which: int) -> HillFits | None:
    """Curves of a drug alone, one a draw; None of too few doses."""
    doses = layout.single_doses(which)
    if len(doses) < FEWEST_DOSES:
        return None
    log_doses = np.broadcast_to(np.log10(doses), (len(viability), len(doses)))
    return fit_hill(log_doses, viability[:, layout.alone[which]])


def _alone(layout: Layout, viability: np.ndarray, which: int, curve: HillFits | None) -> np.ndarray:
    """What a drug does alone at each combination: as measured, else by its curve."""
    places = layout.margins[which]
    measured = viability[:, places]
    if (places >= 0).all():
        return measured
    if curve is None:
        return np.where(places >= 0, measured, np.nan)
    return np.where(places >= 0, measured, curve.predict(np.log10(layout.doses(which))))


def _loewe(layout: Layout, curves: list[HillFits | None]) -> np.ndarray | float:
    """Viability at which the doses add up to one, by bisection; a drug that stops short adds 0."""
    one, two = curves
    if one is None or two is None:
        return np.nan
    shape = (len(one), len(layout.combos))
    doses = [np.log(layout.doses(which)) for which in (0, 1)]
    low = np.broadcast_to(np.minimum(one.theta[:, 2], two.theta[:, 2])[:, None], shape).copy()
    high = np.ones(shape)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        total = np.zeros(shape)
        for which, curve in enumerate((one, two)):
            theta = np.repeat(curve.theta, shape[1], axis=0)
            needed = dose_at(theta, middle.ravel()).reshape(shape) * np.log(10.0)
            with np.errstate(over="ignore"):
                total += np.exp(np.minimum(doses[which] - needed, 700.0))
        low, high = np.where(total > 1, low, middle), np.where(total > 1, middle, high)
    return np.asarray((low + high) / 2)


def _zip(layout: Layout, viability: np.ndarray, curves: list[HillFits | None]) -> np.ndarray:
    """Bliss of the fitted single curves less the mean of the curves along both axes."""
    shape = (len(viability), len(layout.combos))
    if curves[0] is None or curves[1] is None:
        return np.full(shape, np.nan)
    fitted = [
        curve.predict(np.log10(layout.doses(which)))
        for which, curve in enumerate(curves)
        if curve is not None
    ]
    along = np.stack([_along(layout, viability, which, fitted[which]) for which in (0, 1)])
    return np.asarray(fitted[0] * fitted[1] - along.mean(axis=0))


def _along(layout: Layout, viability: np.ndarray, which: int, start: np.ndarray) -> np.ndarray:
    """Curves over the other drug at each dose of this one; NaN where a row is too short."""
    fixed, moved = layout.doses(which), layout.doses(1 - which)
    found = np.full(start.shape, np.nan)
    for dose in np.unique(fixed):
        row = np.flatnonzero(fixed == dose)
        if len(row) < FEWEST_DOSES:
            continue
        log_doses = np.broadcast_to(np.log10(moved[row]), (len(viability), len(row)))
        lift = 1.0 - start[:, row[:1]]
        fits = fit_hill(log_doses, viability[:, layout.combos[row]] + lift, bounds=_ALONG)
        found[:, row] = hill(fits.theta, log_doses) - lift
    return found


def combination_index(
    layout: Layout, viability: np.ndarray
) -> tuple[np.ndarray, tuple[float, float]]:
    """Logarithm of Chou and Talalay's index at each combination, and how straight the lines are.

    NaN where the pair kills less than 5 or more than 95 %, or a drug alone has fewer than three
    doses in between, or kills less with more.
    """
    together = 1 - viability[:, layout.combos]
    needed, lines = [], []
    for which in (0, 1):
        effect = 1 - viability[:, layout.alone[which]]
        doses = np.broadcast_to(np.log(layout.single_doses(which)), effect.shape)
        slope, middle, straight = _median_effect(doses, effect)
        lines.append(float(straight[0]))
        with np.errstate(divide="ignore", invalid="ignore"):
            logit = np.log(together / (1 - together))
            needed.append(middle[:, None] + logit / slope[:, None])
    given = [np.log(layout.doses(which)) for which in (0, 1)]
    with np.errstate(invalid="ignore"):
        index = np.logaddexp(given[0] - needed[0], given[1] - needed[1])
    told = (together > _EFFECTS[0]) & (together < _EFFECTS[1])
    return np.where(told, index, np.nan), (lines[0], lines[1])


def _median_effect(
    doses: np.ndarray, effect: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slope, log dose of half the effect and correlation of each row's median-effect line."""
    used = (effect > _EFFECTS[0]) & (effect < _EFFECTS[1])
    count = used.sum(axis=1)
    inside = np.clip(effect, *_EFFECTS)
    logit = np.log(inside / (1 - inside))

    def mean(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.where(used, values, 0.0).sum(axis=1) / np.maximum(count, 1))

    x, y = (values - mean(values)[:, None] for values in (doses, logit))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = mean(x * y) / mean(x * x)
        straight = mean(x * y) / np.sqrt(mean(x * x) * mean(y * y))
        middle = mean(doses) - mean(logit) / slope
    good = (count >= _FEWEST_EFFECTS) & (slope > 0)
    return (
        np.where(good, slope, np.nan), np.where(good, middle, np.nan),
        np.where(good, straight, np.nan),
    )  # fmt: skip
