"""Which column of a response table is the drug that a person named?"""

from __future__ import annotations

from collections.abc import Sequence

from features.drugs import find_drug, nearest_drugs
from features.errors import InputError
from features.identifiers import match_key


def find_column(name: str, columns: Sequence[str], where: str) -> str:
    """Column that means the drug `name`: same letters and digits, or a synonym of the drug table.

    Raises
    ------
    InputError
        If no column, or more than one, means that drug; the nearest are suggested.
    """
    if name in columns:
        return name
    drug = find_drug(name)
    same = [column for column in columns if match_key(column) == match_key(name)] or [
        column for column in columns if drug is not None and find_drug(column) == drug
    ]
    if len(same) == 1:
        return same[0]
    if same:
        raise InputError(f"{name} is in {where} more than once; ask for one of {', '.join(same)}")
    near = nearest_drugs(name, columns)
    hint = f"did you mean {', '.join(near)}?" if near else f"it has {', '.join(columns[:5])} ..."
    raise InputError(f"drug {name} is not in {where}; {hint}")
