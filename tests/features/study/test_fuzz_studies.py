"""Two thousand study folders with something wrong: each is scored, or ends in one sentence.

A folder is a small study with one change of a kind in `KINDS`, drawn by hypothesis with a fixed
seed, so that every run sees the same folders. All are read, their features built and their
response read; some of each kind go through the whole command. What must come of a change is known:

- `same`: every feature is as it was; `rest`: those of all samples but one are
- `refused`: one sentence names the file
- `either`: it is read, or refused in one sentence; `renamed`: if read, the features are as they
  were, under other names
"""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.errors import InputError
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.study import Study, read_study
from sidestep.main import main
from sidestep.models.predictor.storage import save_predictor

pytestmark = pytest.mark.slow

#: Of each kind, no two the same; 96 are 2,000 in all and take five minutes.
FOLDERS = int(os.environ.get("SIDESTEP_FUZZ_FOLDERS", "6"))
DRAWS = 5 * FOLDERS
WHOLE_COMMAND = 2  # of each kind that go through `sidestep score`

EXPRESSION, RPPA, COPIES = "data_mrna_seq_fpkm.txt", "data_rppa.txt", "data_log2_cna.txt"
RESPONSE, CALLS = "data_treatment_gi50.txt", "data_mutations.txt"
CLINICAL, PATIENTS = "data_clinical_sample.txt", "data_clinical_patient.txt"
MATRICES = {EXPRESSION: 2, RPPA: 1, COPIES: 2, RESPONSE: 2}  # and how many columns name the row
MODALITIES = (EXPRESSION, RPPA, COPIES)
TABLES = (*MATRICES, CALLS, CLINICAL, PATIENTS, "data_sv.txt")

NOT_NUMBERS = (
    "abc", "1,5", "1.2.3", "--", "True", "2-Sep", "#REF!", "1_000", "1 000", "0x1F", "1e", "½",
    "12/05/2020", "<3 x", "e5", ".", "+", "[1]", "=1+1", "١", "１", "1\u00a0000", "\u22121",
    "x" * 5000,
)  # fmt: skip
INFINITE = ("inf", "-inf", "Infinity", "-INF", "+inf", "1e999", "-1e400", "9" * 400)
HUGE = ("1e30", "-1e30", "123456789012345678901234567890", "5e-324", "1e-400", "0." + "0" * 400)
TOO_HUGE = ("1.01e30", "-1e31", "1e300", "-1e300", "1.7976931348623157e308", "9" * 300)
ODD_NAMES = (
    " ", "\u00a0", "NA", "#x", "ß", "½", "e\u0301", "\u202exyz", "=cmd()", "'", '"', "😀", "ﬃ", "-",
    "../x", "a,b", "x\u2028y", "x|y", "sim_0002_01", "İ", "٣", "0", "true", "n" * 400,
)  # fmt: skip
NAMES = st.sampled_from(ODD_NAMES) | st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters=":"), min_size=1, max_size=12
)

Files = dict[str, bytes | None]


@dataclass(frozen=True, repr=False)
class Change:
    """Files to replace (None: to remove), what must come of it, and the sample or file it is in."""

    files: Files
    effect: str
    where: str = ""

    @property
    def digest(self) -> str:
        return hashlib.sha256(repr(sorted(self.files.items())).encode()).hexdigest()

    def __repr__(self) -> str:
        return f"{self.effect} {self.where}: {', '.join(self.files)}"


class Grid:
    """A tab-separated file as rows of cells, the lines above its header apart."""

    def __init__(self, text: bytes) -> None:
        lines = text.decode().splitlines()
        start = next(i for i, line in enumerate(lines) if not line.startswith("#"))
        self.above, self.rows = lines[:start], [line.split("\t") for line in lines[start:]]

    def __bytes__(self) -> bytes:
        lines = [*self.above, *("\t".join(row) for row in self.rows)]
        return ("\n".join(lines) + "\n").encode()


@dataclass(frozen=True)
class Draw:
    """The study's files, and a source of choices."""

    files: Mapping[str, bytes]
    draw: Callable[..., object]

    def one_of(self, choices) -> str:
        return self.draw(st.sampled_from(list(choices)))

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def grid(self, names=TABLES) -> tuple[str, Grid]:
        name = self.one_of(names)
        return name, Grid(self.files[name])

    def shuffled(self, items) -> list:
        items = list(items)
        random.Random(self.number(0, 2**32)).shuffle(items)
        return items

    def some(self, names) -> list[str]:
        names = self.shuffled(names)
        return names[: self.number(1, len(names))]

    def cell(self) -> tuple[str, Grid, int, int]:
        """A number of a matrix that features are built from: file, grid, row and column."""
        name, grid = self.grid(MODALITIES)
        row = self.number(1, len(grid.rows) - 1)
        return name, grid, row, self.number(MATRICES[name], len(grid.rows[0]) - 1)


def dropped_column(d: Draw) -> Change:
    name, grid = d.grid()
    header = grid.rows[0]
    dropped = d.shuffled(range(len(header)))[: d.number(1, 3)]
    effect = "either"
    if len(dropped) == 1 and name in MODALITIES and dropped[0] >= MATRICES[name]:
        effect = "rest"
    where = header[dropped[0]] if effect == "rest" else ""
    kept = [at for at in range(len(header)) if at not in dropped]
    grid.rows = [[row[at] for at in kept] for row in grid.rows]
    return Change({name: bytes(grid)}, effect, where)


def mixed_types(d: Draw) -> Change:
    name, grid, row, column = d.cell()
    grid.rows[row][column] = d.one_of(NOT_NUMBERS)
    return Change({name: bytes(grid)}, "refused", name)


def infinite(d: Draw) -> Change:
    name, grid, row, column = d.cell()
    grid.rows[row][column] = d.one_of(INFINITE)
    return Change({name: bytes(grid)}, "refused", name)


def huge_numbers(d: Draw) -> Change:
    name, grid, row, column = d.cell()
    too_huge = d.number(0, 1)
    grid.rows[row][column] = d.one_of(TOO_HUGE if too_huge else HUGE)
    value = str(grid.rows[row][column])
    # No logarithm is that large, on either side; a response may be.
    refused = too_huge or (name != RESPONSE and abs(float(value)) > 10)
    effect = ("refused", name) if refused else ("rest", grid.rows[0][column])
    return Change({name: bytes(grid)}, *effect)


def no_value(d: Draw) -> Change:
    name, grid, row, column = d.cell()
    grid.rows[row][column] = d.one_of(("", "NA", " NaN ", "null", "n/a"))
    return Change({name: bytes(grid)}, "rest", grid.rows[0][column])


def byte_order_mark(d: Draw) -> Change:
    return Change({name: b"\xef\xbb\xbf" + d.files[name] for name in d.some(d.files)}, "same")


def line_ends(d: Draw) -> Change:
    end = d.one_of((b"\r\n", b"\r", b"\n\n", b"\r\n \r\n"))
    return Change({name: d.files[name].replace(b"\n", end) for name in d.some(d.files)}, "same")


def unicode_names(d: Draw) -> Change:
    name, grid = d.grid(MATRICES)
    new = d.draw(NAMES)
    if d.number(0, 2):  # a sample, in one file or in all
        old = d.one_of(grid.rows[0][MATRICES[name] :])
        everywhere = d.number(0, 1)
        return Change(
            {
                file: d.files[file].replace(old.encode(), new.encode())
                for file in (d.files if everywhere else [name])
            },
            "renamed" if everywhere else "either",
        )
    grid.rows[d.number(1, len(grid.rows) - 1)][0] = new
    return Change({name: bytes(grid)}, "either")


def duplicate_genes(d: Draw) -> Change:
    name, grid = d.grid(MODALITIES)
    again = list(d.draw(st.sampled_from(grid.rows[1:])))
    exact = d.number(0, 1)
    if not exact:
        again[d.number(MATRICES[name], len(again) - 1)] = "7.5"
    grid.rows.insert(d.number(1, len(grid.rows)), again)
    return Change({name: bytes(grid)}, "same" if exact else "either")


def transposed(d: Draw) -> Change:
    name, grid = d.grid(MATRICES)
    label = grid.rows[0][0]
    columns = [list(column) for column in zip(*grid.rows, strict=True)]
    if d.number(0, 1):
        del columns[1 : MATRICES[name]]
    columns[1:] = d.shuffled(columns[1:])
    columns[0][0] = d.one_of((label, label, label, "SAMPLE_ID", ""))
    grid.rows = columns
    return Change({name: bytes(grid)}, "refused", name)


def swapped(d: Draw) -> Change:
    """Two data files change places, or one stands in both, by content or by what meta files say."""
    one, other = d.shuffled([EXPRESSION, RPPA, COPIES, RESPONSE, CALLS, CLINICAL])[:2]
    both = d.number(0, 1)
    if d.number(0, 1):
        grid = Grid(d.files[other])
        grid.rows[1:] = d.shuffled(grid.rows[1:])
        return Change({one: bytes(grid)} | ({other: d.files[one]} if both else {}), "refused")
    metas = {name: f"meta_{name.removeprefix('data_')}" for name in (one, other)}
    renamed = {metas[one]: d.files[metas[one]].replace(one.encode(), other.encode())}
    if both:
        renamed[metas[other]] = d.files[metas[other]].replace(other.encode(), one.encode())
    return Change(dict(renamed), "refused")


def ragged(d: Draw) -> Change:
    name, grid = d.grid()
    row = grid.rows[d.number(1, len(grid.rows) - 1)]
    if d.number(0, 1):
        row.append("1")
    else:
        del row[d.number(0, len(row) - 1)]
    return Change({name: bytes(grid)}, "refused", name)


def repeated_column(d: Draw) -> Change:
    name, grid = d.grid()
    header = grid.rows[0]
    one, other = d.shuffled(range(len(header)))[:2]
    header[one] = header[other]
    return Change({name: bytes(grid)}, "refused", name)


def other_bytes(d: Draw) -> Change:
    name = d.one_of(sorted(d.files))
    at = d.number(0, len(d.files[name]))
    wrong = d.one_of((b"\0", b"\xff", b"\xed\xa0\x80", b"\xc3"))
    return Change({name: d.files[name][:at] + wrong + d.files[name][at:]}, "refused", name)


def damaged(d: Draw) -> Change:
    name = d.one_of(sorted(d.files))
    content = bytearray(d.files[name])
    for _ in range(d.number(1, 8)):
        content[d.number(0, len(content) - 1)] = d.number(9, 126)
    return Change({name: bytes(content)}, "either")


def cut_short(d: Draw) -> Change:
    name = d.one_of(sorted(d.files))
    return Change({name: d.files[name][: d.number(1, len(d.files[name]) - 1)]}, "either")


def missing_file(d: Draw) -> Change:
    some = d.shuffled(d.files)[: d.number(1, 3)]
    lacking = [name for name in some if name in TABLES]
    told = any(f"meta_{name.removeprefix('data_')}" not in some for name in lacking)
    return Change(dict.fromkeys(some), "refused" if told else "either")


def meta_line(d: Draw) -> Change:
    name = d.one_of(sorted(name for name in d.files if name.startswith("meta_")))
    lines = d.files[name].decode().splitlines()
    at = d.number(0, len(lines) - 1)
    key, _, value = lines[at].partition(":")
    garbled = ("", f"{key}:", key, f"{value}:{key}", f"{key}: {d.draw(NAMES)}", lines[at] * 2)
    lines[at] = d.one_of(garbled)
    return Change({name: "\n".join(lines).encode()}, "either")


def emptied(d: Draw) -> Change:
    name = d.one_of((*TABLES, *(name for name in d.files if name.startswith("meta_"))))
    left = "".join(d.draw(st.lists(st.sampled_from(["", " ", "\n", "\r\n", "\n#", "\n#x\ty"]))))
    return Change({name: left.encode()}, "refused", name)


def shuffled(d: Draw) -> Change:
    name, grid = d.grid()
    header, *rows = grid.rows
    order = d.shuffled(range(len(header)))
    grid.rows = [[row[at] for at in order] for row in (header, *d.shuffled(rows))]
    return Change({name: bytes(grid)}, "same")


def packed(d: Draw) -> Change:
    name = d.one_of(TABLES)
    content = gzip.compress(d.files[name], mtime=0)
    cut = d.number(0, 1) * d.number(1, len(content) - 1)
    kept = content[:-cut] if cut else content
    return Change({name: None, f"{name}.gz": kept}, "refused" if cut else "same", name)


KINDS: dict[str, Callable[[Draw], Change]] = {
    make.__name__: make
    for make in (
        dropped_column, mixed_types, infinite, huge_numbers, no_value, byte_order_mark, line_ends,
        unicode_names, duplicate_genes, transposed, swapped, ragged, repeated_column, other_bytes,
        damaged, cut_short, missing_file, meta_line, emptied, shuffled, packed,
    )
}  # fmt: skip


@st.composite
def changes(draw, kind: str, files: Mapping[str, bytes]) -> Change:
    return KINDS[kind](Draw(files, draw))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight simulated tumours with every kind of file that is read."""
    folder = tmp_path_factory.mktemp("fuzz") / "study"
    simulate_study(folder, SimulationPlan(kind="cohort", lines=8, genes=120))
    names = pd.read_csv(folder / CLINICAL, sep="\t", comment="#")
    samples = list(names["SAMPLE_ID"])
    patients = "".join(f"{patient}\t{40 + at}\n" for at, patient in enumerate(names["PATIENT_ID"]))
    written = {
        "meta_treatment_gi50.txt": "genetic_alteration_type: GENERIC_ASSAY\n"
        "generic_assay_type: TREATMENT_RESPONSE\ndatatype: LIMIT-VALUE\nstable_id: gi50\n"
        f"value_sort_order: DESC\ndata_filename: {RESPONSE}\n",
        RESPONSE: "\t".join(["ENTITY_STABLE_ID", "NAME", *samples])
        + "".join(
            f"\n{drug}\t{drug}" + "".join(f"\t{5 + at / 10}" for at in range(len(samples)))
            for drug in ("Lapatinib", "Erlotinib", "Trametinib", "Alpelisib")
        ),
        "meta_clinical_patient.txt": "genetic_alteration_type: CLINICAL\n"
        "datatype: PATIENT_ATTRIBUTES\ndata_filename: data_clinical_patient.txt\n",
        PATIENTS: f"PATIENT_ID\tAGE\n{patients}",
        "meta_sv.txt": "genetic_alteration_type: STRUCTURAL_VARIANT\ndatatype: SV\n"
        "stable_id: sv\ndata_filename: data_sv.txt\n",
        "data_sv.txt": "Sample_Id\tSite1_Hugo_Symbol\tSite2_Hugo_Symbol\n"
        f"{samples[0]}\tTCF3\tPBX1\n",
    }
    for name, text in written.items():
        (folder / name).write_text(text)
    return folder


class Fuzz:
    """The study folder, changed and put back, and what is right about it unchanged."""

    def __init__(self, folder: Path, joiner: FeatureJoiner) -> None:
        self.folder, self.joiner = folder, joiner
        read = [*folder.glob("*.txt"), folder / "case_lists" / "cases_sequenced.txt"]
        self.files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(read)}
        self.right = joiner.transform(read_study(folder))

    def put(self, files: Files) -> None:
        for name, content in files.items():
            if content is None:
                (self.folder / name).unlink(missing_ok=True)
            else:
                (self.folder / name).write_bytes(content)

    def put_back(self, files: Files) -> None:
        self.put({name: self.files.get(name) for name in files})

    def outcome(self) -> pd.DataFrame | str:
        """The features, or the sentence with which the study was refused."""
        try:
            study = read_study(self.folder)
            if study.response_files:
                study.response(next(iter(study.response_files)))
            return self.features(study)
        except InputError as error:
            return str(error)

    def features(self, study: Study) -> pd.DataFrame:
        features = self.joiner.transform(study)
        assert list(features.index) == list(study.samples)
        assert study.samples.is_unique
        assert list(features.columns) == list(self.right.columns)
        return features

    def judge(self, change: Change, outcome: pd.DataFrame | str) -> None:
        if isinstance(outcome, str):
            assert change.effect in ("refused", "either", "renamed"), outcome
            assert re.fullmatch(r"[^\n]{20,1000}[.?]", outcome), outcome
            assert change.where in outcome
            return
        assert change.effect != "refused", "read without a complaint"
        if change.effect == "renamed":
            assert np.array_equal(outcome.to_numpy(), self.right.to_numpy(), equal_nan=True)
        if change.effect in ("same", "rest"):
            others = self.right.index.drop(change.where if change.effect == "rest" else [])
            assert set(outcome.index) == set(self.right.index)
            found, right = outcome.loc[others].to_numpy(), self.right.loc[others].to_numpy()
            assert np.array_equal(found, right, equal_nan=True)


@pytest.fixture(scope="module")
def fuzz(study: Path) -> Fuzz:
    return Fuzz(study, FeatureJoiner().fit(read_study(study)))


Scored = Callable[[], tuple[int, str, pd.DataFrame]]


@pytest.fixture(scope="module")
def model(fit_predictor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small model of one drug."""
    folder = tmp_path_factory.mktemp("fuzz_model")
    simulate_study(folder / "train", SimulationPlan(lines=40, genes=120, missing=0.2))
    predictor = fit_predictor(read_study(folder / "train"), "gi50", ["Lapatinib"])
    save_predictor(predictor, folder / "model")
    return folder / "model"


@pytest.fixture
def scored(study: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Scored:
    """Score the folder as it is: exit code, standard error, and scores."""

    def score() -> tuple[int, str, pd.DataFrame]:
        capsys.readouterr()
        words = ["score", study, "--model", model, "--out", tmp_path / "out", "--quiet"]
        code = main([str(word) for word in words])
        written = pd.read_parquet(tmp_path / "out" / "scores.parquet") if code == 0 else None
        return code, capsys.readouterr().err, pd.DataFrame(written)

    return score


def judge_scores(outcome: pd.DataFrame | str, code: int, stderr: str, scores: pd.DataFrame) -> None:
    """The whole command says what reading said, or gives finite predictions."""
    assert "Traceback" not in stderr
    assert code in (0, 2), stderr
    if code == 0:
        assert isinstance(outcome, pd.DataFrame) or "response" in outcome
        assert len(scores)
        assert np.isfinite(scores["prediction"]).all()
        return
    assert re.fullmatch(r"(sidestep: note: [^\n]+\n)*sidestep: error: [^\n]+\n", stderr), stderr
    if isinstance(outcome, pd.DataFrame):
        assert "no sample of study" in stderr


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_wrong_with_a_study_it_is_scored_or_ends_in_a_sentence(
    kind: str, fuzz: Fuzz, scored: Scored
) -> None:
    seen: set[str] = set()

    @settings(
        max_examples=DRAWS,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(changes(kind, fuzz.files))
    def try_folder(change: Change) -> None:
        if change.digest in seen or len(seen) == FOLDERS:
            return
        fuzz.put(change.files)
        try:
            outcome = fuzz.outcome()
            fuzz.judge(change, outcome)
            if len(seen) < WHOLE_COMMAND:
                judge_scores(outcome, *scored())
        finally:
            fuzz.put_back(change.files)
        seen.add(change.digest)

    try_folder()
    assert len(seen) == FOLDERS
