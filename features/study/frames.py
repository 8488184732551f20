"""A study made of data frames: checked and named exactly as a study that is read from files.

`FrameReader` takes the same steps as `study.reader.StudyReader`, with a frame in the place of
each file; `study.study.Study.from_frames` is the way in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError, some
from sidestep.features.files.rows import MatrixRows
from sidestep.features.files.tables import LARGEST, MISSING, Table, check_header
from sidestep.features.identifiers import match_key
from sidestep.features.study import mix_ups
from sidestep.features.study.antibodies import protein_levels
from sidestep.features.study.data_files import DataFiles
from sidestep.features.study.genes import GeneRows, drop_unprofiled, note_unprofiled
from sidestep.features.study.meta import Meta
from sidestep.features.study.reader import StudyReader
from sidestep.features.study.responses import ResponseFile
from sidestep.features.study.sequencing import sequenced_samples
from sidestep.features.study.signatures import AS_GIVEN, STANDARDISED
from sidestep.features.vocabulary.gene_names import split_names

#: Frame -> kind of data, in the order in which a study is read.
KINDS = {
    "clinical": "CLINICAL",
    "expression": "MRNA_EXPRESSION",
    "rppa": "PROTEIN_LEVEL",
    "copy_number": "COPY_NUMBER_ALTERATION",
    "mutations": "MUTATION_EXTENDED",
    "fusions": "STRUCTURAL_VARIANT",
    "signatures": "GENERIC_ASSAY",
}
_SAMPLE = "SAMPLE_ID"
_SEVERAL = {"gene": "genes", "antibody": "antibodies", "drug": "drugs", "signature": "signatures"}
_FEWEST_NAMES = 3
_MOST_NAMES = 1000
_LAYOUT = re.compile(r"[\t\r\n]")


class FrameReader(StudyReader):
    """The parts of a study, filled from data frames step by step.

    Parameters
    ----------
    frames : mapping of str to pandas.DataFrame
        The frames of `KINDS` that there are.
    datatypes : mapping of str to str
        Kind of data -> cBioPortal's datatype, where it is not the usual one.
    sequenced : sequence of str, optional
        Samples whose mutations were tested.
    info : mapping of str to str
        As the lines of ``meta_study.txt``.
    """

    def __init__(
        self,
        frames: Mapping[str, pd.DataFrame],
        datatypes: Mapping[str, str],
        sequenced: Sequence[str] | None,
        info: Mapping[str, str],
    ) -> None:
        super().__init__(Path())
        self.info = dict(info)
        self._frames = dict(frames)
        self._files = _FrameTables(self._frames)
        self._listed = sequenced
        self._metas = [
            Meta(name, Path(name), _fields(kind, datatypes), "")
            for name, kind in KINDS.items()
            if name in frames
        ]

    def steps(self) -> Iterator[Callable[[], None]]:
        """Every step, in the order in which files are read."""
        for meta in self._of_kind("CLINICAL"):
            yield partial(self._read_clinical, meta)
        for kind, take in self._profile_readers():
            yield partial(self._read_profile, kind, take)
        for meta in self._of_kind("GENERIC_ASSAY"):
            yield partial(self._read_signatures, meta)
        yield self._read_sequenced
        yield self._name_genes

    def take_response(
        self, values: pd.DataFrame, metric: str, unit: str, higher_is_resistant: bool | None
    ) -> None:
        """Add a response of samples x drugs.

        Raises
        ------
        InputError
            If it has no direction, or its numbers cannot be used.
        """
        where = "responses"
        if higher_is_resistant is None:
            raise InputError(
                f"{where} need a direction; give higher_is_resistant=True if a high value means a "
                "resistant line (as with IC50), False if a sensitive one (as with -log10 of it)"
            )
        samples, drugs, numbers = _numbers(values, where, "drug")
        if twice := _repeated(drugs):
            raise InputError(
                f"{where} has {len(twice)} drug(s) in more than one column: {some(twice)}; keep "
                "one column each"
            )
        meant = self.samples.resolve(samples, where)
        table = pd.DataFrame(
            numbers.T, index=pd.Index(drugs, dtype="str"), columns=[meant[name] for name in samples]
        )
        self.responses[metric] = ResponseFile(
            stable_id=metric,
            metric=metric,
            profile_name=metric,
            description="",
            unit=unit or metric,
            higher_is_resistant=higher_is_resistant,
            path=Path(where),
            meta_path=Path(where),
            columns={name: meant[name] for name in samples},
            held=drop_unprofiled(table, where, self.findings).T,
        )

    def _gene_rows(self, meta: Meta) -> GeneRows:
        samples, genes, read = self._levels(meta, "gene")
        note_unprofiled(samples, read.measured, meta.name, self.findings)
        symbols, entrez = split_names(pd.Series(genes, dtype="str"))
        return GeneRows(meta.name, symbols, entrez, tuple(samples), read)

    def _take_protein(self, meta: Meta) -> None:
        samples, antibodies, read = self._levels(meta, "antibody")
        levels = protein_levels(antibodies, read, samples, meta.name, self.findings)
        self._take_levels(meta, levels, meta.name)

    def _read_signatures(self, meta: Meta) -> None:
        samples, names, numbers = _numbers(self._frames[meta.name], meta.name, "signature")
        if twice := _repeated([match_key(name) for name in names]):
            raise InputError(
                f"{meta.name} has {len(twice)} signature(s) in more than one column: "
                f"{some(twice)}; keep one column each"
            )
        meant = self.samples.resolve(samples, meta.name)
        table = pd.DataFrame(
            numbers.T, index=pd.Index(names, dtype="str"), columns=[meant[name] for name in samples]
        )
        found = drop_unprofiled(table, meta.name, self.findings).T
        self.kinds[meta.kind] = STANDARDISED if meta.datatype == "Z-SCORE" else AS_GIVEN
        self._take_signatures(meta, found, meta.name)

    def _read_sequenced(self) -> None:
        if self.calls is None:
            if self._listed is not None:
                raise InputError(
                    "sequenced names samples, and there are no mutations; give mutations too, an "
                    "empty frame with their columns if there is no call"
                )
            return
        listed = None if self._listed is None else [str(name).strip() for name in self._listed]
        called = list(self.calls.calls["sample_id"].unique())
        self.sequenced = sequenced_samples(
            listed, called, self.samples, self.findings, where="sequenced"
        )

    def _levels(self, meta: Meta, feature: str) -> tuple[list[str], list[str], MatrixRows]:
        """Samples and features of a frame of levels, and its numbers."""
        names, features, values = _numbers(self._frames[meta.name], meta.name, feature)
        meant = self.samples.resolve(names, meta.name)
        # A copy: whose frame it is may write to it later.
        return [meant[name] for name in names], features, MatrixRows.of_values(values.copy())


class _FrameTables(DataFiles):
    """Frames of text, as tables that are read like files."""

    def __init__(self, frames: Mapping[str, pd.DataFrame]) -> None:
        super().__init__(Path(), None, {})
        self._frames = frames

    def table(self, meta: Meta) -> Table:
        """Text of the frame that `meta` names."""
        frame = self._frames[meta.name]
        _require_frame(frame, meta.name)
        if meta.name == "clinical" and _SAMPLE not in map(str, frame.columns):
            frame = frame.rename_axis(index=_SAMPLE).reset_index()
        return _text_table(frame, meta.name)

    def large_table(self, meta: Meta) -> Table:
        """The same: a frame is in memory."""
        return self.table(meta)


class _FrameTable(Table):
    """Rows of a data frame, which messages count from 1."""

    def row(self, position: int, label: str = "") -> str:
        """Where a row stands: ``"row 12 (ERBB2)"``."""
        return super().row(position, label).replace("line", "row", 1)


def _fields(kind: str, datatypes: Mapping[str, str]) -> dict[str, str]:
    """Lines of a meta file for a frame."""
    return {"genetic_alteration_type": kind, "datatype": datatypes.get(kind, "")}


def _text_table(frame: pd.DataFrame, name: str) -> Table:
    """Cells of a frame as text, a row a line."""
    header = tuple(str(column).strip() for column in frame.columns)
    check_header(header, name)
    columns = [_cells(frame.iloc[:, at]) for at in range(len(header))]
    body = "\n".join("\t".join(row) for row in zip(*columns, strict=True))
    return _FrameTable(name, header, body.encode(), np.arange(1, len(frame) + 1))


def _cells(column: pd.Series) -> list[str]:
    """Text of each cell, empty where missing; 45.0 reads 45, as in a file."""
    return ["" if pd.isna(cell) else _LAYOUT.sub(" ", _cell(cell)) for cell in column.tolist()]


def _cell(cell: object) -> str:
    whole = isinstance(cell, float) and cell.is_integer()
    return f"{cell:.0f}" if whole else str(cell)


def _require_frame(frame: object, where: str) -> None:
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"{where} is a {type(frame).__name__}; give a pandas DataFrame")


def _numbers(
    frame: pd.DataFrame, where: str, feature: str
) -> tuple[list[str], list[str], np.ndarray]:
    """Samples, features, and the numbers of a frame of samples x features, NaN where missing.

    Raises
    ------
    InputError
        If it is no frame, is empty or lies on its side, has a sample twice or a row or column
        without a name, or a cell that is no number from -1e30 to 1e30.
    """
    _require_frame(frame, where)
    if not all(frame.shape):
        rows, columns = frame.shape
        raise InputError(
            f"{where} is empty ({rows} samples x {columns} {_SEVERAL[feature]}); leave it out, or "
            f"give samples x {_SEVERAL[feature]}"
        )
    samples = _names(frame.index, where, "row", "sample")
    features = _names(frame.columns, where, "column", feature)
    _refuse_on_its_side(samples, features, where, feature)
    if twice := _repeated(samples):
        raise InputError(
            f"{where} has {len(twice)} duplicate sample(s): {some(twice)}; keep one row each"
        )
    return samples, features, _float_values(frame, samples, features, where)


def _names(index: pd.Index, where: str, what: str, meaning: str) -> list[str]:
    names = ["" if pd.isna(name) else str(name).strip() for name in index]
    if "" in names:
        at = names.index("") + 1
        raise InputError(f"{where}: {what} {at} has no name; name the {meaning}")
    return names


def _repeated(names: Sequence[str]) -> list[str]:
    """Names that occur more than once, each once."""
    index = pd.Index(list(names), dtype="str")
    return list(index[index.duplicated()].unique())


def _refuse_on_its_side(
    samples: Sequence[str], features: Sequence[str], where: str, feature: str
) -> None:
    """Refuse a frame whose rows, rather than its columns, bear names of features."""
    is_feature = mix_ups.NAMES[feature]
    known = [name for name in samples[:_MOST_NAMES] if is_feature(name)]
    if len(known) >= _FEWEST_NAMES and not any(map(is_feature, features[:_MOST_NAMES])):
        raise InputError(
            f"{where} lies on its side: its rows are {_SEVERAL[feature]} ({some(known, 3)}); give "
            f"samples x {_SEVERAL[feature]}: {where}={where}.T"
        )


def _float_values(
    frame: pd.DataFrame, samples: Sequence[str], features: Sequence[str], where: str
) -> np.ndarray:
    """Numbers of a frame, float64, (n_samples, n_features)."""
    try:
        values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):  # words among the numbers, or for missing ones
        there = frame.astype(object).where(~frame.isin(MISSING), np.nan)
        values = there.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
        _refuse_cells(there.notna().to_numpy() & np.isnan(values), frame, samples, features, where)
    _refuse_cells(np.abs(values) > LARGEST, frame, samples, features, where)
    return np.ascontiguousarray(values)


def _refuse_cells(
    wrong: np.ndarray,
    frame: pd.DataFrame,
    samples: Sequence[str],
    features: Sequence[str],
    where: str,
) -> None:
    if wrong.any():
        row, column = (int(place) for place in np.argwhere(wrong)[0])
        value = frame.iat[row, column]
        shown = repr(value) if isinstance(value, str) else str(value)
        raise InputError(
            f"{where}, sample {samples[row]}, {features[column]}: {shown} is not a number from "
            f"{-LARGEST:g} to {LARGEST:g}; {int(wrong.sum())} cell(s) are none: write a number, or "
            "NaN where there is none"
        )
