"""What a malformed table of literature facts is told."""

from __future__ import annotations

import pytest

from sidestep.features.knowledge.combinations import COLUMNS as COMBINATION_COLUMNS
from sidestep.features.knowledge.combinations import build_combinations
from sidestep.features.knowledge.concentrations import COLUMNS as CONCENTRATION_COLUMNS
from sidestep.features.knowledge.concentrations import build_concentrations
from sidestep.features.knowledge.pathways import COLUMNS as PATHWAY_COLUMNS
from sidestep.features.knowledge.pathways import build_pathways
from sidestep.features.knowledge.rows import parse_rows
from sidestep.features.knowledge.rtks import COLUMNS as RTK_COLUMNS
from sidestep.features.knowledge.rtks import MAY_BE_BLANK as RTK_MAY_BE_BLANK
from sidestep.features.knowledge.rtks import build_rtks
from sidestep.features.knowledge.signatures import COLUMNS as SIGNATURE_COLUMNS
from sidestep.features.knowledge.signatures import build_signatures
from sidestep.features.knowledge.variants import (
    PIK3CA_COLUMNS,
    RESISTANCE_COLUMNS,
    RESISTANCE_MAY_BE_BLANK,
    build_pik3ca_variants,
    build_resistance_variants,
)


def rtk_row(**changes: str) -> str:
    cells = dict.fromkeys(RTK_COLUMNS, "") | {
        "gene": "IGF1R",
        "family": "InsR",
        "role": "not tested",
        "statement": "Nothing",
        "source": "PMID:27903634",
    }
    return "\t".join((cells | changes).values())


def rtk_table(*rows: str) -> str:
    return "\n".join(["\t".join(RTK_COLUMNS), *rows])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gene\tsource\n", r"t.tsv, line 1: the header must read gene family"),
        (rtk_table("IGF1R\tInsR"), r"line 2: 2 cells where 8 belong"),
        (rtk_table(rtk_row(statement="")), r"line 2, column statement: '' is blank"),
        (rtk_table(rtk_row(family=" InsR")), r"column family: ' InsR' has blanks around it"),
        (rtk_table(rtk_row(source="Alexander 2017")), r"'Alexander 2017' is neither PMID:"),
        (rtk_table(rtk_row(), rtk_row()), r"line 3: stands in line 2 already"),
        (rtk_table(rtk_row(role="helps")), r"column role: 'helps' is none of rescues, rescues in"),
        (rtk_table(rtk_row(gene="igf1r")), r"column gene: 'igf1r' is no Hugo symbol"),
        (rtk_table(rtk_row(), rtk_row(family="x")), r"line 3, column gene: 'IGF1R' has a row"),
        (rtk_table(rtk_row(role="rescues")), r"column lines: '' names no line"),
        (rtk_table(rtk_row(partners="Sunitinib")), r"column partners: 'Sunitinib' stands by"),
        (rtk_table(rtk_row(lines="BT474;;SKBR3")), r"is no list of distinct items joined by ';'"),
    ],
)
def test_a_malformed_row_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        build_rtks(parse_rows(text, "t.tsv", RTK_COLUMNS, RTK_MAY_BE_BLANK))


def one_row(columns, values: str, blank=()):
    return parse_rows("\t".join(columns) + "\n" + values, "t.tsv", columns, blank)


def test_an_antibody_counts_once_in_a_pathway():
    table = "\t".join(PATHWAY_COLUMNS) + "\np\tA|B\t+1\tPMID:24871328\np\tB\t-1\tPMID:24871328"
    with pytest.raises(ValueError, match=r"line 3, column antibody: 'B' is in p already"):
        build_pathways(parse_rows(table, "t.tsv", PATHWAY_COLUMNS))


def test_a_gene_has_one_sign_in_a_signature():
    table = "\t".join(SIGNATURE_COLUMNS) + "\ns\tIL6\t+1\tPMID:1234\ns\tIL6\t-1\tPMID:5678"
    with pytest.raises(ValueError, match=r"column sign: '-1' contradicts an earlier row of IL6"):
        build_signatures(parse_rows(table, "t.tsv", SIGNATURE_COLUMNS))
    agreeing = parse_rows(table.replace("-1", "+1"), "t.tsv", SIGNATURE_COLUMNS)
    assert build_signatures(agreeing)["s"][0].sources == ("PMID:1234", "PMID:5678")


def test_a_sign_is_plus_or_minus_one():
    with pytest.raises(ValueError, match=r"column sign: '1' is none of \+1, -1"):
        build_signatures(one_row(SIGNATURE_COLUMNS, "s\tIL6\t1\tPMID:1234"))


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
        build_pik3ca_variants(one_row(PIK3CA_COLUMNS, cells))


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
        build_resistance_variants(one_row(RESISTANCE_COLUMNS, cells, RESISTANCE_MAY_BE_BLANK))


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("D\t\t\tnM\tm\tPMID:1234", r"column free: '' and total are both blank"),
        ("D\t5\t2\tnM\tm\tPMID:1234", r"column free: '5' is more than the total"),
        ("D\t5\t\tug/mL\tm\tPMID:1234", r"column unit: 'ug/mL' is none of nM"),
        ("D\t5\t\tnM\tm\tPMID:1234\nD\t6\t\tnM\tm\tPMID:1234", r"column drug: 'D' has a row"),
    ],
)
def test_a_malformed_plasma_concentration_is_named(cells, message):
    with pytest.raises(ValueError, match=message):
        build_concentrations(one_row(CONCENTRATION_COLUMNS, cells, {"free", "total"}))


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("A\thigh:IGF1R\t\trestores", r"column partner: '' does not go with the direction"),
        ("A\thigh:IGF1R\tB\tno effect", r"column partner: 'B' does not go with the direction"),
        ("A\thigh:IGF1R\tA\trestores", r"column partner: 'A' is a drug that the rule calls"),
        ("A\thot:IGF1R\tB\trestores", r"column condition: 'hot:IGF1R' cannot be read: condition"),
    ],
)
def test_a_malformed_rule_is_named(cells, message):
    text = f"{cells}\tshown\ts\tc\tPMID:1234"
    with pytest.raises(ValueError, match=message):
        build_combinations(one_row(COMBINATION_COLUMNS, text, {"partner"}))
