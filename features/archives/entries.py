"""What an archive holds: its folders and plain files one by one, and nothing else.

Whatever an archive says of itself is taken for a claim: what is unpacked is counted as it comes,
and links, devices, sparse and encrypted files are refused. Nothing is written here.
"""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NoReturn, Protocol

from sidestep.features.errors import InputError

#: What Python's readers raise where an archive is broken.
BROKEN: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RecursionError,
)
_BLOCK: Final = tarfile.BLOCKSIZE
_READ_AHEAD: Final = 2**16
# Long names and attributes of a file; pax headers are held in memory whole.
_MOST_HEADERS: Final = 2**18
# A zip's list of files is, too.
_MOST_DIRECTORY: Final = 2**22

#: Told how many more bytes were unpacked; raises `InputError` if they are too many.
Spend = Callable[[int], None]


class Content(Protocol):
    """What a file of an archive holds."""

    def read(self, size: int, /) -> bytes:
        """Read at most so many bytes; none at the end."""


@dataclass(frozen=True)
class Entry:
    """A file or folder of an archive.

    Attributes
    ----------
    name : str
        As the archive has it: it may be absurd, or point anywhere.
    content : Content or None
        To be read to its end before the next entry is asked for; None for a folder.
    """

    name: str
    content: Content | None


def read_entries(file: io.BufferedReader, spend: Spend) -> Iterator[Entry]:
    """Entries of a ``.tar``, ``.tar.gz`` or ``.zip``, told apart by their first bytes.

    Raises
    ------
    InputError
        If there is anything but folders and plain files in it, or `spend` objects.
    Exception
        One of `BROKEN`, if it is not a whole archive.
    """
    magic = file.peek(4)
    if magic.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_entries(file, spend)
    if magic.startswith(b"\x1f\x8b"):
        return _tar_entries(gzip.GzipFile(fileobj=file), spend)
    return _tar_entries(file, spend)


def _refuse(name: str, what: str) -> NoReturn:
    raise InputError(
        f"{name[:200]!r} {what}, and a study has plain files and folders only; pack the study anew "
        "without it."
    )


class _TarStream:
    """The unpacked bytes of a tar archive, counted as they come."""

    def __init__(self, packed: Content, spend: Spend) -> None:
        self._packed = packed
        self._spend = spend
        self.allowed = _MOST_HEADERS
        self.position = 0
        #: Where the last byte lies that is not zero.
        self.filled = 0

    def read(self, size: int) -> bytes:
        """Read as `tarfile` asks, unless it is more than what lies ahead should need."""
        chunk = self._packed.read(size)
        self._spend(len(chunk))
        self.allowed -= len(chunk)
        if self.allowed < 0:
            raise InputError(
                f"it describes a file in more than {_MOST_HEADERS:,} bytes; pack the study anew."
            )
        kept = len(chunk.rstrip(b"\0"))
        if kept:
            self.filled = self.position + kept
        self.position += len(chunk)
        return chunk


def _tar_entries(packed: Content, spend: Spend) -> Iterator[Entry]:
    stream = _TarStream(packed, spend)
    end = 0
    # A stream is read once and forwards, so no header can send the reader back and forth.
    with tarfile.open(
        fileobj=stream,  # type: ignore[call-overload]
        mode="r|",
        bufsize=_READ_AHEAD,
        encoding="utf-8",
    ) as tar:
        for member in tar:
            _check_kind(member)
            stream.allowed = _MOST_HEADERS + member.size
            yield Entry(member.name, tar.extractfile(member))
            end = member.offset_data + -(-member.size // _BLOCK) * _BLOCK
            stream.allowed = _MOST_HEADERS
    # `tarfile` takes a broken header for the end; at a true end nothing but zeros follows.
    stream.allowed = 2**62
    while stream.read(_READ_AHEAD):
        pass
    if stream.filled > end or stream.position < end + _BLOCK:
        raise tarfile.ReadError(f"a file header at byte {end} is broken or missing")


def _check_kind(member: tarfile.TarInfo) -> None:
    kinds = {
        tarfile.SYMTYPE: "is a symbolic link",
        tarfile.LNKTYPE: "is a hard link",
        tarfile.CHRTYPE: "is a device",
        tarfile.BLKTYPE: "is a device",
        tarfile.FIFOTYPE: "is a pipe",
    }
    plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE)
    if not plain or member.issparse():
        _refuse(member.name, kinds.get(member.type, "is no plain file"))
    if member.size < 0:
        raise tarfile.ReadError("a file has a negative size")


class _BoundedFile:
    """A file of which `zipfile` cannot ask for more at once than a study's archive needs."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(_MOST_DIRECTORY + 1 if size < 0 else min(size, _MOST_DIRECTORY + 1))
        if len(chunk) > _MOST_DIRECTORY:
            raise InputError(
                f"its list of files has more than {_MOST_DIRECTORY:,} bytes; pack the study alone."
            )
        return chunk


class _ZipContent:
    """A file of a zip archive, counted as it is unpacked."""

    def __init__(self, content: Content, spend: Spend) -> None:
        self._content = content
        self._spend = spend

    def read(self, size: int, /) -> bytes:
        chunk = self._content.read(size)
        self._spend(len(chunk))
        return chunk


def _zip_entries(file: io.BufferedReader, spend: Spend) -> Iterator[Entry]:
    with zipfile.ZipFile(_BoundedFile(file)) as archive:
        for info in archive.infolist():
            _check_zipped(info)
            if info.is_dir():
                yield Entry(info.orig_filename, None)
                continue
            with archive.open(info) as content:
                yield Entry(info.orig_filename, _ZipContent(content, spend))


def zip_names(file: io.BufferedReader) -> list[str]:
    """Names of a zip's files, without unpacking any.

    Raises
    ------
    InputError
        If its list of files is longer than a study's.
    Exception
        One of `BROKEN`, if it is not a whole zip.
    """
    with zipfile.ZipFile(_BoundedFile(file)) as archive:
        return [info.orig_filename for info in archive.infolist()]


def _check_zipped(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if stat.S_ISLNK(kind):
        _refuse(info.orig_filename, "is a symbolic link")
    if kind and not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        _refuse(info.orig_filename, "is no plain file")
    if info.flag_bits & 0x1:
        _refuse(info.orig_filename, "is encrypted")
    # The other methods unpack without a bound on the memory that they take.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        _refuse(info.orig_filename, "is packed by another method than deflate")
