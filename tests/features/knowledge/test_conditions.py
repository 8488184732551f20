"""What a rule asks of a sample."""

from __future__ import annotations

import pytest

from sidestep.features.knowledge.conditions import parse_condition


def test_a_condition_is_read_term_by_term():
    high, absent = parse_condition("high:signature:caf + not:mutation:PIK3CA:strong").terms
    assert (high.state, high.measure, high.name, high.holds) == ("high", "signature", "caf", True)
    assert (absent.state, absent.name, absent.change) == ("mutation", "PIK3CA", "strong")
    assert not absent.holds


def test_a_pathway_may_have_blanks_in_its_name():
    (term,) = parse_condition("high:pathway:TSC/MTOR").terms
    assert (term.measure, term.name) == ("pathway", "TSC/MTOR")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "IGF1R",
        "high:",
        "high:igf1r",
        "high:signature:",
        "loss:signature:caf",
        "mutation:ALK:F1174",
        "mutation:ALK:strong",
        "fusion:ALK:EML4",
        "high:IGF1R +",
        "not:not:high:IGF1R",
    ],
)
def test_a_term_of_another_form_is_refused(text):
    with pytest.raises(ValueError, match="condition term"):
        parse_condition(text)
