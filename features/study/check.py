"""The check of a study folder: what it holds, and what is wrong with it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sidestep.features.errors import InputError, Problem, StudyError
from sidestep.features.knowledge.study_signatures import find_signature
from sidestep.features.study.reader import StudyReader
from sidestep.features.study.responses import read_values
from sidestep.features.study.study import Study, assemble

_WIDTH = 100
_DIRECTIONS = {True: "high is resistant", False: "high is sensitive", None: "NO DIRECTION"}


@dataclass(frozen=True, repr=False)
class StudyCheck:
    """What `check_study` found.

    Attributes
    ----------
    path : pathlib.Path
        Study folder.
    study : Study or None
        What could be read; None where there is no study at all.
    tested : mapping of str to pandas.DataFrame
        stable_id -> samples x drugs of each response that could be read.
    problems : tuple of Problem
        Errors, then warnings, then notes.
    """

    path: Path
    study: Study | None
    tested: Mapping[str, pd.DataFrame]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What cannot be used as it is."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What was used, but should be looked at."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    def modalities(self) -> pd.DataFrame:
        """Modality -> `samples`, `features`, and `what` the features are."""
        if self.study is None:
            return pd.DataFrame(columns=["samples", "features", "what"])
        profiled = self.study.profiled()
        rows = [(name, len(profiled[name]), *_content(self.study, name)) for name in profiled]
        return pd.DataFrame(rows, columns=["modality", "samples", "features", "what"]).set_index(
            "modality"
        )

    def overlaps(self) -> pd.DataFrame:
        """Samples that each two modalities or responses share; the diagonal counts each."""
        groups: dict[str, pd.Index] = {} if self.study is None else self.study.profiled()
        groups |= {name: values.index for name, values in self.tested.items()}
        return pd.DataFrame(
            {a: {b: len(one.intersection(other)) for b, other in groups.items()}
             for a, one in groups.items()},
            dtype=int,
        )  # fmt: skip

    def responses(self) -> pd.DataFrame:
        """stable_id -> `metric, drugs, lines, values, direction, unit`."""
        rows = [
            (
                name,
                self.study.response_files[name].metric,
                values.shape[1],
                values.shape[0],
                int(values.notna().sum().sum()),
                _DIRECTIONS[self.study.response_files[name].higher_is_resistant],
                self.study.response_files[name].unit,
            )
            for name, values in self.tested.items()
            if self.study is not None
        ]
        columns = ["response", "metric", "drugs", "lines", "values", "direction", "unit"]
        return pd.DataFrame(rows, columns=columns).set_index("response")

    def lines(self) -> list[str]:
        """The findings as plain text for a terminal."""
        return [
            *self._title(),
            *_section("What was read", self.modalities()),
            *self._account(),
            *_section("Drug responses", self.responses().drop(columns="unit")),
            *self._units(),
            *_section("Samples in common", _numbered(self.overlaps())),
            *self._findings(),
        ]

    def __repr__(self) -> str:
        """The same, as one text."""
        return "\n".join(self.lines())

    def _title(self) -> list[str]:
        if self.study is None:
            return [f"No study could be read at {self.path}"]
        study = self.study
        head = [
            f"Study {study.study_id}: {study.name}",
            f"{len(study.samples):,} samples of {study.donors.nunique():,} donors in {self.path}",
        ]
        return [*head, "SIMULATED DATA"] if study.simulated else head

    def _account(self) -> list[str]:
        """What was understood of each file."""
        if self.study is None or not self.study.account:
            return []
        lines = [line for file in self.study.account for line in file.lines()]
        return ["", "What was understood", *(f"  {line}" for line in lines)]

    def _units(self) -> list[str]:
        return [f"  {name}: {unit}" for name, unit in self.responses()["unit"].items()]

    def _findings(self) -> list[str]:
        counts = dict.fromkeys(("error", "warning", "note"), 0)
        for problem in self.problems:
            counts[problem.severity] += 1
        summary = ", ".join(f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in counts.items())
        found = [
            line
            for problem in self.problems
            for line in textwrap.wrap(
                f"{problem.severity:<8} {problem.message}",
                width=_WIDTH,
                initial_indent="  ",
                subsequent_indent=" " * 11,
                break_on_hyphens=False,
                break_long_words=False,
            )
        ]
        return ["", f"Findings: {summary}", *found]


def check_study(path: str | Path, profiles: Mapping[str, str] | None = None) -> StudyCheck:
    """Read a study folder to its end, whatever is wrong with it.

    Parameters
    ----------
    path : path
        Folder with ``meta_*.txt`` files.
    profiles : mapping of str to str, optional
        Profiles to read, as `study.study.read_study` takes them.

    Returns
    -------
    StudyCheck
        What was read, and every problem; it prints as `sidestep check` does.

    Notes
    -----
    Every part is read as `study.study.read_study` reads it, and every response's values too;
    what fails is noted and the rest goes on. It raises nothing for the study's content.
    """
    reader = StudyReader(Path(path), profiles=profiles)
    errors = _run(reader)
    study = assemble(reader) if reader.digests else None
    tested: dict[str, pd.DataFrame] = {}
    for name, file in reader.responses.items():
        try:
            tested[name] = read_values(file, reader.findings)
        except InputError as error:
            errors += _problems(error)
    order = ("error", "warning", "note")
    found = sorted([*errors, *reader.findings], key=lambda problem: order.index(problem.severity))
    return StudyCheck(Path(path), study, tested, tuple(dict.fromkeys(found)))


def _run(reader: StudyReader) -> list[Problem]:
    errors: list[Problem] = []
    steps = reader.steps()
    while True:
        try:
            step = next(steps, None)  # a generator that raised is at its end: None comes next
            if step is None:
                return errors
            step()
        except InputError as error:
            errors += _problems(error)


def _problems(error: InputError) -> Sequence[Problem]:
    if isinstance(error, StudyError):
        return error.problems
    return [Problem("error", "", "", "", str(error))]


def _content(study: Study, modality: str) -> tuple[int, str]:
    """Number of features of a modality, and what they are."""
    if modality == "expression" and study.expression is not None:
        return study.expression.shape[1], f"genes, {study.expression_kind}"
    if modality == "rppa" and study.rppa is not None:
        phospho = int(study.antibodies["site"].str.startswith("p").sum())
        return study.rppa.shape[1], f"antibodies, {phospho} of them phosphosites"
    if modality == "mutation" and study.mutations is not None:
        genes, panels = study.mutations["gene"].nunique(), study.panel_of.nunique()
        return genes, f"genes with {len(study.mutations):,} calls, {panels} gene panel(s)"
    if modality == "copy_number" and study.copy_number is not None:
        return study.copy_number.shape[1], f"genes, {study.copy_number_kind}"
    if modality == "signature" and study.signatures is not None:
        known = sum(find_signature(name) is not None for name in study.signatures.columns)
        return study.signatures.shape[1], f"expression signatures, {known} of them known by name"
    return study.clinical.shape[1], "attributes"


def _numbered(overlaps: pd.DataFrame) -> pd.DataFrame:
    """The same counts with rows numbered, and columns known by these numbers: it stays narrow."""
    numbers = [str(number) for number in range(1, len(overlaps) + 1)]
    names = [f"{n:>2} {name}" for n, name in zip(numbers, overlaps.index, strict=True)]
    return overlaps.set_axis(names).set_axis(numbers, axis=1)


def _section(title: str, table: pd.DataFrame) -> list[str]:
    """A table as aligned text: numbers to the right, words to the left."""
    if table.empty:
        return []
    cells = [["", *map(str, table.columns)]]
    cells += [
        [str(name), *(f"{v:,}" if isinstance(v, int) else str(v) for v in row)]
        for name, row in zip(table.index, table.astype(object).to_numpy().tolist(), strict=True)
    ]
    numeric = [False, *(pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(numeric))]
    text = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        for row in cells
    ]
    return ["", title, *(f"  {line.rstrip()}" for line in text)]
