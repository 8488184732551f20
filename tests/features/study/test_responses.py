"""Drug response: which file, which way, which drug."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.responses import drug_column
from sidestep.features.study.study import Study, read_study

DATA, META = "data_treatment_gi50.txt", "meta_treatment_gi50.txt"
COLUMNS = ["Lapatinib", "BIBW2992", "Selumetinib-1736", "Selumetinib-1062", "BI-2536", "Novel X"]


@pytest.mark.parametrize("name", ["screen_gi50", "gi50", "GI50", "screen"])
def test_a_response_is_found_by_id_metric_or_part(make_study, name):
    response = read_study(make_study()).response(name)
    assert (response.stable_id, response.metric) == ("screen_gi50", "gi50")
    assert response.unit == "-log10 of GI50 in molar"
    assert response.higher_is_resistant is False
    assert list(response.values.index) == ["SKBR3", "AU565", "697"]
    assert response.values.loc["697", "Lapatinib"] == 4.5


def test_an_unknown_response_lists_what_there_is(make_study):
    with pytest.raises(InputError, match=r"'auc' is not in the study; it has screen_gi50 \(gi50\)"):
        read_study(make_study()).response("auc")


def test_a_part_of_two_names_is_refused(make_study, small):
    second = {
        "meta_treatment_gi50_b.txt": small[META]
        .replace("screen_gi50", "screen_b")
        .replace(DATA, "data_treatment_gi50_b.txt"),
        "data_treatment_gi50_b.txt": small[DATA],
    }
    study = read_study(make_study(second))
    assert study.response("gi50").stable_id == "screen_gi50"  # its whole metric
    assert study.response("gi50_b").stable_id == "screen_b"
    with pytest.raises(InputError, match=r"'screen' fits 2 of the study \(screen_gi50, screen_b\)"):
        study.response("screen")


def test_a_repeated_stable_id_is_an_error(make_study, small):
    with pytest.raises(InputError, match="repeats the stable_id 'screen_gi50'"):
        read_study(make_study({"meta_treatment_other.txt": small[META]}))


def test_a_study_without_response_says_so(make_study):
    study = read_study(make_study({DATA: None, META: None}))
    assert study.response_files == {}
    with pytest.raises(InputError, match="the study has no drug response"):
        study.response("gi50")


@pytest.mark.parametrize("order", ["ASC", "asc", "DESC"])
def test_the_sort_order_is_the_direction(make_study, small, order):
    meta = small[META].replace("DESC", order)
    response = read_study(make_study({META: meta})).response("gi50")
    assert response.higher_is_resistant is (order.upper() == "ASC")


@pytest.mark.parametrize("line", ["", "value_sort_order: UP\n"])
def test_a_response_without_direction_is_refused_when_asked_for(make_study, small, line):
    meta = small[META].replace("value_sort_order: DESC\n", line)
    study = read_study(make_study({META: meta}))
    assert any("value_sort_order" in p.message for p in study.problems)
    with pytest.raises(InputError) as caught:
        study.response("gi50")
    for part in (META, "value_sort_order: ASC", "value_sort_order: DESC"):
        assert part in str(caught.value)


def test_the_unit_falls_back_to_the_profile_name(make_study, small):
    meta = small[META].replace("Unit: ", "")
    assert read_study(make_study({META: meta})).response("gi50").unit == "Drug response: GI50"


def test_repeated_drug_names_take_the_stable_id(make_study):
    drugs = list(read_study(make_study()).response("gi50").values.columns)
    assert drugs == ["Lapatinib", "sel-1", "sel-2"]


def test_drugs_without_a_name_column_take_the_stable_id(make_study, small):
    data = small[DATA].replace("\tNAME\t", "\tDESCRIPTION\t")
    assert "lap" in read_study(make_study({DATA: data})).response("gi50").values.columns


def test_drugs_that_cannot_be_told_apart_are_an_error(make_study, small):
    study = read_study(make_study({DATA: small[DATA].replace("sel-2", "sel-1")}))
    with pytest.raises(InputError, match=r"line 4 \(sel-1\).*earlier row of the same name"):
        study.response("gi50")


def test_a_response_without_drugs_column_is_an_error(make_study, small):
    data = small[DATA].replace("ENTITY_STABLE_ID\tNAME", "A\tB")
    with pytest.raises(InputError, match="neither a NAME nor an ENTITY_STABLE_ID"):
        read_study(make_study({DATA: data}))


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("Lapatinib", "Lapatinib"),
        ("lapatinib", "Lapatinib"),
        ("LAPA-TINIB", "Lapatinib"),
        ("Afatinib", "BIBW2992"),
        ("bibw 2992", "BIBW2992"),
        ("bi2536", "BI-2536"),
        ("Selumetinib-1062", "Selumetinib-1062"),
        ("novel-x", "Novel X"),
    ],
)
def test_case_punctuation_and_synonyms_do_not_matter(name, column):
    assert drug_column(name, COLUMNS, "here") == column


def test_a_drug_with_two_columns_must_be_named_in_full():
    with pytest.raises(InputError, match="more than once; ask for one of Selumetinib-1736, Sel"):
        drug_column("selumetinib", COLUMNS, "here")


def test_columns_that_differ_in_punctuation_only_are_not_guessed_between():
    columns = ["Drug-A", "Drug A", "B"]
    assert drug_column("Drug A", columns, "here") == "Drug A"
    with pytest.raises(InputError, match="more than once; ask for one of Drug-A, Drug A"):
        drug_column("druga", columns, "here")


@pytest.mark.parametrize(
    ("name", "hint"), [("Lapatinb", "did you mean Lapatinib"), ("Zzz", "it has Lapatinib")]
)
def test_an_unknown_drug_is_refused_with_a_hint(name, hint):
    with pytest.raises(InputError, match=f"drug {name} is not in response gi50; {hint}"):
        drug_column(name, COLUMNS, "response gi50")


def test_a_response_knows_its_drugs_by_any_name(make_study):
    response = read_study(make_study()).response("gi50")
    assert response.drug("GW572016") == "Lapatinib"
    with pytest.raises(InputError, match="drug Lapatinb is not in response"):
        response.drug("Lapatinb")
    with pytest.raises(InputError, match="is not in response"):
        response.drug("--")


def test_limits_are_read_as_their_value(make_study, small):
    data = small[DATA].replace("4.5", ">8")
    assert read_study(make_study({DATA: data})).response("gi50").values.loc["697", "Lapatinib"] == 8


def test_limits_are_refused_where_the_datatype_has_none(make_study, small):
    changes = {
        DATA: small[DATA].replace("4.5", ">8"),
        META: small[META].replace("LIMIT-VALUE", "CONTINUOUS"),
    }
    with pytest.raises(
        InputError, match=r"line 2 \(Lapatinib\), column 697: '>8' is not a finite number"
    ):
        read_study(make_study(changes)).response("gi50")


def test_an_untested_line_is_left_out(make_study, small):
    data = small[DATA].replace("6.9", "NA")
    assert list(read_study(make_study({DATA: data})).response("gi50").values.index) == [
        "SKBR3",
        "697",
    ]


def test_a_selected_study_gives_the_response_of_its_samples(make_study):
    study = read_study(make_study()).select(["697", "X4", "SKBR3"])
    assert list(study.response("gi50").values.index) == ["697", "SKBR3"]


def test_the_breast_responses(real_study):
    study = real_study("breast_cell_lines")
    shapes = {name: study.response(name).values.shape for name in study.response_files}
    assert shapes == {
        "daemen_gi50": (52, 90),
        "heiser_gr_aoc": (53, 107),
        "gdsc2_ln_ic50": (38, 295),
        "gdsc2_auc": (38, 295),
    }
    assert study.response("ln_ic50").higher_is_resistant
    assert not study.response("gr_aoc").higher_is_resistant
    gi50 = study.response("gi50")
    assert gi50.values[gi50.drug("lapatinib")].notna().sum() == 38


@pytest.mark.slow
def test_the_pan_cancer_responses(real_study):
    study = real_study("pancan_cell_lines")
    shapes = {name: study.response(name).values.shape for name in study.response_files}
    assert shapes == {
        "gdsc2_ln_ic50": (447, 295),
        "gdsc2_auc": (447, 295),
        "ctrp2_auc": (687, 545),
        "ccle24_actarea": (398, 24),
    }
    with pytest.raises(InputError, match="fits 2"):
        study.response("auc")
    # A compound screened under two identifiers has a row each.
    drugs = study.response("ln_ic50").values.columns
    assert np.sum(drugs.str.match(r"Selumetinib-\d+")) == 2


@pytest.mark.parametrize(
    ("metric", "unit", "logged"),
    [("ic50", "micromolar", 1), ("ic50", "Treatment response: IC50", 1), ("auc", "per uM", 0)],
)
def test_concentrations_are_learned_on_their_logarithm(metric, unit, logged):
    lines = [f"LINE{number}" for number in range(12)]
    doses = pd.DataFrame({"Lapatinib": np.geomspace(0.001, 30, 12)}, index=lines)
    study = Study.from_frames(
        clinical=pd.DataFrame({"LINEAGE": "lung"}, index=lines), responses=doses, metric=metric,
        unit=unit, higher_is_resistant=True,
    )  # fmt: skip
    response = study.response(metric)
    expected = np.log(doses) if logged else doses
    assert response.values["Lapatinib"].to_list() == expected["Lapatinib"].to_list()
    assert response.unit == (f"natural log of {unit}" if logged else unit)
    # What the study holds stays as it was.
    assert study.response_files[metric].held["Lapatinib"].to_list() == doses["Lapatinib"].to_list()


def _errors(small, cell: str = "0.25", stable_id: str = "screen_gi50_se") -> dict[str, str]:
    """Files of standard errors of the response: a cell for every value."""
    header, *rows = small[DATA].splitlines()
    labels = header.split("\t").index("SKBR3")
    told = [
        "\t".join([*row.split("\t")[:labels], *[cell] * (len(row.split("\t")) - labels)])
        for row in rows
    ]
    meta = small[META].replace("TREATMENT_RESPONSE", "RESPONSE_ERROR")
    meta = meta.replace("screen_gi50", stable_id).replace(DATA, "data_treatment_gi50_se.txt")
    return {
        "meta_treatment_gi50_se.txt": meta,
        "data_treatment_gi50_se.txt": "\n".join([header, *told]) + "\n",
    }


def test_errors_of_a_response_stand_beside_its_values(make_study, small):
    assert read_study(make_study()).response("gi50").errors is None
    study = read_study(make_study(_errors(small)))
    assert list(study.response_files) == ["screen_gi50"]
    for one in (study, study.detached()):
        response = one.response("gi50")
        assert response.errors.shape == response.values.shape
        assert (response.errors == 0.25).all(axis=None)


def test_an_error_below_zero_is_refused_and_one_of_no_response_warned_of(make_study, small):
    with pytest.raises(InputError, match=r"gi50_se.txt, row .*: -1 is no standard error"):
        read_study(make_study(_errors(small, "-1"))).response("gi50")
    lost = read_study(make_study(_errors(small, stable_id="other_se")))
    assert any("gives errors of no response" in problem.message for problem in lost.problems)
    assert lost.response("gi50").errors is None
