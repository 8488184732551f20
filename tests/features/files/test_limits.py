"""What is too large is refused in one sentence that says how to raise the limit, and early."""

from __future__ import annotations

import gzip
import hashlib
import os
import tracemalloc

import pytest

from sidestep.features.errors import InputError
from sidestep.features.files.contents import read_bytes
from sidestep.features.files.limits import (
    Limits,
    Meter,
    readable_size,
    table_limits,
    unpacked_limit,
)
from sidestep.features.files.tables import read_table
from sidestep.features.study.check import check_study
from sidestep.features.study.study import read_study

EXPRESSION = "data_expression.txt"
MIB = 2**20


def _refused(folder, *said):
    """The study is refused in one sentence that says all of `said`."""
    with pytest.raises(InputError) as caught:
        read_study(folder)
    message = str(caught.value)
    for part in said:
        assert part in message
    assert "\n" not in message
    assert caught.value.exit_code == 2


def test_a_study_within_the_limits_is_read(make_study, monkeypatch):
    monkeypatch.setenv("SIDESTEP_MAX_FILE_GIB", "0.001")
    monkeypatch.setenv("SIDESTEP_MAX_COLUMNS", "6")  # expression has two names and four samples
    assert read_study(make_study()).expression.shape == (3, 2)


def test_a_table_too_large_on_disk_is_refused_before_it_is_read(make_study):
    folder = make_study()
    os.truncate(folder / EXPRESSION, 9 * 2**30)  # a hole, which takes no room
    said = f"{EXPRESSION} has 9 GiB, more than the 8 GiB", "set SIDESTEP_MAX_FILE_GIB"
    _refused(folder, *said)


def test_the_size_limit_is_the_environments(make_study, small, monkeypatch):
    monkeypatch.setenv("SIDESTEP_MAX_FILE_GIB", f"{1000 / 2**30}")
    rows = "".join(f"G{i}\t{i}" + f"\t{i % 8}" * 4 + "\n" for i in range(100))
    folder = make_study({EXPRESSION: small[EXPRESSION] + rows})
    _refused(folder, EXPRESSION, "more than the 1000 bytes", "SIDESTEP_MAX_FILE_GIB")
    monkeypatch.setenv("SIDESTEP_MAX_FILE_GIB", f"{4000 / 2**30}")
    assert read_study(folder).expression.shape == (4, 102)


def test_a_small_file_that_unpacks_to_more_is_refused(make_study, small, monkeypatch):
    monkeypatch.setenv("SIDESTEP_MAX_FILE_GIB", f"{MIB / 2**30}")
    folder = make_study({EXPRESSION: None, f"{EXPRESSION}.gz": small[EXPRESSION] + "#" * 3 * MIB})
    assert (folder / f"{EXPRESSION}.gz").stat().st_size < 10_000
    _refused(folder, f"{EXPRESSION}.gz holds more than the 1 MiB", "SIDESTEP_MAX_FILE_GIB")


def test_a_bomb_is_told_by_what_its_size_accounts_for():
    meter = Meter("data_x.txt.gz", 1000, table_limits(), compressed=True)
    row = b"NA\t" * 5000 + b"NA\n"
    chunk = row * (MIB // len(row) + 1)
    for _ in range(255):
        meter.take(chunk)
    with pytest.raises(InputError, match=r"data_x\.txt\.gz unpacks to more than 256 MiB"):
        meter.take(chunk)


@pytest.mark.parametrize(("packed", "unpacked"), [(0, 256 * MIB), (MIB, 256 * MIB), (2**30, None)])
def test_what_a_file_may_unpack_to(packed, unpacked):
    assert unpacked_limit(packed) == (250 * packed if unpacked is None else unpacked)


@pytest.mark.parametrize("row", ["\n", "A\t1\n", "\r"])
def test_many_short_lines_in_few_bytes_are_refused_before_they_fill_memory(make_study, small, row):
    """Each line is an object in memory, whatever little is in it."""
    folder = make_study({EXPRESSION: None})
    path = folder / f"{EXPRESSION}.gz"
    with gzip.open(path, "wb", 6) as file:
        file.write(small[EXPRESSION].encode())
        for _ in range(20):
            file.write(row.encode() * 200_000)
    tracemalloc.start()
    try:
        _refused(folder, f"{EXPRESSION}.gz unpacks to more than 131,072 lines", "uncompressed")
        assert tracemalloc.get_traced_memory()[1] < 200 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_lines_that_the_size_accounts_for_are_read(make_study, small):
    rows = "".join(f"G{i}\t{i}\t{i % 7}\t{i % 5}\t1\tNA\n" for i in range(140_000))
    folder = make_study({EXPRESSION: None, f"{EXPRESSION}.gz": small[EXPRESSION] + rows})
    assert read_table(folder / f"{EXPRESSION}.gz", EXPRESSION)[0].lines[-1] == 140_003


@pytest.mark.slow_but_first
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("above", ["", "\ufeff", "\ufeff#made by hand\n", "#a\tb\n\n  \n#c\n"])
def test_columns_are_counted_in_the_header(make_study, small, monkeypatch, above, line_end):
    table = (above + small[EXPRESSION]).replace("\n", line_end)
    folder = make_study({EXPRESSION: table})
    monkeypatch.setenv("SIDESTEP_MAX_COLUMNS", "5")
    said = f"{EXPRESSION} has 6 columns, more than the 5 that", "set SIDESTEP_MAX_COLUMNS"
    _refused(folder, *said)
    monkeypatch.setenv("SIDESTEP_MAX_COLUMNS", "6")
    assert read_study(folder).expression.shape == (3, 2)


def test_columns_are_counted_before_the_rest_is_unpacked(make_study, small, monkeypatch):
    """A file whose end is missing fails for that only if its header was accepted."""
    rows = "".join(f"G{i}\t{i}\t{os.urandom(8).hex()}\t1\t1\t1\n" for i in range(100_000))
    folder = make_study({EXPRESSION: None})
    whole = gzip.compress((small[EXPRESSION] + rows).encode(), 1)
    (folder / f"{EXPRESSION}.gz").write_bytes(whole[: len(whole) // 2])
    _refused(folder, "is not a whole gzip file")
    monkeypatch.setenv("SIDESTEP_MAX_COLUMNS", "5")
    _refused(folder, f"{EXPRESSION}.gz has 6 columns")


def test_a_line_without_end_is_refused(make_study, small, monkeypatch):
    monkeypatch.setenv("SIDESTEP_MAX_COLUMNS", "100")
    endless = small[EXPRESSION] + "ERBB3\t2065\t" + "1" * 2 * MIB
    _refused(make_study({EXPRESSION: endless}), "a line longer than 1 MiB, line 4")
    packed = make_study({EXPRESSION: None, f"{EXPRESSION}.gz": endless})
    _refused(packed, f"{EXPRESSION}.gz has a line longer than 1 MiB, line 4", "SIDESTEP_MAX_COL")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_too_many_lines_are_refused(make_study, small, monkeypatch, line_end):
    monkeypatch.setenv("SIDESTEP_MAX_FILE_GIB", f"{64 * 2000 / 2**30}")
    table = small[EXPRESSION].replace("\n", line_end)
    _refused(make_study({EXPRESSION: table + line_end * 2000}), "more than 2,000 lines")
    read_study(make_study({EXPRESSION: table + line_end * 1990}))


def test_a_line_may_cross_chunks(make_study, small):
    """Cells of a line that is read in many pieces come out whole."""
    names = [f"S{i:04}" for i in range(4000)]
    rows = [
        f"{gene}" + "".join(f"\t1.{i:04}{'0' * 150}" for i in range(4000))
        for gene in ("EGFR", "KRAS")
    ]
    assert len(rows[0]) < MIB < len(rows[0] + rows[1])
    table = "\n".join(["Hugo_Symbol\t" + "\t".join(names), *rows])
    expression = read_study(make_study({EXPRESSION: table})).expression
    for gene in ("EGFR", "KRAS"):
        assert expression.loc[names, gene].tolist() == [float(f"1.{i:04}") for i in range(4000)]


def test_a_meta_file_is_small(make_study, small):
    folder = make_study({"meta_rppa.txt": small["meta_rppa.txt"] + "#" + "x" * MIB})
    _refused(folder, "meta_rppa.txt has 1 MiB, more than the 1 MiB", "names the file that holds")


@pytest.mark.slow
def test_a_case_list_may_name_a_biobank_but_no_more(make_study, small):
    case_list = "case_lists/cases_sequenced.txt"
    names = "\t".join(f"BIOBANK-{i:012}" for i in range(60_000))
    folder = make_study({case_list: small[case_list] + "case_list_ids: SKBR3\t" + names + "\n"})
    assert len(read_study(folder).sequenced) > 60_000
    os.truncate(folder / case_list, 65 * MIB)
    _refused(folder, f"{case_list} has 65 MiB, more than the 64 MiB")


@pytest.mark.parametrize("value", ["many", "0", "-1", "nan", "inf", "1e300"])
@pytest.mark.parametrize("variable", ["SIDESTEP_MAX_FILE_GIB", "SIDESTEP_MAX_COLUMNS"])
def test_a_limit_must_be_a_number(make_study, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    _refused(make_study(), f"{variable} is {value!r}", "a number above 0")


def test_an_empty_variable_counts_as_not_set(monkeypatch):
    default = table_limits()
    monkeypatch.setenv("SIDESTEP_MAX_COLUMNS", "  ")
    assert table_limits() == default
    assert (default.size, default.columns) == (8 * 2**30, 200_000)


def test_check_goes_on_after_a_file_that_is_too_large(make_study):
    folder = make_study()
    os.truncate(folder / "data_rppa.txt", 9 * 2**30)
    found = check_study(folder)
    assert [problem.file for problem in found.errors] == ["data_rppa.txt"]
    assert "expression" in found.modalities().index


@pytest.mark.parametrize("name", ["meta_pipe.txt", "data_gene_panel_pipe.txt"])
def test_a_pipe_is_not_waited_for(make_study, name):
    folder = make_study()
    os.mkfifo(folder / name)
    _refused(folder, f"{name} is not a plain file")


def test_a_gzip_file_of_several_members_is_read_whole_and_digested_as_stored(tmp_path):
    stored = gzip.compress(b"one\n") + gzip.compress(b"two\n") + b"\0" * 512
    (tmp_path / "x.txt.gz").write_bytes(stored)
    data, digest = read_bytes(tmp_path / "x.txt.gz", "x.txt.gz", Limits(1000, "none"))
    assert data == b"one\ntwo\n"
    assert digest == hashlib.sha256(stored).hexdigest()


@pytest.mark.parametrize("value", ["1e31", "-1.01e30", "9" * 300])
def test_a_number_beyond_measure_is_refused(make_study, small, value):
    folder = make_study({"data_rppa.txt": small["data_rppa.txt"].replace("2.5", value)})
    _refused(folder, "data_rppa.txt, line 2 (ERBB2|HER2-M-V), column AU565", "is beyond 1e+30")


def test_a_long_cell_is_not_shown_whole(make_study, small):
    folder = make_study({"data_rppa.txt": small["data_rppa.txt"].replace("2.5", "x" * 5000)})
    _refused(folder, f"{'x' * 60}…' is not a finite number")
    with pytest.raises(InputError) as caught:
        read_study(folder)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (8 * 2**30, "8 GiB")],
)
def test_sizes_read_well(size, text):
    assert readable_size(size) == text
