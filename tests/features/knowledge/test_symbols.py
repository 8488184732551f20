"""Renamed genes: the table, and where the knowledge meets an older symbol."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidestep.features.builders.expression import ExpressionBuilder
from sidestep.features.knowledge.drugs import DRUG_TABLE
from sidestep.features.knowledge.symbols import PREVIOUS_SYMBOL_TABLE, current_symbol
from sidestep.features.mechanisms.of_features import MECHANISM_TABLE, mechanism_of
from sidestep.features.study.study import read_study


def test_every_renamed_gene_is_one_that_the_tables_name() -> None:
    named = set(MECHANISM_TABLE.load())
    named |= {gene for drug in DRUG_TABLE.load().values() for gene in drug.partners}
    assert set(PREVIOUS_SYMBOL_TABLE.load().values()) <= named
    assert not set(PREVIOUS_SYMBOL_TABLE.load()) & named


def test_a_feature_under_a_previous_symbol_has_the_mechanism_of_its_gene() -> None:
    for feature in ("expression:MRE11A", "rppa:MRE11A", "copy_number:MRE11A", "mutation:MRE11A"):
        assert mechanism_of(feature) == "DNA damage"
    assert mechanism_of("expression:CTGF") == mechanism_of("expression:CCN2") == "EMT"
    assert current_symbol("ERBB2") == "ERBB2"


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (("IL8 CXCL8", "IL8 CXCL1"), "line 3, column previous: 'IL8' has a row already"),
        (("IL8 CXCL8", "CXCL8 CXCL9"), "line 2, column current: 'CXCL8' is itself a previous"),
        (("IL8 cxcl8",), "line 2, column current: 'cxcl8' is no Hugo symbol"),
    ],
)
def test_a_malformed_table_is_refused(rows: tuple[str, ...], reason: str) -> None:
    cells = [PREVIOUS_SYMBOL_TABLE.columns, *([*row.split(), "PMID:12345"] for row in rows)]
    with pytest.raises(ValueError, match=reason):
        PREVIOUS_SYMBOL_TABLE.parse("\n".join(map("\t".join, cells)))


def test_the_renamed_genes_of_real_breast_lines_have_their_mechanisms(shared: Path) -> None:
    study = read_study(shared / "studies" / "breast_cell_lines")
    genes = ExpressionBuilder().fit(study).genes_
    renamed = {gene: current_symbol(gene) for gene in genes if current_symbol(gene) != gene}
    assert len(renamed) >= 20
    known = MECHANISM_TABLE.load()
    for gene, current in renamed.items():
        if current in known:
            assert mechanism_of(f"expression:{gene}") == known[current].mechanism
