"""How does a data set get where it is used? Fetched once, checked, and put in place whole.

A file that came lies in the user's cache with a receipt: its address, size and sha256. It is asked
for again only with `FetchOptions.refresh`, and its digest is compared before each use.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sidestep.features.archives.archive import import_archive
from sidestep.features.archives.entries import BROKEN, read_entries
from sidestep.features.downloads.addresses import require_allowed
from sidestep.features.downloads.catalogue import (
    ARCHIVE,
    KNOWLEDGE,
    LISTING,
    STUDY,
    Entry,
    nearest_names,
)
from sidestep.features.downloads.listings import MOST, listed_file
from sidestep.features.downloads.places import downloads_folder, knowledge_folder
from sidestep.features.downloads.transfer import Patience, Told, download
from sidestep.features.errors import InputError
from sidestep.features.files.limits import readable_size, table_limits, unpacked_limit
from sidestep.features.files.study_writer import require_free
from sidestep.features.files.whole import is_full, reason_of, whole_file, write_whole

_CHUNK: Final = 2**20
#: A download may have as much as so many of the largest tables, as an archive may unpack to.
_TABLES: Final = 4
_ZIPS: Final = (".zip", ".xlsx")
_GZIPS: Final = (".gz", ".tgz")


@dataclass(frozen=True)
class FetchOptions:
    """How to fetch.

    Attributes
    ----------
    out : Path
        Folder where studies and tables go; databases go where ``score`` looks for them.
    origin : str
        Folder or address that has the files instead of their makers; empty for the makers.
    offline : bool
        Whether to ask no server: only what lies in the cache, or in a folder `origin`, is used.
    refresh : bool
        Whether to fetch anew what lies in the cache.
    patience : Patience
    """

    out: Path
    origin: str = ""
    offline: bool = False
    refresh: bool = False
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True)
class Fetched:
    """A data set in its place.

    Attributes
    ----------
    entry : Entry
    path : Path
        The study folder, or the file.
    size : int
        Bytes of what came.
    sha256 : str
        Digest of that.
    origin : str
        Where it came from: an address, or a file.
    checked : str
        What it was held against, in words.
    cached : bool
        Whether it was there already.
    """

    entry: Entry
    path: Path
    size: int
    sha256: str
    origin: str
    checked: str
    cached: bool


def fetch(
    entry: Entry, options: FetchOptions, told: Told, waiting: Callable[[str], None]
) -> Fetched:
    """Fetch a data set, check it, and put it in place, whole or not at all.

    Parameters
    ----------
    entry : Entry
        Whose licence the user has accepted (`licences.require_accepted`).
    options : FetchOptions
    told : callable
        Told from time to time how many bytes have come, and how many there are.
    waiting : callable
        Told, if another process fetches the same, what is waited for.

    Raises
    ------
    InputError
        If it cannot be had, is not what it should be, or its place is taken by another's files.
    """
    place = _place(entry, options.out)
    if entry.kind == STUDY:
        require_free(place)
    store = downloads_folder()
    try:
        store.mkdir(parents=True, exist_ok=True)
        with _held(store / f".{entry.file}.lock", waiting):
            cached = _Cached(store / entry.file)
            was_there = cached.is_sound() and not options.refresh and not _is_folder(options)
            if not was_there:
                _bring(entry, options, cached, told)
            _put(entry, cached, place)
            receipt = cached.receipt()
    except OSError as failure:
        advice = "make room there" if is_full(failure) else "see that it can be written"
        raise InputError(
            f"{failure.filename or store} cannot be written ({reason_of(failure)}); {advice}"
        ) from failure
    return Fetched(
        entry=entry,
        path=place,
        size=int(receipt["size"]),
        sha256=str(receipt["sha256"]),
        origin=str(receipt["origin"]),
        checked=str(receipt["checked"]),
        cached=was_there,
    )


def _place(entry: Entry, out: Path) -> Path:
    if entry.kind == KNOWLEDGE:
        return knowledge_folder() / entry.saved_as
    return out / (entry.name if entry.kind == STUDY else entry.saved_as)


def _is_folder(options: FetchOptions) -> bool:
    """Whether the files are to come from a folder, which is asked whatever the cache holds."""
    return bool(options.origin) and "://" not in options.origin


class _Cached:
    """A file of the cache and its receipt."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._receipt = path.with_name(f".{path.name}.receipt.json")

    def receipt(self) -> dict[str, Any]:
        """What is known of the file; empty if nothing is."""
        with suppress(OSError, ValueError):
            held = json.loads(self._receipt.read_text(encoding="utf-8"))
            if isinstance(held, dict):
                return held
        return {}

    def is_sound(self) -> bool:
        """Whether the file is there and is the one that came."""
        return self.path.is_file() and self.receipt().get("sha256") == digest_of(self.path)

    def digests(self) -> list[str]:
        """Digests of all that has ever been put in place of it."""
        return [str(one) for one in self.receipt().get("placed", ())]

    def note(self, **facts: object) -> None:
        """Write facts into the receipt, beside those that it has."""
        held = self.receipt() | facts
        write_whole(self._receipt, json.dumps(held, indent=1, sort_keys=True).encode())


def digest_of(path: Path, algorithm: str = "sha256") -> str:
    """Digest of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()


@contextmanager
def _held(lock: Path, waiting: Callable[[str], None]) -> Iterator[None]:
    """Let one process at a time fetch a file; the others wait, and then find it there."""
    held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting("another process fetches the same file; waiting for it")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _bring(entry: Entry, options: FetchOptions, cached: _Cached, told: Told) -> None:
    """Get the file into the cache, checked."""
    most = table_limits().size * _TABLES
    check = entry.check
    new = cached.path.with_name(f".{cached.path.name}.fetched")
    if _is_folder(options):
        origin = str(_copied(entry, Path(options.origin), new, most))
    else:
        origin, listed = _address(entry, options)
        check = listed or check
        try:
            download(origin, new, most, told, options.patience)
        except InputError as error:
            if "answers 404" in str(error) and not options.origin and entry.kind == STUDY:
                raise InputError(
                    f"cBioPortal's datahub has no study {entry.name!r} ({origin} is not there); "
                    f"{nearest_names(entry.name)}"
                ) from None
            raise
    try:
        sha256 = digest_of(new)
        checked = _checked(entry, new, check, origin)
        size = new.stat().st_size
        os.replace(new, cached.path)
    finally:
        new.unlink(missing_ok=True)
    cached.note(sha256=sha256, size=size, origin=origin, checked=checked)


def _address(entry: Entry, options: FetchOptions) -> tuple[str, str]:
    """Where a file is to be had, and the digest that a listing has of it."""
    if options.offline:
        raise InputError(
            f"{entry.name} ({entry.file}) is not in {downloads_folder()}, and --offline asks no "
            "server; fetch it once without, or give a folder that has it with --from"
        )
    if options.origin:
        require_allowed(options.origin)
        return f"{options.origin.rstrip('/')}/{entry.file}", ""
    if not entry.address:
        raise InputError(
            f"{entry.name}: {entry.holds}; see {entry.license_address}, and give the folder that "
            f"has {entry.file} with --from"
        )
    if entry.check != LISTING:
        return entry.address, ""
    listing = downloads_folder() / f".{entry.file}.listing"
    download(entry.address, listing, MOST, lambda done, whole: None, options.patience)
    try:
        listed = listed_file(listing, entry.file, entry.address)
    finally:
        listing.unlink(missing_ok=True)
    require_allowed(listed.address)
    return listed.address, listed.check


def _copied(entry: Entry, folder: Path, new: Path, most: int) -> Path:
    """Copy a file from a folder; where it was."""
    if not folder.is_dir():
        raise InputError(f"{folder}, given with --from, is no folder; give one that exists")
    names = dict.fromkeys([entry.file, entry.saved_as])
    source = next((folder / name for name in names if (folder / name).is_file()), None)
    if source is None:
        raise InputError(
            f"{folder} has no {' and no '.join(names)}, which {entry.name} is; put it there, or "
            "leave --from out"
        )
    if source.stat().st_size > most:
        raise InputError(f"{source} has more than {readable_size(most)}, the most that is taken")
    shutil.copyfile(source, new)
    return source


def _checked(entry: Entry, path: Path, check: str, origin: str) -> str:
    """What a file was held against, in words.

    Raises
    ------
    InputError
        If it is not what it should be.
    """
    with path.open("rb") as file:
        head = file.read(512).lstrip().lower()
    if not head:
        raise InputError(f"{origin} is an empty file; fetch it again later")
    if head.startswith((b"<!doctype html", b"<html")):
        raise InputError(
            f"{origin} is a web page in the place of {entry.file}, as sites send that want to see "
            "a person; fetch the file with a browser, and give its folder with --from"
        )
    if ":" in check:
        algorithm, _, expected = check.partition(":")
        found = digest_of(path, algorithm)
        if found != expected:
            raise InputError(
                f"{origin} has the {algorithm} {found}, where {expected} was to be expected: it "
                "was changed or broken on the way; nothing of it is kept; fetch it again"
            )
        return f"{algorithm} as published"
    if check == ARCHIVE and origin.lower().endswith((*_ZIPS, *_GZIPS)):
        _check_packed(path, origin)
        return "size, and form of the archive"
    return "size"


def _check_packed(path: Path, origin: str) -> None:
    """Look whether a packed file is one; its own checksums are compared when it is unpacked."""
    if origin.lower().endswith(_GZIPS):
        with path.open("rb") as file:
            wrong = "" if file.read(2) == b"\x1f\x8b" else "it is not packed by gzip"
    else:
        # The list of a ZIP's files is at its end: one that was cut has none.
        wrong = "" if zipfile.is_zipfile(path) else "it is no ZIP archive"
    if wrong:
        raise InputError(f"{origin} is broken ({wrong}); fetch it again")


def _put(entry: Entry, cached: _Cached, place: Path) -> None:
    """Put a file of the cache in its place."""
    if entry.kind == STUDY:
        import_archive(cached.path, place)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(place) as new:
        if _is_zip(cached.path) and not entry.saved_as.endswith(_ZIPS):
            _unpack_one(cached.path, entry.saved_as, new)
        else:
            shutil.copyfile(cached.path, new)
        digest = digest_of(new)
        _require_ours(place, digest, cached)
    cached.note(placed=sorted({*cached.digests(), digest}))


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith(b"PK\x03\x04")


def _require_ours(place: Path, digest: str, cached: _Cached) -> None:
    """Let a file be replaced that an earlier fetch has put there, and no other."""
    if not place.exists() and not place.is_symlink():
        return
    if place.is_symlink() or not place.is_file():
        raise InputError(f"{place} is no plain file; move it away, and fetch again")
    if digest_of(place) not in (digest, *cached.digests()):
        raise InputError(
            f"{place} is another file than was fetched, and is left as it is; move it away, or "
            "give another --out"
        )


def _unpack_one(archive: Path, name: str, new: Path) -> None:
    """Unpack the file `name` of an archive, within the limits of a study's archive."""
    most = min(table_limits().size, unpacked_limit(archive.stat().st_size))
    unpacked = 0

    def spend(size: int) -> None:
        nonlocal unpacked
        unpacked += size
        if unpacked > most:
            raise InputError(f"{archive} unpacks to more than {readable_size(most)}")

    try:
        with archive.open("rb") as file:
            for entry in read_entries(file, spend):
                if entry.content is None or entry.name.rpartition("/")[2] != name:
                    continue
                with new.open("wb") as out:
                    while chunk := entry.content.read(_CHUNK):
                        out.write(chunk)
                return
    except InputError:
        raise
    except BROKEN as error:
        raise InputError(f"{archive} is broken ({error}); fetch it again with --refresh") from None
    raise InputError(f"{archive} holds no {name}; see what its maker publishes now")
