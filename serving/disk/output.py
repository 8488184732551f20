"""Score folders as files: where one may be put, its tables and manifest, and what to say if not.

The same rows give the same bytes.
"""

from __future__ import annotations

import json
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
from sidestep.features.files.whole import is_full, reason_of

MANIFEST = "manifest.json"
#: What a manifest says it is; a folder without it is never replaced.
KIND = "sidestep scores"
_ROWS_A_GROUP = 65_536


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
    if any(path.iterdir()) and not is_output(path):
        raise InputError(
            f"{out} already holds files that sidestep score did not write; "
            "give --out a new folder, or empty this one"
        )
    return path


def unwritable(out: str | Path, failure: OSError, done: str = "") -> InputError:
    """One sentence on results that cannot be written, and how to go on.

    Parameters
    ----------
    out : path
        The output folder, as the user named it.
    failure : OSError
        The system's error. If that is of a file elsewhere, this is what the sentence is about.
    done : str
        How far the job came and where that is kept; empty if nothing is.
    """
    reason = reason_of(failure)
    elsewhere = _elsewhere(failure, Path(out))
    problem = f"{elsewhere} cannot be used" if elsewhere else f"{out} cannot be written"
    if is_full(failure):
        advice = "make room there"
    elif done or elsewhere:
        advice = "mend that"
    else:
        return InputError(f"{problem} ({reason}); give --out a folder that you can write")
    again = "and run the same command again, which goes on from there" if done else "and try again"
    details = f"{reason}; {done}" if done else reason
    return InputError(f"{problem} ({details}); {advice} {again}")


def unreadable(study: Path | None, failure: OSError) -> InputError:
    """One sentence on a study that cannot be read any more, and how to go on.

    Parameters
    ----------
    study : path or None
        Study folder.
    failure : OSError
        The system's error, and of which file, if it knows.
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


def read_manifest(folder: Path, option: str = "") -> dict[str, Any]:
    """Read the manifest of an output of ``score``.

    Parameters
    ----------
    folder : Path
    option : str
        What names the folder on the command line, for errors; empty where it stands alone.

    Raises
    ------
    InputError
        If it is no folder, or no output of ``score``.
    """
    give = f"give {option} a folder" if option else "give a folder"
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        raise InputError(f"{folder} {problem}; {give} that sidestep score wrote")
    manifest = _manifest(folder)
    if manifest is None:
        raise InputError(f"{folder} holds no {MANIFEST} of sidestep score; {give} that it wrote")
    return manifest


def is_output(folder: Path) -> bool:
    """Whether a folder is an output of ``score``, by its manifest."""
    return _manifest(folder) is not None


def _manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest in a folder; None where there is none of `KIND` that can be read."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and content.get("kind") == KIND else None
