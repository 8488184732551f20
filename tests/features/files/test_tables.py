"""How tab-separated files are read, and what is said of broken ones."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.study import read_study


def _fails(folder, *said):
    """The study is refused in one sentence that says all of `said`."""
    with pytest.raises(InputError) as caught:
        read_study(folder)
    message = str(caught.value)
    assert "\n" not in message
    for part in said:
        assert part in message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("missing", ["NA", "NaN", "", " NA "])
def test_missing_values_read_as_nan(make_study, small, missing):
    rppa = small["data_rppa.txt"].replace("2.5", missing)
    study = read_study(make_study({"data_rppa.txt": rppa}))
    assert np.isnan(study.rppa.loc["AU565", "ERBB2"])
    assert study.rppa.loc["SKBR3", "ERBB2"] == 3


@pytest.mark.parametrize("value", ["abc", "1,5", "True", "inf", "1e999", "0x1F", "<3"])
def test_a_cell_that_is_no_number_is_named(make_study, small, value):
    rppa = small["data_rppa.txt"].replace("2.5", value)
    folder = make_study({"data_rppa.txt": rppa})
    _fails(folder, "data_rppa.txt", "line 2", "ERBB2|HER2-M-V", "column AU565", repr(value))


def test_line_numbers_count_blank_and_comment_lines(make_study, small):
    rppa = "#made by hand\n" + small["data_rppa.txt"].replace("\n", "\n\n").replace("1.5", "x")
    _fails(make_study({"data_rppa.txt": rppa}), "line 6 (ERBB2|HER2_pY1248-R-C)")


def test_carriage_returns_and_a_byte_order_mark_do_no_harm(make_study, small):
    windows = b"\xef\xbb\xbf" + small["data_expression.txt"].replace("\n", "\r\n").encode()
    study = read_study(make_study({"data_expression.txt": windows}))
    assert list(study.expression.columns) == ["ERBB2", "EGFR"]
    assert study.expression.loc["SKBR3", "EGFR"] == 4


@pytest.mark.parametrize("named", ["data_expression.txt", "data_expression.txt.gz"])
def test_gzipped_data_are_read_whichever_name_the_meta_file_gives(make_study, small, named):
    meta = small["meta_expression.txt"].replace("data_expression.txt", named)
    plain = read_study(make_study()).expression
    folder = make_study(
        {"meta_expression.txt": meta, "data_expression.txt.gz": small["data_expression.txt"]}
    )
    (folder / "data_expression.txt").unlink()
    study = read_study(folder)
    assert study.expression.equals(plain)
    assert "data_expression.txt.gz" in study.digests


def test_a_truncated_gzip_file_is_named(make_study, small):
    folder = make_study({"data_expression.txt": None})
    whole = gzip.compress(small["data_expression.txt"].encode())
    (folder / "data_expression.txt.gz").write_bytes(whole[:-12])
    _fails(folder, "data_expression.txt.gz", "gzip")


def test_plain_text_named_gz_is_refused(make_study, small):
    folder = make_study({"data_expression.txt": None})
    (folder / "data_expression.txt.gz").write_text(small["data_expression.txt"])
    _fails(folder, "data_expression.txt.gz", "gzip")


def test_other_encodings_are_refused_with_their_place(make_study, small):
    latin = small["data_clinical_sample.txt"].replace("blood", "sång").encode("latin-1")
    offset = latin.index(b"\xe5")
    folder = make_study({"data_clinical_sample.txt": latin})
    _fails(folder, "data_clinical_sample.txt", "UTF-8", f"byte {offset}", "line 6")


def test_utf16_text_is_refused(make_study, small):
    _fails(make_study({"data_rppa.txt": small["data_rppa.txt"].encode("utf-16")}), "data_rppa.txt")


def test_nul_characters_are_refused(make_study, small):
    _fails(make_study({"data_rppa.txt": small["data_rppa.txt"] + "\0"}), "data_rppa.txt", "NUL")


@pytest.mark.parametrize("content", ["", "\n\n", "#only\tcomments\n"])
def test_an_empty_file_is_named(make_study, content):
    _fails(make_study({"data_rppa.txt": content}), "data_rppa.txt", "empty")


@pytest.mark.parametrize(
    "name",
    ["data_rppa.txt", "data_expression.txt", "data_clinical_sample.txt", "data_treatment_gi50.txt"],
)
def test_a_header_without_rows_counts_as_empty(make_study, small, name):
    lines = [line for line in small[name].split("\n") if not line.startswith("#")]
    _fails(make_study({name: lines[0] + "\n"}), name, "empty")


@pytest.mark.parametrize(("row", "found"), [("EGFR|EGFR\t1", 2), ("EGFR|EGFR\t1\t2\t3", 4)])
def test_ragged_rows_are_named(make_study, small, row, found):
    folder = make_study({"data_rppa.txt": small["data_rppa.txt"] + row + "\n"})
    _fails(folder, "data_rppa.txt", "line 4", f"{found} field(s)", "header has 3")


def test_a_repeated_sample_in_a_header_is_named(make_study, small):
    rppa = small["data_rppa.txt"].replace("AU565", "SKBR3")
    _fails(make_study({"data_rppa.txt": rppa}), "data_rppa.txt", "duplicate", "SKBR3")


def test_a_column_without_a_name_is_named(make_study, small):
    rppa = small["data_rppa.txt"].replace("AU565", "")
    _fails(make_study({"data_rppa.txt": rppa}), "data_rppa.txt", "column 3", "no name")


def test_all_bad_cells_of_a_file_are_at_hand(make_study, small):
    rppa = small["data_rppa.txt"].replace("2.5", "x").replace("1.5", "y")
    with pytest.raises(InputError) as caught:
        read_study(make_study({"data_rppa.txt": rppa}))
    assert [problem.row for problem in caught.value.problems] == [
        "line 2 (ERBB2|HER2-M-V)",
        "line 3 (ERBB2|HER2_pY1248-R-C)",
    ]
