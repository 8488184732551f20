"""Which gene a name means, whatever a file calls it."""

from __future__ import annotations

import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.study import Study, read_study
from sidestep.features.vocabulary.gene_names import (
    NameCount,
    as_date,
    candidates,
    resolve_labels,
    split_names,
    symbols_by_entrez,
)


@pytest.mark.parametrize(
    ("name", "symbol", "entrez"),
    [
        ("ERBB2 (2064)", "ERBB2", 2064),
        ("ERBB2|2064", "ERBB2", 2064),
        ("?|2064", None, 2064),
        ("2064", None, 2064),
        ("ENSG00000141736.9|ERBB2", "ERBB2", None),
        ("ERBB2_ENSG00000141736", "ERBB2", None),
        ("HLA-A", "HLA-A", None),
        ("---", None, None),
    ],
)
def test_a_name_may_hold_symbol_and_entrez(name, symbol, entrez):
    symbols, numbers = split_names(pd.Series([name], dtype="str"))
    assert (None if pd.isna(symbols[0]) else symbols[0]) == symbol
    assert (None if pd.isna(numbers[0]) else numbers[0]) == entrez


@pytest.mark.parametrize(
    ("name", "genes"),
    [
        ("1-Mar", ("MARCHF1", "MTARC1")),
        ("Mar-01", ("MARCHF1", "MTARC1")),
        ("9-Sep", ("SEPTIN9",)),
        ("2022-09-09 00:00:00", ("SEPTIN9",)),
        ("1-Dec", ("BHLHE40", "DELEC1")),
        ("HLA.A", ("HLA-A",)),
        ("her2", ("ERBB2",)),
        ("NO_GENE", ()),
    ],
)
def test_what_a_name_may_stand_for(name, genes):
    assert candidates(name) == genes


def test_gene_names_that_look_like_dates_are_none():
    assert as_date("OCT-4") is None
    assert as_date("DEC-205") is None
    assert as_date("SEPTIN9") is None


def test_entrez_identifiers_take_the_gene_that_all_their_names_may_be():
    given = [
        pd.Series([8085, 2064], index=["MLL2", "ERBB2"], dtype="Int64"),
        pd.Series([8085, 999999], index=["ALR", "OWN"], dtype="Int64"),
    ]
    assert symbols_by_entrez(given) == {8085: "KMT2D", 2064: "ERBB2", 999999: "OWN"}


def test_labels_become_names_and_are_counted():
    count = NameCount()
    labels = ["ERBB2", "CTGF", "|2064", "MLL2|8085", "MLL2", "1-Mar", "OWN", "|7"]
    names = resolve_labels(labels, {2064: "ERBB2", 8085: "KMT2D"}, count)
    assert list(names.values()) == [
        "ERBB2", "CCN2", "ERBB2", "KMT2D", "MLL2", "1-Mar", "OWN", "entrez:7",
    ]  # fmt: skip
    assert count.matched == {"symbol": 1, "earlier or other symbol": 1, "Entrez identifier": 2}
    assert (dict(count.ambiguous), dict(count.dates)) == ({"MLL2": 1}, {"1-Mar": 1})
    assert dict(count.unknown) == {"OWN": 1, "entrez:7": 1}


def expression(*rows: str, header: str = "Hugo_Symbol 697 SKBR3") -> dict[str, str]:
    return {
        "data_expression.txt": "\n".join("\t".join(row.split(";")) for row in [
            header.replace(" ", ";"), *rows
        ])
    }  # fmt: skip


def messages(study: Study, severity: str) -> str:
    return "\n".join(p.message for p in study.problems if p.severity == severity)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Hugo_Symbol 697 SKBR3", "NEU|2064"),
        ("Hugo_Symbol 697 SKBR3", "ERBB2 (2064)"),
        ("Hugo_Symbol 697 SKBR3", "HER2"),
        ("Gene_Symbol 697 SKBR3", "erbb2"),
        ("Entrez_Gene_Id 697 SKBR3", "2064"),
        ("Hugo_Symbol Cytoband 697 SKBR3", "NEU;17q12"),
        ("Hugo_Symbol Entrez_Gene_Id 697 SKBR3", "NEU;2064"),
        ("Hugo_Symbol Entrez_Gene_Id 697 SKBR3", "OTHER;2064"),
    ],
)
def test_one_gene_under_any_of_its_names(make_study, small, header, name):
    """Entrez 2064 is ERBB2 in the mutation file of the same study."""
    changes = expression(f"{name};1.5;2.5", header=header)
    changes["data_mutations.txt"] = small["data_mutations.txt"] + (
        "ERBB2\t2064\tMissense_Mutation\t697\tp.L755S\n"
    )
    study = read_study(make_study(changes))
    assert list(study.expression.columns) == ["ERBB2"]
    assert study.expression["ERBB2"].to_dict() == {"SKBR3": 2.5, "697": 1.5}


def test_names_of_several_genes_are_named_and_left(make_study):
    study = read_study(make_study(expression("MLL2;1;2", "1-Mar;3;4", "ERBB2;5;6.5")))
    assert list(study.expression.columns) == ["MLL2", "1-Mar", "ERBB2"]
    told = messages(study, "warning")
    assert "MLL2 (KMT2B or KMT2D)" in told
    assert "1-Mar (MARCHF1 or MTARC1)" in told
    assert "dates that a spreadsheet made" in told
    [account] = [a for a in study.account if a.file == "data_expression.txt"]
    assert account.not_understood == {"MLL2 (KMT2B or KMT2D)": 1, "1-Mar (a date)": 1}


def test_an_earlier_symbol_beside_the_genes_own_row_keeps_its_name(make_study):
    study = read_study(make_study(expression("CTGF;1;2", "CCN2;3;4", "CYR61;5;6.5")))
    assert list(study.expression.columns) == ["CTGF", "CCN2", "CCN1"]
    assert "CTGF (CCN2)" in messages(study, "note")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (("ENSG99000141736.9;1;2", "ENSG99000146648;3;4.5"), "an Ensembl identifier"),
        (("probe_1;1;2", "probe_2;3;4.5"), "for one 'probe_1'"),
    ],
)
def test_no_match_at_all_is_an_error_with_an_example(make_study, rows, reason):
    with pytest.raises(InputError, match=f"none of its 2 gene names .*{reason}"):
        read_study(make_study(expression(*rows)))


def test_calls_under_an_ambiguous_symbol_are_decided_by_chromosome(make_study):
    header = "Hugo_Symbol\tChromosome\tTumor_Sample_Barcode\tVariant_Classification\tHGVSp_Short"
    rows = [
        "MLL2\t12\t697\tMissense_Mutation\tp.R5154W",
        "MLL2\tchr19\tSKBR3\tMissense_Mutation\tp.R1W",
        "HER2\t17\tX4\tMissense_Mutation\tp.L755S",
        "MLL2\tNA\tX4\tMissense_Mutation\tp.R1W",
    ]
    study = read_study(make_study({"data_mutations.txt": "\n".join([header, *rows])}))
    genes = dict(zip(study.mutations["protein_change"], study.mutations["gene"], strict=True))
    assert sorted(study.mutations["gene"]) == ["ERBB2", "KMT2B", "KMT2D", "MLL2"]
    assert genes["p.L755S"] == "ERBB2"


def test_structural_variants_by_entrez_alone(make_study, small):
    variants = (
        "Sample_Id\tSite1_Entrez_Gene_Id\tSite2_Entrez_Gene_Id\n697\t7157\t2064\nSKBR3\tNA\t1956\n"
    )
    study = read_study(make_study({"data_sv.txt": variants}))
    fused = study.fusions.set_index("sample_id")
    assert fused.loc["697"].tolist() == ["TP53", "ERBB2"]
    assert pd.isna(fused.loc["SKBR3", "gene_a"])
    assert fused.loc["SKBR3", "gene_b"] == "EGFR"
