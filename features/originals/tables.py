"""Tables of one's own, and what is said of each, become a study."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from sidestep.features.archives.archive import is_archive, unpack
from sidestep.features.errors import InputError
from sidestep.features.files.study_writer import require_free
from sidestep.features.originals.assembly import Made, write_parts
from sidestep.features.originals.attributes import attributes_part, clinical_part
from sidestep.features.originals.calls import fusions_part, mutations_part
from sidestep.features.originals.cells import holds_cells, read_cells
from sidestep.features.originals.containers import open_table
from sidestep.features.originals.given import Given
from sidestep.features.originals.mapping import MAPPING, SUFFIX, Mapped, read_mapping
from sidestep.features.originals.mudata import is_exported, read_exported
from sidestep.features.originals.parts import Part, Source, levels_part
from sidestep.features.originals.sources import read_sources


def import_tables(
    sources: Sequence[Source],
    out: Path,
    paths: Sequence[Path] = (),
    *,
    study_id: str = "",
    name: str = "",
    pseudo_bulk: str = "",
    cells: Path | None = None,
) -> Made:
    """Make a study of tables.

    Parameters
    ----------
    sources : sequence of Source
        At most one of expression, proteins, copy number, mutations and fusions; any number of
        clinical tables and responses.
    out : Path
        New or empty.
    paths : sequence of Path
        Mapping files; folders and archives of tables; and tables, whose content tells.
    study_id, name : str
        By default what a mapping file says, else the name of `out`, and the identifier.
    pseudo_bulk : str
        Column of single cells that names their sample.
    cells : Path, optional
        Table of cells by barcode that has it.

    Raises
    ------
    InputError
        If a table cannot be read as what it is said to be, or the study that they make cannot be
        used; nothing is left behind then.
    """
    require_free(out)
    with ExitStack() as context:
        mapped, files = _opened(paths, context)
        info = {key: value for one in mapped for key, value in one.info.items()}
        exported = [path for path in files if path.suffix.lower() == ".h5mu" and is_exported(path)]
        single = [path for path in files if path not in exported and holds_cells(path)]
        parts = read_sources([path for path in files if path not in (*exported, *single)])
        parts += [part for path in single for part in read_cells(path, pseudo_bulk, cells)]
        for path in exported:
            own, said = read_exported(path)
            parts += own
            info |= {**said, "id": said["cancer_study_identifier"]}
    sources = [*sources, *(source for one in mapped for source in one.sources)]
    known = tuple(dict.fromkeys(name for part in parts for name in part.samples))
    for source in sorted(sources, key=lambda source: source.kind != "clinical"):
        found = read_parts(source, known)
        parts += found
        known = (*known, *(name for part in found for name in part.samples))
    made_of = ", ".join(dict.fromkeys(part.file for part in parts))
    identifier = study_id or info.get("id") or out.resolve().name
    lines = {
        "type_of_cancer": info.get("type_of_cancer") or "mixed",
        "cancer_study_identifier": identifier,
        "name": name or info.get("name") or identifier,
        "description": info.get("description")
        or f"Imported by sidestep data import from {made_of}.",
    }
    if info.get("simulated") == "true":
        lines["simulated"] = "true"
    return write_parts(parts, out, lines)


def _opened(paths: Sequence[Path], context: ExitStack) -> tuple[list[Mapped], list[Path]]:
    """Mapping files, and the tables of folders and archives."""
    mapped: list[Mapped] = []
    files: list[Path] = []
    for path in paths:
        if path.is_dir() and holds_cells(path):
            files.append(path)
        elif path.is_dir() and (path / MAPPING).is_file():
            mapped.append(read_mapping(path / MAPPING))
        elif path.is_dir():
            files += _tables_in(path)
        elif path.name.lower().endswith(SUFFIX):
            mapped.append(read_mapping(path))
        elif is_archive(path):
            folder = Path(context.enter_context(TemporaryDirectory(prefix="sidestep-")))
            unpack(path, folder)
            files += [found for one in [folder, *folder.rglob("*/")] for found in _files(one)]
        else:
            files.append(path)
    return mapped, files


def _tables_in(folder: Path) -> list[Path]:
    if any(folder.glob("meta_*.txt")):
        raise InputError(f"{folder} is a study already; look at it with sidestep check {folder}")
    found = _files(folder)
    if not found:
        raise InputError(f"{folder} holds no file; name the folder of the tables")
    return found


def _files(folder: Path) -> list[Path]:
    """Files of a folder, but for hidden ones and words about them."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and path.name[0] != "." and not path.name.lower().startswith("readme")
    )


def read_parts(source: Source, known: tuple[str, ...] = ()) -> list[Part]:
    """What a file brings to a study: its data, and what it says of its samples.

    Parameters
    ----------
    source : Source
        Of a kind.
    known : tuple of str
        Samples that other files name.

    Raises
    ------
    InputError
        If it cannot be read as what it is said to be.
    """
    if source.kind == "expression" and holds_cells(source.path):
        return read_cells(source.path)
    given = open_table(source.path, empty=source.kind in ("mutations", "fusions"))
    parts = [part_of(source, given, known)]
    if given.attributes is not None:
        parts.append(attributes_part(given.attributes, given.file))
    return parts


def part_of(source: Source, given: Given, known: tuple[str, ...] = ()) -> Part:
    """What a table brings to a study; see `read_parts`."""
    if source.kind == "clinical":
        return clinical_part(source, given)
    if source.kind == "mutations":
        return mutations_part(source, given, known)
    if source.kind == "fusions":
        return fusions_part(source, given)
    if source.kind in ("expression", "rppa", "copy_number", "signatures", "responses"):
        return levels_part(source, given, known)
    raise InputError(f"{given.path}: nobody said what it holds; give it with an option")
