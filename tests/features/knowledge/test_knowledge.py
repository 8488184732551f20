"""The knowledge tables themselves: columns, sources, symbols, and how they fit together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import pytest

from sidestep.features.identifiers import match_key
from sidestep.features.knowledge import drugs, hotspots
from sidestep.features.knowledge.drugs import PANELS, load_drugs, load_partnerships
from sidestep.features.knowledge.hotspots import load_hotspots
from sidestep.features.knowledge.rows import read_rows
from sidestep.features.mechanisms import of_features as mechanisms
from sidestep.features.mechanisms.of_features import MECHANISMS, OTHER

TABLES = {
    "drugs.tsv": (drugs.COLUMNS, drugs.MAY_BE_BLANK),
    "partners.tsv": (drugs.PARTNER_COLUMNS, ()),
    "hotspots.tsv": (hotspots.COLUMNS, hotspots.MAY_BE_BLANK),
    "mechanisms.tsv": (mechanisms.COLUMNS, ()),
}
SYMBOL = re.compile(r"[A-Z][A-Z0-9]{1,}(-[A-Z0-9]+)?")

every_table = pytest.mark.parametrize("table", sorted(TABLES))


def cells_of(table: str) -> list[Mapping[str, str]]:
    """Rows of a table, whose form `read_rows` checks (test_knowledge_rows.py)."""
    return [row.cells for row in read_rows(table, *TABLES[table])]


@every_table
def test_a_table_has_its_form_and_many_rows(table: str) -> None:
    assert len(cells_of(table)) > 100


@every_table
def test_no_row_stands_twice(table: str) -> None:
    keys = [
        tuple(value for column, value in row.items() if column != "source")
        for row in cells_of(table)
    ]
    assert [key for key, count in Counter(keys).items() if count > 1] == []


def test_drug_names_and_synonyms_are_distinct() -> None:
    keys = Counter(match_key(name) for drug in load_drugs().values() for name in drug.names)
    assert [key for key, count in keys.items() if count > 1] == []


def test_every_target_marker_and_panel_is_of_the_agreed_form() -> None:
    for drug in load_drugs().values():
        symbols = (*drug.targets, *drug.partners, drug.marker)
        assert all(SYMBOL.fullmatch(symbol) for symbol in symbols), drug.name
        assert len(set(drug.targets)) == len(drug.targets) >= 1, drug.name
        assert drug.panels <= set(PANELS), drug.name


def test_the_marker_is_a_target() -> None:
    off = {d.name for d in load_drugs().values() if d.marker not in d.targets}
    assert off == set()


def test_the_marker_is_the_lead_target_except_where_the_class_names_another() -> None:
    exceptions = {
        drug.name: drug.marker
        for drug in load_drugs().values()
        if "her2" not in drug.panels and drug.marker != drug.targets[0]
    }
    assert exceptions == {"Dovitinib": "FGFR1"}


def test_every_target_has_a_partner_and_every_partner_row_a_target() -> None:
    targets = {target for drug in load_drugs().values() for target in drug.targets}
    assert {row.gene for row in load_partnerships()} == targets


def test_no_gene_is_its_own_partner() -> None:
    assert [row for row in load_partnerships() if row.gene == row.partner] == []


def test_a_heterodimer_is_known_from_both_sides() -> None:
    rows = load_partnerships()
    pairs = {(row.gene, row.partner) for row in rows if row.relation == "heterodimer"}
    targets = {row.gene for row in rows}
    one_sided = {(a, b) for a, b in pairs if b in targets and (b, a) not in pairs}
    assert one_sided == set()


def test_a_change_begins_with_its_residue() -> None:
    for row in load_hotspots():
        assert SYMBOL.fullmatch(row.gene), row
        assert re.fullmatch(r"[ACDEFGHIKLMNPQRSTVWY][1-9]\d*", row.residue), row
        assert row.change == "" or re.fullmatch(rf"{row.residue}[A-Z]", row.change), row


def test_an_entity_has_one_mechanism_and_it_is_a_named_one() -> None:
    rows = cells_of("mechanisms.tsv")
    entities = Counter(row["entity"] for row in rows)
    assert [entity for entity, count in entities.items() if count > 1] == []
    assert {row["mechanism"] for row in rows} == set(MECHANISMS) - {OTHER}


def test_an_entity_is_a_symbol_or_a_feature_of_one() -> None:
    for row in cells_of("mechanisms.tsv"):
        *modality, measured = row["entity"].split(":")
        assert modality in ([], ["rppa"], ["copy_number"]), row
        assert SYMBOL.fullmatch(measured.split("_")[0]), row
        assert modality == ["rppa"] or "_" not in measured, row


def test_the_mechanism_table_is_sorted_so_that_a_gene_is_found() -> None:
    rows = cells_of("mechanisms.tsv")
    order = [(MECHANISMS.index(r["mechanism"]), ":" in r["entity"], r["entity"]) for r in rows]
    assert order == sorted(order)


def test_every_drug_target_of_the_her2_panel_has_a_mechanism() -> None:
    mapped = {row["entity"] for row in cells_of("mechanisms.tsv")}
    targets = {t for drug in load_drugs().values() if "her2" in drug.panels for t in drug.targets}
    assert targets <= mapped
