"""The data files of meta files, each opened as what it is, and once; and what is not read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sidestep.features.errors import Findings
from sidestep.features.files.large_tables import BLOCK, LargeTable, open_table
from sidestep.features.files.limits import held_bytes
from sidestep.features.files.rows import AnyTable
from sidestep.features.files.sample_major import (
    H5AD,
    PARQUET,
    is_sample_major,
    open_sample_major,
    refuse_sample_major,
)
from sidestep.features.files.store import MatrixStore
from sidestep.features.files.tables import Table, read_table
from sidestep.features.study.meta import Meta, data_path
from sidestep.features.study.mix_ups import refuse_claimed
from sidestep.features.study.profiles import READ_KINDS
from sidestep.features.study.responses import ERRORS, RESPONSES, assay_type
from sidestep.features.study.signatures import is_signature_file

#: How names of data files end, packed or not.
_ENDINGS = (".txt", ".tsv", ".csv", ".maf", PARQUET, H5AD)


class DataFiles:
    """The data files of a study; each has one meta file.

    Parameters
    ----------
    folder : pathlib.Path
        Study folder.
    store : MatrixStore or None
        Where matrices too large for memory go; None if all are to be held.
    digests : dict of str to str
        File name -> sha256 of its bytes; grows by each file that is opened.
    """

    def __init__(self, folder: Path, store: MatrixStore | None, digests: dict[str, str]) -> None:
        self._folder = folder
        self._block = None if store is None else min(BLOCK, held_bytes())
        self._digests = digests
        self._claimed: dict[Path, str] = {}

    def table(self, meta: Meta) -> Table:
        """Text, held in memory.

        Raises
        ------
        StudyError
            Here and below: if the file cannot be read, or another meta file names it too.
        """
        path, name = self._path(meta)
        refuse_sample_major(path, name)
        table, self._digests[name] = read_table(path, name)
        return table

    def large_table(self, meta: Meta) -> Table | LargeTable:
        """Text that may be too large for memory."""
        path, name = self._path(meta)
        refuse_sample_major(path, name)
        table, self._digests[name] = open_table(path, name, self._block)
        return table

    def matrix_table(self, meta: Meta, label: str) -> AnyTable:
        """A matrix, whatever the kind of its file.

        Parameters
        ----------
        meta : Meta
        label : str
            What the column of the features' names is called, if the file does not say.
        """
        path, name = self._path(meta)
        if not is_sample_major(path.name):
            table, self._digests[name] = open_table(path, name, self._block)
            return table
        by_sample = open_sample_major(path, name, label, meta.fields.get("layer"))
        self._digests[name] = by_sample.digest
        return by_sample

    def _path(self, meta: Meta) -> tuple[Path, str]:
        """A meta file's data file, and its name for messages."""
        path = data_path(meta, self._folder)
        refuse_claimed(path, meta, self._claimed)
        return path, path.relative_to(self._folder).as_posix()


def note_unread(metas: Sequence[Meta], findings: Findings) -> None:
    """Note the meta files of kinds of data that are not read."""
    for meta in metas:
        assay = assay_type(meta)
        clinical = meta.datatype in ("SAMPLE_ATTRIBUTES", "PATIENT_ATTRIBUTES")
        read = (
            meta.kind in READ_KINDS
            or (meta.kind == "CLINICAL" and clinical)
            or (meta.kind == "GENERIC_ASSAY" and assay in (RESPONSES, ERRORS))
            or is_signature_file(meta)
            or meta.name == "meta_study.txt"
        )
        if not read:
            kind = " ".join(word for word in (meta.kind, assay, meta.datatype) if word)
            findings.note(
                f"{meta.name} ({kind or 'no genetic_alteration_type'}) is not a kind of data "
                "that Sidestep reads.",
                meta.name,
            )


def warn_of_files_without_meta(folder: Path, metas: Sequence[Meta], findings: Findings) -> None:
    """Warn of data files that no meta file names: they are not read, which nobody may know."""
    named = {meta.fields.get("data_filename", "").removesuffix(".gz") for meta in metas}
    found = [path.name for path in sorted(folder.glob("data_*")) if path.is_file()]
    lost = [
        name
        for name in found
        if name.removesuffix(".gz") not in named
        and not name.startswith("data_gene_panel_")
        and name.removesuffix(".gz").endswith(_ENDINGS)
    ]
    for name in lost:
        findings.warn(
            f"{name} is named by no meta file, so it is not read; add "
            f"{name.replace('data_', 'meta_', 1).partition('.')[0]}.txt with the lines "
            "genetic_alteration_type, datatype, stable_id and data_filename.",
            name,
        )
