"""What an unfinished job has already done: its finished chunks on disk, each with its digest."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sidestep.features.errors import InputError, comes_again
from sidestep.features.files.owned import remove_own
from sidestep.features.files.whole import final_name, put_back, put_in_place, write_whole
from sidestep.serving.disk.output import is_output

_JOURNAL = "journal.jsonl"
_KIND = "sidestep score journal"
# Names, in the work folder, of the folder that is to become the output, and of an earlier output
# while the new one takes its place.
_OUTPUT, _REPLACED = "output", "replaced"
_OURS = re.compile(rf"(\d+\.chunk|{re.escape(_JOURNAL)})(\.new)?")
_RESULT = re.compile(r"[a-z_]+\.(parquet|csv|json|html)|report-\d+\.html")
Notice = Callable[[str], None]


class Journal:
    """The work folder of one job, which outlives the job's process.

    Each finished chunk is a file, and then a line in ``journal.jsonl`` with its sha256. A file gets
    its name once its content is on disk; what has no line, or another digest than its line says, is
    as good as not there. So the process may end at any point, and a later one with the same job
    goes on.

    As a context: the folder is removed when the block has ended well, or with an `InputError`,
    which would come again; with any other error, or one that a disk caused, the finished chunks
    stay for a later run.

    Parameters
    ----------
    folder : Path
        Made if missing. What another job left there is removed, and so is an earlier output that
        was set aside there: bring it back before (`restore_earlier`).
    job : str
        Digest of everything that the chunks depend on.
    notice : callable
        Called with one line a finding: what lay there.

    Raises
    ------
    InputError
        If `folder` holds something that no job wrote.
    """

    def __init__(self, folder: Path, job: str, notice: Notice) -> None:
        self.folder = folder
        self._notice = notice
        _require_ours(folder)
        found = _entries(folder / _JOURNAL)
        self._finished: dict[int, str] = {}
        if found and found[0] == {"kind": _KIND, "job": job}:
            self._finished = dict(map(_chunk_of, found[1:]))
        elif folder.exists():
            if len(found) > 1:
                notice(f"note: unfinished work of another job was removed from {folder}")
            self.discard()
        try:
            self._prepare(job)
        except OSError:
            if not self._finished:
                with suppress(OSError):
                    remove_own(folder, _is_ours)
            raise

    def _prepare(self, job: str) -> None:
        """Remove what a killed process left half-done, and the journal's half-written end."""
        self.folder.mkdir(exist_ok=True)
        self._clear_unfinished()
        if (self.folder / _REPLACED).exists():
            remove_own(self.folder / _REPLACED, _is_result)
        lines: list[dict[str, Any]] = [{"kind": _KIND, "job": job}]
        lines += [{"chunk": n, "sha256": digest} for n, digest in self._finished.items()]
        content = b"".join(map(_line, lines))
        journal = self.folder / _JOURNAL
        if not journal.exists() or journal.read_bytes() != content:
            write_whole(journal, content)

    @property
    def finished(self) -> frozenset[int]:
        """Numbers of the chunks that are done."""
        return frozenset(self._finished)

    def record(self, chunk: int, content: bytes) -> None:
        """Keep what a chunk came to."""
        write_whole(self._part(chunk), content)
        digest = hashlib.sha256(content).hexdigest()
        with (self.folder / _JOURNAL).open("ab") as journal:
            journal.write(_line({"chunk": chunk, "sha256": digest}))
            journal.flush()
            os.fsync(journal.fileno())
        self._finished[chunk] = digest

    def read(self, chunk: int) -> bytes | None:
        """What a chunk came to; None if it is not done, or what was done is lost or damaged."""
        if chunk not in self._finished:
            return None
        content = b""
        with suppress(OSError):  # missing, or the disk cannot read it any more
            content = self._part(chunk).read_bytes()
        if hashlib.sha256(content).hexdigest() == self._finished[chunk]:
            return content
        self._notice(f"warning: {self._part(chunk)} is damaged; its samples are scored again")
        del self._finished[chunk]
        return None

    def output(self) -> Path:
        """A new empty folder for the results, on the same disk as the place that they go to."""
        folder = self.folder / _OUTPUT
        folder.mkdir()
        return folder

    def put_in_place(self, path: Path) -> None:
        """Make the folder of `output` the one at `path`; an earlier one there is replaced.

        Raises
        ------
        OSError
            If that cannot be done; `path` is then as it was.
        """
        put_in_place(self.folder / _OUTPUT, path, self.folder / _REPLACED)

    def discard(self) -> None:
        """Remove the folder, the journal first: parts without it are of no use to a later job."""
        (self.folder / _JOURNAL).unlink(missing_ok=True)
        remove_own(self.folder, _is_ours)

    def _part(self, chunk: int) -> Path:
        return self.folder / f"{chunk:06d}.chunk"

    def _clear_unfinished(self) -> None:
        """Remove what is of no use to a later run."""
        for path in self.folder.glob("*.new"):
            path.unlink()
        if (self.folder / _OUTPUT).exists():
            remove_own(self.folder / _OUTPUT, _is_result)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError):  # what cannot be removed is removed by the next job
            self._clear_unfinished()
            lost_cause = comes_again(error) or not self._finished
            # An earlier output that could not be put back is not removed with the rest.
            if kind is None or (lost_cause and not (self.folder / _REPLACED).exists()):
                self.discard()


def restore_earlier(path: Path, work: Path) -> None:
    """Bring back to `path` an earlier output that a killed job had set aside in its work folder."""
    if is_output(work / _REPLACED):
        put_back(work / _REPLACED, path)


def _require_ours(folder: Path) -> None:
    """Refuse a work folder that is something else, before anything in it is removed."""
    if not folder.exists() and not folder.is_symlink():
        return
    if folder.is_symlink() or not folder.is_dir():
        raise InputError(f"{folder} is in the way: unfinished work is kept there; remove it")
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name in (_OUTPUT, _REPLACED) and path.is_dir() and not path.is_symlink():
            continue
        if not _is_ours(name) or path.is_symlink() or not path.is_file():
            raise InputError(
                f"{folder}, where unfinished work is kept, holds {name}, which sidestep score "
                "did not write; move it elsewhere, or give another --out"
            )


def _is_ours(name: str) -> bool:
    """Whether a path in a work folder is one that a job writes."""
    place, _, file = name.rpartition("/")
    if place in (_OUTPUT, _REPLACED):
        return _is_result(file)
    return not place and bool(_OURS.fullmatch(final_name(name)))


def _is_result(name: str) -> bool:
    return bool(_RESULT.fullmatch(final_name(name)))


def _entries(journal: Path) -> list[dict[str, Any]]:
    """Entries of a journal up to the first damaged one: its end may be half-written."""
    entries: list[dict[str, Any]] = []
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        for line in journal.read_bytes().splitlines(keepends=True):
            entry = json.loads(line)
            if entries:
                _chunk_of(entry)
            if _line(entry) != line:
                break
            entries.append(entry)
    return entries


def _chunk_of(entry: dict[str, Any]) -> tuple[int, str]:
    """Number of a finished chunk, and the sha256 of its file."""
    return int(entry["chunk"]), str(entry["sha256"])


def _line(entry: Any) -> bytes:
    return json.dumps(entry, sort_keys=True).encode() + b"\n"
