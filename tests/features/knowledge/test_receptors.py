"""Receptors and survival: the form of the table, and what the paper found."""

from __future__ import annotations

import pytest

from sidestep.features.knowledge.receptors import RTK_SURVIVAL_TABLE, RTK_TABLE


def test_the_survival_table_holds_the_receptors_that_the_paper_singled_out() -> None:
    outcomes = {gene: found.outcome for gene, found in RTK_SURVIVAL_TABLE.load().items()}
    assert outcomes == {"MET": "better"} | dict.fromkeys(
        ("IGF1R", "TYRO3", "PDGFRB", "EPHB2", "EPHB3", "MST1R", "ROR2"), "worse"
    )
    assert set(outcomes) <= set(RTK_TABLE.load())
    assert {found.source for found in RTK_SURVIVAL_TABLE.load().values()} == {"PMID:27903634"}


def test_every_receptor_that_rescued_cells_went_with_worse_survival() -> None:
    rescuing = {gene for gene, rtk in RTK_TABLE.load().items() if rtk.rescues}
    assert all(RTK_SURVIVAL_TABLE.load()[gene].outcome == "worse" for gene in rescuing)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("MET\tgood\tRose\tPMID:27903634", "line 2, column outcome: 'good' is none of worse, bet"),
        ("met\tbetter\tRose\tPMID:27903634", "column gene: 'met' is no Hugo symbol"),
        (
            "MET\tbetter\tRose\tPMID:27903634\nMET\tworse\tFell\tPMID:27903634",
            "line 3, column gene: 'MET' has a row already",
        ),
    ],
)
def test_a_malformed_row_of_the_survival_table_is_named(rows: str, message: str) -> None:
    text = "\t".join(RTK_SURVIVAL_TABLE.columns) + "\n" + rows
    with pytest.raises(ValueError, match=message):
        RTK_SURVIVAL_TABLE.parse(text)
