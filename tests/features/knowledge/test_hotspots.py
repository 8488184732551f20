"""Hotspots as the mutation builder meets them."""

from __future__ import annotations

import pytest

from sidestep.features.knowledge.hotspots import known_hotspots, load_hotspots


@pytest.mark.parametrize(
    ("gene", "residue"),
    [
        ("PIK3CA", "H1047"),
        ("PIK3CA", "E545"),
        ("KRAS", "G12"),
        ("BRAF", "V600"),
        ("ERBB2", "L755"),
        ("ERBB2", "V777"),
        ("EGFR", "T790"),
        ("ALK", "F1174"),
        ("AKT1", "E17"),
        ("ESR1", "D538"),
        ("TP53", "R175"),
        ("ABL1", "T315"),
    ],
)
def test_a_well_known_hotspot_is_listed(gene: str, residue: str) -> None:
    assert (gene, residue) in known_hotspots()


@pytest.mark.parametrize(
    ("gene", "residue"), [("PIK3CA", "A1"), ("ERBB2", "I655"), ("TTN", "H1047")]
)
def test_a_residue_that_does_not_recur_or_is_a_polymorphism_is_not(gene: str, residue: str) -> None:
    assert (gene, residue) not in known_hotspots()


def test_a_residue_of_two_isoforms_stands_under_both_numbers() -> None:
    assert {("MET", "D1228"), ("MET", "D1246"), ("FGFR3", "Y373"), ("FGFR3", "Y375")} <= (
        known_hotspots()
    )


def test_a_change_with_two_effects_keeps_both_with_their_sources() -> None:
    rows = [row for row in load_hotspots() if (row.gene, row.residue) == ("ALK", "F1174")]
    assert {(row.change, row.effect, row.source) for row in rows} == {
        ("", "activating", "PMID:18724359"),
        ("F1174L", "resistance to crizotinib", "PMID:21030459"),
    }
