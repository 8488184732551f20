"""Protein changes: the hotspots as the mutation builder meets them, and what the tables refuse."""

from __future__ import annotations

import pytest

from sidestep.features.knowledge.variants import (
    HOTSPOT_TABLE,
    PIK3CA_TABLE,
    RESISTANCE_TABLE,
    SENSITIZING_TABLE,
    known_hotspots,
)


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
    rows = [row for row in HOTSPOT_TABLE.load() if (row.gene, row.residue) == ("ALK", "F1174")]
    assert {(row.change, row.effect, row.source) for row in rows} == {
        ("", "activating", "PMID:18724359"),
        ("F1174L", "resistance to crizotinib", "PMID:21030459"),
    }


def test_a_gene_whose_variants_were_found_beside_a_sensitizing_change_has_some() -> None:
    asked = {row.gene for row in RESISTANCE_TABLE.load() if "sensitizing" in row.context}
    assert asked == {change.gene for change in SENSITIZING_TABLE.load()}


def test_no_sensitizing_change_makes_a_drug_fail() -> None:
    failing = {(row.gene, row.variant) for row in RESISTANCE_TABLE.load()}
    assert not failing & {(change.gene, change.change) for change in SENSITIZING_TABLE.load()}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("egfr\tL858R\tsubstitution", "column gene: 'egfr' is no Hugo symbol"),
        ("EGFR\tL858R\tin-frame", "column change: 'L858R' is no change such as in-frame calls"),
        ("EGFR\t858\tsubstitution", "column change: '858' is no change such as substitution"),
        ("EGFR\tL858R\tmissense", "column call: 'missense' is none of substitution, in-frame"),
    ],
)
def test_a_malformed_sensitizing_change_is_named(row: str, reason: str) -> None:
    text = "\t".join(SENSITIZING_TABLE.columns) + f"\n{row}\tPMID:12345\n"
    with pytest.raises(ValueError, match=f"line 2, {reason}"):
        SENSITIZING_TABLE.parse(text)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("H1047R\tk\tfair\ts\tPMID:1234", r"'fair' is none of strong, weak, unknown"),
        ("H1047\tk\tstrong\ts\tPMID:1234", r"'H1047' is no protein change such as H1047R"),
        (
            "H1047R\tk\tstrong\ts\tPMID:1234\nH1047R\tk\tweak\ts\tPMID:5678",
            r"line 3, column strength: 'weak' contradicts an earlier row of H1047R",
        ),
    ],
)
def test_a_malformed_pik3ca_row_is_named(cells, message):
    with pytest.raises(ValueError, match=message):
        PIK3CA_TABLE.parse("\t".join(PIK3CA_TABLE.columns) + f"\n{cells}")


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ("=\tmany\t\tnM\t", r"column ic50: 'many' is no positive number"),
        ("=\t-5\t\tnM\t", r"column ic50: '-5' is no positive number"),
        ("=\t5\t\t\t", r"column unit: '' must be nM where there is a concentration"),
        ("\t\t\tnM\t", r"column unit: 'nM' must be nM where"),
        ("\t5\t\tnM\t", r"column relation: '' must say how ic50 is meant"),
        ("=\t\t5\tnM\t", r"column relation: '=' must say how ic50 is meant"),
        ("=\t5\t\tnM\t3", r"column fold_change: '3' stands beside the concentrations"),
    ],
)
def test_malformed_concentrations_of_a_variant_are_named(numbers, message):
    cells = f"ALK\tF1174L\t\tCrizotinib\tresistance\t{numbers}\ts\tPMID:21030459"
    with pytest.raises(ValueError, match=message):
        RESISTANCE_TABLE.parse("\t".join(RESISTANCE_TABLE.columns) + f"\n{cells}")
