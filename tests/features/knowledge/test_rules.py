"""Markers and combinations: what they name exists, and what their tables refuse."""

from __future__ import annotations

import pytest

from sidestep.features.knowledge.drugs import DRUG_TABLE
from sidestep.features.knowledge.rules import COMBINATION_TABLE, MARKER_TABLE
from sidestep.features.knowledge.signatures import PATHWAY_TABLE, SIGNATURE_TABLE


def test_every_drug_signature_and_pathway_of_a_marker_exists():
    assert len(MARKER_TABLE.load()) > 15
    drugs = {drug for marker in MARKER_TABLE.load() for drug in marker.drugs}
    assert drugs <= set(DRUG_TABLE.load())
    terms = [term for marker in MARKER_TABLE.load() for term in marker.condition.terms]
    assert {t.name for t in terms if t.measure == "signature"} <= set(SIGNATURE_TABLE.load())
    assert {t.name for t in terms if t.measure == "pathway"} <= set(PATHWAY_TABLE.load())


def test_no_marker_stands_twice():
    keys = [(marker.drugs, marker.condition.text, marker.source) for marker in MARKER_TABLE.load()]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (("Lapatinib", "amplified:", "sensitivity"), "condition.*cannot be read"),
        (("Lapatinib", "amplified:ERBB2", "helps"), "direction.*is none of"),
        (("Lapatinib;;Neratinib", "amplified:ERBB2", "none"), "drugs.*no list"),
    ],
)
def test_a_malformed_marker_is_named(cells, reason):
    row = "\t".join([*cells, "Found.", "PMID:12345"])
    with pytest.raises(ValueError, match=f"markers.tsv, line 2, column {reason}"):
        MARKER_TABLE.parse("\t".join(MARKER_TABLE.columns) + f"\n{row}\n")


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("A\thigh:IGF1R\t\trestores", r"column partner: '' does not go with the direction"),
        ("A\thigh:IGF1R\tB\tno effect", r"column partner: 'B' does not go with the direction"),
        ("A\thigh:IGF1R\tA\trestores", r"column partner: 'A' is a drug that the rule calls"),
        ("A\thot:IGF1R\tB\trestores", r"column condition: 'hot:IGF1R' cannot be read: condition"),
    ],
)
def test_a_malformed_combination_is_named(cells, message):
    row = f"{cells}\tshown\ts\tc\tPMID:1234"
    with pytest.raises(ValueError, match=message):
        COMBINATION_TABLE.parse("\t".join(COMBINATION_TABLE.columns) + f"\n{row}")
