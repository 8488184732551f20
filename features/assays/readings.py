"""What every layout of plates is read into: one row a well, with its place, dose and role.

=============  ====================================================================
column         content
=============  ====================================================================
sample, drug   names; empty for a control of every sample or drug
condition      such as a coculture; empty where there is one only
time           hours since the drug was given; NaN where it is not told
replicate      name of the replicate; empty where it is not told
plate, well    names; empty where they are not told
tag, tag0      names that tie a well to its controls and to its time 0
dose           micromolar or micrograms a millilitre; 0 without drug
unit           which of the two
role           treated, control, time0 or blank
value          as measured, or relative to the control
control, time0 signals given beside the value; NaN where controls are wells
file, line     where it stands
=============  ====================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from sidestep.features.assays.doses import MASS, MOLAR
from sidestep.features.assays.grid import LeftOut
from sidestep.features.errors import study_error

TREATED, CONTROL, TIME0, BLANK = "treated", "control", "time0", "blank"
TEXT: Final = (
    "sample", "drug", "condition", "replicate", "plate", "well", "tag", "tag0", "unit", "role",
    "file",
)  # fmt: skip
NUMBERS: Final = ("time", "dose", "value", "control", "time0", "line")


@dataclass
class Readings:
    """Wells of one or several files.

    Attributes
    ----------
    wells : pandas.DataFrame
        Columns as above.
    kind : str
        What `value` is: a word of `columns.VALUES`.
    left_out : LeftOut
    notes : list of str
        What the reader decided.
    digests : dict of str to str
        sha256 of each file.
    """

    wells: pd.DataFrame
    kind: str
    left_out: LeftOut = field(default_factory=LeftOut)
    notes: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def treated(self) -> pd.DataFrame:
        """Wells with a drug."""
        return self.wells[self.wells["role"] == TREATED]


def frame_of(columns: Mapping[str, Any], length: int) -> pd.DataFrame:
    """A table of wells from the columns that are known; the others are empty."""
    parts: dict[str, Any] = {}
    for name in TEXT:
        given = columns.get(name, "")
        parts[name] = pd.Series(
            [given] * length if isinstance(given, str) else list(given), dtype="str"
        )
    for name in NUMBERS:
        given = columns.get(name, np.nan)
        parts[name] = np.broadcast_to(np.asarray(given, float), length).copy()
    return pd.DataFrame(parts)


def join_readings(parts: Iterable[Readings]) -> Readings:
    """Readings of several files as one.

    Raises
    ------
    StudyError
        If the files hold values of different kinds, or one drug is given in micromolar and by
        weight.
    """
    held = list(parts)
    kinds = list(dict.fromkeys(part.kind for part in held))
    if len(kinds) > 1:
        raise study_error(
            f"the files hold different values ({' and '.join(kinds)}); fit them one by one."
        )
    joined = Readings(pd.concat([part.wells for part in held], ignore_index=True), kinds[0])
    for part in held:
        joined.left_out.rows += part.left_out.rows
        joined.notes += part.notes
        joined.digests |= part.digests
    if joined.wells["time"].max() > 0:  # a plate of its own may hold what grew before the drug
        early = (joined.wells["time"] == 0) & (joined.wells["role"] != BLANK)
        joined.wells.loc[early, "role"] = TIME0
    require_one_unit(joined.wells)
    require_single_wells(joined)
    return joined


def require_one_unit(wells: pd.DataFrame) -> None:
    """Refuse a drug that is given in micromolar here and by weight there.

    Raises
    ------
    StudyError
        It names the drug and a line of each.
    """
    dosed = wells[(wells["role"] == TREATED) & (wells["dose"] > 0)]
    for drug, group in dosed.groupby("drug", sort=False):
        first = {unit: part.iloc[0] for unit, part in group.groupby("unit")}
        if {MOLAR, MASS} <= set(first):
            molar, mass = (
                f"{first[u]['file']}, line {first[u]['line']:.0f}" for u in (MOLAR, MASS)
            )
            raise study_error(
                f"{mass}: {drug} is given by weight, and in molar units in {molar}; convert one of "
                "them, which takes its molecular weight."
            )


def require_single_wells(readings: Readings) -> None:
    """Refuse a well of a plate that stands twice at one time.

    Raises
    ------
    StudyError
        It names the plate, the well and both lines.
    """
    wells = readings.wells[readings.wells["well"] != ""]
    key = ["file", "plate", "well", "time"]
    again = wells[wells.duplicated(key, keep=False)]
    if again.empty:
        return
    _, group = next(iter(again.groupby(key, sort=False, dropna=False)))
    first, second = group.iloc[0], group.iloc[1]
    plate = f"plate {first['plate']}, " if first["plate"] else ""
    raise study_error(
        f"{first['file']}: {plate}well {first['well']} stands in line {first['line']:.0f} and in "
        f"line {second['line']:.0f}; keep one of them, or name the plates apart.", first["file"]
    )  # fmt: skip
