"""The knowledge tables themselves: columns, sources, symbols, and how they fit together."""

from __future__ import annotations

import csv
import re
from collections import Counter
from importlib.resources import files

import pytest

from sidestep.features import knowledge
from sidestep.features.identifiers import match_key
from sidestep.features.knowledge.drugs import DRUG_TABLE, PANELS, PARTNER_TABLE
from sidestep.features.knowledge.variants import HOTSPOT_TABLE
from sidestep.features.mechanisms.of_features import MECHANISM_TABLE, MECHANISMS, OTHER

TABLES = {
    table.file_name: table for table in (DRUG_TABLE, PARTNER_TABLE, HOTSPOT_TABLE, MECHANISM_TABLE)
}
SYMBOL = re.compile(r"[A-Z][A-Z0-9]{1,}(-[A-Z0-9]+)?")

every_table = pytest.mark.parametrize("table", sorted(TABLES))


def cells_of(table: str) -> list[dict[str, str]]:
    """Rows of a table as they stand in its file (test_rows.py tests that their form is checked)."""
    with (files(knowledge) / "tables" / table).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))


@every_table
def test_a_table_has_its_form_and_many_rows(table: str) -> None:
    assert len(TABLES[table].load()) > 100


@every_table
def test_no_row_stands_twice(table: str) -> None:
    keys = [
        tuple(value for column, value in row.items() if column != "source")
        for row in cells_of(table)
    ]
    assert [key for key, count in Counter(keys).items() if count > 1] == []


def test_drug_names_and_synonyms_are_distinct() -> None:
    keys = Counter(match_key(name) for drug in DRUG_TABLE.load().values() for name in drug.names)
    assert [key for key, count in keys.items() if count > 1] == []


def test_every_target_marker_and_panel_is_of_the_agreed_form() -> None:
    for drug in DRUG_TABLE.load().values():
        symbols = (*drug.targets, *drug.partners, drug.marker)
        assert all(SYMBOL.fullmatch(symbol) for symbol in symbols), drug.name
        assert len(set(drug.targets)) == len(drug.targets) >= 1, drug.name
        assert drug.panels <= set(PANELS), drug.name


def test_the_marker_is_a_target() -> None:
    off = {d.name for d in DRUG_TABLE.load().values() if d.marker not in d.targets}
    assert off == set()


def test_the_marker_is_the_lead_target_except_where_the_class_names_another() -> None:
    exceptions = {
        drug.name: drug.marker
        for drug in DRUG_TABLE.load().values()
        if "her2" not in drug.panels and drug.marker != drug.targets[0]
    }
    assert exceptions == {"Dovitinib": "FGFR1"}


def test_every_target_but_a_few_has_a_partner_and_every_partner_row_a_target() -> None:
    targets = {target for drug in DRUG_TABLE.load().values() for target in drug.targets}
    alone = "ACVR1 BMPR1A EPHB4 HDAC1 ITK MAP2K5 MAP3K7 MAP4K2 PARP1 PARP2 PIKFYVE PTK2B"
    assert {row.gene for row in PARTNER_TABLE.load()} == targets - set(alone.split())


def test_no_gene_is_its_own_partner() -> None:
    assert [row for row in PARTNER_TABLE.load() if row.gene == row.partner] == []


def test_a_heterodimer_is_known_from_both_sides() -> None:
    rows = PARTNER_TABLE.load()
    pairs = {(row.gene, row.partner) for row in rows if row.relation == "heterodimer"}
    targets = {row.gene for row in rows}
    one_sided = {(a, b) for a, b in pairs if b in targets and (b, a) not in pairs}
    assert one_sided == set()


def test_a_change_begins_with_its_residue() -> None:
    for row in HOTSPOT_TABLE.load():
        assert SYMBOL.fullmatch(row.gene), row
        assert re.fullmatch(r"[ACDEFGHIKLMNPQRSTVWY][1-9]\d*", row.residue), row
        assert row.change == "" or re.fullmatch(rf"{row.residue}[A-Z]", row.change), row


def test_an_entity_has_one_mechanism_and_it_is_a_named_one() -> None:
    rows = cells_of("mechanisms.tsv")
    entities = Counter(row["entity"] for row in rows)
    assert [entity for entity, count in entities.items() if count > 1] == []
    assert {row["mechanism"] for row in rows} == set(MECHANISMS) - {OTHER, "immune"}


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
    her2 = [drug for drug in DRUG_TABLE.load().values() if "her2" in drug.panels]
    targets = {target for drug in her2 for target in drug.targets}
    assert targets <= mapped
