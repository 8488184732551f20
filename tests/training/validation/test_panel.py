"""Which drugs and lines a retrain learns from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.responses import Response
from sidestep.features.study.study import Study, read_study
from sidestep.training.validation.panel import Panel, PanelDrug, choose_panel, find_response


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("panel") / "study"
    simulate_study(folder, SimulationPlan(kind="breast", lines=30, genes=120, seed=1))
    return read_study(folder)


@pytest.fixture(scope="module")
def response(study: Study) -> Response:
    return study.response("gi50")


def choose(study: Study, response: Response, drugs=None, panel="all", min_lines=10) -> Panel:
    return choose_panel(study, response, drugs=drugs, panel=panel, min_lines=min_lines)


def names(panel: Panel) -> list[str]:
    return [drug.name for drug in panel.drugs]


def test_drugs_are_named_by_any_of_their_names_and_once(study, response):
    panel = choose(study, response, drugs=["GW572016", "everolimus", "Lapatinib", "RAD001"])
    assert names(panel) == ["Lapatinib", "Everolimus"]
    assert list(panel.values.columns) == ["Lapatinib", "Everolimus"]


def test_panels_are_those_of_the_drug_table(study, response):
    everything = names(choose(study, response, panel="all"))
    assert everything == list(response.values.columns)
    her2 = names(choose(study, response, panel="her2"))
    assert {"Lapatinib", "Trastuzumab emtansine"} <= set(her2)
    assert "Trametinib" not in her2
    kinase = names(choose(study, response, panel="kinase"))
    assert {"Lapatinib", "Trametinib", "BI-2536"} <= set(kinase)
    assert not {"Trastuzumab emtansine", "SIMNULL-1"} & set(kinase)


def test_a_drug_knows_its_targets_partners_and_marker(study, response):
    lapatinib, everolimus, null = choose(
        study, response, drugs=["Lapatinib", "Everolimus", "SIMNULL-1"]
    ).drugs
    assert lapatinib.marker == "ERBB2"
    assert {"ERBB2", "EGFR", "ERBB3"} <= set(lapatinib.genes)
    assert everolimus.marker == "MTOR"
    assert null == PanelDrug("SIMNULL-1", (), "")
    columns = ["expression:ERBB2", "expression:TP53", "rppa:EGFR_pY1068", "mutation:burden"]
    assert lapatinib.target_features(columns) == ["expression:ERBB2", "rppa:EGFR_pY1068"]
    assert null.target_features(columns) == []


def test_lines_have_molecular_data_and_a_response(study, response):
    bare = study.samples[:3]
    without = replace(
        study,
        expression=study.expression.drop(bare),
        rppa=study.rppa.drop(bare, errors="ignore"),
        copy_number=study.copy_number.drop(bare, errors="ignore"),
        sequenced=study.sequenced.drop(bare, errors="ignore"),
    )
    values = response.values.copy()
    values.iloc[5] = np.nan
    panel = choose(without, replace(response, values=values))
    assert not set(bare) & set(panel.values.index)
    assert values.index[5] not in panel.values.index
    assert panel.values.notna().any(axis=1).all()
    tested = [s for s in study.samples if s in set(values.index) - {*bare, values.index[5]}]
    assert list(panel.values.index) == tested


def test_a_line_with_one_modality_is_kept(study, response):
    only_rppa = study.rppa.index.intersection(response.values.index)[0]
    without = replace(
        study,
        expression=study.expression.drop(only_rppa),
        copy_number=study.copy_number.drop(only_rppa, errors="ignore"),
        sequenced=study.sequenced.drop(only_rppa, errors="ignore"),
    )
    assert only_rppa in choose(without, response).values.index


@pytest.fixture(scope="module")
def uneven(response: Response) -> Response:
    """Lapatinib has five values, everolimus two different ones, afatinib all."""
    values = response.values[["Lapatinib", "Everolimus", "Afatinib"]].copy()
    values.iloc[5:, 0] = np.nan
    values["Everolimus"] = np.where(np.arange(len(values)) % 2, 5.0, 6.0)
    return replace(response, values=values)


def test_drugs_with_few_lines_or_values_are_skipped_with_a_reason(study, uneven):
    panel = choose(study, uneven)
    assert names(panel) == ["Afatinib"]
    assert panel.skipped == {
        "Lapatinib": "5 lines, fewer than 10",
        "Everolimus": "fewer than 3 different responses",
    }


def test_a_named_drug_with_few_lines_is_refused(study, uneven):
    with pytest.raises(InputError, match=r"Lapatinib has 5 lines, fewer than 10.*--min-lines"):
        choose(study, uneven, drugs=["Afatinib", "Lapatinib"])
    assert names(choose(study, uneven, drugs=["Lapatinib"], min_lines=5)) == ["Lapatinib"]


def test_a_drug_of_few_donors_is_skipped_or_refused_by_name(study, response):
    """Folds never part a donor's lines, so that lines of four donors cannot be split twice."""
    values = response.values.copy()
    values.loc[values.index[16:], "Lapatinib"] = np.nan
    donors = study.donors.copy()
    tested = values["Lapatinib"].dropna().index
    donors[tested] = [f"D{number % 4}" for number in range(len(tested))]
    related, sparse = replace(study, donors=donors), replace(response, values=values)
    panel = choose(related, sparse)
    assert panel.skipped == {"Lapatinib": "lines of 4 donors, fewer than 5"}
    assert "Everolimus" in names(panel)
    with pytest.raises(InputError, match=r"Lapatinib has lines of 4 donors, fewer than 5.*out$"):
        choose(related, sparse, drugs=["Lapatinib", "Everolimus"])


@pytest.mark.parametrize(
    ("drugs", "min_lines", "message"),
    [
        (["Lapatinb"], 10, "drug Lapatinb is not in response sim_gi50; did you mean Lapatinib"),
        (["Everolimus"], 10, "Everolimus has fewer than 3 different responses.*leave it out$"),
        (None, 1000, "no drug of panel all has 1000 lines"),
    ],
)
def test_a_panel_without_drugs_is_refused(study, uneven, drugs, min_lines, message):
    with pytest.raises(InputError, match=message):
        choose(study, uneven, drugs=drugs, min_lines=min_lines)


def test_a_response_of_no_line_with_molecular_data_is_refused(study, response):
    others = response.values.set_axis([f"X{n}" for n in range(len(response.values))])
    with pytest.raises(InputError, match="no drug of panel all"):
        choose(study, replace(response, values=pd.DataFrame(others)))


def test_without_a_name_the_studys_only_response_is_taken(study, response):
    found = find_response(study)
    assert found.stable_id == response.stable_id
    pd.testing.assert_frame_equal(found.values, response.values)
    (file,) = study.response_files.values()
    two = replace(study, response_files={"sim_gi50": file, "sim_auc": replace(file, metric="auc")})
    with pytest.raises(
        InputError, match=r"several .* --response: sim_gi50 \(gi50\), sim_auc \(auc"
    ):
        find_response(two)
    assert find_response(two, "gi50").stable_id == "sim_gi50"
    with pytest.raises(InputError, match=f"{study.path} has no drug response to learn"):
        find_response(replace(study, response_files={}))
