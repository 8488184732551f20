"""A study read from disk is the study read into memory: its samples, its findings, its errors."""

from __future__ import annotations

import gzip
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidestep.features.errors import InputError, StudyError
from sidestep.features.files import rows as matrix_rows
from sidestep.features.files.large_tables import open_table
from sidestep.features.files.limits import HELD_MIB
from sidestep.features.files.store import MatrixStore
from sidestep.features.simulation.simulate import simulate
from sidestep.features.study.on_disk import StoredStudy, open_study
from sidestep.features.study.study import Study, read_study

MATRICES = ("expression", "rppa", "copy_number")


@pytest.fixture(autouse=True)
def nothing_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every matrix goes to disk, in blocks of a line or a few."""
    monkeypatch.setenv(HELD_MIB, "0.0001")


@pytest.fixture
def store(tmp_path: Path) -> MatrixStore:
    return MatrixStore(tmp_path / "matrices")


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Study folders breast_sim, pancan_sim and cohort_sim."""
    folder = tmp_path_factory.mktemp("simulated")
    simulate(folder, lines=40, genes=160, pancan_lines=40, cohort_samples=24)
    return folder


def assert_same(one: Study, other: Study) -> None:
    """Everything that is known of the samples is the same, to the bit."""
    for name in (*MATRICES, "clinical", "mutations", "fusions", "antibodies"):
        first, second = getattr(one, name), getattr(other, name)
        assert (first is None) == (second is None), name
        if first is not None:
            pd.testing.assert_frame_equal(first, second, check_exact=True, obj=name)
    for name in ("donors", "panel_of", "entrez"):
        pd.testing.assert_series_equal(getattr(one, name), getattr(other, name), obj=name)
    for name in ("samples", "sequenced"):
        first, second = getattr(one, name), getattr(other, name)
        assert (first is None) == (second is None), name
        if first is not None:
            pd.testing.assert_index_equal(first, second, obj=name)
    for name in ("study_id", "name", "simulated", "problems", "digests", "panels", "account"):
        assert getattr(one, name) == getattr(other, name), name


def both(folder: Path, store: MatrixStore) -> tuple[Study, StoredStudy]:
    """The study in memory, and the study on disk."""
    stored = open_study(folder, store)
    assert isinstance(stored, StoredStudy)
    return read_study(folder), stored


@pytest.mark.slow_but_first
@pytest.mark.parametrize("study", ["breast_sim", "pancan_sim", "cohort_sim"])
def test_any_samples_are_the_same_from_disk(
    simulated: Path, store: MatrixStore, study: str
) -> None:
    held, stored = both(simulated / study, store)
    samples = list(held.samples)
    shuffled = list(np.random.default_rng(0).permutation(samples))
    for chosen in (samples, shuffled, samples[3:9], samples[::3], samples[-1:], []):
        assert_same(stored.select(chosen), held.select(chosen))


def test_the_small_study_of_all_kinds_of_files(
    make_study: Callable[..., Path], store: MatrixStore
) -> None:
    held, stored = both(make_study(), store)
    assert_same(stored.select(held.samples), held)
    # Names are in memory once, however many matrices there are.
    matrices = [getattr(stored, name) for name in MATRICES]
    assert all(matrix.samples is stored.samples for matrix in matrices)


def test_a_part_is_read_by_the_process_that_it_is_sent_to(
    make_study: Callable[..., Path], store: MatrixStore
) -> None:
    held, stored = both(make_study(), store)
    samples = list(held.samples)[::-2]
    part = pickle.loads(pickle.dumps(stored.portable_part(samples)))
    assert isinstance(part, StoredStudy)
    assert all(getattr(part.small, name) is None for name in MATRICES)
    assert list(part.samples) == samples
    assert_same(part.select(samples), held.select(samples))
    assert_same(part.select(samples[:1]), held.select(samples[:1]))


# What makes reading hard: one change each to the study of four samples.
CHANGES = {
    "repeated genes far apart": ("data_expression.txt", "+ERBB2\t2064\t3\t1\t2\tNA\n"),
    "repeated antibodies": ("data_rppa.txt", "+ERBB2|HER2-M-V\t1\t\n"),
    "genes by number alone": ("data_expression.txt", "+\t7157\t1\t2\t3\tNA\n+NA\t99\t1\t1\t1\t1\n"),
    "genes without a name": ("data_expression.txt", "+NA\tNA\t1\t2\t3\tNA\n"),
    "names in another case": ("data_expression.txt", "SKBR3>skbr-3"),
    "new samples": ("data_expression.txt", "AU565>NEW1"),
    "an annotation": ("data_expression.txt", "Entrez_Gene_Id>Cytoband"),
    "windows": ("data_expression.txt", "\n>\r\n"),
    "old macintosh": ("data_rppa.txt", "\n>\r"),
    "byte order mark": ("data_expression.txt", "Hugo_Symbol>\ufeffHugo_Symbol"),
    "blank lines": ("data_expression.txt", "\n>\n\n  \n"),
    "spaces": ("data_expression.txt", "\t9\t>\t 9 \t"),
    "a call of no gene": ("data_mutations.txt", "+\t1\tSilent\tSKBR3\tNA\n"),
    "several changes in a row": (
        "data_mutations.txt",
        "+EGFR\t1956\tMissense_Mutation\tSKBR3\tp.[L858R;T790M]\n"
        "PIK3CA\t5290\tMissense_Mutation\t697\tp.H1047R\n",
    ),
    "no hotspots": ("data_mutations.txt", "HGVSp_Short>Other"),
    "no calls": (
        "data_mutations.txt", "=Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\n"
    ),
}  # fmt: skip
# And what is refused.
MISTAKES = {
    "no number": ("data_expression.txt", "\t9\t>\tnine\t"),
    "many that are no number": ("data_expression.txt", "+A\t1\tx\tx\tx\tx\n" * 9),
    "not finite": ("data_rppa.txt", "2.5>inf"),
    "too large": ("data_rppa.txt", "2.5>1e31"),
    "short line": ("data_expression.txt", "+A\t1\t2\n"),
    "short line above a bad number": ("data_expression.txt", "\t9\t>\tnine\t", "+A\t1\t2\n"),
    "no identifier": ("data_expression.txt", "1956>12.5"),
    "no symbol column": ("data_expression.txt", "Hugo_Symbol>A", "Entrez_Gene_Id>B"),
    "two columns of a name": ("data_expression.txt", "AU565>697"),
    "two names of a sample": ("data_expression.txt", "AU565>skbr-3"),
    "a column without a name": ("data_expression.txt", "AU565> "),
    "no rows": ("data_cna.txt", "=Hugo_Symbol\tSKBR3\n"),
    "nothing": ("data_cna.txt", "="),
    "only comments": ("data_cna.txt", "=#a\n#b\n"),
    "not UTF-8": ("data_cna.txt", "+\udcff\n", "+A\t1\n"),
    "cut character": ("data_cna.txt", "+\udce2\udc82"),
    "a NUL": ("data_cna.txt", "+A\t\0\t1\n", "+A\t1\n"),
    "no call": ("data_cna.txt", "-1>7"),
    "no antibody": ("data_rppa.txt", "+\t1\t2\n"),
    "a call of no sample": ("data_mutations.txt", "+A\t1\tSilent\t\tNA\n"),
    "a call without an identifier": ("data_mutations.txt", "7157>x"),
    "on its side": ("data_cna.txt", "=Hugo_Symbol\tERBB2\tTP53\nSKBR3\t1\t2\n697\t1\t2\n"),
}  # fmt: skip


def changed(small: dict[str, str], file: str, *changes: str) -> dict[str, bytes]:
    """Files of the small study with one of them changed."""
    text = small[file]
    for change in changes:
        if change.startswith("+"):
            text += "".join(part + "\n" for part in change[1:].replace("\n+", "\n").splitlines())
        elif change.startswith("="):
            text = change[1:]
        else:
            text = text.replace(*change.split(">"))
    return {file: text.encode("utf-8", "surrogateescape")}


@pytest.mark.slow_but_first
@pytest.mark.parametrize("change", CHANGES)
def test_unusual_files_are_read_alike(make_study, small, store: MatrixStore, change: str) -> None:
    held, stored = both(make_study(changed(small, *CHANGES[change])), store)
    assert_same(stored.select(held.samples), held)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("change", MISTAKES)
def test_mistakes_are_told_alike(make_study, small, store: MatrixStore, change: str) -> None:
    folder = make_study(changed(small, *MISTAKES[change]))
    with pytest.raises(StudyError) as held:
        read_study(folder)
    with pytest.raises(StudyError) as stored:
        open_study(folder, store)
    assert stored.value.problems == held.value.problems


CELLS = st.one_of(
    st.sampled_from(["", "NA", " 1.5", "1e400", "x", "-0", "1_0", "\u00a0", "0x1", "1e-320"]),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-3, 3).map(str),
)
LINES = st.lists(
    st.tuples(st.sampled_from(["ERBB2", "EGFR", "A", "", "NA"]), st.tuples(*[CELLS] * 4)),
    min_size=1,
    max_size=12,
)


@pytest.mark.slow
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lines=LINES, end=st.sampled_from(["\n", "\r\n", "\r"]), block=st.integers(1, 80))
def test_any_text_is_read_alike(
    make_study, monkeypatch, tmp_path_factory, lines, end: str, block: int
) -> None:
    rows = ["Hugo_Symbol\t697\tAU565\tSKBR3\tX4", *("\t".join([n, *c]) for n, c in lines)]
    folder = make_study({"data_expression.txt": end.join(rows).encode() + end.encode()})
    store = MatrixStore(tmp_path_factory.mktemp("store") / "matrices")
    monkeypatch.setenv(HELD_MIB, str(block / 2**20))
    told: list[object] = []
    for read in (read_study, lambda path: open_study(path, store)):
        try:
            told.append(read(folder))
        except StudyError as error:
            told.append(error.problems)
    held, stored = told
    if isinstance(held, Study):
        assert isinstance(stored, StoredStudy)
        assert_same(stored.select(held.samples), held)
    else:
        assert stored == held


def test_gzipped_files_are_read_alike(make_study, small, store: MatrixStore) -> None:
    folder = make_study()
    for name in ("data_expression.txt", "data_mutations.txt"):
        (folder / name).unlink()
        (folder / f"{name}.gz").write_bytes(gzip.compress(small[name].encode()))
    held, stored = both(folder, store)
    assert_same(stored.select(held.samples), held)


def test_a_broken_gzip_file_is_told_alike(make_study, small, store: MatrixStore) -> None:
    folder = make_study()
    (folder / "data_cna.txt").unlink()
    packed = gzip.compress(small["data_cna.txt"].encode() + b"\xff")
    (folder / "data_cna.txt.gz").write_bytes(packed[:-9])
    with pytest.raises(StudyError, match="not a whole gzip file"):
        read_study(folder)
    with pytest.raises(StudyError, match="not a whole gzip file"):
        open_study(folder, store)


def test_small_studies_are_held(
    make_study, store: MatrixStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(HELD_MIB)
    assert isinstance(open_study(make_study(), store), Study)
    assert not store.folder.exists()


def test_unknown_and_repeated_samples_are_refused(make_study, store: MatrixStore) -> None:
    stored = open_study(make_study(), store)
    with pytest.raises(InputError, match=r"1 sample\(s\) are not in study small: OTHER"):
        stored.select(["697", "OTHER"])
    with pytest.raises(InputError, match=r"1 sample\(s\) are selected twice: 697"):
        stored.select(["697", "697"])


@pytest.mark.slow
def test_matrices_are_laid_out_once_and_again_if_damaged(make_study, tmp_path: Path) -> None:
    folder, kept = make_study(), tmp_path / "matrices"
    held = read_study(folder)

    def files() -> dict[str, tuple[int, int]]:
        return {p.name: (p.stat().st_ino, p.stat().st_size) for p in kept.iterdir()}

    open_study(folder, MatrixStore(kept))
    before = files()
    assert len(before) == 2 * len(MATRICES)
    open_study(folder, MatrixStore(kept))
    assert files() == before
    damaged = sorted(kept.glob("*.rows"))[0]
    content = bytearray(damaged.read_bytes())
    content[3] ^= 1
    damaged.write_bytes(content)
    sorted(kept.glob("*.json"))[-1].write_text("{")
    again = open_study(folder, MatrixStore(kept))
    assert_same(again.select(held.samples), held)
    assert set(files()) == set(before)


@pytest.mark.parametrize("ending", ["txt", "parquet"])
def test_matrices_of_another_layout_are_not_used(
    make_study, small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    name = f"data_expression.{ending}"
    meta = small["meta_expression.txt"].replace("data_expression.txt", name)
    folder, kept = make_study({"meta_expression.txt": meta}), tmp_path / "matrices"
    if ending == "parquet":
        (folder / "data_expression.txt").unlink()
        pd.DataFrame({"SAMPLE_ID": ["697"], "ERBB2": [1.5]}).to_parquet(folder / name)
    open_study(folder, MatrixStore(kept))
    before = {path.name for path in kept.iterdir()}
    monkeypatch.setattr(matrix_rows, "_LAYOUT", matrix_rows._LAYOUT + 1)
    open_study(folder, MatrixStore(kept))
    assert len(before) == 2 * len(MATRICES)
    assert not before & {path.name for path in kept.iterdir()}


def test_the_store_goes_when_the_work_is_done_or_hopeless(make_study, tmp_path: Path) -> None:
    folder, kept = make_study(), tmp_path / "matrices"

    def work(failure: BaseException | None = None) -> None:
        with MatrixStore(kept) as store:
            open_study(folder, store)
            assert kept.exists()
            if failure is not None:
                raise failure

    work()
    assert not kept.exists()
    with pytest.raises(InputError, match="hopeless"):
        work(InputError("hopeless"))
    assert not kept.exists()
    with pytest.raises(KeyboardInterrupt):
        work(KeyboardInterrupt())
    assert len(list(kept.iterdir())) == 2 * len(MATRICES)
    for failure in (InputError("no such model"), KeyboardInterrupt()):  # nothing was read yet
        with pytest.raises(type(failure)), MatrixStore(kept):
            raise failure
        assert len(list(kept.iterdir())) == 2 * len(MATRICES)
    (kept / "thesis.docx").touch()
    with pytest.raises(InputError, match=r"holds thesis.docx, which sidestep did not write"):
        MatrixStore(kept)


def test_a_file_cut_short_while_in_use_is_the_machines_fault(
    make_study, store: MatrixStore
) -> None:
    stored = open_study(make_study(), store)
    for path in store.folder.glob("*.rows"):
        path.write_bytes(path.read_bytes()[:8])
    with pytest.raises(OSError, match="cut short"):
        stored.select(stored.samples)


def test_a_file_that_changes_while_it_is_read_is_refused(make_study, small, monkeypatch) -> None:
    folder = make_study()
    path = folder / "data_expression.txt"
    table, _ = open_table(path, path.name, block=64)
    path.write_text(small["data_expression.txt"].replace("9", "8"))
    with pytest.raises(StudyError, match="changed while it was read"):
        list(table.blocks())
