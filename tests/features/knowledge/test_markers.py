"""The marker table."""

from __future__ import annotations

import pytest

from sidestep.features.knowledge.drugs import load_drugs
from sidestep.features.knowledge.markers import COLUMNS, build_markers, load_markers
from sidestep.features.knowledge.pathways import load_pathways
from sidestep.features.knowledge.rows import parse_rows
from sidestep.features.knowledge.signatures import load_signatures


def test_every_drug_signature_and_pathway_exists():
    assert len(load_markers()) > 15
    assert {drug for marker in load_markers() for drug in marker.drugs} <= set(load_drugs())
    terms = [term for marker in load_markers() for term in marker.condition.terms]
    assert {t.name for t in terms if t.measure == "signature"} <= set(load_signatures())
    assert {t.name for t in terms if t.measure == "pathway"} <= set(load_pathways())


def test_no_marker_stands_twice():
    keys = [(marker.drugs, marker.condition.text, marker.source) for marker in load_markers()]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (("Lapatinib", "amplified:", "sensitivity"), "condition.*cannot be read"),
        (("Lapatinib", "amplified:ERBB2", "helps"), "direction.*is none of"),
        (("Lapatinib;;Neratinib", "amplified:ERBB2", "none"), "drugs.*no list"),
    ],
)
def test_a_malformed_row_is_named(cells, reason):
    text = "\t".join(COLUMNS) + "\n" + "\t".join([*cells, "Found.", "PMID:12345"]) + "\n"
    with pytest.raises(ValueError, match=f"markers.tsv, line 2, column {reason}"):
        build_markers(parse_rows(text, "markers.tsv", COLUMNS))
