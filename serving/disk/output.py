"""Score folders as files: where one may be put, its tables and manifest, and what to say if not.

The same rows give the same bytes. The manifest names every file of the folder with its digest:
`files` that `sidestep score` wrote and replaces, and `added` ones that other verbs put beside them,
which only these replace.
"""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidestep.features.errors import DiskError, InputError
from sidestep.features.files.owned import described, digest_of_file, listed, require_own
from sidestep.features.files.spreadsheets import plain_text
from sidestep.features.files.whole import is_full, reason_of, whole_file, write_whole
from sidestep.serving.disk.coded import plain

MANIFEST = "manifest.json"
#: What a manifest says it is; a folder without it is never replaced.
KIND = "sidestep scores"
#: Where the manifest lists files that `sidestep score` wrote, and those that other verbs added.
FILES_KEY: Literal["files"] = "files"
ADDED_KEY: Literal["added"] = "added"
Key = Literal["files", "added"]
#: Rows of a row group.
ROWS_A_GROUP = 65_536
_EMPTY = pa.array([""])


def require_replaceable(out: str | Path) -> Path:
    """Give back `out`, links followed, as a path where results may be put.

    Raises
    ------
    InputError
        If `out` is a file, or a folder that holds anything but an earlier output of ``score`` as
        it was written: another file, one that was changed since, a link, a sub-folder.
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
    if not any(path.iterdir()):
        return path
    manifest = described(path / MANIFEST, KIND)
    if manifest is None:
        raise InputError(
            f"{out} already holds files that sidestep score did not write; "
            "give --out a new folder, or empty this one"
        )
    added = sorted(name for name in _listed_in(manifest, ADDED_KEY) if (path / name).exists())
    and_why = f", as all that combine or report added ({', '.join(added)})" if added else ""
    advice = f"move it elsewhere{and_why}, or give --out a new folder"
    require_own(path, manifest.get(FILES_KEY), MANIFEST, writer="sidestep score", advice=advice)
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


def unreadable(study: Path | None, failure: OSError) -> DiskError:
    """One sentence on a study that cannot be read any more, and how to go on.

    Parameters
    ----------
    study : path or None
        Study folder.
    failure : OSError
        The system's error, and of which file, if it knows.
    """
    reason = textwrap.shorten(failure.strerror or str(failure), 160, placeholder=" …")
    return DiskError(
        f"{failure.filename or study} cannot be read any more ({reason}); mend that and run the "
        "same command again, which goes on from what is done"
    )


@contextmanager
def reading(study: Path | None) -> Iterator[None]:
    """A block whose files are the study's, not the output's.

    Raises
    ------
    InputError
        As `unreadable`, where one cannot be read.
    """
    try:
        yield
    except OSError as failure:
        raise unreadable(study, failure) from failure


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
        self._csv = None if csv is None else csv.open("wb")
        if self._csv is not None:
            self._csv.write(f"{','.join(schema.names)}\n".encode())

    def append(self, rows: pa.Table) -> None:
        """Add rows of the writer's schema, with plain text or with codes (`serving.disk.coded`)."""
        self._waiting.append(rows)
        if self._csv is not None:
            self._csv.write(_csv_lines(rows))
        if sum(len(table) for table in self._waiting) >= ROWS_A_GROUP:
            self._write_groups(ROWS_A_GROUP)

    def _write_groups(self, least: int) -> None:
        """Write full row groups while at least that many rows wait."""
        rows = pa.concat_tables(self._waiting)
        while len(rows) >= least and len(rows):
            # One block of memory, because page limits are looked at where blocks end.
            group = plain(rows.slice(0, ROWS_A_GROUP).combine_chunks())
            self._parquet.write_table(group, row_group_size=ROWS_A_GROUP)
            rows = rows.slice(ROWS_A_GROUP)
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


def _csv_lines(rows: pa.Table) -> pa.Buffer:
    """Lines of a CSV whose text no spreadsheet takes for a formula; numbers stay numbers."""
    cells = [_csv_cells(column.combine_chunks()) for column in rows.columns]
    lines = pc.binary_join_element_wise(*cells, ",")
    # An empty line at the end ends the last one.
    listed = pa.ListArray.from_arrays([0, len(lines) + 1], pa.concat_arrays([lines, _EMPTY]))
    return pc.binary_join(listed, "\n")[0].as_buffer()


def _csv_cells(column: pa.Array) -> pa.Array:
    """Cells of a column as they stand in a CSV; one that is missing is empty.

    What recurs, as text and many numbers do, is written once.
    """
    coded = column.dictionary_encode()
    words = coded.dictionary
    if pa.types.is_string(words.type):
        words = pa.array([_quoted(plain_text(text)) for text in words.to_pylist()], pa.string())
    elif pa.types.is_boolean(words.type):
        words = pc.if_else(words, "True", "False")
    words = pa.concat_arrays([pc.cast(words, pa.string()), _EMPTY])
    return words.take(coded.indices.fill_null(len(words) - 1))


def _quoted(text: str) -> str:
    """Text as a CSV cell."""
    if not any(sign in text for sign in ',"\n'):
        return text
    return '"' + text.replace('"', '""') + '"'


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write ``manifest.json``: keys sorted, and the mark that the folder is `sidestep score`'s."""
    text = json.dumps({"kind": KIND, **manifest}, indent=2, sort_keys=True, ensure_ascii=False)
    write_whole(folder / MANIFEST, f"{text}\n".encode())


def list_files(folder: Path) -> None:
    """Add to a new folder's manifest which files it holds, each with its digest."""
    manifest = read_manifest(folder)
    write_manifest(folder, manifest | {FILES_KEY: listed(folder, but=[MANIFEST])})


@contextmanager
def own_file(folder: Path, name: str, key: Key) -> Iterator[Path]:
    """A name to write a file of a score folder to; it is in its place once the block has ended.

    An earlier one is replaced if the manifest names it, as it was written. The manifest knows the
    new one before it is there, so that whoever is killed in between leaves a file that is known.

    Parameters
    ----------
    folder : Path
        With a manifest.
    name : str
    key : {"files", "added"}
        Where the manifest lists it.

    Raises
    ------
    InputError
        If a file is there that Sidestep did not write, or that was changed since.
    OSError
        If it cannot be written.
    """
    path = folder / name
    with whole_file(path) as new:
        yield new
        manifest = read_manifest(folder)
        known = _listed_in(manifest, key)
        _require_written(path, known.get(name, []))
        digest = digest_of_file(new)
        write_manifest(folder, manifest | {key: known | {name: [*known.get(name, []), digest]}})
    write_manifest(folder, manifest | {key: known | {name: [digest]}})


def remove_own_files(folder: Path, names: Collection[str]) -> None:
    """Remove files of a score folder, those that are there as Sidestep wrote them.

    Raises
    ------
    OSError
        If one cannot be removed.
    """
    manifest = read_manifest(folder)
    known = _listed_in(manifest, FILES_KEY)
    for name in known.keys() & set(names):
        with suppress(InputError):
            _require_written(folder / name, known[name])
            (folder / name).unlink(missing_ok=True)
            del known[name]
    write_manifest(folder, manifest | {FILES_KEY: known})


def listed_files(folder: Path) -> list[str]:
    """Files of a score folder that the manifest lists as written by `sidestep score`."""
    return list(_listed_in(read_manifest(folder), FILES_KEY))


def _listed_in(manifest: Mapping[str, Any], key: Key) -> dict[str, list[str]]:
    found = manifest.get(key)
    return dict(found) if isinstance(found, dict) else {}


def _require_written(path: Path, digests: object) -> None:
    """Refuse to replace a file that is not as Sidestep wrote it."""
    if not os.path.lexists(path):
        return
    if not isinstance(digests, list) or not digests or path.is_symlink() or not path.is_file():
        raise InputError(
            f"{path} is there already, and sidestep did not write it; move it elsewhere"
        )
    if digest_of_file(path) not in digests:
        raise InputError(f"{path} was changed after sidestep wrote it; move it elsewhere")


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
    manifest = described(folder / MANIFEST, KIND)
    if manifest is None:
        raise InputError(f"{folder} holds no {MANIFEST} of sidestep score; {give} that it wrote")
    return manifest


def is_output(folder: Path) -> bool:
    """Whether a folder is an output of ``score``, by its manifest."""
    return described(folder / MANIFEST, KIND) is not None
