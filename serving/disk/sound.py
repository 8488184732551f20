"""Files of a score folder are looked at before they are read: what lies there may be anybody's.

A pipe would be waited for, a device never ends, and a small table may say that it holds more rows
than fill memory.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sidestep.features.errors import InputError
from sidestep.features.files.limits import row_limit, unpacked_limit
from sidestep.models.saved import (
    Check,
    UnsoundStateError,
    flag,
    mapping,
    number,
    record,
    sequence,
    text,
    whole,
)
from sidestep.serving.disk.output import MANIFEST, ROWS_A_GROUP

_AGAIN = "score the study again with sidestep score"
_MOST = 2**53
#: Rows for each byte on disk: those of scores differ in several numbers, those of facts repeat.
_ROWS_A_BYTE = 8
_TEXT = frozenset(
    """sample_id drug response unit call reasons modalities feature modality mechanism fact
    kind direction strength statement alternatives source agreement her2 her2_assay""".split()
)


def _maybe_text(value: Any, where: str, sizes: dict[str, int]) -> None:
    if value is not None:
        text()(value, where, sizes)


_COUNT = whole(0, _MOST)
_FACTS: Check = record(
    model=record(
        name=text(), version=text(), digest=text(), response=text(), unit=text(),
        higher_is_resistant=flag,
    ),
    study=record(id=_maybe_text, name=_maybe_text),
    counts=record(
        samples=_COUNT, samples_scored=_COUNT, drugs=_COUNT, rows=_COUNT, calls=mapping(_COUNT)
    ),
    coverage=mapping(record(samples=_COUNT)),
    quarantined=mapping(text()),
    options=record(level=number(0, 1), her2_context=flag, call_at=number(0, 1)),
    drugs=sequence(record(name=text()), 1, 100_000),
)  # fmt: skip


def require_sound_facts(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse a manifest whose parts are not what `sidestep score` writes there.

    Raises
    ------
    InputError
        It names the first such part.
    """
    try:
        _FACTS(manifest, "it", {})
    except UnsoundStateError as error:
        raise InputError(f"{folder / MANIFEST} is damaged ({error}); {_AGAIN}") from None


def require_plain_table(path: Path) -> None:
    """Refuse a table that is no plain file, or holds more than its size on disk accounts for.

    Raises
    ------
    InputError
    OSError, pyarrow.ArrowException
        If it cannot be looked at.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path} is not a plain file; {_AGAIN}")
    index = pq.read_metadata(path)
    groups = [index.row_group(number) for number in range(index.num_row_groups)]
    rows = max((int(group.num_rows) for group in groups), default=0)
    size = max((int(group.total_byte_size) for group in groups), default=0)
    most = _ROWS_A_BYTE * row_limit(found.st_size)
    if rows > ROWS_A_GROUP or size > unpacked_limit(found.st_size) or index.num_rows > most:
        raise InputError(
            f"{path} has {index.num_rows:,} rows, which its size on disk does not account for, or "
            f"was not written by sidestep score; {_AGAIN}"
        )
    for field in index.schema.to_arrow_schema():
        _require_kind(path, field)


def _require_kind(path: Path, field: pa.Field) -> None:
    kind = field.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if field.name in _TEXT and not (is_text or pa.types.is_null(kind)):
        raise InputError(f"{path} has a column {field.name} of {kind}, not text; {_AGAIN}")
