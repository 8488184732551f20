"""Parquet and .h5ad matrices say what the same numbers as text say; broken ones get a sentence."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidestep.features.errors import InputError, StudyError
from sidestep.features.files import parquet as parquet_matrix
from sidestep.features.files.limits import HELD_MIB, MAX_FILE_GIB
from sidestep.features.files.matrix import HeldRows
from sidestep.features.files.rows import read_matrix_rows
from sidestep.features.files.sample_major import open_sample_major
from sidestep.features.files.store import MatrixStore
from sidestep.features.study.check import check_study
from sidestep.features.study.on_disk import StoredStudy, open_study
from sidestep.features.study.study import Study, read_study

h5py = pytest.importorskip("h5py")

#: Meta file -> its own name for its data, and the data of the small study by sample.
DATA = {
    "meta_expression.txt": "data_expression",
    "meta_rppa.txt": "data_rppa",
    "meta_cna.txt": "data_cna",
}
MIB = 2**20
SAMPLES = [f"S{number}" for number in range(40)]
GENES = ["ERBB2", "EGFR", "TP53", "PIK3CA", "HLA", "HLA-A"]


@pytest.fixture
def levels() -> pd.DataFrame:
    """Samples x genes, with gaps; S3 was not profiled."""
    drawn = np.random.default_rng(0).normal(6.0, 2.0, (len(SAMPLES), len(GENES)))
    drawn[::7, 1] = np.nan
    drawn[3] = np.nan
    return pd.DataFrame(drawn, index=SAMPLES, columns=GENES)


def write_parquet(path: Path, table: pd.DataFrame, rows: int = 1000) -> None:
    """Rows samples, with a column SAMPLE_ID."""
    content = pa.Table.from_pandas(table.reset_index(names="SAMPLE_ID"), preserve_index=False)
    pq.write_table(content, path, row_group_size=rows)


def write_h5ad(path: Path, table: pd.DataFrame, kind: str = "dense", layer: str = "") -> None:
    """As AnnData writes it; `kind` is dense, csr or csc."""
    text = h5py.string_dtype()
    path.unlink(missing_ok=True)  # whoever has it open keeps it as it was
    with h5py.File(path, "w") as file:
        file.attrs["encoding-type"] = "anndata"
        for axis, names in (("obs", table.index), ("var", table.columns)):
            group = file.create_group(axis)
            group.attrs["_index"] = "_index"
            group.create_dataset("_index", data=list(names), dtype=text)
        values = table.to_numpy()
        key = f"layers/{layer}" if layer else "X"
        if kind == "dense":
            file.create_dataset(key, data=values)
            return
        group = file.create_group(key)
        group.attrs["encoding-type"] = f"{kind}_matrix"
        group.attrs["shape"] = values.shape
        rows, columns = np.nonzero(values)
        counts = np.bincount(rows, minlength=len(values))
        group.create_dataset("indptr", data=np.concatenate([[0], np.cumsum(counts)]))
        group.create_dataset("indices", data=columns.astype(np.int32))
        group.create_dataset("data", data=values[rows, columns])


@pytest.fixture
def study_of(make_study: Callable[..., Path], small) -> Callable[..., Path]:
    """The small study with the data file of one meta file replaced by a name; it is not written."""

    def make(file: str, *lines: str, meta: str = "meta_expression.txt") -> Path:
        text = small[meta].replace(f"{DATA[meta]}.txt", file)
        text = text.replace("DISCRETE", "LOG2-VALUE") + "".join(f"{line}\n" for line in lines)
        folder = make_study({meta: text})
        (folder / f"{DATA[meta]}.txt").unlink()
        return folder

    return make


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], StoredStudy]:
    """Open a study so that nothing is held in memory."""

    def open_it(folder: Path) -> StoredStudy:
        monkeypatch.setenv(HELD_MIB, "0.0001")
        stored = open_study(folder, MatrixStore(tmp_path / "matrices"))
        assert isinstance(stored, StoredStudy)
        return stored

    return open_it


def text_of(table: pd.DataFrame) -> str:
    """Genes x samples, as text with all digits."""
    return table.T.rename_axis("Hugo_Symbol").to_csv(sep="\t", na_rep="NA")


def assert_levels(study: Study, stored: StoredStudy, expected: pd.DataFrame) -> None:
    """Expression is that of the text, whatever samples are asked for, and from disk."""
    pd.testing.assert_frame_equal(study.expression, expected, check_exact=True)
    for samples in (study.samples, study.samples[::-1], study.samples[5:9]):
        one, other = stored.select(samples).expression, study.select(samples).expression
        pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("rows", [1000, 7])
@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
@pytest.mark.parametrize("kind", ["parquet", "dense", "csr"])
def test_the_same_numbers_are_read_from_every_kind_of_file(
    study_of, make_study, opened, levels: pd.DataFrame, kind: str, order: slice, rows: int
) -> None:
    clinical = "".join(f"D\t{s}\tbreast\n" for s in SAMPLES)
    clinical = f"PATIENT_ID\tSAMPLE_ID\tLINEAGE\n{clinical}"
    folder = make_study(
        {"data_expression.txt": text_of(levels), "data_clinical_sample.txt": clinical}
    )
    expected = read_study(folder).expression
    assert list(expected.index) == [s for s in SAMPLES if s != "S3"]
    table = levels.iloc[order]
    if kind == "csr":  # where nothing is written is 0, not missing
        table, expected = table.drop(index="S3").fillna(0.0), expected.fillna(0.0)
    name = "data_expression.parquet" if kind == "parquet" else "data_expression.h5ad"
    folder = study_of(name)
    (folder / "data_clinical_sample.txt").write_text(clinical)
    if kind == "parquet":
        write_parquet(folder / name, table, rows)
    else:
        write_h5ad(folder / name, table, kind)
    study = read_study(folder)
    assert_levels(study, opened(folder), expected)
    assert not check_study(folder).errors
    assert len(study.digests[name]) == 64


def test_an_h5ad_is_read_where_it_lies(
    study_of, opened, levels: pd.DataFrame, tmp_path: Path
) -> None:
    folder = study_of("data_expression.h5ad")
    write_h5ad(folder / "data_expression.h5ad", levels)
    stored = opened(folder)
    rows = list((tmp_path / "matrices").glob("*.rows"))
    assert len(rows) == 2  # RPPA and copy number, which are text
    # No other process can use the file that this one has open.
    assert isinstance(stored.portable_part(stored.samples[:3]), Study)
    pd.testing.assert_frame_equal(
        stored.select(stored.samples).expression, read_study(folder).expression
    )


def test_an_h5ad_that_changes_while_it_is_in_use_is_refused(
    study_of, opened, levels: pd.DataFrame
) -> None:
    folder = study_of("data_expression.h5ad")
    path = folder / "data_expression.h5ad"
    write_h5ad(path, levels)
    stored = opened(folder)
    with path.open("r+b") as file:  # cut short, as while it is written anew
        file.truncate(path.stat().st_size // 2)
    with pytest.raises(StudyError, match=r"data_expression.h5ad changed while it was read; try"):
        stored.select(stored.samples)


def test_entries_of_one_place_add_up_in_a_compressed_matrix(
    study_of, opened, levels: pd.DataFrame
) -> None:
    folder = study_of("data_expression.h5ad")
    path = folder / "data_expression.h5ad"
    levels = levels.fillna(1.0)
    write_h5ad(path, levels, "csr")

    def repeat(file) -> None:
        file["X"].attrs["encoding-type"] = np.bytes_("csr_matrix")  # as some writers have it
        file["X/indices"][:3] = [2, 0, 2]

    spoil(path, repeat)
    expected = levels.copy()
    first = levels.iloc[0]
    expected.iloc[0, :3] = [first["EGFR"], 0.0, first["ERBB2"] + first["TP53"]]
    study = read_study(folder)
    found = study.expression.loc[levels.index, levels.columns]
    pd.testing.assert_frame_equal(found, expected, check_names=False)
    assert_levels(study, opened(folder), study.expression)


@pytest.mark.parametrize("name", ["data_expression.h5ad", "data_expression.parquet"])
def test_numbers_in_memory_count_not_bytes_on_disk(
    study_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A matrix of 1.5 MiB, which both formats make small."""
    folder = study_of(name)
    values = np.tile([1.0] + 24 * [0.0], (400, 20))
    table = pd.DataFrame(values, columns=[f"G{n}" for n in range(500)])
    table = table.set_axis([f"S{n}" for n in range(400)]).assign(G0=0.5)
    write = write_parquet if name.endswith("parquet") else write_h5ad
    write(folder / name, table, *([] if name.endswith("parquet") else ["csr"]))
    assert (folder / name).stat().st_size < 2**20 / 3
    monkeypatch.setenv(HELD_MIB, "1.4")
    stored = open_study(folder, MatrixStore(tmp_path / "matrices"))
    assert isinstance(stored, StoredStudy)
    assert stored.select(["S7"]).expression.loc["S7", "G0"] == 0.5
    monkeypatch.setenv(MAX_FILE_GIB, str(2**-10))
    with pytest.raises(StudyError, match=rf"{name} holds 1.53 MiB .* more than the 1 MiB that"):
        read_study(folder)
    errors = [error.message for error in check_study(folder).errors]
    assert any("set SIDESTEP_MAX_FILE_GIB to the GiB" in message for message in errors)


@pytest.mark.parametrize("write", [write_parquet, write_h5ad])
def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, levels: pd.DataFrame, write: Callable[[Path, pd.DataFrame], None]
) -> None:
    path = tmp_path / f"data.{write.__name__.removeprefix('write_')}"
    write(path, levels)
    table = open_sample_major(path, path.name, "Hugo_Symbol", None)
    blocks = table.blocks()
    next(blocks)
    os.utime(path, ns=(0, 0))
    for rest in (blocks, table.blocks()):
        with pytest.raises(StudyError, match="changed while it was read"):
            list(rest)


def test_a_parquet_with_an_index_that_fills_memory_is_refused(
    study_of, opened, levels: pd.DataFrame
) -> None:
    folder = study_of("data_expression.parquet")
    path = folder / "data_expression.parquet"
    write_parquet(path, levels)
    with path.open("ab") as file:  # what the end says is the size of the index
        file.truncate(path.stat().st_size + 2**26)
        file.seek(0, 2)
        file.write((2**25 + 1).to_bytes(4, "little") + b"PAR1")
    assert_refused(folder, opened, "the index of its columns has 32 MiB", "row_group_size=100_000")


@pytest.mark.slow_but_first
@pytest.mark.parametrize("bomb", ["rows", "columns", "row group"])
def test_a_parquet_that_unpacks_to_more_than_its_size_is_refused(
    study_of, opened, bomb: str
) -> None:
    folder = study_of("data_expression.parquet")
    rows, genes = {"rows": (140_000, 1), "columns": (40_000, 1_000)}.get(bomb, (1_000, 1))
    column = pa.array(np.ones(rows))
    names = pa.array(["S" * (400_000 if bomb == "row group" else 1)] * rows)
    content = pa.table({"SAMPLE_ID": names} | {f"G{gene}": column for gene in range(genes)})
    path = folder / "data_expression.parquet"
    plain = {"use_dictionary": bomb != "row group", "write_statistics": False}
    pq.write_table(content, path, row_group_size=200_000, compression="zstd", **plain)
    assert path.stat().st_size < MIB
    said = {"rows": "140,000 samples", "columns": "samples of 1,001 columns"}
    assert_refused(folder, opened, said.get(bomb, "a row group of"), "does not account for")


@pytest.mark.parametrize("bomb", ["dense", "chunk", "csr", "names"])
def test_an_h5ad_that_unpacks_to_more_than_its_size_is_refused(
    study_of, opened, levels: pd.DataFrame, bomb: str
) -> None:
    folder = study_of("data_expression.h5ad")
    path = folder / "data_expression.h5ad"
    write_h5ad(path, levels, "csr" if bomb == "csr" else "dense")
    with h5py.File(path, "r+") as file:
        if bomb == "chunk":
            del file["X"]
            chunks = (8_000, 8_000)
            file.create_dataset("X", levels.shape, "f8", maxshape=(None, None), chunks=chunks)
        elif bomb == "names":
            _hold_nothing(file, "obs", 2**40)
        else:
            _hold_nothing(file, "obs", 100_000)
            _hold_nothing(file, "var", 100_000)
            if bomb == "dense":
                del file["X"]
                file.create_dataset("X", (100_000, 100_000), "f8", chunks=(100, 100))
            else:
                file["X"].attrs["shape"] = (100_000, 100_000)
                for part, size in (("indptr", 100_001), ("indices", 0), ("data", 0)):
                    del file[f"X/{part}"]
                    kind = "f8" if part == "data" else "i8"
                    file.create_dataset(f"X/{part}", (size,), kind, compression="gzip", chunks=True)
    assert path.stat().st_size < MIB
    assert_refused(folder, opened, "does not account for")


def _hold_nothing(file, axis: str, size: int) -> None:
    """Make an index of so many names, of which none was written."""
    del file[f"{axis}/_index"]
    text = h5py.string_dtype()
    file[axis].create_dataset("_index", (size,), text, chunks=(1_000,))


def test_antibodies_and_copy_number_may_be_parquet_too(study_of, opened) -> None:
    folder = study_of("data_rppa.parquet", meta="meta_rppa.txt")
    names = ["ERBB2|HER2-M-V", "ERBB2|HER2_pY1248-R-C", "AKT_pS473", "AKT_pS473-R-V"]
    table = pd.DataFrame([[3, 2, 1, 3], [2.5, 1.5, 5, np.nan]], ["SKBR3", "AU565"], names)
    write_parquet(folder / "data_rppa.parquet", table)
    study = read_study(folder)
    assert list(study.rppa.columns)[:2] == ["ERBB2", "ERBB2_pY1248"]
    averaged = study.rppa.iloc[:, 2]
    assert averaged.loc["SKBR3"] == 2
    assert averaged.loc["AU565"] == 5
    pd.testing.assert_frame_equal(opened(folder).select(study.samples).rppa, study.rppa)
    folder = study_of("data_cna.h5ad", meta="meta_cna.txt")
    table = pd.DataFrame([[1.5, -0.5], [0.25, 0.0]], ["SKBR3", "697"], ["ERBB2", "TP53"])
    write_h5ad(folder / "data_cna.h5ad", table)
    assert read_study(folder).copy_number.loc["697", "ERBB2"] == 0.25


def test_a_layer_can_be_named(study_of, levels: pd.DataFrame) -> None:
    folder = study_of("data_expression.h5ad", "layer: lognorm")
    path = folder / "data_expression.h5ad"
    write_h5ad(path, levels, layer="lognorm")
    assert read_study(folder).expression.shape == (39, 6)
    write_h5ad(path, levels, layer="other")
    with pytest.raises(InputError, match=r"has no layers/lognorm; it has the layers other\."):
        read_study(folder)


def test_integers_nulls_and_empty_columns_are_numbers(study_of) -> None:
    folder = study_of("data_expression.parquet")
    content = pa.table(
        {
            "ERBB2": pa.array([1, None, 3], pa.int32()),
            "sample_id": ["697", "AU565", "SKBR3"],
            "EGFR": pa.array([1.5, float("nan"), 2.5], pa.float32()),
            "TP53": pa.nulls(3),
        }
    )
    pq.write_table(content, folder / "data_expression.parquet")
    expression = read_study(folder).expression
    assert list(expression.index) == ["SKBR3", "697"]
    assert expression.loc["SKBR3", ["ERBB2", "EGFR"]].tolist() == [3.0, 2.5]
    assert expression["TP53"].isna().all()


@pytest.mark.parametrize("kept", [0, 2**20])
def test_a_large_index_is_read_again(
    study_of, levels: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr(parquet_matrix, "_KEPT_INDEX", kept)
    path = study_of("data_expression.parquet") / "data_expression.parquet"
    write_parquet(path, levels)
    matrix = parquet_matrix.ParquetMatrix(path, path.name)
    for _ in range(2):  # it can be read more than once, too
        [(feature, sample, values)] = matrix.blocks()
        assert (feature, sample) == (0, 0)
        np.testing.assert_array_equal(values, levels.to_numpy().T)


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()])
@pytest.mark.parametrize("rows", [1, 3])
def test_nulls_among_numbers_of_one_kind_are_missing(
    study_of, kind: pa.DataType, rows: int
) -> None:
    folder = study_of("data_expression.parquet")
    content = pa.table(
        {
            "HLA-A": pa.array([0.1, None, 3.25], kind),
            "SAMPLE_ID": ["697", "AU565", "SKBR3"],
            "HLA": pa.array([None, 2.5, -12.9], kind),
        }
    )
    pq.write_table(content, folder / "data_expression.parquet", row_group_size=rows)
    found = read_study(folder).expression.loc[["697", "AU565", "SKBR3"], ["HLA-A", "HLA"]]
    first = np.float32(0.1) if kind == pa.float32() else 0.1
    least = np.float32(-12.9) if kind == pa.float32() else -12.9
    expected = [[first, np.nan], [np.nan, 2.5], [3.25, least]]
    np.testing.assert_array_equal(found.to_numpy(), np.array(expected, np.float64))


def test_numbers_of_32_bits_take_as_many_in_the_store(
    study_of, opened, tmp_path: Path, levels: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_matrix, "CELLS", 2 * len(SAMPLES))  # two genes a block
    folder = study_of("data_expression.parquet")
    short = levels.astype(dict.fromkeys(GENES[:3], np.float32))
    write_parquet(folder / "data_expression.parquet", short, rows=7)
    expected = short.drop("S3").astype(np.float64).rename_axis("sample_id")
    assert_levels(read_study(folder), opened(folder), expected)
    sizes = {path.stat().st_size for path in (tmp_path / "matrices").glob("*.rows")}
    assert len(SAMPLES) * (2 * 4 + 4 * 8) in sizes


def replaced(table: pd.DataFrame, sample: str, gene: str, value: float) -> pd.DataFrame:
    table = table.copy()
    table.loc[sample, gene] = value
    return table


MISTAKES = {
    "no SAMPLE_ID": (lambda t: t.reset_index(names="ID"), "has no SAMPLE_ID column"),
    "words": (
        lambda t: t.assign(A="high", B=True).reset_index(names="SAMPLE_ID"),
        "has 2 column(s) that hold no numbers: A (",
    ),
    "a sample twice": (
        lambda t: t.rename({"S2": "S1"}).reset_index(names="SAMPLE_ID"),
        "has 1 duplicate sample name(s): S1;",
    ),
    "a gene twice": (
        lambda t: t.rename(columns={"HLA": " ERBB2"}).reset_index(names="SAMPLE_ID"),
        "has 1 duplicate column name(s): ERBB2;",
    ),
    "no name": (
        lambda t: t.rename({"S2": "NA"}).reset_index(names="SAMPLE_ID"),
        "sample 3 has no name",
    ),
    "not finite": (
        lambda t: replaced(t, "S5", "TP53", np.inf).reset_index(names="SAMPLE_ID"),
        "sample S5, TP53: inf is not a finite number",
    ),
    "too large": (
        lambda t: replaced(t, "S5", "TP53", -1e31).reset_index(names="SAMPLE_ID"),
        "sample S5, TP53: -1e+31 is beyond 1e+30",
    ),
    "on its side": (
        lambda t: t.rename(dict(zip(SAMPLES, ["SKBR3", "AU565", "697"], strict=False)))
        .iloc[:3].T.reset_index(names="SAMPLE_ID"),
        "lies on its side: its rows are gene names and its columns samples (column SKBR3",
    ),
    "no samples": (lambda t: t.iloc[:0].reset_index(names="SAMPLE_ID"), "it has no sample"),
    "no genes": (lambda t: t[[]].reset_index(names="SAMPLE_ID"), "it has no column"),
}  # fmt: skip


@pytest.mark.slow_but_first
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_parquet_that_is_not_right_gets_a_sentence(
    study_of, opened, levels: pd.DataFrame, mistake: str
) -> None:
    change, said = MISTAKES[mistake]
    folder = study_of("data_expression.parquet")
    content = pa.Table.from_pandas(change(levels), preserve_index=False)
    pq.write_table(content, folder / "data_expression.parquet")
    assert_refused(folder, opened, said)


def test_two_columns_of_sample_names_are_refused(study_of, opened) -> None:
    folder = study_of("data_expression.parquet")
    columns = [pa.array(["697", "AU565"]), pa.array(["697", "AU565"]), pa.array([1.5, 2.5])]
    content = pa.Table.from_arrays(columns, names=["SAMPLE_ID", "SAMPLE_ID", "ERBB2"])
    pq.write_table(content, folder / "data_expression.parquet")
    assert_refused(folder, opened, "has two columns SAMPLE_ID; leave one out")


def assert_refused(folder: Path, opened: Callable[[Path], StoredStudy], *said: str) -> None:
    """The study is refused in one sentence, in memory, from disk and by the check."""
    errors = [error.message for error in check_study(folder).errors]
    for read in (read_study, opened):
        with pytest.raises(InputError) as caught:
            read(folder)
        message = str(caught.value)
        assert "\n" not in message
        assert message in errors
        for part in ("data_expression.", *said):
            assert part in message


def test_a_file_that_is_no_parquet_gets_a_sentence(study_of, opened) -> None:
    folder = study_of("data_expression.parquet")
    (folder / "data_expression.parquet").write_text("Hugo_Symbol\tA\n")
    assert_refused(folder, opened, "is not a whole Parquet file")


def test_a_damaged_parquet_gets_a_sentence(study_of, opened, levels: pd.DataFrame) -> None:
    folder = study_of("data_expression.parquet")
    path = folder / "data_expression.parquet"
    write_parquet(path, levels)
    content = bytearray(path.read_bytes())
    at = content.index(b"PAR1", 4) // 2  # among the pages, not the names or the index
    content[at : at + 200] = bytes(200)
    path.write_bytes(content)
    assert_refused(folder, opened, "write it again")


def spoil(path: Path, change: Callable[[object], None]) -> None:
    with h5py.File(path, "r+") as file:
        change(file)


def _link(file) -> None:
    del file["X"]
    file["X"] = h5py.ExternalLink("other.h5", "/X")


def _soft(file) -> None:
    del file["var"]
    file["var"] = h5py.SoftLink("/obs")


def _outside(file) -> None:
    del file["X"]
    shape = (len(SAMPLES), len(GENES))
    file.create_dataset("X", shape, "f8", external=[("/etc/passwd", 0, 8 * 240)])


def _no_index(file) -> None:
    del file["obs"].attrs["_index"]


def _shape(file) -> None:
    del file["X"]
    file["X"] = np.zeros((3, 4))


def _words(file) -> None:
    del file["X"]
    file.create_dataset("X", data=np.full((len(SAMPLES), len(GENES)), "a", dtype="S1"))


def _no_matrix(file) -> None:
    del file["X"]


H5AD_MISTAKES = {
    "external link": (_link, "holds /X as a link"),
    "soft link": (_soft, "holds /var as a link"),
    "external data": (_outside, "keeps /X in another file"),
    "no index": (_no_index, "has no table obs as AnnData 0.8 writes it"),
    "other shape": (_shape, "has X of shape (3, 4) for 40 samples and 6 variables"),
    "words": (_words, "holds X of type |S1"),
    "no matrix": (_no_matrix, "has no X; write the matrix to adata.X"),
}


@pytest.mark.parametrize("mistake", H5AD_MISTAKES)
def test_an_h5ad_that_is_not_right_gets_a_sentence(
    study_of, opened, levels: pd.DataFrame, mistake: str
) -> None:
    change, said = H5AD_MISTAKES[mistake]
    folder = study_of("data_expression.h5ad")
    write_h5ad(folder / "data_expression.h5ad", levels)
    spoil(folder / "data_expression.h5ad", change)
    assert_refused(folder, opened, said)


@pytest.mark.slow
def test_h5ad_matrices_that_cannot_be_read_by_sample_are_refused(
    study_of, opened, levels: pd.DataFrame
) -> None:
    folder = study_of("data_expression.h5ad")
    path = folder / "data_expression.h5ad"
    write_h5ad(path, levels, "csc")
    assert_refused(folder, opened, "holds X as csc_matrix", "adata.X.tocsr()")
    write_h5ad(path, levels.fillna(0.0), "csr")

    def cut(file) -> None:
        starts = file["X/indptr"][...]
        starts[-1] += 5
        file["X/indptr"][...] = starts

    spoil(path, cut)
    assert_refused(folder, opened, "parts do not fit each other")
    write_h5ad(path, levels.fillna(0.0), "csr")

    def point_outside(file) -> None:
        file["X/indices"][5] = 6

    spoil(path, point_outside)
    assert_refused(folder, opened, "is damaged; write it again")
    write_h5ad(path, levels.fillna(0.0), "csr")

    def point_before(file) -> None:
        file["X/indices"][5] = -1

    spoil(path, point_before)
    assert_refused(folder, opened, "is damaged; write it again")
    cut_short = path.read_bytes()[:700]
    path.unlink()
    path.write_bytes(cut_short)
    assert_refused(folder, opened, "is not a whole .h5ad file")


@pytest.mark.slow
def test_counts_and_unknown_ensembl_names_are_refused_with_advice(
    study_of, opened, levels: pd.DataFrame
) -> None:
    folder = study_of("data_expression.h5ad")
    path = folder / "data_expression.h5ad"
    write_h5ad(path, (levels.fillna(0.0) * 100).round(), "csr")
    assert_refused(folder, opened, "holds counts (whole numbers up to", "pp.log1p", "layer: NAME")
    write_h5ad(path, levels.set_axis([f"ENSG{99 * 10**9 + n:011}" for n in range(6)], axis=1))
    assert_refused(folder, opened, "'ENSG99000000000', an Ensembl identifier", "Hugo symbols")


def test_without_h5py_it_is_said_what_to_install(
    study_of, opened, levels: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = study_of("data_expression.h5ad")
    write_h5ad(folder / "data_expression.h5ad", levels)
    ordinary = builtins.__import__

    def without(name: str, *args, **kwargs):
        if name == "h5py":
            raise ImportError(name)
        return ordinary(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    assert_refused(folder, opened, "needs h5py, which is not installed", "pip install h5py")


def test_mutations_cannot_be_parquet(make_study, small) -> None:
    meta = small["meta_mutations.txt"].replace("data_mutations.txt", "data_mutations.parquet")
    folder = make_study({"meta_mutations.txt": meta, "data_mutations.parquet": "PAR1"})
    with pytest.raises(InputError, match=r"data_mutations.parquet cannot be read: .parquet and"):
        read_study(folder)


@pytest.mark.parametrize("suffix", [".parquet", ".h5ad"])
def test_numbers_of_neighbours_become_a_table_without_a_copy(tmp_path, levels, suffix):
    """All samples of a study mostly are; of some that are apart a copy is made."""
    path = tmp_path / f"data{suffix}"
    (write_parquet if suffix == ".parquet" else write_h5ad)(path, levels.fillna(1.0))
    rows = read_matrix_rows(open_sample_major(path, path.name, "gene", None), [], [], None)
    assert isinstance(rows.rows, HeldRows)
    matrix = rows.matrix(SAMPLES, pd.Index(GENES))
    whole = matrix.frame(pd.Index(SAMPLES)).to_numpy()
    assert np.shares_memory(whole, rows.rows.values)
    assert not whole.flags.writeable
    apart = matrix.frame(pd.Index(SAMPLES[::2])).to_numpy()
    assert not np.shares_memory(apart, rows.rows.values)
    np.testing.assert_array_equal(apart, whole[::2])
