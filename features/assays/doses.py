"""Doses in one unit: micromolar, or micrograms a millilitre where a drug is weighed.

Which of the two a drug has cannot be converted without its molecular weight, so one drug may not
be given in both.
"""

from __future__ import annotations

import re

MOLAR, MASS = "uM", "ug/ml"
_FACTORS = {
    "M": (MOLAR, 1e6), "mol/l": (MOLAR, 1e6), "molar": (MOLAR, 1e6),
    "mM": (MOLAR, 1e3), "millimolar": (MOLAR, 1e3), "mmol/l": (MOLAR, 1e3),
    "uM": (MOLAR, 1.0), "micromolar": (MOLAR, 1.0), "umol/l": (MOLAR, 1.0),
    "nM": (MOLAR, 1e-3), "nanomolar": (MOLAR, 1e-3), "nmol/l": (MOLAR, 1e-3),
    "pM": (MOLAR, 1e-6), "picomolar": (MOLAR, 1e-6), "pmol/l": (MOLAR, 1e-6),
    "mg/ml": (MASS, 1e3), "g/l": (MASS, 1e3),
    "ug/ml": (MASS, 1.0), "mg/l": (MASS, 1.0),
    "ng/ml": (MASS, 1e-3), "ug/l": (MASS, 1e-3),
}  # fmt: skip
#: Units as an error lists them.
UNITS = "M, mM, uM, nM, pM, mg/ml, ug/ml or ng/ml"
_FOLDED = {word.casefold(): unit for word, unit in _FACTORS.items() if word not in ("M", "mM")}
# The last word in brackets, or after an underscore or blank: "dose (uM)", "concentration_nM".
_OF_COLUMN = re.compile(r"[(\[]\s*([^()\[\]]+?)\s*[)\]]\s*$|[_\s.]([A-Za-zµμ]+(?:/[A-Za-z]+)?)\s*$")


def factor_of(unit: str) -> tuple[str, float] | None:
    """Base unit and what a dose is multiplied with to be in it; None for an unknown unit.

    Examples
    --------
    >>> factor_of("nM"), factor_of("µg/mL"), factor_of("parsec")
    (('uM', 0.001), ('ug/ml', 1.0), None)
    """
    word = unit.strip().replace("µ", "u").replace("μ", "u").replace(" ", "")
    return _FACTORS.get(word) or _FOLDED.get(word.casefold())


def unit_in_name(column: str) -> str:
    """Unit that the name of a dose column ends with; empty if none.

    Examples
    --------
    >>> unit_in_name("Doses (uM)"), unit_in_name("concentration_nM"), unit_in_name("dose")
    ('uM', 'nM', '')
    """
    found = _OF_COLUMN.search(column)
    word = "" if found is None else next(filter(None, found.groups()), "")
    return word if factor_of(word) is not None else ""
