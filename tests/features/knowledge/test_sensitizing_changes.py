"""The table of sensitizing changes."""

from __future__ import annotations

import pytest

from sidestep.features.knowledge.rows import parse_rows
from sidestep.features.knowledge.sensitizing_changes import (
    COLUMNS,
    build_sensitizing_changes,
    load_sensitizing_changes,
)
from sidestep.features.knowledge.variants import load_resistance_variants


def test_a_gene_whose_variants_were_found_beside_a_sensitizing_change_has_some() -> None:
    asked = {row.gene for row in load_resistance_variants() if "sensitizing" in row.context}
    assert asked == {change.gene for change in load_sensitizing_changes()}


def test_no_sensitizing_change_makes_a_drug_fail() -> None:
    failing = {(row.gene, row.variant) for row in load_resistance_variants()}
    assert not failing & {(change.gene, change.change) for change in load_sensitizing_changes()}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("egfr\tL858R\tsubstitution", "column gene: 'egfr' is no Hugo symbol"),
        ("EGFR\tL858R\tin-frame", "column change: 'L858R' is no change such as in-frame calls"),
        ("EGFR\t858\tsubstitution", "column change: '858' is no change such as substitution"),
        ("EGFR\tL858R\tmissense", "column call: 'missense' is none of substitution, in-frame"),
    ],
)
def test_a_malformed_row_is_named(row: str, reason: str) -> None:
    text = "\t".join(COLUMNS) + f"\n{row}\tPMID:12345\n"
    with pytest.raises(ValueError, match=f"line 2, {reason}"):
        build_sensitizing_changes(parse_rows(text, "t.tsv", COLUMNS))
