"""Files and folders are written whole or not at all: under a temporary name beside, then renamed.

Whoever looks finds what was there before or what is there now, and no part of either, even if the
process is killed or the power fails: content is on disk before it gets its name. What a failure
leaves half-written is removed, and what stood there stays or comes back.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

_TEMPORARY: Final = re.compile(r"\.(.+)\.[0-9a-f]{8}\.new")
#: What the system says where there is no room: on the disk, in a quota, in the largest file.
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: What it says where a list of names cannot be waited for, as on some network shares.
_CANNOT_WAIT: Final = (errno.EINVAL, errno.ENOTSUP)
#: Seconds in which a folder may have been made and not locked yet.
_JUST_MADE: Final = 10.0


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; the file becomes `path` once the block has ended well.

    A file at `path` is replaced; a device or a pipe is not, such as ``/dev/null``. Should the block
    fail, it stays as it was.

    Parameters
    ----------
    path : Path
        In a folder that exists.

    Raises
    ------
    OSError
        If the file cannot be put in its place.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "it is a device or a pipe, and no file", str(path))
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        yield new
        put_in_place(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: bytes) -> None:
    """Write a file of that content, as `whole_file` does.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with whole_file(path) as new:
        new.write_bytes(content)


def final_name(name: str) -> str:
    """The name that a temporary file of `whole_file` was to get; any other name as it is.

    A process that is killed leaves such a file.

    >>> final_name(".scores.csv.0f3a9b21.new"), final_name("scores.csv")
    ('scores.csv', 'scores.csv')
    """
    found = _TEMPORARY.fullmatch(name)
    return found[1] if found else name


@contextmanager
def folder_beside(path: Path, *, parents: bool = False) -> Iterator[Path]:
    """A new folder ``.NAME.partial-…`` beside `path` to write in, gone when the block ends.

    `put_in_place` renames it, or something in it, to `path` before that. Such folders of processes
    that were killed are removed; those of living ones are locked.

    Parameters
    ----------
    path : Path
    parents : bool
        Whether to make the folders above `path`, as `made_folders` does.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    with ExitStack() as context:
        if parents:
            context.enter_context(made_folders(path.parent))
        _remove_abandoned(path)
        partial = path.parent / f".{path.name}.partial-{secrets.token_hex(4)}"
        partial.mkdir()
        context.callback(shutil.rmtree, partial, ignore_errors=True)
        held = os.open(partial, os.O_RDONLY)
        context.callback(os.close, held)
        with suppress(OSError):  # some network shares have no locks
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield partial


def _remove_abandoned(path: Path) -> None:
    """Remove what `folder_beside` made for `path` in processes that were killed."""
    pattern = re.compile(rf"\.{re.escape(path.name)}\.partial-[0-9a-f]{{8}}")
    with suppress(OSError):
        for found in path.parent.iterdir():
            if not pattern.fullmatch(found.name) or found.is_symlink() or not found.is_dir():
                continue
            if time.time() - found.stat().st_mtime < _JUST_MADE:
                continue  # perhaps not locked yet
            held = os.open(found, os.O_RDONLY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(found, ignore_errors=True)
            except OSError:
                pass  # a living process writes there, or nothing can be known
            finally:
                os.close(held)


@contextmanager
def made_folders(folder: Path) -> Iterator[None]:
    """Make a folder and those above it; new ones that are empty when the block ends are removed.

    Raises
    ------
    OSError
        If they cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        if missing:
            folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for path in missing:
            with suppress(OSError):  # one that holds something stays
                path.rmdir()


def put_in_place(new: Path, path: Path, aside: Path | None = None) -> None:
    """Rename the file or folder `new` to `path`, once all of it is safely on disk.

    Parameters
    ----------
    new : Path
        On the same disk as `path`.
    path : Path
        A file there is replaced. A folder there has to be empty, unless `aside` is given.
    aside : Path, optional
        Where a folder that is at `path` goes meanwhile. It comes back if the renaming fails; else
        it is the caller's to remove. `put_back` brings it back after a process that was killed
        between the two renames.

    Raises
    ------
    OSError
        If that cannot be done; `path` is then as it was.
    """
    for written in new.rglob("*"):
        sync(written)
    sync(new)
    try:
        if aside is not None and path.exists() and any(path.iterdir()):
            os.rename(path, aside)
        os.replace(new, path)
    except BaseException:
        if aside is not None:
            put_back(aside, path)
        raise
    sync(path.parent)


def put_back(aside: Path, path: Path) -> None:
    """Rename a folder that was set aside to `path` again, unless something has taken its place."""
    free = not path.exists() or (path.is_dir() and not any(path.iterdir()))
    if free and aside.exists():
        os.rename(aside, path)


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on disk.

    Raises
    ------
    OSError
        If the disk fails.
    """
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as failure:
        if failure.errno not in _CANNOT_WAIT or not path.is_dir():
            raise
    finally:
        os.close(opened)


def is_full(failure: OSError) -> bool:
    """Whether there was no room: on the disk, in the user's share of it, in the largest file."""
    return failure.errno in _FULL


def reason_of(failure: OSError) -> str:
    """What went wrong in the system's words, without the file: ``"No space left on device"``."""
    return os.strerror(failure.errno) if failure.errno else str(failure)
