"""Gene sets of larger databases: which file is which, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidestep.features.errors import InputError
from sidestep.features.knowledge.gene_sets import GeneSet, read_gmt, read_progeny

REACTOME = """\
Polo-like kinase mediated events\tR-HSA-156711\tReactome Pathway\tPLK1\tCDC25A\tWEE1
Apoptosis\tR-HSA-109581\tBAX\tBAK1
"""
PROGENY = "rownames,MAPK,p53\nDUSP6,12.5,0\nSPRY4,8,0\nMDM2,0,10\nCDKN1A,-1.5,9\n"


@pytest.fixture
def write(tmp_path: Path):
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_hallmark_is_known_by_the_names_of_its_sets(write) -> None:
    sets = read_gmt(write("h.all.gmt", "HALLMARK_HYPOXIA\turl\tVEGFA\tCA9\n\n"))
    assert [(one.database, one.name, one.identifier) for one in sets] == [
        ("Hallmark", "HALLMARK_HYPOXIA", "")
    ]
    assert sets[0].weights == {"VEGFA": 1.0, "CA9": 1.0}


def test_reactome_is_known_by_its_identifiers_and_its_label_is_no_gene(write) -> None:
    first, second = read_gmt(write("any.gmt", REACTOME))
    assert (first.database, first.identifier) == ("Reactome", "R-HSA-156711")
    assert first.name == "Polo-like kinase mediated events"
    assert list(first.weights) == ["PLK1", "CDC25A", "WEE1"]
    assert list(second.weights) == ["BAX", "BAK1"]


def test_any_other_file_names_its_sets_database(write) -> None:
    (own,) = read_gmt(write("our_lab.gmt", "OURS\tR-HSA\tERBB2\n"))
    assert own.database == "our_lab"


@pytest.mark.parametrize("text", ["A\tof mine\n", "\tof mine\tERBB2\n", "gene,set\n"])
def test_a_line_without_name_or_genes_is_refused_with_its_number(write, text) -> None:
    with pytest.raises(InputError, match=r"own.gmt, line 2: a gene set needs a name"):
        read_gmt(write("own.gmt", f"FIRST\tset\tERBB2\n{text}"))


def test_a_file_without_sets_is_refused(write) -> None:
    with pytest.raises(InputError, match="holds no gene set; fetch"):
        read_gmt(write("own.gmt", "\n"))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.gmt"
    path.write_bytes(b"\x1f\x8b\x08\xff")
    with pytest.raises(InputError, match="cannot be read"):
        read_gmt(path)


def test_progeny_keeps_weights_that_are_not_zero(write) -> None:
    mapk, p53 = read_progeny(write("progeny.csv", PROGENY))
    assert (mapk.database, mapk.name) == ("PROGENy", "MAPK")
    assert mapk.weights == {"DUSP6": 12.5, "SPRY4": 8.0, "CDKN1A": -1.5}
    assert p53.weights == {"MDM2": 10.0, "CDKN1A": 9.0}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("gene,MAPK\nDUSP6,high\n", "cannot be read as PROGENy's weights"),
        ("", "cannot be read as PROGENy's weights"),
        ("gene,MAPK\nDUSP6,0\n", "column MAPK: a pathway needs genes"),
        ("gene,MAPK\nDUSP6,inf\n", "column MAPK: a pathway needs genes with finite weights"),
        ("gene\nDUSP6\n", "names no pathway"),
    ],
)
def test_a_malformed_table_of_weights_is_refused(write, text, reason) -> None:
    with pytest.raises(InputError, match=reason):
        read_progeny(write("progeny.csv", text))


def test_the_real_files_are_read(shared: Path) -> None:
    hallmark = read_gmt(shared / "knowledge" / "hallmark_symbols.gmt")
    assert {one.database for one in hallmark} == {"Hallmark"}
    assert len(hallmark) == 50
    progeny = read_progeny(shared / "knowledge" / "progeny_human_top100_14pathways.csv")
    assert len(progeny) == 14
    assert all(isinstance(one, GeneSet) and 90 <= len(one.weights) <= 110 for one in progeny)
