"""Which protein and site an antibody measures."""

from __future__ import annotations

import numpy as np
import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.antibodies import ANTIBODY_TABLE, match_antibodies, parse_antibody
from sidestep.features.study.study import read_study


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("HER2_pY1248", "ERBB2_pY1248"),
        ("HER2_pY1248-R-V", "ERBB2_pY1248"),
        ("ERBB2|HER2_pY1248_Caution", "ERBB2_pY1248"),
        ("BCL2L11|Bim(CST2933)", "BCL2L11"),
        ("Bim(EP1036)", "BCL2L11"),
        ("C-Raf(BD610151)_Caution", "RAF1"),
        ("Caspase-7_cleavedD198_Caution", "CASP7_cleavedD198"),
        ("Caspase-7-cleaved-R-C", "CASP7_cleaved"),
        ("Cleaved Caspase-3 (Asp175)", "CASP3_cleavedD175"),
        ("PARP-cleaved-M-QC", "PARP1_cleaved"),
        ("PARP_cleaved_Caution", "PARP1_cleaved"),
        ("Acetyl-a-Tubulin (Lys40)_Caution", "TUBA1B_acK40"),
        ("Acetyl-a-Tubulin-Lys40-R-C", "TUBA1B_acK40"),
        ("Myosin IIa pS1943", "MYH9_pS1943"),
        ("CD20 _Caution", "MS4A1"),
        ("Bap1 c-4", "BAP1"),
        ("GSK3A GSK3B|GSK-3ab_pS21_S9-R-V", "GSK3A_pS21_S9"),
        ("GSK3-alpha-beta_pS21_S9", "GSK3A_pS21_S9"),
        ("MAPK8|JNK_pT183_pT185", "MAPK8_pT183_T185"),
        ("c-Met_pY1234_Y1235-R-V", "MET_pY1234_Y1235"),
        ("p38_pT180_Y182-R-V", "MAPK14_pT180_Y182"),
        ("S6_pS235_S236", "RPS6_pS235_S236"),
        ("VEGFR-2-R-V", "KDR"),
        ("Annexin 1", "ANXA1"),
        ("SETD2-R-QC", "SETD2"),
        ("PDPK1|PDK1-R-V", "PDPK1"),
        ("NKX2-1|TTF1-R-V", "NKX2-1"),
        ("Pdcd-1L1-G-C", "CD274"),
    ],
)
def test_names_of_three_houses_come_to_one_form(name, canonical):
    antibody = parse_antibody(name)
    assert antibody.canonical == canonical
    assert antibody.known
    assert parse_antibody(canonical).canonical == canonical


def test_an_antibody_that_cannot_tell_paralogues_apart_keeps_them_all():
    antibody = parse_antibody("AKT1 AKT2 AKT3|Akt_pS473-R-V")
    assert antibody.genes == ("AKT1", "AKT2", "AKT3")
    assert antibody.canonical == "AKT1_pS473"
    assert parse_antibody("Akt_pS473").genes == antibody.genes


@pytest.mark.parametrize(
    ("name", "caution"),
    [("FASN_Caution", True), ("eEF2-R-C", True), ("eEF2-R-V", False), ("c-Met-M-QC", False)],
)
def test_what_the_source_flags_is_kept(name, caution):
    assert parse_antibody(name).caution is caution


def test_an_unknown_antibody_keeps_its_name():
    antibody = parse_antibody("Brand new_pS12-R-V")
    assert antibody.canonical == "Brand-new_pS12"
    assert not antibody.known


def test_a_gene_like_p_s6_is_no_phosphosite():
    assert parse_antibody("rpS6").site == ""


def test_every_antibody_of_the_table_has_genes():
    table = ANTIBODY_TABLE.load()
    assert len(table) > 200
    assert all(genes for genes in table.values())


def test_two_spellings_of_one_antibody_are_refused():
    rows = "antibody\tgenes\tsource\nAkt1\tAKT1\tPMID:23763978\nAKT-1\tAKT1\tPMID:23763978"
    with pytest.raises(ValueError, match="line 3, column antibody: 'AKT-1' has a row already"):
        ANTIBODY_TABLE.parse(rows)


def test_sites_that_overlap_feed_each_other():
    assert match_antibodies(
        ["EIF4EBP1_pT37_T46", "MAPK8_pT183_Y185", "CASP7_cleaved", "ERBB2", "ERBB2_pY1248"],
        ["EIF4EBP1_pT37", "MAPK8_pT183_T185", "CASP7_cleavedD198", "ERBB2_pY1248"],
    ) == {
        "EIF4EBP1_pT37_T46": "EIF4EBP1_pT37",
        "MAPK8_pT183_Y185": "MAPK8_pT183_T185",
        "CASP7_cleaved": "CASP7_cleavedD198",
        "ERBB2_pY1248": "ERBB2_pY1248",
    }


def test_a_follow_up_site_without_its_letter_overlaps():
    assert match_antibodies(["RPS6_pS236"], ["RPS6_pS235_236"]) == {"RPS6_pS236": "RPS6_pS235_236"}


@pytest.mark.parametrize(
    ("wanted", "available"),
    [
        ("EGFR_pY1068", ["EGFR_pY1173"]),  # another site
        ("EGFR_pY1068", ["EGFR"]),  # the total protein
        ("EGFR", ["EGFR_pY1068"]),
        ("MET_pY1234_Y1235", ["MET_pY1234", "MET_pY1235"]),  # two candidates
        ("CASP7_cleavedD198", ["CASP7_pS198"]),  # another modification
        ("AKT1_pS473", ["AKT2_pS473"]),  # another gene
    ],
)
def test_what_is_not_the_same_measurement_is_left_out(wanted, available):
    assert match_antibodies([wanted], available) == {}


def test_the_exact_name_goes_first():
    available = ["EIF4EBP1_pT37_T46", "EIF4EBP1_pT37"]
    assert match_antibodies(["EIF4EBP1_pT37"], available) == {"EIF4EBP1_pT37": "EIF4EBP1_pT37"}


def test_rows_of_one_antibody_are_averaged_and_noted(make_study, small):
    rppa = small["data_rppa.txt"] + "ERBB2|HER2(CST2165)_Caution\t5\tNA\n"
    study = read_study(make_study({"data_rppa.txt": rppa}))
    assert study.rppa.loc["SKBR3", "ERBB2"] == 4
    assert study.rppa.loc["AU565", "ERBB2"] == 2.5
    row = study.antibodies.loc["ERBB2"]
    assert row["source"] == "ERBB2|HER2-M-V; ERBB2|HER2(CST2165)_Caution"
    assert row["caution"]
    assert any("averaged" in p.message for p in study.problems if p.file == "data_rppa.txt")


def test_the_antibody_table_goes_with_the_columns(make_study):
    study = read_study(make_study())
    assert list(study.antibodies.index) == list(study.rppa.columns) == ["ERBB2", "ERBB2_pY1248"]
    assert study.antibodies.loc["ERBB2_pY1248"].to_dict() == {
        "genes": "ERBB2",
        "gene": "ERBB2",
        "site": "pY1248",
        "source": "ERBB2|HER2_pY1248-R-C",
        "caution": True,
    }


def test_an_unknown_antibody_in_a_study_is_noted(make_study, small):
    rppa = small["data_rppa.txt"] + "Brand new\t1\t2\n"
    study = read_study(make_study({"data_rppa.txt": rppa}))
    assert "Brand-new" in study.rppa.columns
    assert any("Brand-new" in p.message and p.severity == "note" for p in study.problems)


def test_a_file_without_the_antibody_column_is_an_error(make_study, small):
    rppa = small["data_rppa.txt"].replace("Composite.Element.REF", "Antibody")
    with pytest.raises(InputError, match=r"data_rppa.txt has no Composite.Element.REF column"):
        read_study(make_study({"data_rppa.txt": rppa}))


def test_a_row_without_an_antibody_is_an_error(make_study, small):
    with pytest.raises(InputError, match=r"line 4 names no antibody"):
        read_study(make_study({"data_rppa.txt": small["data_rppa.txt"] + "NA\t1\t2\n"}))


@pytest.mark.parametrize("study", ["breast_cell_lines", "pancan_cell_lines", "tcga_brca_rppa"])
def test_bare_names_of_the_real_studies_are_known(shared, study):
    """The table covers every base name, and agrees with the gene that the study gives."""
    rows = (shared / "studies" / study / "data_rppa.txt").read_text().split("\n")[1:]
    names = [row.split("\t")[0] for row in rows if row]
    for name in names:
        bare, given = parse_antibody(name.partition("|")[2]), parse_antibody(name)
        assert bare.known, name
        assert bare.site == given.site, name
        assert set(bare.genes) & set(given.genes), name


def test_the_real_studies_share_most_antibodies(real_study):
    breast = real_study("breast_cell_lines").rppa.columns
    tcga = real_study("tcga_brca_rppa").rppa.columns
    matched = match_antibodies(breast, tcga)
    assert len(matched) > 110
    assert matched["EIF4EBP1_pT37_T46"] == "EIF4EBP1_pT37"
    assert np.isin(["ERBB2", "ERBB2_pY1248", "EGFR", "AKT1_pS473"], list(matched)).all()
