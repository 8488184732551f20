"""The genes to screen, as a person names them."""

from __future__ import annotations

import pytest

from sidestep.features.errors import InputError
from sidestep.features.knowledge.receptors import RTK_TABLE
from sidestep.training.survival.genes import choose_genes


def test_rtk_names_the_58_receptors() -> None:
    assert set(choose_genes("rtk")) == set(RTK_TABLE.load())
    assert len(choose_genes("RTK")) == 58


def test_genes_may_stand_between_commas_or_in_a_file(tmp_path) -> None:
    assert choose_genes("IGF1R, MET,IGF1R,") == ("IGF1R", "MET")
    path = tmp_path / "genes"
    path.write_text("\ufeff# receptors\nIGF1R\tMET\n\nAXL,MET # again\n", encoding="utf-8")
    assert choose_genes(str(path)) == ("IGF1R", "MET", "AXL")


@pytest.mark.parametrize("wanted", ["genes.txt", "lists/genes", " , "])
def test_genes_that_are_not_there_are_told(wanted: str) -> None:
    with pytest.raises(InputError, match=r"no file .*genes|names no gene"):
        choose_genes(wanted)


def test_a_genes_file_that_is_no_text_is_refused(tmp_path) -> None:
    path = tmp_path / "genes.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"genes\.txt cannot be read as text"):
        choose_genes(str(path))
