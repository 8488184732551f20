"""A study in memory: all that is known about its samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import pandas as pd

from sidestep.features.errors import InputError, Problem, some
from sidestep.features.files.by_sample import calls_of, in_order, rows_of
from sidestep.features.files.matrix import Matrix
from sidestep.features.study.filters import Attributes, choose, parse_filters
from sidestep.features.study.frames import FrameReader
from sidestep.features.study.reader import StudyReader
from sidestep.features.study.responses import (
    Response,
    ResponseFile,
    choose_response,
    clinical_response,
    fitting_responses,
    held_in_memory,
    read_response,
)
from sidestep.features.study.summary import as_html, as_text
from sidestep.features.vocabulary.account import FileAccount

#: Identifier of a study that was made of frames and was given none.
FRAMES = "frames"


@dataclass(frozen=True, repr=False)
class Study:
    """A study in memory: each modality as a samples x features table, or None where absent.

    `read_study` makes one of a folder, `Study.from_frames` of data frames.

    Attributes
    ----------
    path : pathlib.Path or None
        Study folder; None for a study that was made in memory.
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
    grades : mapping of str to mapping
        HER2 attribute -> what its bare 0, 1, 2 and 3 say (`knowledge.statuses.grade_meaning`).
    account : tuple of FileAccount
        What was understood of each file, and what was not.
    profiles : mapping of str to str
        Kind of data -> stable_id, for the profiles that were chosen by hand.
    rppa_kind : str
        ``"log2"`` or ``"z-score"``.
    failed : mapping of str to str
        Sample that must not be scored -> why.
    signatures : pandas.DataFrame or None
        Profiled samples x signatures of gene expression (`ENTITY_STABLE_ID`).
    signatures_kind : str
        ``"z-score"`` (standard deviations of the cohort) or ``"score"`` (as they are given).
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
    grades: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    account: tuple[FileAccount, ...] = ()
    profiles: Mapping[str, str] = field(default_factory=dict)
    rppa_kind: str = "log2"
    failed: Mapping[str, str] = field(default_factory=dict)
    signatures: pd.DataFrame | None = None
    signatures_kind: str = "score"

    @classmethod
    def from_frames(
        cls,
        *,
        expression: pd.DataFrame | None = None,
        rppa: pd.DataFrame | None = None,
        mutations: pd.DataFrame | None = None,
        copy_number: pd.DataFrame | None = None,
        clinical: pd.DataFrame | None = None,
        responses: pd.DataFrame | None = None,
        fusions: pd.DataFrame | None = None,
        signatures: pd.DataFrame | None = None,
        sequenced: Sequence[str] | None = None,
        metric: str = "response",
        unit: str = "",
        higher_is_resistant: bool | None = None,
        expression_kind: str = "continuous",
        copy_number_kind: str = "log2",
        signatures_kind: str = "score",
        study_id: str = FRAMES,
        name: str = "",
        simulated: bool = False,
    ) -> Self:
        """Make a study of data frames, checked as files are; any of them may be left out.

        Sample names are matched over the frames without regard to case and punctuation, as over
        the files of a folder. A sample without any value in a frame counts as not profiled there.

        Parameters
        ----------
        expression : DataFrame of shape (n_samples, n_genes), optional
            log2 expression; the index names samples, the columns Hugo symbols. NaN where missing;
            columns of one symbol are averaged. Here and below.
        rppa : DataFrame of shape (n_samples, n_antibodies), optional
            Protein levels (log2), columns such as ``HER2_pY1248`` or ``ERBB2|HER2_pY1248``.
        mutations : DataFrame, optional
            One call a row, with the columns of a MAF: ``Hugo_Symbol``, ``Tumor_Sample_Barcode``,
            ``Variant_Classification``, and ``HGVSp_Short`` for hotspots.
        copy_number : DataFrame of shape (n_samples, n_genes), optional
            log2 ratios, or calls from -2 to 2 (`copy_number_kind`).
        clinical : DataFrame of shape (n_samples, n_attributes), optional
            Attributes, such as ``SUBTYPE``; the index, or a column ``SAMPLE_ID``, names samples.
            ``PATIENT_ID`` is the donor: samples of one donor stay in one fold.
        responses : DataFrame of shape (n_lines, n_drugs), optional
            Drug responses; needs `higher_is_resistant`.
        fusions : DataFrame, optional
            One variant a row: ``Sample_Id``, ``Site1_Hugo_Symbol``, ``Site2_Hugo_Symbol``.
        signatures : DataFrame of shape (n_samples, n_signatures), optional
            Scores of expression signatures, such as ``Mod7_ERBB2``, on a scale of their own.
        sequenced : sequence of str, optional
            Samples whose mutations were tested, so that 'not mutated' and 'not sequenced' differ;
            by default those with a call.
        metric, unit : str
            What the responses are, such as ``"gi50"`` and ``"-log10 molar"``.
        higher_is_resistant : bool, optional
            Whether a higher response means a more resistant line.
        expression_kind : {"continuous", "z-score"}
        copy_number_kind : {"log2", "discrete"}
        signatures_kind : {"score", "z-score"}
        study_id, name : str
            How the study is called in results; `name` is `study_id` by default.
        simulated : bool
            Whether the data are made up, which every result then says.

        Raises
        ------
        InputError
            If no frame is given, or one is empty, lies on its side, has a sample twice, or a cell
            that is no number; or if responses have no direction.

        Examples
        --------
        >>> import pandas as pd
        >>> from sidestep import Study
        >>> levels = pd.DataFrame({"ERBB2": [9.1, 4.2], "EGFR": [3.0, 5.5]}, index=["A", "B"])
        >>> calls = pd.DataFrame(
        ...     [["PIK3CA", "B", "Missense_Mutation", "p.H1047R"]],
        ...     columns=[
        ...         "Hugo_Symbol", "Tumor_Sample_Barcode", "Variant_Classification", "HGVSp_Short"
        ...     ],
        ... )
        >>> Study.from_frames(expression=levels, mutations=calls, sequenced=["A", "B"])
        Study frames: 2 samples of 2 donors
          expression   2 samples, 2 genes
          mutation     2 samples, 1 call
        """
        given = {
            "expression": expression,
            "rppa": rppa,
            "mutations": mutations,
            "copy_number": copy_number,
            "clinical": clinical,
            "fusions": fusions,
            "signatures": signatures,
        }
        frames = {what: frame for what, frame in given.items() if frame is not None}
        if not frames:
            raise InputError(f"a study needs data; give at least one of {', '.join(given)}")
        _require_known("expression_kind", expression_kind, _EXPRESSION_KINDS)
        _require_known("copy_number_kind", copy_number_kind, _COPY_NUMBER_KINDS)
        _require_known("signatures_kind", signatures_kind, _SIGNATURES_KINDS)
        info = {
            "cancer_study_identifier": study_id,
            "name": name,
            "simulated": str(simulated).lower(),
        }
        datatypes = {
            "MRNA_EXPRESSION": _EXPRESSION_KINDS[expression_kind],
            "COPY_NUMBER_ALTERATION": _COPY_NUMBER_KINDS[copy_number_kind],
            "GENERIC_ASSAY": _SIGNATURES_KINDS[signatures_kind],
        }
        reader = FrameReader(frames, datatypes, sequenced, info)
        for step in reader.steps():
            step()
        if responses is not None:
            reader.take_response(responses, metric, unit, higher_is_resistant)
        return cls(**vars(assemble(reader)) | {"path": None})

    def __repr__(self) -> str:
        """What the study holds, a line a modality and response."""
        return as_text(self)

    def _repr_html_(self) -> str:
        """The same as a small table, for notebooks."""
        return as_html(self)

    def select(self, samples: Sequence[str]) -> Study:
        """The study restricted to some samples, in that order, in every modality.

        All of them, as they stand, are the study itself.

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
        if wanted.equals(self.samples):
            return self
        sequenced = None if self.sequenced is None else in_order(self.sequenced, wanted)
        return replace(
            self,
            samples=wanted,
            donors=self.donors.loc[wanted],
            clinical=self.clinical.loc[wanted],
            expression=rows_of(self.expression, wanted),
            rppa=rows_of(self.rppa, wanted),
            mutations=calls_of(self.mutations, wanted),
            sequenced=sequenced,
            panel_of=self.panel_of.loc[in_order(self.panel_of.index, wanted)],
            copy_number=rows_of(self.copy_number, wanted),
            fusions=calls_of(self.fusions, wanted),
            signatures=rows_of(self.signatures, wanted),
            failed={name: self.failed[name] for name in wanted if name in self.failed},
        )

    def where(self, *filters: str) -> Study:
        """The study restricted to the samples that meet all filters on clinical attributes.

        Parameters
        ----------
        *filters : str
            Such as ``"HER2_STATUS=Positive"``, ``"STAGE!=IV"``, ``"PAM50=LumA,LumB"`` or
            ``"AGE<50"``; ``NA`` stands for no value. Samples of which nothing is known meet
            neither ``=`` nor ``!=``. What Sidestep derives itself (``her2``, ``lineage``) takes
            the whole study: give it to `sidestep.score` as `where`.

        Raises
        ------
        InputError
            If there is no such attribute or value, or no sample is left.

        Examples
        --------
        >>> import sidestep
        >>> study = sidestep.simulate(kind="cohort", lines=20, genes=150)
        >>> part = study.where("SUBTYPE=HER2-enriched")
        >>> set(part.clinical["SUBTYPE"])
        {'HER2-enriched'}
        """
        known = Attributes(self.clinical, f"study {self.study_id}")
        return self.select(list(choose(known, parse_filters(filters)).samples))

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
        if self.signatures is not None:
            found["signature"] = self.signatures.index
        if self.clinical.shape[1]:
            found["clinical"] = self.samples[self.clinical.notna().any(axis=1).to_numpy()]
        return found

    def detached(self) -> Study:
        """The study without its folder, which may then go: responses are read into memory, too."""
        files = {name: held_in_memory(file) for name, file in self.response_files.items()}
        return replace(self, path=None, response_files=files)

    def response(self, name: str, responders: Sequence[str] = ()) -> Response:
        """Drug response by stable_id, file metric (``gi50``), or an unambiguous part of either.

        Parameters
        ----------
        name : str
            Of a response file; or of a clinical attribute, such as ``PCR``, where `responders` are
            given or no file fits.
        responders : sequence of str
            Words of the attribute that mean response, such as ``pCR``.

        Raises
        ------
        InputError
            If none or several fit, if it has no direction, if its file is broken, or if the words
            of the attribute cannot be grouped.
        """
        if responders or not fitting_responses(name, self.response_files):
            found = clinical_response(self.clinical, name, responders)
            if found is not None:
                return found
        if responders:
            raise InputError(
                f"study {self.study_id} has no clinical attribute {name}, whose words --responder "
                f"could tell; it has {some([str(c) for c in self.clinical.columns]) or 'none'}"
            )
        return read_response(choose_response(name, self.response_files), list(self.samples))


_EXPRESSION_KINDS = {"continuous": "CONTINUOUS", "z-score": "Z-SCORE"}
_COPY_NUMBER_KINDS = {"log2": "LOG2-VALUE", "discrete": "DISCRETE"}
_SIGNATURES_KINDS = {"score": "LIMIT-VALUE", "z-score": "Z-SCORE"}


def _require_known(parameter: str, value: str, known: Mapping[str, str]) -> None:
    if value not in known:
        raise InputError(f"{parameter} is {value!r}; give one of {', '.join(known)}")


def read_study(path: str | Path, profiles: Mapping[str, str] | None = None) -> Study:
    """Read a cBioPortal staging folder.

    Parameters
    ----------
    path : path
        Folder with ``meta_*.txt`` files, which name its data files, plain or gzipped.
    profiles : mapping of str to str, optional
        Modality -> `stable_id` of the profile to read of it, such as ``{"expression":
        "rna_seq_mrna"}``; by default RNA-seq before microarray, levels before z-scores.

    Returns
    -------
    Study
        All of it, in memory.

    Raises
    ------
    InputError
        At the first thing that cannot be read; the message names file, row, column and the fix.

    Examples
    --------
    >>> import sidestep
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     made = sidestep.simulate(f"{folder}/study", lines=20, genes=120)
    ...     read = sidestep.read_study(f"{folder}/study")
    >>> len(read.samples)
    20
    """
    reader = StudyReader(Path(path), profiles=profiles)
    for step in reader.steps():
        step()
    return assemble(reader)


def assemble(reader: StudyReader, *, held: bool = True) -> Study:
    """The study that a reader's parts make up, every table in the order of the samples.

    With `held` False, matrices, mutations and fusions are left out: they stay with the reader.
    Otherwise it lets go of each matrix that became a table.
    """
    clinical, donors = reader.finished_clinical()
    samples = clinical.index
    protein = reader.protein
    sequenced = None
    if reader.sequenced is not None:
        sequenced = in_order(pd.Index(reader.sequenced, dtype="str", name="sample_id"), samples)
    panel_of = pd.Series(
        [] if sequenced is None else [reader.panel_of.get(sample) for sample in sequenced],
        index=pd.Index([], dtype="str", name="sample_id") if sequenced is None else sequenced,
        dtype="str",
        name="panel",
    )
    study_id = reader.info.get("cancer_study_identifier") or reader.folder.resolve().name
    return Study(
        path=reader.folder,
        study_id=study_id,
        name=reader.info.get("name") or study_id,
        simulated=reader.info.get("simulated", "").casefold() in ("true", "yes", "1"),
        samples=samples,
        donors=donors,
        clinical=clinical,
        expression=_let_go(reader, "expression", samples) if held else None,
        expression_kind=reader.kinds.get("MRNA_EXPRESSION", "continuous"),
        rppa=_frame(protein.values if held and protein else None, samples),
        antibodies=_no_antibodies() if protein is None else protein.antibodies,
        mutations=calls_of(reader.calls.calls if held and reader.calls else None, samples),
        sequenced=sequenced,
        panels=reader.panels,
        panel_of=panel_of,
        copy_number=_let_go(reader, "copy_number", samples) if held else None,
        copy_number_kind=reader.kinds.get("COPY_NUMBER_ALTERATION", "log2"),
        fusions=calls_of(reader.fusions if held else None, samples),
        entrez=reader.entrez,
        response_files=reader.responses,
        problems=tuple(reader.findings),
        digests=reader.digests,
        account=reader.account.files(),
        profiles=reader.wanted,
        rppa_kind=reader.kinds.get("PROTEIN_LEVEL", "log2"),
        failed=reader.failed,
        signatures=_in_order(reader.signatures, samples),
        signatures_kind=reader.kinds.get("GENERIC_ASSAY", "score"),
        grades=reader.grades,
    )


def _no_antibodies() -> pd.DataFrame:
    return pd.DataFrame(
        {"genes": [], "gene": [], "site": [], "source": [], "caution": []},
        index=pd.Index([], dtype="str", name="canonical"),
    ).astype({"caution": bool})


def _in_order(table: pd.DataFrame | None, samples: pd.Index) -> pd.DataFrame | None:
    """A table in the order of the samples, in the form that matrices have."""
    if table is None:
        return None
    return table.loc[in_order(table.index, samples)].rename_axis(index="sample_id")


def _frame(matrix: Matrix | None, samples: pd.Index) -> pd.DataFrame | None:
    return None if matrix is None else matrix.frame(samples)


def _let_go(reader: StudyReader, name: str, samples: pd.Index) -> pd.DataFrame | None:
    """Table of one of a reader's large matrices, which it keeps no longer."""
    matrix: Matrix | None = getattr(reader, name)
    setattr(reader, name, None)
    return _frame(matrix, samples)
