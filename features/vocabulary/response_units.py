"""Units of drug responses: what their values and their direction should be, and what is doubtful.

A response whose unit is mistaken by a factor of 1,000, or whose direction is turned round (AUC
against AAC, IC50 against pIC50), trains a model that calls resistant lines sensitive.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable, each

_FEWEST_VALUES = 10
_LINEAR = ("nanomolar", "micromolar", "molar")
# A concentration whose words do not say whether it is a logarithm.
_CONCENTRATION = "concentration"
_WIDEST = 1000.0


@dataclass(frozen=True)
class ResponseUnit:
    """A unit of responses.

    Attributes
    ----------
    pattern : re.Pattern
        Found in the words that name a response of this unit.
    unit : str
    lowest, highest : float
        Between which the middle of a screen's values lies.
    higher_is_resistant : bool
    """

    pattern: re.Pattern[str]
    unit: str
    lowest: float
    highest: float
    higher_is_resistant: bool


def _unit(row: KnowledgeRow) -> ResponseUnit:
    try:
        pattern = re.compile(row["pattern"], re.IGNORECASE)
        lowest, highest = float(row["lowest"]), float(row["highest"])
    except (re.error, ValueError) as error:
        raise row.problem("pattern", f"or the range cannot be read ({error})") from error
    order = row.choice("order", ("ASC", "DESC"))
    return ResponseUnit(pattern, row["unit"], lowest, highest, order == "ASC")


#: Units, those that a word tells for sure before those that it may.
RESPONSE_UNITS = KnowledgeTable(
    "response_units.tsv", ("pattern", "unit", "lowest", "highest", "order", "source"), each(_unit)
)


def unit_of(names: Sequence[str]) -> ResponseUnit | None:
    """Unit that the names of a response tell, the most telling name first; None if none does.

    Examples
    --------
    >>> unit_of(["-log10 of GI50 in molar"]).unit
    '-log10 of molar'
    >>> unit_of(["response", "AUC"]).higher_is_resistant
    True
    """
    for name in names:
        for unit in RESPONSE_UNITS.load():
            if unit.pattern.search(name):
                return unit
    return None


def doubtful_direction(unit: ResponseUnit, higher_is_resistant: bool | None) -> str:
    """Why the direction of a response is doubtful; empty if it is not."""
    if higher_is_resistant is None or higher_is_resistant == unit.higher_is_resistant:
        return ""
    usual, given = ("ASC", "DESC") if unit.higher_is_resistant else ("DESC", "ASC")
    side = "resistant" if unit.higher_is_resistant else "sensitive"
    return (
        f"its name tells of {unit.unit}, of which a high value means {side}, and "
        f"'value_sort_order: {given}' says the opposite; write 'value_sort_order: {usual}' if the "
        "name is right"
    )


def doubtful_values(unit: ResponseUnit, values: np.ndarray) -> str:
    """Why the values of a response are doubtful for its unit; empty if they are not."""
    known = values[np.isfinite(values)]
    if len(known) < _FEWEST_VALUES:
        return ""
    middle = float(np.median(known))
    if unit.lowest <= middle <= unit.highest:
        return ""
    return (
        f"its name tells of {unit.unit}, and the middle of its values is {middle:.4g}, outside of "
        f"{unit.lowest:g} to {unit.highest:g}; look whether they are in another unit"
    )


def is_linear_concentration(unit: ResponseUnit, values: np.ndarray) -> bool:
    """Whether responses are concentrations as such, of which a logarithm spreads evenly.

    Molar units say so; of an IC50 whose words leave it open, values that are all positive and
    span a factor of 1,000 do.

    Examples
    --------
    >>> ic50 = unit_of(["IC50"])
    >>> is_linear_concentration(ic50, np.geomspace(0.01, 30)), is_linear_concentration(
    ...     ic50, np.linspace(-4, 4)
    ... )
    (True, False)
    """
    known = values[np.isfinite(values)]
    if len(known) < _FEWEST_VALUES or known.min() <= 0:
        return False
    if unit.unit in _LINEAR:
        return True
    return unit.unit == _CONCENTRATION and bool(known.max() >= _WIDEST * known.min())
