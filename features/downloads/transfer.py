"""How does a file come over a bad line? In pieces, each from where the last one broke off.

What has come lies beside the file as ``.NAME.part`` with a note of where it is from, and is gone on
with (``Range`` with ``If-Range``) only if the server says that it still has the same content (a
strong ``ETag`` or a date); else the file is fetched from its beginning.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError

from sidestep.features.downloads.addresses import opened
from sidestep.features.errors import InputError
from sidestep.features.files.limits import MAX_FILE_GIB, readable_size
from sidestep.features.files.whole import is_full, put_in_place, reason_of, write_whole

_CHUNK: Final = 2**18
#: Answers after which the same question may be answered otherwise.
_PASSING: Final = (408, 425, 429, 500, 502, 503, 504)
#: However well each attempt does: a server that gives a byte at a time does not hold us for ever.
_MOST_ATTEMPTS: Final = 200
_LONGEST_WAIT: Final = 120.0
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

#: Told how many bytes have come, and how many there are (0: the server does not say).
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Patience:
    """How long to try.

    Attributes
    ----------
    attempts : int
        Attempts in a row that bring nothing, after which it is given up.
    wait : float
        Seconds before the second attempt; twice as many before each next one.
    timeout : float
        Seconds without a byte after which an attempt has failed.
    """

    attempts: int = 5
    wait: float = 1.0
    timeout: float = 60.0


class _FailedAttemptError(Exception):
    """An attempt that may be repeated, after some seconds if the server says so."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


def download(
    address: str, path: Path, most: int, told: Told, patience: Patience | None = None
) -> None:
    """Fetch a file, whole or not at all; what came before is gone on with.

    Parameters
    ----------
    address : str
    path : Path
        Where it goes, in a folder that exists; one process at a time.
    most : int
        Bytes that it may have.
    told : callable
        Told from time to time how much has come.
    patience : Patience, optional

    Raises
    ------
    InputError
        If the server refuses or fails to the end, the address may not be opened, the file is too
        large, or the disk is full. What has come then stays for the next time, unless it is no
        part of a good file.
    """
    patience = patience or Patience()
    part = _Part(path, address)
    failures = 0
    for _ in range(_MOST_ATTEMPTS):
        before = part.size
        try:
            _receive(address, part, most, told, patience.timeout)
        except _FailedAttemptError as failed:
            failures = 1 if part.size > before else failures + 1
            if failures >= patience.attempts:
                raise InputError(
                    f"{address} could not be fetched ({failed}; {failures} attempts in a row); "
                    f"run the same command again later: {readable_size(part.size)} of it are here"
                ) from None
            time.sleep(min(max(failed.after, patience.wait * 2 ** (failures - 1)), _LONGEST_WAIT))
        else:
            part.finish(path)
            return
    raise InputError(
        f"{address} breaks off again and again ({_MOST_ATTEMPTS} times); run the same command "
        "again from a better line, or give a mirror with --from"
    )


class _Part:
    """What has come of a file, and the note that tells of which."""

    def __init__(self, path: Path, address: str) -> None:
        self.file = path.with_name(f".{path.name}.part")
        self._note = path.with_name(f".{path.name}.part.json")
        self._address = address

    @property
    def size(self) -> int:
        """Bytes so far."""
        try:
            return self.file.stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def validator(self) -> str:
        """What the server called the content that this is part of; empty if it is not known."""
        with suppress(OSError, ValueError, AttributeError):
            note = json.loads(self._note.read_text(encoding="utf-8"))
            if note.get("address") == self._address and isinstance(note.get("validator"), str):
                return str(note["validator"])
        return ""

    def begin(self, validator: str) -> None:
        """Forget what has come, and note what comes now."""
        self.drop()
        note = {"address": self._address, "validator": validator}
        write_whole(self._note, json.dumps(note).encode())

    def drop(self) -> None:
        """Forget what has come."""
        self._note.unlink(missing_ok=True)
        self.file.unlink(missing_ok=True)

    def finish(self, path: Path) -> None:
        """Give the whole file its name."""
        put_in_place(self.file, path)
        self._note.unlink(missing_ok=True)


def _receive(address: str, part: _Part, most: int, told: Told, timeout: float) -> None:
    """One attempt: the rest of a file, or all of it."""
    headers = {"User-Agent": "sidestep", "Accept": "*/*", "Accept-Encoding": "identity"}
    begun = part.size if part.validator else 0
    if begun:
        headers |= {"Range": f"bytes={begun}-", "If-Range": part.validator}
    try:
        answer = opened(address, headers, timeout)
    except HTTPError as error:
        with error:
            _refused(address, error, part)
    except (OSError, HTTPException) as failure:
        raise _FailedAttemptError(_reason(failure)) from None
    with answer:
        try:
            _take(address, answer, begun, part, most, told)
        except OSError as failure:
            # Reading from the line fails as a failed attempt: this is the disk.
            advice = "make room there" if is_full(failure) else "see that it can be written"
            raise InputError(
                f"{part.file.parent} cannot be written ({reason_of(failure)}); {advice}, and run "
                "the same command again"
            ) from failure


def _refused(address: str, error: HTTPError, part: _Part) -> None:
    what = f"the server answers {error.code} {error.reason or ''}".rstrip()
    if error.code == 416:
        part.drop()
        raise _FailedAttemptError(what)
    if error.code in _PASSING:
        raise _FailedAttemptError(what, _seconds(error.headers.get("Retry-After")))
    raise InputError(
        f"{address} cannot be fetched: {what}; see whether it is still published there, or give a "
        "mirror with --from"
    )


def _take(address: str, answer: Any, begun: int, part: _Part, most: int, told: Told) -> None:
    """Write what an answer brings; raises OSError only where the disk fails."""
    packed = answer.headers.get("Content-Encoding", "identity")
    if packed.lower() != "identity":
        raise InputError(
            f"{address} comes packed ({packed}), which was not asked for; give a mirror with --from"
        )
    begun, whole = _extent(answer, begun)
    if begun == 0:
        part.begin(_validator(answer))
    if max(whole, begun) > most:
        part.drop()
        raise _too_large(address, most)
    free = shutil.disk_usage(part.file.parent).free
    if whole - begun > free:
        raise InputError(
            f"{address} needs {readable_size(whole - begun)} in {part.file.parent}, where "
            f"{readable_size(free)} are free; make room there"
        )
    size = begun
    with part.file.open("ab") as file:
        while chunk := _read(answer):
            size += len(chunk)
            if size > most:
                break
            file.write(chunk)
            told(size, whole)
    if size > most:
        part.drop()
        raise _too_large(address, most)
    if whole and size != whole:
        raise _FailedAttemptError(
            f"it broke off after {readable_size(size)} of {readable_size(whole)}"
        )


def _read(answer: Any) -> bytes:
    try:
        # What is there is taken, so that it stays if nothing follows.
        return bytes(answer.read1(_CHUNK))
    except (OSError, HTTPException, ValueError) as failure:
        raise _FailedAttemptError(_reason(failure)) from None


def _extent(answer: Any, asked: int) -> tuple[int, int]:
    """Byte that an answer begins with, and size of the whole file (0: unknown)."""
    if answer.status == 206:
        found = _RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
        if asked == 0 or found is None or int(found[1]) != asked:
            raise _FailedAttemptError("the server answers with another part than was asked for")
        return asked, 0 if found[2] == "*" else int(found[2])
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else 0


def _validator(answer: Any) -> str:
    """What a server calls the content, if it can be relied on: a strong tag, else a date."""
    tag = answer.headers.get("ETag", "").strip()
    if tag.startswith('"'):
        return str(tag)
    return str(answer.headers.get("Last-Modified", "")).strip()


def _too_large(address: str, most: int) -> InputError:
    return InputError(
        f"{address} has more than {readable_size(most)}; if it is as it should be, set "
        f"{MAX_FILE_GIB} to the GiB that it needs"
    )


def _seconds(text: str | None) -> float:
    return float(text) if text is not None and text.strip().isdecimal() else 0.0


def _reason(failure: BaseException) -> str:
    """What went wrong on the line, in few words."""
    reason = getattr(failure, "reason", failure)
    if isinstance(reason, TimeoutError):
        return "nothing came for too long"
    if isinstance(reason, OSError) and reason.errno:
        return reason_of(reason)
    return str(reason) or type(failure).__name__
