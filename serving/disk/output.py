"""How do results come to be on disk? A folder whole or not at all, the same bytes each time."""

from __future__ import annotations

import errno
import json
import os
import textwrap
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sidestep.features.errors import InputError
from sidestep.features.files.spreadsheets import as_plain_text

MANIFEST = "manifest.json"
#: What a manifest says it is; a folder without it is never replaced.
KIND = "sidestep scores"
#: Name, in the work folder, of an earlier output while a new one takes its place.
REPLACED = "replaced"
_ROWS_A_GROUP = 65_536
#: What the system says where there is no room: on the disk, in a quota, in the largest file.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def require_replaceable(out: str | Path) -> Path:
    """Give back `out`, links followed, as a path where results may be put.

    Raises
    ------
    InputError
        If `out` is a file, or a folder that holds anything but an earlier output of ``score``.
    """
    path = Path(out).resolve()
    if not path.exists():
        return path
    if not path.is_dir():
        raise InputError(f"{out} is not a folder; give --out a new folder")
    if path.is_mount():
        raise InputError(
            f"{out} is where a disk is mounted, which cannot be replaced as a whole; "
            f"give --out a folder in it, such as {out}/scores"
        )
    if any(path.iterdir()) and _kind_of(path / MANIFEST) != KIND:
        raise InputError(
            f"{out} already holds files that sidestep score did not write; "
            "give --out a new folder, or empty this one"
        )
    return path


def unwritable(out: str | Path, failure: OSError, done: str = "") -> InputError:
    """Say in one sentence that results cannot be written, and how to go on.

    Parameters
    ----------
    out : path
        The output folder, as the user named it.
    failure : OSError
        What the system said. If that is of a file elsewhere, this is what the sentence is about.
    done : str
        How far the job came and where that is kept; empty if nothing is.
    """
    reason = os.strerror(failure.errno) if failure.errno else str(failure)
    elsewhere = _elsewhere(failure, Path(out))
    told = f"{elsewhere} cannot be used" if elsewhere else f"{out} cannot be written"
    if failure.errno in _FULL:
        advice = "make room there"
    elif done or elsewhere:
        advice = "mend that"
    else:
        return InputError(f"{told} ({reason}); give --out a folder that you can write")
    again = "and run the same command again, which goes on from there" if done else "and try again"
    what = f"{reason}; {done}" if done else reason
    return InputError(f"{told} ({what}); {advice} {again}")


def unreadable(study: Path | None, failure: OSError) -> InputError:
    """Say in one sentence that a study cannot be read any more, and how to go on.

    Parameters
    ----------
    study : path or None
        Study folder.
    failure : OSError
        What the system said, and of which file, if it knows.
    """
    reason = textwrap.shorten(failure.strerror or str(failure), 160, placeholder=" …")
    return InputError(
        f"{failure.filename or study} cannot be read any more ({reason}); mend that and run the "
        "same command again, which goes on from what is done"
    )


def _elsewhere(failure: OSError, out: Path) -> str | None:
    """The file of a failure, if it is known and is neither in `out` nor in what lies beside it."""
    if not isinstance(failure.filename, str):
        return None
    # The file itself, also where it is a link.
    place, file = out.resolve(), Path(failure.filename)
    file = file.parent.resolve() / file.name
    if file.is_relative_to(place.parent) and file != place.parent:
        beside = file.relative_to(place.parent).parts[0]
        ours = beside == place.name or beside.startswith(f".{place.name}.")
    else:
        ours = place.is_relative_to(file)  # the folder that it is in, or one above
    return None if ours else failure.filename


def put_in_place(new: Path, path: Path) -> None:
    """Rename the folder `new` to `path`, once it is safely on disk.

    An earlier output there is set aside, as `REPLACED` beside `new`; it comes back if the
    renaming fails, and `put_back` brings it back if the process is killed between two renames.
    """
    for written in (*new.iterdir(), new):
        sync(written)
    try:
        if path.exists() and any(path.iterdir()):
            os.rename(path, new.with_name(REPLACED))
        os.rename(new, path)
    except BaseException:
        put_back(path, new.parent)
        raise
    sync(path.parent)


def put_back(path: Path, work: Path) -> None:
    """Bring back the earlier output that a killed job had set aside in its work folder."""
    replaced = work / REPLACED
    missing = not path.exists() or (path.is_dir() and not any(path.iterdir()))
    if missing and _kind_of(replaced / MANIFEST) == KIND:
        os.rename(replaced, path)


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


class TableWriter:
    """A Parquet file written piece by piece, and the same rows as CSV if asked for.

    The pieces' sizes leave no trace: rows are gathered into groups of one size, so that the
    bytes depend on the rows alone. Numbers in CSV have all digits that tell them apart. Text
    that a spreadsheet would take for a formula gets an apostrophe before it in CSV, which makes
    it text there; in Parquet it stays as it is.

    Parameters
    ----------
    path : Path
    schema : pyarrow.Schema
    csv : Path, optional
    """

    def __init__(self, path: Path, schema: pa.Schema, csv: Path | None = None) -> None:
        self._waiting: list[pa.Table] = []
        self._parquet = pq.ParquetWriter(path, schema, compression="snappy", version="2.6")
        self._csv = None if csv is None else csv.open("w", encoding="utf-8", newline="")
        if self._csv is not None:
            pd.DataFrame(columns=schema.names).to_csv(self._csv, index=False, lineterminator="\n")

    def append(self, rows: pa.Table) -> None:
        """Add rows of the writer's schema."""
        self._waiting.append(rows)
        if self._csv is not None:
            text = _for_spreadsheets(rows)
            text.to_csv(self._csv, header=False, index=False, lineterminator="\n")
        if sum(len(table) for table in self._waiting) >= _ROWS_A_GROUP:
            self._write_groups(_ROWS_A_GROUP)

    def _write_groups(self, least: int) -> None:
        """Write full row groups while at least that many rows wait."""
        rows = pa.concat_tables(self._waiting)
        while len(rows) >= least and len(rows):
            # One block of memory, because page limits are looked at where blocks end.
            group = rows.slice(0, _ROWS_A_GROUP).combine_chunks()
            self._parquet.write_table(group, row_group_size=_ROWS_A_GROUP)
            rows = rows.slice(_ROWS_A_GROUP)
        self._waiting = [rows]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with ExitStack() as files:
            if self._csv is not None:
                files.callback(self._csv.close)
            files.callback(self._parquet.close)
            if error is None and self._waiting:
                self._write_groups(1)


def as_table(rows: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """Rows as a table of that schema; NaN becomes null."""
    table = pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
    return table.replace_schema_metadata(None)


def _for_spreadsheets(rows: pa.Table) -> pd.DataFrame:
    """Rows whose text no spreadsheet takes for a formula; numbers stay numbers."""
    frame: pd.DataFrame = rows.to_pandas(integer_object_nulls=True)
    for field in rows.schema:
        if field.type == pa.string():
            frame[field.name] = as_plain_text(frame[field.name].astype("str"))
    return frame


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write ``manifest.json``: keys sorted, and the mark that the folder is `sidestep score`'s."""
    text = json.dumps({"kind": KIND, **manifest}, indent=2, sort_keys=True, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8", newline="\n")


def _kind_of(manifest: Path) -> str | None:
    """What a manifest says it is; None where there is none, or it is somebody else's."""
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    kind = content.get("kind") if isinstance(content, dict) else None
    return kind if isinstance(kind, str) else None
