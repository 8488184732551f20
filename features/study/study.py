"""A study in memory: all that is known about its samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from sidestep.features.errors import InputError, Problem, some
from sidestep.features.files.matrix import Matrix
from sidestep.features.study.reader import StudyReader
from sidestep.features.study.responses import Response, ResponseFile, choose_response, read_response


@dataclass(frozen=True)
class Study:
    """A study in memory: each modality as a samples x features table, or None where absent.

    Attributes
    ----------
    path : pathlib.Path or None
        Study folder.
    study_id, name : str
        `cancer_study_identifier` and `name` of ``meta_study.txt``.
    simulated : bool
        Whether ``meta_study.txt`` says ``simulated: true``.
    samples : pandas.Index
        Every sample, in the order of the clinical file, then as first seen in the other files.
        All tables below keep this order.
    donors : pandas.Series
        Sample -> PATIENT_ID; the sample itself where the clinical file gives none.
    clinical : pandas.DataFrame
        All samples x attributes as text, NaN where missing; patients' attributes joined in.
    expression : pandas.DataFrame or None
        Profiled samples x genes (Hugo symbols), float64, NaN where missing.
    expression_kind : str
        ``"continuous"`` or ``"z-score"``.
    rppa : pandas.DataFrame or None
        Profiled samples x canonical antibodies.
    antibodies : pandas.DataFrame
        Index: canonical name; columns `genes, gene, site, source, caution`.
    mutations : pandas.DataFrame or None
        `sample_id, gene, classification, protein_change`, one call a row, silent calls kept.
    sequenced : pandas.Index or None
        Samples whose mutations were tested; None where the study has no mutation file.
    panels : mapping of str to frozenset
        Gene panel -> genes covered.
    panel_of : pandas.Series
        Sequenced sample -> its panel, NaN where all genes are covered.
    copy_number : pandas.DataFrame or None
        Profiled samples x genes.
    copy_number_kind : str
        ``"log2"`` or ``"discrete"``.
    fusions : pandas.DataFrame or None
        `sample_id, gene_a, gene_b`.
    entrez : pandas.Series
        Hugo symbol -> Entrez identifier (Int64), over all files.
    response_files : mapping of str to ResponseFile
        stable_id -> what the study says about it; `response` reads the values.
    problems : tuple of Problem
        Warnings and notes met while reading.
    digests : mapping of str to str
        File name -> sha256 of its bytes, for every file read.
    """

    path: Path | None
    study_id: str
    name: str
    simulated: bool
    samples: pd.Index
    donors: pd.Series
    clinical: pd.DataFrame
    expression: pd.DataFrame | None
    expression_kind: str
    rppa: pd.DataFrame | None
    antibodies: pd.DataFrame
    mutations: pd.DataFrame | None
    sequenced: pd.Index | None
    panels: Mapping[str, frozenset[str]]
    panel_of: pd.Series
    copy_number: pd.DataFrame | None
    copy_number_kind: str
    fusions: pd.DataFrame | None
    entrez: pd.Series
    response_files: Mapping[str, ResponseFile]
    problems: tuple[Problem, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)

    def select(self, samples: Sequence[str]) -> Study:
        """The study restricted to some samples, in that order, in every modality.

        Raises
        ------
        InputError
            If a sample is not in the study, or is asked for twice.
        """
        wanted = pd.Index(list(samples), dtype="str", name=self.samples.name)
        unknown = wanted[self.samples.get_indexer(wanted) < 0].unique()
        if len(unknown):
            raise InputError(
                f"{len(unknown)} sample(s) are not in study {self.study_id}: {some(list(unknown))}."
            )
        if wanted.has_duplicates:
            twice = list(wanted[wanted.duplicated()].unique())
            raise InputError(f"{len(twice)} sample(s) are selected twice: {some(twice)}.")
        sequenced = None if self.sequenced is None else _in_order(self.sequenced, wanted)
        return replace(
            self,
            samples=wanted,
            donors=self.donors.loc[wanted],
            clinical=self.clinical.loc[wanted],
            expression=_rows(self.expression, wanted),
            rppa=_rows(self.rppa, wanted),
            mutations=_calls(self.mutations, wanted),
            sequenced=sequenced,
            panel_of=self.panel_of.loc[_in_order(self.panel_of.index, wanted)],
            copy_number=_rows(self.copy_number, wanted),
            fusions=_calls(self.fusions, wanted),
        )

    def profiled(self) -> dict[str, pd.Index]:
        """Modality -> samples that have it; absent modalities are left out."""
        found: dict[str, pd.Index] = {}
        if self.expression is not None:
            found["expression"] = self.expression.index
        if self.rppa is not None:
            found["rppa"] = self.rppa.index
        if self.sequenced is not None:
            found["mutation"] = self.sequenced
        if self.copy_number is not None:
            found["copy_number"] = self.copy_number.index
        if self.clinical.shape[1]:
            found["clinical"] = self.samples[self.clinical.notna().any(axis=1).to_numpy()]
        return found

    def response(self, name: str) -> Response:
        """Drug response by stable_id, file metric (``gi50``), or an unambiguous part of either.

        Raises
        ------
        InputError
            If none or several fit, if it has no direction, or if its file is broken.
        """
        return read_response(choose_response(name, self.response_files), list(self.samples))


def read_study(path: str | Path) -> Study:
    """Read a cBioPortal staging folder.

    Raises
    ------
    InputError
        At the first thing that cannot be read; the message names file, row, column and the fix.
    """
    reader = StudyReader(Path(path))
    for step in reader.steps():
        step()
    return assemble(reader)


def assemble(reader: StudyReader, *, held: bool = True) -> Study:
    """The study that a reader's parts make up, every table in the order of the samples.

    With `held` False, matrices, mutations and fusions are left out: they stay with the reader.
    """
    clinical, donors = reader.finished_clinical()
    samples = clinical.index
    protein = reader.protein
    sequenced = None
    if reader.sequenced is not None:
        sequenced = _in_order(pd.Index(reader.sequenced, dtype="str", name="sample_id"), samples)
    panel_of = pd.Series(
        [] if sequenced is None else [reader.panel_of.get(sample) for sample in sequenced],
        index=pd.Index([], dtype="str", name="sample_id") if sequenced is None else sequenced,
        dtype="str",
        name="panel",
    )
    discrete = reader.datatypes.get("COPY_NUMBER_ALTERATION") == "DISCRETE"
    z_scores = reader.datatypes.get("MRNA_EXPRESSION") == "Z-SCORE"
    study_id = reader.info.get("cancer_study_identifier") or reader.folder.resolve().name
    return Study(
        path=reader.folder,
        study_id=study_id,
        name=reader.info.get("name") or study_id,
        simulated=reader.info.get("simulated", "").casefold() in ("true", "yes", "1"),
        samples=samples,
        donors=donors,
        clinical=clinical,
        expression=_frame(reader.expression if held else None, samples),
        expression_kind="z-score" if z_scores else "continuous",
        rppa=_frame(protein.values if held and protein else None, samples),
        antibodies=_no_antibodies() if protein is None else protein.antibodies,
        mutations=_calls(reader.calls.calls if held and reader.calls else None, samples),
        sequenced=sequenced,
        panels=reader.panels,
        panel_of=panel_of,
        copy_number=_frame(reader.copy_number if held else None, samples),
        copy_number_kind="discrete" if discrete else "log2",
        fusions=_calls(reader.fusions if held else None, samples),
        entrez=reader.entrez,
        response_files=reader.responses,
        problems=tuple(reader.findings),
        digests=reader.digests,
    )


def _no_antibodies() -> pd.DataFrame:
    return pd.DataFrame(
        {"genes": [], "gene": [], "site": [], "source": [], "caution": []},
        index=pd.Index([], dtype="str", name="canonical"),
    ).astype({"caution": bool})


def _in_order(names: pd.Index, samples: pd.Index) -> pd.Index:
    # Not by `isin`, which would look at all of the names for a few samples.
    return samples[names.get_indexer(samples) >= 0]


def _frame(matrix: Matrix | None, samples: pd.Index) -> pd.DataFrame | None:
    return None if matrix is None else matrix.frame(samples)


def _rows(table: pd.DataFrame | None, samples: pd.Index) -> pd.DataFrame | None:
    return None if table is None else table.loc[_in_order(table.index, samples)]


def _calls(calls: pd.DataFrame | None, samples: pd.Index) -> pd.DataFrame | None:
    if calls is None:
        return None
    order = samples.get_indexer(pd.Index(calls["sample_id"]))
    kept = calls.assign(order=order)[order >= 0]
    return kept.sort_values("order", kind="stable").drop(columns="order").reset_index(drop=True)
