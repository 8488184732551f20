"""One job at a time writes an output folder: the one that holds the lock file beside it."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sidestep.features.errors import InputError
from sidestep.features.files.whole import made_folders
from sidestep.serving.disk.journal import restore_earlier
from sidestep.serving.disk.output import require_replaceable, unwritable


@dataclass(frozen=True)
class Claim:
    """The right to write an output folder, as long as the block of `claimed` lasts.

    Attributes
    ----------
    out : Path
        As the user named it.
    path : Path
        The same with links followed.
    """

    out: Path
    path: Path

    @property
    def work(self) -> Path:
        """Where unfinished work lies: the same place each time, so that a later run finds it."""
        return work_folder(self.path)

    @property
    def matrices(self) -> Path:
        """Where matrices lie that are too large for memory, until the scores are written."""
        return self.path.with_name(f".{self.path.name}.matrices")


def work_folder(path: Path) -> Path:
    """Folder of the unfinished work on the output folder `path`."""
    return path.with_name(f".{path.name}.partial")


@contextmanager
def claimed(out: str | Path) -> Iterator[Claim]:
    """Keep other jobs from the output folder `out` while the block lasts.

    The lock is the system's (``flock``), on ``.DIR.lock`` beside DIR: it ends with the process
    that holds it, however that ends. Folders above `out` are made; those that stay empty are
    removed. An earlier output that a killed job had set aside is put back.

    Raises
    ------
    InputError
        If another job writes there now, `out` holds something else than an earlier output (see
        `serving.disk.output.require_replaceable`), or nothing can be written beside it.
    """
    with ExitStack() as context:
        try:
            path = require_replaceable(out)
            context.enter_context(made_folders(path.parent))
            lock = path.with_name(f".{path.name}.lock")
            context.callback(_release, lock, _acquire(lock, out))
            restore_earlier(path, work_folder(path))
            path = require_replaceable(out)
        except OSError as failure:
            raise unwritable(out, failure) from failure
        yield Claim(Path(out), path)


def _release(lock: Path, held: int) -> None:
    """Remove a lock file before it is given up, so that nobody holds a lock that has no name."""
    with suppress(OSError):
        lock.unlink()
    os.close(held)


def _acquire(lock: Path, out: str | Path) -> int:
    """Open and lock the file `lock`, and write into it who holds it."""
    while True:
        held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last holder may have removed the file between the two lines above.
            if not _is_still(lock, held):
                os.close(held)
                continue
            os.ftruncate(held, 0)
            os.write(held, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        except BlockingIOError:
            holder = os.pread(held, 500, 0).decode(errors="replace").strip() or "another process"
            os.close(held)
            raise InputError(
                f"{out} is being written by another job ({holder}); "
                "wait until it has ended, or give another --out"
            ) from None
        except OSError:
            os.close(held)
            raise
        return held


def _is_still(lock: Path, held: int) -> bool:
    """Whether the open file is the one that has the name now."""
    try:
        return os.path.samestat(os.stat(lock), os.fstat(held))
    except FileNotFoundError:
        return False
