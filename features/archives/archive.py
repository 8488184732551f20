"""How does a study come out of an archive? Whole or not at all, and no file where none belongs.

An archive may be made to do harm: by names that lead out of the folder, by links, by files that
overwrite each other, by unpacking to more than a disk holds. All of it is refused with one
sentence, and nothing is left behind. Archives within the archive stay packed.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sidestep.features.archives.entries import BROKEN, Content, Entry, read_entries, zip_names
from sidestep.features.archives.names import TakenNames, is_of_macos, safe_parts
from sidestep.features.errors import InputError, some
from sidestep.features.files.limits import MAX_FILE_GIB, readable_size, table_limits, unpacked_limit
from sidestep.features.files.study_writer import require_free
from sidestep.features.files.whole import folder_beside, is_full, put_in_place, reason_of
from sidestep.features.study.meta import read_fields

_CHUNK: Final = 2**20
_MOST_ENTRIES: Final = 10_000
#: An archive may unpack to as much as so many of the largest tables.
_TABLES: Final = 4
#: How tables in an archive are named.
_TABLES_OF: Final = (".csv", ".txt", ".tsv", ".gz", ".maf", ".parquet", ".xlsx", ".gct", ".mtx")
_START, _TAR_MAGIC = 512, 257
_ARCHIVES: Final = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".7z", ".rar")

#: Told how many bytes of the archive are read, and how many it has.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Imported:
    """What came out of an archive.

    Attributes
    ----------
    folder : pathlib.Path
        The study folder.
    files, size : int
        Number of files, and their bytes.
    study_id : str
        `cancer_study_identifier` of ``meta_study.txt``; empty where there is none.
    packed : tuple of str
        Archives among the files, which stay as they are.
    left_out : int
        Files that macOS adds to archives (``._*``, ``.DS_Store``, ``__MACOSX``), not unpacked.
    """

    folder: Path
    files: int
    size: int
    study_id: str
    packed: tuple[str, ...]
    left_out: int


def is_archive(path: Path) -> bool:
    """Whether a file is a tar or a zip, by its first bytes, or by its name where it is broken.

    A workbook is a zip as well, and is none here.
    """
    if not path.is_file():
        return path.name.lower().endswith(_ARCHIVES)
    try:
        with path.open("rb") as file:
            start = file.read(_START)
            if start.startswith(b"PK"):
                return "xl/workbook.xml" not in _names_in_zip(path)
            if start.startswith(b"\x1f\x8b"):
                file.seek(0)
                start = gzip.GzipFile(fileobj=file).read(_START)
    except (OSError, EOFError, zlib.error):
        start = b""
    tar = start[_TAR_MAGIC : _TAR_MAGIC + 5] == b"ustar"
    return tar or path.name.lower().endswith(_ARCHIVES)


def unpack(archive: str | Path, folder: Path, progress: Progress | None = None) -> list[Path]:
    """Unpack the files of an archive into a folder that is the caller's to remove.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        If the archive is broken, unsafe or too large.
    """
    try:
        _Unpacking(Path(archive), folder, progress or _ignore).run()
    except InputError as error:
        raise InputError(f"archive {archive}: {error}") from error
    except OSError as failure:
        raise _unwritable(folder, failure) from failure
    return sorted(path for path in folder.rglob("*") if path.is_file())


def is_study_archive(path: Path) -> bool:
    """Whether an archive is to be taken for a study: any, but a zip of tables and no meta file."""
    if not is_archive(path):
        return False
    names = _names_in_zip(path)
    has_meta = any(Path(name).name.startswith("meta_") for name in names)
    return has_meta or not any(name.lower().endswith(_TABLES_OF) for name in names)


def _names_in_zip(path: Path) -> list[str]:
    """Names of a zip's files; none of what is no whole zip."""
    try:
        with path.open("rb") as file:
            return zip_names(file) if file.peek(2).startswith(b"PK") else []
    except (InputError, OSError, *BROKEN):
        return []


def import_archive(
    archive: str | Path, out: str | Path, progress: Progress | None = None
) -> Imported:
    """Unpack the archive of a study into a new folder.

    Parameters
    ----------
    archive : path
        A ``.tar.gz``, ``.tgz``, ``.tar`` or ``.zip``, told by content, not by name. Its files are
        those of a study folder, or lie in one folder at its top.
    out : path
        The study folder to make; it may exist if it is empty. Folders above it are made.
    progress : callable, optional
        Told, from time to time, how much of the archive is read.

    Returns
    -------
    Imported

    Raises
    ------
    InputError
        If the archive is broken, unsafe, too large or no study's, or `out` holds files or cannot
        be written. `out` is then as it was.
    """
    source = Path(archive)
    try:
        path = require_free(out).resolve()
    except OSError as failure:
        raise _unwritable(out, failure) from failure
    if not source.is_file():
        what = "is not a file" if source.exists() else "does not exist"
        raise InputError(f"archive {source} {what}; give a .tar.gz, .tgz, .tar or .zip of a study")
    with ExitStack() as context:
        try:
            partial = context.enter_context(folder_beside(path, parents=True))
        except OSError as failure:
            raise _unwritable(path, failure) from failure
        unpacking = _Unpacking(source, partial, progress or _ignore)
        try:
            unpacking.run()
        except InputError as error:
            raise InputError(f"archive {source}: {error}") from error
        except OSError as failure:
            raise _unwritable(out, failure) from failure
        study = _study_folder(partial, source)
        try:
            put_in_place(study, path)
        except OSError as failure:
            require_free(out)
            raise _unwritable(out, failure) from failure
    return Imported(
        folder=Path(out),
        files=unpacking.files,
        size=unpacking.size,
        study_id=_study_id(path),
        packed=tuple(unpacking.packed),
        left_out=unpacking.left_out,
    )


class _Unpacking:
    """The files of an archive on their way into a folder."""

    def __init__(self, source: Path, folder: Path, progress: Progress) -> None:
        self.files = self.size = self.left_out = 0
        self.packed: list[str] = []
        self._source = source
        self._folder = folder
        self._progress = progress
        self._names = TakenNames()
        self._entries = self._unpacked = 0
        self._largest_file = table_limits().size
        self._largest = self._largest_file * _TABLES
        self._whole = source.stat().st_size
        self._bomb = unpacked_limit(self._whole)

    def run(self) -> None:
        """Write every file.

        Raises
        ------
        InputError
            If the archive cannot be read, is broken, unsafe or too large.
        OSError
            If a file cannot be written.
        """
        try:
            file = self._source.open("rb")
        except OSError as failure:
            raise InputError(f"it cannot be read ({failure.strerror}).") from failure
        with file:
            try:
                for entry in read_entries(file, self._spend):
                    self._take(entry)
                    self._progress(file.tell(), self._whole)
            except InputError:
                raise
            except BROKEN as error:
                raise InputError(
                    f"it is not a whole .tar.gz, .tgz, .tar or .zip ({error}); copy or download it "
                    "again, or pack the study anew."
                ) from error

    def _spend(self, size: int) -> None:
        self._unpacked += size
        if self._unpacked > self._largest:
            raise InputError(
                f"it unpacks to more than {readable_size(self._largest)}; if it is as it should "
                f"be, set {MAX_FILE_GIB} to more GiB (a {_TABLES}th of what it needs)."
            )
        if self._unpacked > self._bomb:
            raise InputError(
                f"it unpacks to more than {readable_size(self._bomb)}, which its size does not "
                "account for; unpack it by hand if you trust it."
            )

    def _take(self, entry: Entry) -> None:
        self._entries += 1
        if self._entries > _MOST_ENTRIES:
            raise InputError(
                f"it holds more than {_MOST_ENTRIES:,} files, and a study a few hundred at most; "
                "pack the study alone."
            )
        parts = safe_parts(entry.name)
        target = self._folder.joinpath(*parts)
        if entry.content is None:
            if not is_of_macos(parts):
                self._names.take(parts, folder=True)
                target.mkdir(parents=True, exist_ok=True)
        elif not parts:
            raise InputError(f"a file in it has no name ({entry.name!r}); pack the study anew.")
        elif is_of_macos(parts):
            self.left_out += 1
            while entry.content.read(_CHUNK):
                pass
        else:
            self._names.take(parts, folder=False)
            target.parent.mkdir(parents=True, exist_ok=True)
            self._write(target, entry.content)

    def _write(self, target: Path, content: Content) -> None:
        name = target.relative_to(self._folder).as_posix()
        written = 0
        with target.open("xb") as file:
            while chunk := content.read(_CHUNK):
                written += len(chunk)
                if written > self._largest_file:
                    raise InputError(
                        f"{name} has more than {readable_size(self._largest_file)}; if it is as "
                        f"it should be, set {MAX_FILE_GIB} to the GiB that it needs."
                    )
                file.write(chunk)
        self.files += 1
        self.size += written
        if name.lower().endswith(_ARCHIVES):
            self.packed.append(name)


def _study_folder(folder: Path, source: Path) -> Path:
    """The folder itself or the one folder in it: whichever has the meta files."""
    if _has_meta(folder):
        return folder
    top = sorted(path for path in folder.iterdir())
    studies = [path for path in top if _has_meta(path)]
    if len(top) == 1 and studies:
        return studies[0]
    if studies:
        raise InputError(
            f"archive {source} holds the meta files of {some([path.name for path in studies])} "
            "beside other things; pack one study folder alone."
        )
    raise InputError(
        f"archive {source} holds no meta_*.txt at its top or in the one folder there, so it is "
        "not a study of cBioPortal; pack the folder that has meta_study.txt in it."
    )


def _has_meta(folder: Path) -> bool:
    return any(path.is_file() for path in folder.glob("meta_*.txt"))


def _study_id(study: Path) -> str:
    """What the study calls itself; what is wrong with its files is for ``check`` to say."""
    try:
        fields, _ = read_fields(study / "meta_study.txt", study)
    except InputError:
        return ""
    return fields.get("cancer_study_identifier", "")


def _unwritable(out: str | Path, failure: OSError) -> InputError:
    advice = "make room there" if is_full(failure) else "name a folder that you can write"
    return InputError(f"{out} cannot be written ({reason_of(failure)}); {advice}.")


def _ignore(done: int, whole: int) -> None:
    """Tell nobody."""
