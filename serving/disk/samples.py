"""``samples.parquet`` of a score folder: what the study says of each sample; and their calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sidestep.features.cohorts import HIGH, Known
from sidestep.features.errors import InputError
from sidestep.serving.disk.sound import require_plain_table

#: The file in a score folder.
SAMPLES = "samples.parquet"
#: Its first column; those of the clinical attributes follow, spelled as in the study.
KEY, _LINEAGE = "sample_id", "lineage"
#: Calls in the order in which they are counted.
CALLS = ("resistant", "sensitive", "uncertain", "abstain")


def sample_table(known: Known, samples: Sequence[str]) -> pa.Table:
    """Rows of ``samples.parquet``: all text, null where nothing is known.

    Which attribute tells lineages apart in the whole study stands in the file's metadata; HER2 is
    told by the scores.

    Parameters
    ----------
    known : Known
    samples : sequence of str
        Those scored.
    """
    names, columns = [KEY], [pa.array(list(map(str, samples)), pa.string())]
    for name, values in known.clinical.loc[list(samples)].items():
        if str(name) not in names:
            names.append(str(name))
            columns.append(pa.array(values.astype("str"), pa.string(), from_pandas=True))
    return pa.table(columns, names).replace_schema_metadata({_LINEAGE: known.lineage or ""})


def read_known(path: Path, her2: pd.DataFrame, owner: str) -> Known:
    """What is known of scored samples.

    Parameters
    ----------
    path : Path
        The file.
    her2 : DataFrame
        Samples x `her2` and `her2_assay`, as the scores have them.
    owner : str
        Whose samples they are, for errors.

    Raises
    ------
    InputError
        If the file is missing, as in folders of older versions, or cannot be read.
    """
    if not path.exists():
        raise InputError(
            f"{path} is missing, as in folders of older versions, so nothing is known of the "
            "samples; score the study again with sidestep score"
        )
    try:
        require_plain_table(path)
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as failure:
        reason = str(failure).partition("\n")[0].rstrip(".")
        raise InputError(f"{path} cannot be read ({reason}); score the study again") from failure
    if KEY not in table.column_names:
        raise InputError(f"{path} lacks column {KEY}; score the study again")
    clinical = table.to_pandas().set_index(KEY)
    missing = [str(sample) for sample in her2.index if sample not in clinical.index]
    if missing:
        raise InputError(f"{path} lacks sample {missing[0]}; score the study again")
    clinical = clinical.loc[her2.index].astype("str").where(clinical.loc[her2.index].notna())
    calls = pd.DataFrame(
        {"high": her2["her2"] == HIGH, "assay": her2["her2_assay"].fillna("").astype("str")}
    )
    lineage = (table.schema.metadata or {}).get(_LINEAGE.encode(), b"").decode()
    return Known(clinical, calls, lineage if lineage in clinical.columns else None, owner)


def count_calls(
    pieces: Iterable[pa.Table], groups: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Samples by drug and call, and by group where there are groups.

    Parameters
    ----------
    pieces : iterable of pyarrow.Table
        Rows of scores with `sample_id`, `drug` and `call`, text plain or as codes.
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
    for piece in pieces:
        rows = piece.select(["sample_id", "drug", "call"]).to_pandas()
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
