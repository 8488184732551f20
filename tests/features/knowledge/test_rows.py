"""What a malformed table of literature facts is told, whatever it holds."""

from __future__ import annotations

import pytest

from sidestep.features.knowledge.receptors import RTK_TABLE
from sidestep.features.knowledge.tissue import TISSUE_TABLE


def rtk_row(**changes: str) -> str:
    cells = dict.fromkeys(RTK_TABLE.columns, "") | {
        "gene": "IGF1R",
        "family": "InsR",
        "role": "not tested",
        "statement": "Nothing",
        "source": "PMID:27903634",
    }
    return "\t".join((cells | changes).values())


def rtk_table(*rows: str) -> str:
    return "\n".join(["\t".join(RTK_TABLE.columns), *rows])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gene\tsource\n", r"rtks.tsv, line 1: the header must read gene family"),
        (rtk_table("IGF1R\tInsR"), r"line 2: 2 cells where 8 belong"),
        (rtk_table(rtk_row(statement="")), r"line 2, column statement: '' is blank"),
        (rtk_table(rtk_row(family=" InsR")), r"column family: ' InsR' has blanks around it"),
        (rtk_table(rtk_row(source="Alexander 2017")), r"'Alexander 2017' is neither PMID:"),
        (rtk_table(rtk_row(), rtk_row()), r"line 3: stands in line 2 already"),
        (rtk_table(rtk_row(role="helps")), r"column role: 'helps' is none of rescues, rescues in"),
        (rtk_table(rtk_row(gene="igf1r")), r"column gene: 'igf1r' is no Hugo symbol"),
        (rtk_table(rtk_row(), rtk_row(family="x")), r"line 3, column gene: 'IGF1R' has a row"),
        (rtk_table(rtk_row(role="rescues")), r"column lines: '' names no line"),
        (rtk_table(rtk_row(partners="Sunitinib")), r"column partners: 'Sunitinib' stands by"),
        (rtk_table(rtk_row(lines="BT474;;SKBR3")), r"is no list of distinct items joined by ';'"),
    ],
)
def test_a_malformed_row_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        RTK_TABLE.parse(text)


def test_a_row_says_whether_it_was_held_against_its_source():
    row = "gene\ttissue\tchecked\tsource\nVWF\tvessels\t{}\tDOI:10.1186/s13059-016-1070-5"
    for said in ("yes", "no"):
        assert TISSUE_TABLE.parse(row.format(said)) == {"VWF": "vessels"}
    with pytest.raises(ValueError, match="column checked: 'maybe' is none of yes, no"):
        TISSUE_TABLE.parse(row.format("maybe"))


def test_a_table_is_read_once_and_cannot_be_changed_by_its_reader():
    assert RTK_TABLE.load() is RTK_TABLE.load()
    with pytest.raises(TypeError):
        RTK_TABLE.load()["NEW"] = RTK_TABLE.load()["MET"]  # type: ignore[index]
