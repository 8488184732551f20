"""The table of receptors and survival: its form, and what the paper found."""

from __future__ import annotations

import pytest

from sidestep.features.knowledge.rows import parse_rows
from sidestep.features.knowledge.rtk_survival import COLUMNS, build_rtk_survival, load_rtk_survival
from sidestep.features.knowledge.rtks import load_rtks


def test_it_holds_the_receptors_that_the_paper_singled_out() -> None:
    outcomes = {gene: found.outcome for gene, found in load_rtk_survival().items()}
    assert outcomes == {"MET": "better"} | dict.fromkeys(
        ("IGF1R", "TYRO3", "PDGFRB", "EPHB2", "EPHB3", "MST1R", "ROR2"), "worse"
    )
    assert set(outcomes) <= set(load_rtks())
    assert {found.source for found in load_rtk_survival().values()} == {"PMID:27903634"}


def test_every_receptor_that_rescued_cells_went_with_worse_survival() -> None:
    rescuing = {gene for gene, rtk in load_rtks().items() if rtk.rescues}
    assert all(load_rtk_survival()[gene].outcome == "worse" for gene in rescuing)


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
def test_a_malformed_row_is_named(rows: str, message: str) -> None:
    text = "\t".join(COLUMNS) + "\n" + rows
    with pytest.raises(ValueError, match=message):
        build_rtk_survival(parse_rows(text, "t.tsv", COLUMNS))
