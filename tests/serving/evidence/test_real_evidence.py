"""What is known of real cell lines: each carries the facts that it should."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.study.study import Study, read_study
from sidestep.models.predictor.references import MechanismReference
from sidestep.models.reliability.applicability import NearestLines
from sidestep.serving.evidence.databases import read_outside_knowledge
from sidestep.serving.evidence.evidence import drug_facts
from sidestep.serving.evidence.states import SampleStates
from sidestep.serving.scoring.gene_sets import gene_set_rows

# PIK3CA and PTEN of these lines, as the study's own mutation calls and copy number have them.
PIK3CA = {"BT474": "K111N", "MDAMB361": "E545K", "HCC1954": "H1047R", "T47D": "H1047R"}


@pytest.fixture(scope="module")
def lines(shared: Path) -> Study:
    return read_study(shared / "studies" / "breast_cell_lines")


@pytest.fixture(scope="module")
def facts(lines: Study) -> pd.DataFrame:
    states = SampleStates(lines, MechanismReference.fit(lines))
    rows = [
        {"sample": str(states.samples[fact.row]), "fact": fact.shown, "direction": fact.direction}
        for fact in drug_facts(states, "Lapatinib")
    ]
    return pd.DataFrame(rows)


def test_lines_with_a_pik3ca_change_show_it(lines: Study, facts: pd.DataFrame) -> None:
    calls = lines.mutations[lines.mutations["gene"] == "PIK3CA"]
    for line, change in PIK3CA.items():
        own = calls.loc[calls["sample_id"] == line, "protein_change"]
        assert f"p.{change}" in set(own)
        known = facts.loc[facts["sample"] == line, "fact"]
        assert known.str.contains(f"PIK3CA {change}").any(), line
    untouched = facts[facts["sample"] == "SKBR3"]
    assert not untouched["fact"].str.contains("PIK3CA").any()


def test_her2_amplified_lines_show_the_target_of_lapatinib(facts: pd.DataFrame) -> None:
    for line in ("BT474", "SKBR3", "AU565", "HCC1954"):
        known = facts[facts["sample"] == line]
        assert known["fact"].str.contains("ERBB2|HER2").any(), line
    assert not facts.loc[facts["sample"] == "BT549", "fact"].str.contains("ERBB2 ampl").any()


@pytest.mark.slow
def test_real_databases_find_what_is_known_of_real_lines(shared: Path, lines: Study) -> None:
    knowledge = read_outside_knowledge(shared / "knowledge")
    assert knowledge.databases == ["CIViC", "Hallmark", "PROGENy"]
    features = FeatureJoiner(["expression"]).fit_transform(lines)
    nearest = NearestLines().fit(features, list(lines.donors.loc[features.index]))
    rows = gene_set_rows(features.index, knowledge.stand(features, nearest))
    found = {(row.sample_id, row.gene_set, row.decile) for row in rows.itertuples()}
    mesenchymal = "HALLMARK_EPITHELIAL_MESENCHYMAL_TRANSITION"
    for line in ("BT549", "MDAMB157"):
        assert (line, mesenchymal, "top") in found
    assert ("MDAMB453", mesenchymal, "bottom") in found
    for line in ("T47D", "HCC1428"):
        assert (line, "HALLMARK_ESTROGEN_RESPONSE_EARLY", "top") in found
        assert (line, "Estrogen", "top") in found  # PROGENy
