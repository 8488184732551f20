"""How is a study folder put on disk? The cBioPortal staging format, whole or not at all."""

from __future__ import annotations

import errno
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.files.whole import folder_beside, put_in_place, reason_of

#: Rows of a table that become text at once.
_ROWS = 512
#: Letters of what is a part of a file's name.
_LONGEST_NAME = 150


@dataclass(frozen=True)
class DataFile:
    """One ``data_<name>.txt`` and the ``meta_<name>.txt`` beside it.

    Parameters
    ----------
    name : str
        Middle of both file names, e.g. ``treatment_gi50``.
    table : pandas.DataFrame
        The columns in file order; the index is not written, a missing value reads ``NA``.
    meta : mapping of str to str
        Lines of the meta file in order, without the study identifier and the data file's name,
        which the writer adds.
    preamble : sequence of str, optional
        Lines above the column names (the four ``#`` lines of a clinical file).
    digits : int or None
        Significant digits of numbers; None for as many as tell a number from all others.
    """

    name: str
    table: pd.DataFrame
    meta: Mapping[str, str]
    preamble: Sequence[str] = ()
    digits: int | None = 5


@dataclass(frozen=True)
class CaseList:
    """Samples that share a profile: ``case_lists/cases_<name>.txt``."""

    name: str
    suffix: str
    title: str
    category: str
    samples: Sequence[str]


@dataclass(frozen=True)
class GenePanel:
    """Genes that a mutation assay covers: ``data_gene_panel_<stable_id>.txt``."""

    stable_id: str
    description: str
    genes: Sequence[str]


@dataclass(frozen=True)
class StudyDraft:
    """All that a study folder will hold.

    `study` are the lines of ``meta_study.txt`` (with ``cancer_study_identifier``); `notes` are
    further tables by their path in the folder, without meta file, which readers of the format
    pass over.
    """

    study: Mapping[str, str]
    files: Sequence[DataFile]
    case_lists: Sequence[CaseList] = ()
    panels: Sequence[GenePanel] = ()
    notes: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def study_id(self) -> str:
        """The study's ``cancer_study_identifier``."""
        return self.study["cancer_study_identifier"]


def require_free(out: str | Path) -> Path:
    """Give back `out` as a path where a new folder may be written.

    Raises
    ------
    InputError
        If `out` is a file, or a folder that holds anything.
    """
    path = Path(out)
    if path.is_dir():
        if any(path.iterdir()):
            raise InputError(
                f"{path} is a folder that already holds files: "
                "name a new folder, or remove this one first"
            )
    elif path.exists() or path.is_symlink():
        raise InputError(f"{path} exists and is not a folder: name a new folder")
    return path


def write_study(
    out: str | Path, draft: StudyDraft, add: Callable[[Path], None] | None = None
) -> Path:
    """Write a study folder, whole or not at all.

    The files go into a temporary folder beside `out`, which is renamed when complete: a killed
    run leaves no half study under the name asked for.

    Parameters
    ----------
    out : path
        The folder to make. Folders above it are made; it may exist if it is empty.
    draft : StudyDraft
        What to write.
    add : callable, optional
        Puts more files, such as pictures, into the folder before it gets its name.

    Returns
    -------
    pathlib.Path
        `out`.

    Raises
    ------
    InputError
        If `out` holds files already, or cannot be written.
    """

    def fill(folder: Path) -> None:
        _write_files(folder, draft)
        if add is not None:
            add(folder)

    return write_new_folder(out, fill)


def write_new_folder(out: str | Path, fill: Callable[[Path], None]) -> Path:
    """Write a folder, whole or not at all.

    Parameters
    ----------
    out : path
        The folder to make. Folders above it are made; it may exist if it is empty.
    fill : callable
        Writes the files into the folder that it is given, which is renamed to `out` at the end.

    Returns
    -------
    pathlib.Path
        `out`.

    Raises
    ------
    InputError
        If `out` holds files already, or cannot be written.
    """
    path = require_free(out)
    with ExitStack() as context:
        try:
            new = context.enter_context(folder_beside(path, parents=True))
        except OSError as failure:
            raise InputError(
                f"cannot write in {path.parent} ({reason_of(failure)}): "
                "name a folder that you can write"
            ) from failure
        try:
            fill(new)
            put_in_place(new, path)
        except OSError as failure:
            if failure.errno in (errno.ENOTEMPTY, errno.EEXIST):
                require_free(path)
            raise InputError(
                f"cannot write {path} ({reason_of(failure)}): make room or name another folder"
            ) from failure
    return path


def _write_files(folder: Path, draft: StudyDraft) -> None:
    """Every file of the draft."""
    for name in (
        *(file.name for file in draft.files),
        *(panel.stable_id for panel in draft.panels),
        *(cases.name for cases in draft.case_lists),
    ):
        _require_plain(name)
    identifier = {"cancer_study_identifier": draft.study_id}
    _write_lines(folder / "meta_study.txt", draft.study)
    for file in draft.files:
        data_name = f"data_{file.name}.txt"
        _write_table(folder / data_name, file.table, file.preamble, file.digits)
        meta = {**identifier, **file.meta, "data_filename": data_name}
        _write_lines(folder / f"meta_{file.name}.txt", meta)
    for panel in draft.panels:
        _write_lines(
            folder / f"data_gene_panel_{panel.stable_id}.txt",
            {
                "stable_id": panel.stable_id,
                "description": panel.description,
                "gene_list": "\t".join(panel.genes),
            },
        )
    if draft.case_lists:
        (folder / "case_lists").mkdir()
    for cases in draft.case_lists:
        _write_lines(
            folder / "case_lists" / f"cases_{cases.name}.txt",
            {
                **identifier,
                "stable_id": f"{draft.study_id}_{cases.suffix}",
                "case_list_name": cases.title,
                "case_list_description": f"{cases.title} ({len(cases.samples)} samples)",
                "case_list_category": cases.category,
                "case_list_ids": "\t".join(cases.samples),
            },
        )
    for name, table in draft.notes.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        _write_table(folder / name, table, (), 6)


def _require_plain(name: str) -> None:
    """Refuse a name that would lead a file out of the folder, or that no disk takes.

    Names come from the tables and files of others.
    """
    if not name or len(name) > _LONGEST_NAME or re.search(r"[/\\\x00-\x1f]", name):
        raise InputError(
            f"{name[:80]!r} cannot be part of a file's name; call it by letters, digits and _"
        )


def _write_lines(path: Path, lines: Mapping[str, str]) -> None:
    """``key: value`` lines, none of which begins another."""
    said = (re.sub(r"[\r\n]+", " ", f"{key}: {value}") for key, value in lines.items())
    text = "".join(f"{line}\n" for line in said)
    path.write_text(text, encoding="utf-8", newline="\n")


def profile_lines(
    kind: str, datatype: str, stable_id: str, name: str, words: str
) -> dict[str, str]:
    """Lines of the meta file of a profile, which no tab of a portal shows unless told to."""
    return {
        "genetic_alteration_type": kind,
        "datatype": datatype,
        "stable_id": stable_id,
        "show_profile_in_analysis_tab": "false",
        "profile_name": name,
        "profile_description": words,
    }


def clinical_file(attributes: pd.DataFrame, numbers: Collection[str] = ()) -> DataFile:
    """The clinical file of samples.

    Parameters
    ----------
    attributes : DataFrame
        The index names samples; ``PATIENT_ID`` is a column.
    numbers : collection of str
        Attributes that are numbers, which cBioPortal draws as such.
    """
    text = attributes.map(lambda cell: " ".join(str(cell).split()), na_action="ignore")
    table = text.reset_index(drop=True)
    table.insert(0, "SAMPLE_ID", list(attributes.index))
    table.insert(0, "PATIENT_ID", table.pop("PATIENT_ID"))
    columns = [str(name) for name in table.columns]
    return DataFile(
        "clinical_sample",
        table,
        {"genetic_alteration_type": "CLINICAL", "datatype": "SAMPLE_ATTRIBUTES"},
        preamble=[
            "#" + "\t".join(name.replace("_", " ").capitalize() for name in columns),
            "#" + "\t".join(columns),
            "#" + "\t".join("NUMBER" if name in numbers else "STRING" for name in columns),
            "#" + "\t".join("1" for _ in columns),
        ],
    )


def _write_table(
    path: Path, table: pd.DataFrame, preamble: Sequence[str], digits: int | None
) -> None:
    """A tab-separated table, numbers rounded to significant digits, or with all of them."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in preamble)
        file.write("\t".join(map(str, table.columns)) + "\n")
        for rows in as_text(table, digits):
            file.writelines("\t".join(row) + "\n" for row in rows)


def as_text(table: pd.DataFrame, digits: int | None = None) -> Iterator[list[tuple[str, ...]]]:
    """Rows of a table as text, some at a time.

    Parameters
    ----------
    table : DataFrame
        A missing value is ``NA``; what would break a line of a table becomes a blank.
    digits : int or None
        Significant digits of numbers; None for the fewest that tell a number from all others.
    """
    for start in range(0, len(table), _ROWS):
        part = table.iloc[start : start + _ROWS]
        columns = [_column_text(part.iloc[:, place], digits) for place in range(part.shape[1])]
        yield list(zip(*columns, strict=True))


def _column_text(column: pd.Series, digits: int | None) -> list[str]:
    if column.dtype.kind != "f":
        return ["NA" if pd.isna(cell) else " ".join(str(cell).split()) for cell in column]
    if digits is not None:
        form = f"%.{digits}g"
        return ["NA" if math.isnan(cell) else form % cell for cell in column.tolist()]
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.array(column.to_numpy(), from_pandas=True).cast(pa.string())
    found: list[str] = pc.fill_null(text, "NA").to_pylist()
    return found
