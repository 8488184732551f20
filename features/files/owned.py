"""Which files of a folder are a verb's own, so that it replaces these and nobody else's.

A verb that writes a folder lists, in the file that says what the folder is, every file that it
wrote with its digest. Only a folder that holds nothing else, and those as they were written, is
replaced: no note that somebody put there, no table that somebody changed, no link, no sub-folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sidestep.features.errors import InputError
from sidestep.features.files.whole import final_name

#: Of a file that says what a folder is: what a person or a program may read at once.
LARGEST_DESCRIPTION: Final = 256 * 2**20
_READ_AT_ONCE: Final = 2**20


def plain_bytes(path: Path, most: int) -> bytes:
    """Contents of a plain file; a pipe or a device is refused instead of waited for.

    Parameters
    ----------
    path : Path
    most : int
        Bytes that it may have.

    Raises
    ------
    OSError
        If it cannot be opened, or is no plain file.
    ValueError
        If it is larger.
    """
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(opened, "rb") as file:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(None, f"{path.name} is not a plain file", str(path))
        if found.st_size > most:
            raise ValueError(f"{path.name} has {found.st_size:,} bytes, more than {most:,}")
        return file.read(most + 1)


def digest_of_file(path: Path) -> str:
    """Digest (sha256) of a plain file.

    Raises
    ------
    OSError
        If it cannot be read, or is no plain file.
    """
    sha256 = hashlib.sha256()
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(opened, "rb") as file:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise OSError(None, f"{path.name} is not a plain file", str(path))
        while part := file.read(_READ_AT_ONCE):
            sha256.update(part)
    return sha256.hexdigest()


def listed(folder: Path, but: Collection[str] = ()) -> dict[str, list[str]]:
    """Every file below a folder with its digest, for the file that says what the folder is.

    Parameters
    ----------
    folder : Path
        As it was just written: no links.
    but : collection of str
        Names that are left out, such as that of the file itself.
    """
    return {
        name: [digest_of_file(path)]
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (name := path.relative_to(folder).as_posix()) not in but
    }


def described(path: Path, kind: str) -> dict[str, Any] | None:
    """What a folder's description says; None where there is none of that kind that can be read."""
    try:
        content = json.loads(plain_bytes(path, LARGEST_DESCRIPTION))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and content.get("kind") == kind else None


def require_own(folder: Path, files: object, description: str, *, writer: str, advice: str) -> None:
    """Refuse a folder that holds anything but what a verb wrote, as it wrote it.

    Parameters
    ----------
    folder : Path
    files : mapping of str to list of str
        As `listed` gave them, out of the description; anything else lists nothing.
    description : str
        Name of the file that they come from.
    writer : str
        The verb, such as ``"sidestep score"``.
    advice : str
        What to do about a file that is somebody else's.

    Raises
    ------
    InputError
        It names the first such file.
    """
    own = files if isinstance(files, Mapping) else {}
    folders = {parent.as_posix() for name in own for parent in Path(name).parents}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        final = path.relative_to(folder).with_name(final_name(path.name)).as_posix()
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            foreign = name not in folders
        elif not stat.S_ISREG(mode):
            foreign = True
        elif final == description or (final != name and final in own):
            foreign = False  # half-written by a killed process, where it is not the file itself
        else:
            foreign = name not in own
            if not foreign and digest_of_file(path) not in own[name]:
                raise InputError(f"{path} was changed after {writer} wrote it; {advice}")
        if foreign:
            raise InputError(f"{folder} holds {name}, which {writer} did not write; {advice}")


def remove_own(folder: Path, is_own: Callable[[str], bool]) -> None:
    """Remove the files of a folder that are a verb's own, and the folder if nothing else is there.

    Parameters
    ----------
    folder : Path
    is_own : callable
        Told the path of each file within the folder.

    Raises
    ------
    OSError
        If a file cannot be removed.
    """
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):
                path.rmdir()
        elif is_own(path.relative_to(folder).as_posix()):
            path.unlink()
    with suppress(OSError):
        folder.rmdir()
