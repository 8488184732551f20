"""Parts become a study folder, which is read as every other before it gets its name."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from sidestep.features.errors import Findings, InputError, Problem, some
from sidestep.features.files.store import MatrixStore
from sidestep.features.files.study_writer import (
    CaseList,
    DataFile,
    GenePanel,
    StudyDraft,
    clinical_file,
    require_free,
    write_study,
)
from sidestep.features.identifiers import Samples
from sidestep.features.originals.attributes import PATIENT_ID
from sidestep.features.originals.parts import ALL, Part
from sidestep.features.study.on_disk import SampleSource, StoredStudy, open_study
from sidestep.features.study.responses import read_values
from sidestep.features.vocabulary.account import FileAccount

#: Kinds of data of which a study has one.
_ONE: Final = ("expression", "rppa", "copy_number", "signatures", "mutations", "fusions")
_WHOLE: Final = "WES"


@dataclass(frozen=True)
class Made:
    """What became of parts.

    Attributes
    ----------
    folder : pathlib.Path
    samples : tuple of str
    told : tuple of str
        What was understood of each file, a sentence each.
    account : tuple of FileAccount
        What the reader of studies understood of the files that were made.
    problems : tuple of Problem
        What it met.
    """

    folder: Path
    samples: tuple[str, ...]
    told: tuple[str, ...]
    account: tuple[FileAccount, ...]
    problems: tuple[Problem, ...]


def write_parts(
    parts: Sequence[Part], out: Path, info: Mapping[str, str], told: Sequence[str] = ()
) -> Made:
    """Write parts as a study, whole or not at all.

    Parameters
    ----------
    parts : sequence of Part
    out : Path
        New or empty.
    info : mapping of str to str
        Lines of ``meta_study.txt``, with ``cancer_study_identifier``.
    told : sequence of str
        What else was understood.

    Raises
    ------
    InputError
        If there is no part, two are of one kind, their samples cannot be told apart, the study that
        they make cannot be read, or `out` cannot be written.
    """
    require_free(out)
    draft, samples, matched = draft_of(parts, info)
    files = {f"data_{file.name}.txt": part.file for file, part in _made_of(draft, parts)}
    read: list[SampleSource] = []

    def check(folder: Path) -> None:
        matrices = folder / ".matrices"
        try:
            read.append(_read(folder, matrices, files))
        finally:
            shutil.rmtree(matrices, ignore_errors=True)

    write_study(out, draft, check)
    said = (*told, *(line for part in parts for line in part.told), *matched)
    return Made(out, tuple(samples), tuple(dict.fromkeys(said)), read[0].account, read[0].problems)


def _made_of(draft: StudyDraft, parts: Sequence[Part]) -> list[tuple[DataFile, Part]]:
    by_name = {part.name: part for part in parts}
    return [(file, by_name[file.name]) for file in draft.files if file.name in by_name]


def _read(folder: Path, matrices: Path, files: Mapping[str, str]) -> SampleSource:
    """The study as it is read, its responses too."""
    try:
        with MatrixStore(matrices) as store:
            study = open_study(folder, store)
            small = study.small if isinstance(study, StoredStudy) else study
            for file in small.response_files.values():
                read_values(file, Findings())
            return study
    except InputError as error:
        made = [f"{made} is made of {file}" for made, file in files.items() if made in str(error)]
        if not made:
            raise
        raise InputError(f"{str(error).rstrip('.')} ({'; '.join(made)})") from error


def draft_of(
    parts: Sequence[Part], info: Mapping[str, str]
) -> tuple[StudyDraft, list[str], list[str]]:
    """The files of a study of parts, its samples, and how these were matched.

    Raises
    ------
    InputError
        See `write_parts`.
    """
    _require_apart(parts)
    samples = Samples(Findings())
    clinical = [part for part in parts if part.kind == "clinical"]
    others = [part for part in parts if part.kind != "clinical"]
    for part in clinical:
        patients = part.table.get(PATIENT_ID)
        samples.declare(part.samples, patients)
    renamed = [(part, samples.resolve(part.samples, part.file)) for part in others]
    names = samples.names
    matched = [line for part, meant in renamed for line in _told_of_names(part, meant)]
    matched += _told_of_strangers([
        *((part.file, set(part.samples)) for part in clinical),
        *((part.file, set(meant.values())) for part, meant in renamed),
    ])  # fmt: skip
    if not names:
        raise InputError("no file names a sample; give tables of samples")
    files = [clinical_file(_attributes(clinical, names))]
    lists = [CaseList("all", "all", "All samples", "all_cases_in_study", names)]
    panels: list[GenePanel] = []
    for part, meant in renamed:
        if part.values is not None:
            files.append(_level_file(part, meant))
            continue
        column = part.sample_column
        table = part.table.assign(
            **{column: part.table[column].map(lambda n, m=meant: m.get(n, n))}
        )
        files.append(DataFile(part.name, table, part.meta, digits=None))
        if part.kind == "mutations":
            lists += _sequenced(part, meant, samples, names)
            panels, matrix = _panels(part, meant)
            files += matrix
    info = {"type_of_cancer": "mixed", **info}
    return StudyDraft(info, files, lists, panels), names, matched


def _told_of_names(part: Part, meant: Mapping[str, str]) -> list[str]:
    """Names of a table that are written otherwise in an earlier one."""
    other = [f"{name} as {sample}" for name, sample in meant.items() if name != sample]
    if not other:
        return []
    return [
        f"{part.file}: {len(other)} sample(s) go by the name of another table: {some(other, 3)}"
    ]


def _told_of_strangers(tables: Sequence[tuple[str, set[str]]]) -> list[str]:
    """Tables of which no sample is in any other: they may name the same samples otherwise."""
    told = []
    for file, own in tables:
        others = [(name, found) for name, found in tables if name != file and found]
        if own and others and not any(own & found for _, found in others):
            example, (name, found) = min(own), others[0]
            told.append(
                f"WARNING: {file}: none of its {len(own)} sample(s), such as {example}, is in "
                f"another table, such as {min(found)} of {name}; if they are the same, name "
                "samples alike"
            )
    return told


def _require_apart(parts: Sequence[Part]) -> None:
    if not parts:
        raise InputError("there is nothing to import; give a file")
    for kind in _ONE:
        several = [part.file for part in parts if part.kind == kind]
        if len(several) > 1:
            raise InputError(
                f"{' and '.join(several)} both hold {kind.replace('_', ' ')}, of which a study has "
                "one; import them apart, and join them with sidestep data merge"
            )
    twice = [name for name, count in Counter(part.name for part in parts).items() if count > 1]
    for name in twice:
        of = [part.file for part in parts if part.name == name]
        if name != "clinical_sample":
            raise InputError(
                f"{' and '.join(of)} are both called {name}; give each a name of its own"
            )


def _attributes(clinical: Sequence[Part], names: Sequence[str]) -> pd.DataFrame:
    """Attributes of all samples, PATIENT_ID first; the first file's value goes first."""
    index = pd.Index(list(names), dtype="str")
    joined = pd.DataFrame(index=index)
    for part in clinical:
        table = part.table.reindex(index)
        for column in table.columns:
            own = joined.get(column)
            joined[column] = table[column] if own is None else own.fillna(table[column])
    own = pd.Series(index, index=index, dtype="str")
    donors = joined.pop(PATIENT_ID).fillna(own) if PATIENT_ID in joined else own
    joined.insert(0, PATIENT_ID, donors)
    return joined


def _level_file(part: Part, meant: Mapping[str, str]) -> DataFile:
    values = pd.DataFrame(part.values, columns=[meant[name] for name in part.samples], copy=False)
    table = part.table.reset_index(drop=True)
    if part.kind in ("responses", "signatures"):
        named = table.iloc[:, 0]
        table = pd.DataFrame({"ENTITY_STABLE_ID": named, "NAME": named, "DESCRIPTION": named})
        if part.kind == "responses":
            table["URL"] = "NA"
    return DataFile(part.name, pd.concat([table, values], axis=1), part.meta, digits=None)


def _sequenced(
    part: Part, meant: Mapping[str, str], samples: Samples, names: Sequence[str]
) -> list[CaseList]:
    if part.sequenced is None:
        return []
    listed = (
        list(names)
        if part.sequenced == ALL
        else list(samples.resolve(part.sequenced, "sequenced").values())
    )
    listed = [name for name in names if name in {*listed, *meant.values()}]
    kind = "all_cases_with_mutation_data"
    return [CaseList("sequenced", "sequenced", "Samples sequenced", kind, listed)]


def _panels(part: Part, meant: Mapping[str, str]) -> tuple[list[GenePanel], list[DataFile]]:
    if not part.panels:
        return [], []
    panels = [
        GenePanel(panel, f"Genes of {part.file}", list(genes))
        for panel, genes in part.panels.items()
    ]
    of = {meant.get(sample, sample): panel for sample, panel in part.panel_of.items()}
    table = pd.DataFrame({"SAMPLE_ID": list(of), "mutations": [p or _WHOLE for p in of.values()]})
    kind = {"genetic_alteration_type": "GENE_PANEL_MATRIX", "datatype": "GENE_PANEL_MATRIX"}
    return panels, [DataFile("gene_panel_matrix", table, kind)]
