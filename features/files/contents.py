"""The contents of a study's file: its bytes, unpacked within limits, their text, their digest.

A file that is read more than once must stay what it was: `FileState` tells, without reading it.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, Self

from sidestep.features.errors import StudyError, study_error
from sidestep.features.files.limits import Limits, Meter

_CHUNK = 2**20
#: What a file begins with that stands for another one, or is packed under another name.
_LFS, _ANNEX, _GZIP = b"version https://git-lfs", b"/annex/objects/", b"\x1f\x8b"
_LONGEST_START = max(map(len, (_LFS, _ANNEX, _GZIP)))
_BOM = "\ufeff"
_NUL = "\0"


class Digest(Protocol):
    """What `hashlib.sha256` makes."""

    def update(self, data: Any, /) -> None:
        """Add bytes."""


def read_bytes(path: Path, name: str, limits: Limits) -> tuple[bytes, str]:
    """Contents of a file (decompressed where it ends in ``.gz``) and the sha256 of its bytes.

    Raises
    ------
    StudyError
        As `read_pieces`.
    """
    sha256 = hashlib.sha256()
    data = b"".join(read_pieces(path, name, limits, sha256))
    return data, sha256.hexdigest()


def read_pieces(path: Path, name: str, limits: Limits, sha256: Digest) -> Iterator[bytes]:
    """Contents of a file, piece by piece; `sha256` is fed the bytes as they lie on disk.

    Raises
    ------
    StudyError
        If the file cannot be opened, is no plain file, is a broken gzip file, or is larger than
        the limits; reading stops there.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe, say, for whose end one could wait forever
            raise study_error(f"{name} is not a plain file; put the file itself there.", name)
        compressed = path.suffix.lower() == ".gz"
        meter = Meter(name, status.st_size, limits, compressed=compressed)
        with path.open("rb", buffering=0) as file:
            yield from _metered(_Digested(file, sha256), meter, compressed)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        message = (
            f"{name} is not a whole gzip file ({error}); copy or download it again, or give the "
            "uncompressed file."
        )
        raise study_error(message, name) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise study_error(f"{name} cannot be read ({reason}).", name) from error


class _Digested(io.RawIOBase):
    """A file whose bytes are digested as they are read."""

    def __init__(self, file: io.FileIO, sha256: Digest) -> None:
        self._file = file
        self._sha256 = sha256

    def readable(self) -> bool:
        """Whether it can be read, which `io.BufferedReader` asks."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read into a buffer, and digest what came."""
        got = self._file.readinto(buffer) or 0
        self._sha256.update(buffer[:got])
        return got


def _metered(stored: _Digested, meter: Meter, compressed: bool) -> Iterator[bytes]:
    """Contents piece by piece, each within the limits; of a table first of all the header."""
    buffered = io.BufferedReader(stored, _CHUNK)
    refuse_stand_in(buffered.peek(_LONGEST_START), meter.name, compressed=compressed)
    contents = gzip.GzipFile(fileobj=buffered) if compressed else buffered
    header = None if meter.limits.columns is not None else b""
    while header is None and (read := contents.readline(meter.limits.line_bytes + 1)):
        meter.take(read)
        # Several lines, where they end in \r alone.
        lines = read.removeprefix(codecs.BOM_UTF8).splitlines()
        header = next((x for x in lines if x.strip() and not x.startswith(b"#")), None)
        if header is not None:
            meter.take_header(header)
        yield read
    while chunk := contents.read(_CHUNK):
        meter.take(chunk)
        yield chunk


def refuse_stand_in(start: bytes, name: str, *, compressed: bool = False) -> None:
    """Refuse a file that only points to the data, or is packed and not named so.

    Parameters
    ----------
    start : bytes
        What the file begins with.
    name : str
        File name for messages.
    compressed : bool
        Whether it is unpacked by its name.

    Raises
    ------
    StudyError
        If it is a pointer of Git LFS or git-annex, or gzip without its ending.
    """
    if start.startswith((_LFS, _ANNEX)):
        tool, command = (
            ("Git LFS", "git lfs pull")
            if start.startswith(_LFS)
            else ("git-annex", "git annex get")
        )
        message = (
            f"{name} is a pointer of {tool} and not the file itself; fetch it with `{command}` in "
            "its repository, or download it."
        )
        raise study_error(message, name)
    if start.startswith(_GZIP) and not compressed:
        message = f"{name} is gzip-compressed, which its name does not say; name it {name}.gz."
        raise study_error(message, name)


def decode(data: bytes, name: str) -> str:
    """Text of a UTF-8 file with plain newlines.

    Raises
    ------
    StudyError
        If the bytes are not UTF-8 (it names byte offset and line) or hold NUL characters.
    """
    try:
        text = data.decode("utf-8").removeprefix(_BOM)
    except UnicodeDecodeError as error:
        raise _undecodable(name, error.start, data.count(b"\n", 0, error.start) + 1) from error
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _NUL in text:
        raise _has_nul(name, text.count("\n", 0, text.index(_NUL)) + 1)
    return text


def decode_pieces(pieces: Iterable[bytes], name: str) -> Iterator[str]:
    """What `decode` gives, piece by piece.

    Raises
    ------
    StudyError
        As `decode`, for the same first reason: at the end, when everything has been read.
    """
    utf8 = codecs.getincrementaldecoder("utf-8")()
    newlines = io.IncrementalNewlineDecoder(utf8, translate=True)
    began = False
    n_bytes = n_lines = n_text_lines = 0
    nul = None
    rest = iter(pieces)
    for piece in chain(rest, [None]):
        try:
            text = newlines.decode(piece or b"", final=piece is None)
        except UnicodeDecodeError as error:
            new = piece or b""
            start = n_bytes + len(new) - len(error.object) + error.start
            n_lines += new.count(b"\n", 0, max(start - n_bytes, 0))
            for _ in rest:  # what is wrong with the file itself is raised first
                pass
            raise _undecodable(name, start, n_lines + 1) from error
        if not began and text:
            text, began = text.removeprefix(_BOM), True
        if nul is None and _NUL in text:
            nul = n_text_lines + text.count("\n", 0, text.index(_NUL)) + 1
        n_bytes += len(piece or b"")
        n_lines += (piece or b"").count(b"\n")
        n_text_lines += text.count("\n")
        yield text
    if nul is not None:
        raise _has_nul(name, nul)


def _undecodable(name: str, byte: int, line: int) -> StudyError:
    """Error that a file is not UTF-8."""
    message = (
        f"{name} is not UTF-8 text: byte {byte} (line {line}) cannot be decoded; save the file as "
        "UTF-8."
    )
    return study_error(message, name, f"line {line}")


def _has_nul(name: str, line: int) -> StudyError:
    message = f"{name} holds a NUL character in line {line}; save the file as plain UTF-8 text."
    return study_error(message, name, f"line {line}")


@dataclass(frozen=True)
class FileState:
    """Place, size and time of a file, which change when it is written to.

    Attributes
    ----------
    path : pathlib.Path
    name : str
        File name for messages.
    inode, size, time : int
        The time is that of the last change, in nanoseconds.
    """

    path: Path
    name: str
    inode: int
    size: int
    time: int

    @classmethod
    def of(cls, path: Path, name: str) -> Self:
        """The file as it is now.

        Raises
        ------
        OSError
            Here and below: if the file is gone.
        """
        found = os.stat(path)
        return cls(path, name, found.st_ino, found.st_size, found.st_mtime_ns)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """A block that reads the file, which must stay as it was from its begin to its end.

        Raises
        ------
        StudyError
            If it is not; also where the block fails, since that is then why.
        """
        self._require()
        try:
            yield
        except Exception:
            self._require()
            raise
        self._require()

    def _require(self) -> None:
        if type(self).of(self.path, self.name) != self:
            raise changed(self.name)


def changed(name: str) -> StudyError:
    """Error that a file is not what it was."""
    return study_error(f"{name} changed while it was read; try again when it is finished.", name)
