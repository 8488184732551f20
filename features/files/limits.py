"""How large a file of a study may be: limits that are met before memory is spent on it.

=====================  ===========================================  ==========================
limit                  value                                        raised by
=====================  ===========================================  ==========================
size of a table        8 GiB, on disk and unpacked                  ``SIDESTEP_MAX_FILE_GIB``
lines of a table       one for each 64 bytes of that (134 million)  ``SIDESTEP_MAX_FILE_GIB``
lines, or samples, of  131,072, or one for each byte on disk if
a compressed table     that is more
columns of a table     200,000                                      ``SIDESTEP_MAX_COLUMNS``
length of a line       256 bytes for each of them (49 MiB)          ``SIDESTEP_MAX_COLUMNS``
size of a meta file    1 MiB
size of a case list,   64 MiB
or of a gene panel
what a compressed      256 MiB, or 250 times its own size if that
file may unpack to,    is more
as may Parquet, h5ad
matrices and calls     64 MiB; larger ones are kept on disk while    ``SIDESTEP_HELD_MIB``
held in memory         ``sidestep score`` works
=====================  ===========================================  ==========================
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Final, NoReturn

from sidestep.features.errors import InputError, study_error

MAX_FILE_GIB: Final = "SIDESTEP_MAX_FILE_GIB"
MAX_COLUMNS: Final = "SIDESTEP_MAX_COLUMNS"
HELD_MIB: Final = "SIDESTEP_HELD_MIB"
#: Numbers in memory at once while a matrix file is looked through.
CELLS: Final = 2**22
_KIB, _MIB, _GIB = 2**10, 2**20, 2**30
_BYTES_A_LINE: Final = 64
_BYTES_A_COLUMN: Final = 256
_BYTES_A_NUMBER: Final = 8
# Deflate reaches 1,032; tables of real studies are compressed to a tenth, seldom to a fiftieth.
_MOST_COMPRESSED: Final = 250
_ALWAYS_UNPACKED: Final = 256 * _MIB
# A row costs memory of its own however short it is; on disk none that differs takes under a byte.
_ALWAYS_ROWS: Final = 2**17


@dataclass(frozen=True)
class Limits:
    """What one file may have.

    Attributes
    ----------
    size : int
        Bytes, on disk and once unpacked.
    advice : str
        What to do about a larger file.
    columns : int or None
        Fields of the header; None where the file is no table.
    """

    size: int
    advice: str
    columns: int | None = None

    @property
    def lines(self) -> int:
        """Number of lines: each costs memory of its own, however short it is."""
        return max(self.size // _BYTES_A_LINE, 1024)

    @property
    def line_bytes(self) -> int:
        """Bytes of a line."""
        return self.size if self.columns is None else max(self.columns * _BYTES_A_COLUMN, _MIB)


#: A ``meta_*.txt``.
META_LIMITS: Final = Limits(
    _MIB, "a meta file has a few lines 'key: value' and names the file that holds the data"
)
#: A case list or a gene panel, where one line names all samples or genes.
LIST_LIMITS: Final = Limits(
    64 * _MIB, "a case list or gene panel has lines 'key: value' that name samples or genes"
)


def table_limits() -> Limits:
    """Limits of a data file, as the environment sets them.

    Raises
    ------
    InputError
        If a variable of the environment is not a number above 0.
    """
    size = int(_setting(MAX_FILE_GIB, 8) * _GIB)
    advice = f"if it is as it should be, set {MAX_FILE_GIB} to the GiB that it needs"
    return Limits(size, advice, int(_setting(MAX_COLUMNS, 200_000)))


def held_bytes() -> int:
    """Size of matrices and calls that are held in memory where they need not be.

    Raises
    ------
    InputError
        If the variable of the environment is not a number above 0.
    """
    return int(_setting(HELD_MIB, 64) * _MIB)


def _setting(variable: str, default: float) -> float:
    text = os.environ.get(variable, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = math.nan
    if not 0 < value < 1e9:
        raise InputError(
            f"the environment variable {variable} is {text!r}; set it to a number above 0, or "
            "unset it."
        )
    return value


def unpacked_limit(packed: int) -> int:
    """Bytes that a compressed file of `packed` bytes may unpack to.

    A file that unpacks to more holds next to nothing but repetitions, and is made to fill
    memory or a disk.
    """
    return max(_ALWAYS_UNPACKED, _MOST_COMPRESSED * packed)


def accounts_for(packed: int, cells: int) -> bool:
    """Whether a compressed file of `packed` bytes may hold so many numbers, of eight bytes each."""
    return _BYTES_A_NUMBER * cells <= unpacked_limit(packed)


def row_limit(packed: int) -> int:
    """Rows that a compressed file of `packed` bytes may have."""
    return max(_ALWAYS_ROWS, packed)


def readable_size(size: int) -> str:
    """Bytes for a person to read: ``"512 bytes"``, ``"1.5 MiB"``, ``"8 GiB"``."""
    for unit, step in (("GiB", _GIB), ("MiB", _MIB), ("KiB", _KIB)):
        if size >= step:
            return f"{round(size / step, 2):,g} {unit}"
    return f"{size} bytes"


class Meter:
    """Watches a file as it is read, and stops the reading of what is too large.

    Parameters
    ----------
    name : str
        File name for messages.
    stored : int
        Bytes of the file on disk.
    compressed : bool
        Whether it is unpacked as it is read.
    limits : Limits
        What it is held to.

    Raises
    ------
    StudyError
        If the file is too large on disk; and by its methods, if it proves to be too large.
    """

    def __init__(self, name: str, stored: int, limits: Limits, *, compressed: bool) -> None:
        self.name = name
        self.limits = limits
        self._bomb = unpacked_limit(stored) if compressed else limits.size
        self._most_lines = min(limits.lines, row_limit(stored) if compressed else limits.lines)
        self._size = self._lines = self._returns = self._line = 0
        if stored > limits.size:
            self._refuse(
                f"has {readable_size(stored)}, more than the {readable_size(limits.size)} that "
                "Sidestep reads",
                limits.advice,
            )

    def take(self, chunk: bytes) -> None:
        """Count what was read: `line_bytes` at most, in the order of the file."""
        self._size += len(chunk)
        if self._size > self.limits.size:
            self._refuse(
                f"holds more than the {readable_size(self.limits.size)} that Sidestep reads",
                self.limits.advice,
            )
        if self._size > self._bomb:
            self._refuse(
                f"unpacks to more than {readable_size(self._bomb)}, which its size on disk does "
                "not account for",
                "if it is as it should be, give the uncompressed file",
            )
        self._take_lines(chunk)

    def _take_lines(self, chunk: bytes) -> None:
        # Lines end in \n, \r\n or, in old files, \r alone: whichever is more frequent counts them.
        ends = [at for at in (chunk.find(b"\n"), chunk.find(b"\r")) if at >= 0]
        self._line += min(ends, default=len(chunk))
        if self._line > self.limits.line_bytes:
            number = max(self._lines, self._returns) + 1
            longest = readable_size(self.limits.line_bytes)
            self._refuse_width(f"has a line longer than {longest}, line {number}")
        if ends:
            self._line = len(chunk) - 1 - max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        self._lines += chunk.count(b"\n")
        self._returns += chunk.count(b"\r")
        if max(self._lines, self._returns) > self.limits.lines:
            self._refuse(f"has more than {self.limits.lines:,} lines", self.limits.advice)
        if max(self._lines, self._returns) > self._most_lines:
            self._refuse(
                f"unpacks to more than {self._most_lines:,} lines, which its size on disk does not "
                "account for",
                "if it is as it should be, give the uncompressed file",
            )

    def take_header(self, header: bytes) -> None:
        """Count the columns of a table's header."""
        columns = header.count(b"\t") + 1
        if self.limits.columns is not None and columns > self.limits.columns:
            self._refuse_width(
                f"has {columns:,} columns, more than the {self.limits.columns:,} that Sidestep "
                "reads"
            )

    def _refuse_width(self, what: str) -> NoReturn:
        if self.limits.columns is None:
            self._refuse(what, self.limits.advice)
        self._refuse(what, f"if it is as it should be, set {MAX_COLUMNS} to the columns it has")

    def _refuse(self, what: str, advice: str) -> NoReturn:
        raise study_error(f"{self.name} {what}; {advice}.", self.name)
