"""Where a file of an archive belongs: in the folder, under a name of its own, or nowhere."""

from __future__ import annotations

import unicodedata
from pathlib import PureWindowsPath
from typing import Final, NoReturn

from sidestep.features.errors import InputError

_DEEPEST: Final = 16
_LONGEST: Final = 255


def safe_parts(name: str) -> tuple[str, ...]:
    """Folders and file that a name in an archive leads through; none for the folder itself.

    Examples
    --------
    >>> safe_parts("./brca/case_lists/cases_all.txt")
    ('brca', 'case_lists', 'cases_all.txt')

    Raises
    ------
    InputError
        If the name is absolute, leads upwards, or has characters or a length that file systems
        and terminals take badly.
    """
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        _refuse(name, "has control characters or broken text in its name")
    if "\\" in name:
        _refuse(name, "has a backslash in its name")
    if name.startswith("/") or PureWindowsPath(name).drive:
        _refuse(name, "has an absolute path")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        _refuse(name, "leads out of the folder")
    if len(parts) > _DEEPEST:
        _refuse(name, f"lies more than {_DEEPEST} folders deep")
    if any(len(part.encode()) > _LONGEST for part in parts):
        _refuse(name, f"has a name of more than {_LONGEST} bytes")
    return parts


def is_of_macos(parts: tuple[str, ...]) -> bool:
    """Whether a file or folder holds what macOS notes about others when it packs them."""
    last = parts[-1] if parts else ""
    return "__MACOSX" in parts or last.startswith("._") or last == ".DS_Store"


class TakenNames:
    """Paths that an archive has used so far, as a file system without regard to case sees them."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, ...], tuple[tuple[str, ...], bool]] = {}

    def take(self, parts: tuple[str, ...], *, folder: bool) -> None:
        """Note a path; folders may come again, files may not.

        Raises
        ------
        InputError
            If another entry has the path already, or one that differs in case alone.
        """
        for depth in range(1, len(parts) + 1):
            path, is_folder = parts[:depth], folder or depth < len(parts)
            key = tuple(_key(part) for part in path)
            if key not in self._taken:
                self._taken[key] = path, is_folder
                continue
            earlier, was_folder = self._taken[key]
            if earlier != path:
                other = "/".join(earlier)
                _refuse("/".join(path), f"differs from {other!r} only in case or coding of accents")
            if not (is_folder and was_folder):
                _refuse("/".join(path), "is there twice")


def _key(part: str) -> str:
    """Name as a file system compares it that minds neither case nor how accents are coded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", part).casefold())


def _refuse(name: str, what: str) -> NoReturn:
    raise InputError(f"{name[:200]!r} {what}; pack the study anew with plain names.")
