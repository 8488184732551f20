"""One response under several regimens, as readers of a score folder tell them apart.

In the tables a row is known by its sample, its drug and, where a model knows regimens, its regimen.
Whoever reads them drug by drug gets each regimen as one more drug, ``PCR under N``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from sidestep.serving.disk.coded import plain

#: What stands between a response and a regimen.
UNDER = " under "


def label_of(drug: str, regimen: str | None) -> str:
    """What a row is called; the drug itself where there is no regimen.

    Examples
    --------
    >>> label_of("PCR", "N"), label_of("Lapatinib", None)
    ('PCR under N', 'Lapatinib')
    """
    return drug if regimen is None else f"{drug}{UNDER}{regimen}"


def parted(label: str) -> tuple[str, str | None]:
    """Drug and regimen of what a row is called.

    Examples
    --------
    >>> parted("PCR under N"), parted("Lapatinib")
    (('PCR', 'N'), ('Lapatinib', None))
    """
    drug, under, regimen = label.partition(UNDER)
    return (drug, regimen) if under else (label, None)


def labelled(table: pa.Table) -> pa.Table:
    """The table with what its rows are called in the place of `drug`; as it is without regimens."""
    if "regimen" not in table.column_names or "drug" not in table.column_names:
        return table
    regimens = table["regimen"]
    if regimens.null_count == len(regimens):
        return table
    rows = plain(table.select(["drug", "regimen"])).to_pydict()
    names = list(map(label_of, rows["drug"], rows["regimen"]))
    place = table.column_names.index("drug")
    return table.set_column(place, "drug", pa.array(names, table.schema.field(place).type))


def described(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with an entry a drug and regimen."""
    drugs = []
    for drug in manifest["drugs"]:
        regimens = drug.get("regimens") or [None]
        drugs += [{**drug, "name": label_of(drug["name"], regimen)} for regimen in regimens]
    return {**manifest, "drugs": drugs}


def spread(reference: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Quantiles of a response, which all its regimens are compared with, under each one's name."""
    tables = []
    for drug in manifest["drugs"]:
        own = reference[reference["drug"] == drug["name"]]
        for regimen in drug.get("regimens") or [None]:
            tables.append(own.assign(drug=label_of(drug["name"], regimen)))
    return pd.concat(tables, ignore_index=True) if tables else reference
