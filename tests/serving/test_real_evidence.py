"""What is known of real cell lines: each carries the facts that it should."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from features.study import Study, read_study
from models.mechanism_reference import MechanismReference
from serving.evidence import drug_facts
from serving.sample_states import SampleStates

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
        told = facts.loc[facts["sample"] == line, "fact"]
        assert told.str.contains(f"PIK3CA {change}").any(), line
    untouched = facts[facts["sample"] == "SKBR3"]
    assert not untouched["fact"].str.contains("PIK3CA").any()


def test_her2_amplified_lines_show_the_target_of_lapatinib(facts: pd.DataFrame) -> None:
    for line in ("BT474", "SKBR3", "AU565", "HCC1954"):
        told = facts[facts["sample"] == line]
        assert told["fact"].str.contains("ERBB2|HER2").any(), line
    assert not facts.loc[facts["sample"] == "BT549", "fact"].str.contains("ERBB2 ampl").any()
