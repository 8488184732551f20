"""Signatures and pathways: what their tables refuse."""

from __future__ import annotations

import pytest

from sidestep.features.knowledge.signatures import PATHWAY_TABLE, SIGNATURE_TABLE


def test_an_antibody_counts_once_in_a_pathway():
    rows = "p\tA|B\t+1\tPMID:24871328\np\tB\t-1\tPMID:24871328"
    with pytest.raises(ValueError, match=r"line 3, column antibody: 'B' is in p already"):
        PATHWAY_TABLE.parse("pathway\tantibody\tsign\tsource\n" + rows)


def test_a_gene_has_one_sign_in_a_signature():
    table = "signature\tgene\tsign\tsource\ns\tIL6\t+1\tPMID:1234\ns\tIL6\t-1\tPMID:5678"
    with pytest.raises(ValueError, match=r"column sign: '-1' contradicts an earlier row of IL6"):
        SIGNATURE_TABLE.parse(table)
    agreeing = SIGNATURE_TABLE.parse(table.replace("-1", "+1"))
    assert agreeing["s"][0].sources == ("PMID:1234", "PMID:5678")


def test_a_sign_is_plus_or_minus_one():
    with pytest.raises(ValueError, match=r"column sign: '1' is none of \+1, -1"):
        SIGNATURE_TABLE.parse("signature\tgene\tsign\tsource\ns\tIL6\t1\tPMID:1234")
