"""Workbooks (.xlsx): the largest of their sheets as text, read within limits and without macros."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final
from xml.etree import ElementTree

from sidestep.features.errors import InputError
from sidestep.features.files.limits import readable_size, table_limits, unpacked_limit

_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_SHEET: Final = re.compile(r"xl/worksheets/sheet\d+\.xml")
_STRINGS: Final = "xl/sharedStrings.xml"
_CELL: Final = re.compile(r"([A-Z]{1,3})\d+")
_START: Final = 1024
_BROKEN: Final = (zipfile.BadZipFile, ElementTree.ParseError, KeyError, ValueError, EOFError)


def is_workbook(path: Path) -> bool:
    """Whether a file is a workbook, by its content."""
    try:
        with path.open("rb") as file:
            if file.read(2) != b"PK":
                return False
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (OSError, *_BROKEN):
        return path.suffix.lower() == ".xlsx"


def workbook_lines(path: Path) -> Iterator[str]:
    """Rows of a workbook's largest sheet, with tabs between their cells.

    Dates are read as the numbers that they are to a workbook.

    Raises
    ------
    InputError
        If it is broken, has no sheet, or holds more than its size accounts for.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sheets = [info for info in archive.infolist() if _SHEET.fullmatch(info.filename)]
            if not sheets:
                raise InputError(f"{path} has no sheet; save it as CSV, and give that")
            largest = max(sheets, key=lambda info: info.file_size)
            words = _words(archive, path)
            with _opened(archive, largest.filename, path) as file:
                yield from _rows(file, words)
    except _BROKEN as error:
        if isinstance(error, InputError):
            raise
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{path} is not a whole workbook ({reason}); save its sheet as CSV, and give that"
        ) from error
    except OSError as failure:
        raise InputError(f"{path} cannot be read ({failure.strerror})") from failure


def _opened(archive: zipfile.ZipFile, name: str, path: Path) -> IO[bytes]:
    """A file of a workbook that may be unpacked, and defines no entities."""
    info = archive.getinfo(name)
    most = min(table_limits().size, unpacked_limit(path.stat().st_size))
    if info.file_size > most:
        raise InputError(
            f"{path}: {name} unpacks to {readable_size(info.file_size)}, which is more than "
            f"{readable_size(most)}; save the sheet as CSV, and give that"
        )
    with archive.open(name) as file:
        if b"<!DOCTYPE" in file.read(_START):
            raise InputError(f"{path}: {name} defines entities, which no workbook needs")
    return archive.open(name)


def _words(archive: zipfile.ZipFile, path: Path) -> list[str]:
    """Words that cells refer to by number."""
    if _STRINGS not in archive.namelist():
        return []
    found = []
    with _opened(archive, _STRINGS, path) as file:
        for _, item in ElementTree.iterparse(file):
            if item.tag == f"{_MAIN}si":
                found.append("".join(text.text or "" for text in item.iter(f"{_MAIN}t")))
                item.clear()
    return found


def _rows(file: IO[bytes], words: list[str]) -> Iterator[str]:
    width = 0
    root = None
    for event, item in ElementTree.iterparse(file, events=("start", "end")):
        if root is None:
            root = item
        if event == "end" and item.tag == f"{_MAIN}row":
            cells: dict[int, str] = {}
            for at, cell in enumerate(item.iter(f"{_MAIN}c")):
                place = _CELL.fullmatch(cell.get("r", ""))
                cells[_column(place[1]) if place else at] = _text(cell, words)
            width = width or 1 + max(cells, default=-1)
            yield "\t".join(cells.get(at, "") for at in range(width))
            item.clear()
            if root is not None and len(root) > 1:
                root[-1].clear()


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _text(cell: ElementTree.Element, words: list[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        text = "".join(part.text or "" for part in cell.iter(f"{_MAIN}t"))
    else:
        value = cell.find(f"{_MAIN}v")
        text = "" if value is None else value.text or ""
        if kind == "s" and text:
            text = words[int(text)]
        elif kind == "e":
            text = "NA"
    return " ".join(text.split())
