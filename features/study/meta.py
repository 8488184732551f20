"""Meta files: which files make up a study, and what each of them holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from sidestep.features.errors import study_error
from sidestep.features.files.contents import decode, read_bytes
from sidestep.features.files.limits import LIST_LIMITS, META_LIMITS

# Studies within a folder that is none that are named.
_SUGGESTED = 3


@dataclass(frozen=True)
class Meta:
    """One ``meta_*.txt`` of a study: its file name, its lines, and its kind of data."""

    name: str
    path: Path
    fields: Mapping[str, str]
    digest: str

    @property
    def kind(self) -> str:
        """`genetic_alteration_type`, upper case; empty for the study's own meta file."""
        return self.fields.get("genetic_alteration_type", "").upper()

    @property
    def datatype(self) -> str:
        """`datatype`, upper case."""
        return self.fields.get("datatype", "").upper()

    @property
    def stable_id(self) -> str:
        """`stable_id`, or the meta file's own stem."""
        return self.fields.get("stable_id") or Path(self.name).stem.removeprefix("meta_")


def check_folder(folder: Path) -> None:
    """Refuse what is not a folder.

    Raises
    ------
    StudyError
        If the folder does not exist, or is a file.
    """
    if not folder.exists():
        message = f"study folder {folder} does not exist; check the path."
        raise study_error(message)
    if not folder.is_dir():
        message = (
            f"{folder} is a file, not a study folder; give the folder that holds its meta_*.txt."
        )
        raise study_error(message)


def meta_paths(folder: Path) -> list[Path]:
    """The ``meta_*.txt`` files of a study folder, by name.

    Raises
    ------
    StudyError
        If there is none.
    """
    found = sorted(folder.glob("meta_*.txt"))
    if not found:
        inside = sorted(path.parent for path in folder.glob("*/meta_study.txt"))[:_SUGGESTED]
        such = f", such as {' or '.join(map(str, inside))}" if inside else ""
        message = (
            f"{folder} holds no meta_*.txt file, so it is not a cBioPortal study folder; give the "
            f"folder that has meta_study.txt in it{such}."
        )
        raise study_error(message)
    return found


def read_fields(path: Path, folder: Path) -> tuple[dict[str, str], str]:
    """Lines ``key: value`` of a file, and the sha256 of its bytes.

    Raises
    ------
    StudyError
        If the file is unreadable, empty, outside the folder, larger than `features.files.limits`
        allows, or has a line without a colon.
    """
    name = path.relative_to(folder).as_posix()
    _check_inside(path, folder, name, name)
    limits = META_LIMITS if path.name.startswith("meta_") else LIST_LIMITS
    data, digest = read_bytes(path, name, limits)
    fields: dict[str, str] = {}
    for number, line in enumerate(decode(data, name).split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, colon, value = line.partition(":")
        if not colon:
            message = (
                f"{name}, line {number}: {line.strip()[:60]!r} has no colon; write 'key: value'."
            )
            raise study_error(message, name, f"line {number}")
        fields[key.strip()] = value.strip()
    if not fields:
        raise study_error(f"{name} is empty; it needs lines of the form 'key: value'.", name)
    return fields, digest


def read_meta(path: Path, folder: Path) -> Meta:
    """One meta file (see `read_fields` for the errors)."""
    fields, digest = read_fields(path, folder)
    return Meta(path.name, path, fields, digest)


def data_path(meta: Meta, folder: Path) -> Path:
    """Data file that a meta file names, plain or gzipped.

    Raises
    ------
    StudyError
        If the meta file names none, if the file is not there, or if it lies outside the study.
    """
    named = meta.fields.get("data_filename", "")
    if not named:
        message = (
            f"{meta.name} has no data_filename; add the line 'data_filename: data_….txt' with the "
            "name of its data file."
        )
        raise study_error(message, meta.name)
    parts = PurePosixPath(named.replace("\\", "/"))
    if parts.is_absolute() or PureWindowsPath(named).is_absolute() or ".." in parts.parts:
        message = (
            f"{meta.name} names the data file {named!r}, which leaves the study folder; put the "
            "file into the folder and give its plain name."
        )
        raise study_error(message, meta.name)
    candidates = (named, f"{named}.gz", named.removesuffix(".gz"))
    for candidate in candidates:
        path = folder / candidate
        if path.is_file():
            _check_inside(path, folder, candidate, meta.name)
            return path
    message = (
        f"{meta.name} names the data file {named!r}, which is not in the study folder, plain or "
        "gzipped; add the file or remove the meta file."
    )
    raise study_error(message, meta.name)


def _check_inside(path: Path, folder: Path, named: str, meta_name: str) -> None:
    if not path.resolve().is_relative_to(folder.resolve()):
        message = (
            f"{named} is a link that leaves the study folder (to {path.resolve()}); put the file "
            "itself into the folder."
        )
        raise study_error(message, meta_name)
