"""What does a file of a study hold? Its bytes, unpacked and within limits, and their text."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from features.limits import Limits, Meter
from features.problems import study_error

_CHUNK = 2**20


def read_bytes(path: Path, name: str, limits: Limits) -> tuple[bytes, str]:
    """Contents of a file (decompressed where it ends in ``.gz``) and the sha256 of its bytes.

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
            stored = _Digested(file)
            return b"".join(_metered(stored, meter, compressed)), stored.sha256.hexdigest()
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

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        """Whether it can be read, which `io.BufferedReader` asks."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read into a buffer, and digest what came."""
        got = self._file.readinto(buffer) or 0
        self.sha256.update(buffer[:got])
        return got


def _metered(stored: _Digested, meter: Meter, compressed: bool) -> Iterator[bytes]:
    """Contents piece by piece, each within the limits; of a table first of all the header."""
    buffered = io.BufferedReader(stored, _CHUNK)
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


def decode(data: bytes, name: str) -> str:
    """Text of a UTF-8 file with plain newlines.

    Raises
    ------
    StudyError
        If the bytes are not UTF-8 (it names byte offset and line) or hold NUL characters.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = (
            f"{name} is not UTF-8 text: byte {error.start} (line {line}) cannot be decoded; save "
            "the file as UTF-8."
        )
        raise study_error(message, name, f"line {line}") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        message = f"{name} holds a NUL character in line {line}; save the file as plain UTF-8 text."
        raise study_error(message, name, f"line {line}")
    return text.replace("\r\n", "\n").replace("\r", "\n")
