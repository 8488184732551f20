"""What `sidestep check` says about a study."""

from __future__ import annotations

import pytest

from sidestep.features.study.check import check_study


def test_a_good_study_has_no_errors(make_study):
    check = check_study(make_study())
    assert check.errors == check.warnings == ()
    table = check.modalities()
    assert table["samples"].to_dict() == {
        "expression": 3, "rppa": 2, "mutation": 3, "copy_number": 2, "clinical": 3,
    }  # fmt: skip
    assert table.loc["expression", "features"] == 2


def test_responses_and_overlaps_are_counted(make_study):
    check = check_study(make_study())
    row = check.responses().loc["screen_gi50"]
    assert (row["drugs"], row["lines"], row["values"]) == (3, 3, 7)
    assert (row["direction"], row["unit"]) == ("high is sensitive", "-log10 of GI50 in molar")
    overlaps = check.overlaps()
    assert overlaps.loc["screen_gi50", "expression"] == 3
    assert overlaps.loc["rppa", "mutation"] == overlaps.loc["mutation", "rppa"] == 1
    assert overlaps.loc["screen_gi50", "screen_gi50"] == 3


def test_errors_of_all_files_are_collected_with_their_place(make_study, small):
    changes = {
        "data_rppa.txt": small["data_rppa.txt"].replace("2.5", "x").replace("1.5", "y"),
        "data_mutations.txt": small["data_mutations.txt"].replace("Hugo_Symbol", "Other"),
        "data_treatment_gi50.txt": small["data_treatment_gi50.txt"].replace("4.5", "low"),
        "data_cna.txt": None,
    }
    check = check_study(make_study(changes))
    places = {(problem.file, problem.row, problem.column) for problem in check.errors}
    assert places == {
        ("data_rppa.txt", "line 2 (ERBB2|HER2-M-V)", "AU565"),
        ("data_rppa.txt", "line 3 (ERBB2|HER2_pY1248-R-C)", "AU565"),
        ("data_mutations.txt", "", ""),
        ("data_treatment_gi50.txt", "line 2 (Lapatinib)", "697"),
        ("meta_cna.txt", "", ""),
    }
    assert list(check.modalities().index) == ["expression", "clinical"]
    assert len(check.responses()) == 0


def test_warnings_stand_after_errors(make_study, small):
    meta = small["meta_treatment_gi50.txt"].replace("value_sort_order: DESC\n", "")
    check = check_study(make_study({"meta_treatment_gi50.txt": meta, "data_rppa.txt": ""}))
    assert [problem.severity for problem in check.problems] == ["error", "warning", "note"]
    assert check.responses().loc["screen_gi50", "direction"] == "NO DIRECTION"


def test_limits_in_a_response_are_noted(make_study, small):
    data = small["data_treatment_gi50.txt"].replace("4.5", ">8")
    check = check_study(make_study({"data_treatment_gi50.txt": data}))
    assert check.errors == ()
    assert any("1 value(s) with '<' or '>'" in problem.message for problem in check.problems)


@pytest.mark.parametrize("kind", ["missing", "empty", "file"])
def test_what_is_no_study_is_an_error_not_a_crash(tmp_path, kind):
    path = tmp_path / kind
    if kind == "empty":
        path.mkdir()
    elif kind == "file":
        path.write_text("x")
    check = check_study(path)
    assert check.study is None
    assert len(check.errors) == 1
    assert check.lines()[0].startswith("No study could be read at")


def test_the_lines_are_aligned_and_told_in_words(make_study, small):
    simulated = small["meta_study.txt"] + "simulated: true\n"
    lines = check_study(make_study({"meta_study.txt": simulated})).lines()
    assert lines[0] == "Study small: A small study: four samples"
    assert "SIMULATED DATA" in lines
    start = lines.index("What was read") + 1
    header, first = lines[start], lines[start + 1]
    assert first.index("3") + 1 == header.index("samples") + len("samples")
    assert any(line.startswith("Findings: 0 errors, 0 warnings") for line in lines)
    assert all(len(line) <= 100 for line in lines[3:])


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["breast_cell_lines", "pancan_cell_lines", "tcga_brca_rppa", "metabric_her2"]
)
def test_the_real_studies_pass(shared, name):
    check = check_study(shared / "studies" / name)
    assert check.errors == ()
    assert len(check.warnings) == (name == "tcga_brca_rppa")  # its duplicate rows
    assert len(check.lines()) > 8
