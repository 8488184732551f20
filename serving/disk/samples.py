"""``samples.parquet`` of a score folder: what is known of each scored sample, and its groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sidestep.features.cohorts import Known
from sidestep.features.errors import InputError

#: The file in a score folder.
SAMPLES = "samples.parquet"
#: Its first columns; those of the clinical attributes follow, spelled as in the study.
KEY, HER2_STATUS, HER2_BY, _LINEAGE = "sample_id", "sidestep_her2", "sidestep_her2_by", "lineage"
_DERIVED = (KEY, HER2_STATUS, HER2_BY)
#: Calls in the order in which they are counted.
CALLS = ("resistant", "sensitive", "uncertain", "abstain")


def sample_table(known: Known, samples: Sequence[str]) -> pa.Table:
    """Rows of ``samples.parquet``: all text, null where nothing is known.

    Parameters
    ----------
    known : Known
    samples : sequence of str
        Those scored.
    """
    of = known.select(samples)
    scored = pd.Series(list(map(str, samples)), dtype="str")
    derived = [scored, of.her2_status, of.her2["assay"].replace("", np.nan)]
    columns = [pa.array(values.astype("str"), pa.string(), from_pandas=True) for values in derived]
    names = [*_DERIVED]
    for name, values in of.clinical.items():
        if str(name) not in names:  # none is known to be called so
            names.append(str(name))
            columns.append(pa.array(values.astype("str"), pa.string(), from_pandas=True))
    lineage = {_LINEAGE: known.lineage or ""}
    return pa.table(columns, names).replace_schema_metadata(lineage)


def read_known(folder: Path) -> Known:
    """What is known of the scored samples of a folder.

    Raises
    ------
    InputError
        If the file is missing, as in folders of older versions, or cannot be read.
    """
    path = folder / SAMPLES
    if not path.exists():
        raise InputError(
            f"{path} is missing, as in folders of older versions, so nothing is known of the "
            "samples; score the study again with sidestep score"
        )
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as failure:
        reason = str(failure).partition("\n")[0].rstrip(".")
        raise InputError(f"{path} cannot be read ({reason}); score the study again") from failure
    missing = [name for name in _DERIVED if name not in table.column_names]
    if missing:
        raise InputError(f"{path} lacks column {', '.join(missing)}; score the study again")
    frame = table.to_pandas().set_index(KEY)
    assay = frame[HER2_BY].fillna("").astype("str")
    her2 = pd.DataFrame({"high": frame[HER2_STATUS] == "high", "assay": assay})
    clinical = frame.drop(columns=[HER2_STATUS, HER2_BY]).astype("str")
    lineage = (table.schema.metadata or {}).get(_LINEAGE.encode(), b"").decode()
    known_lineage = lineage if lineage in clinical.columns else None
    return Known(clinical.where(frame[clinical.columns].notna()), her2, known_lineage, str(folder))


def count_calls(
    batches: Iterable[pa.RecordBatch], groups: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Samples by drug and call, and by group where there are groups.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        Rows of scores with `sample_id`, `drug` and `call`.
    groups : mapping of str to str, optional
        Sample -> its group; samples without one are left out.

    Returns
    -------
    pandas.DataFrame
        `drug, group` and a column of counts for each of `CALLS`; drugs in the order of the rows,
        groups in that of the mapping. `group` is empty without groups.
    """
    order: dict[str, None] = {}
    counted: dict[tuple[str, str, str], int] = {}
    for batch in batches:
        rows = batch.select(["sample_id", "drug", "call"]).to_pandas()
        rows["group"] = "" if groups is None else rows["sample_id"].map(groups)
        order |= dict.fromkeys(map(str, rows["drug"].unique()))
        for key, n in rows.groupby(["drug", "group", "call"], observed=True).size().items():
            drug, group, call = map(str, key)
            counted[drug, group, call] = counted.get((drug, group, call), 0) + int(n)
    names = [""] if groups is None else list(dict.fromkeys(groups.values()))
    rows = [
        (drug, group, *(counted.get((drug, group, call), 0) for call in CALLS))
        for drug in order
        for group in names
    ]
    return pd.DataFrame(rows, columns=["drug", "group", *CALLS])
