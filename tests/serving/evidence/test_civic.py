"""CIViC from a knowledge folder: read where it is, and never shown as more than it says."""

from __future__ import annotations

import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.serving.evidence.civic import CIVIC_FILE, NIGHTLY_FILE, civic_path, read_civic
from sidestep.serving.evidence.evidence import evidence_rows

COLUMNS = (
    "gene,variant,disease,drugs,drug_interaction_type,evidence_direction,evidence_level,"
    "clinical_significance,evidence_id,citation_id,source_type,variant_origin,evidence_statement"
)
ROWS = """\
ALK,F1174L,Tumor,Crizotinib,,Supports,D,Resistance,1,111(PubMed),PubMed,Somatic,"text, BT474"
ALK,F1174L,Other Tumor,Crizotinib,,Supports,D,Resistance,2,112(PubMed),PubMed,Somatic,text
ALK,F1174L,Tumor,Crizotinib,,Does Not Support,C,Sensitivity/Response,3,113(PubMed),PubMed,Somatic,t
ALK,F1174,Tumor,TAE684,,Supports,D,Sensitivity/Response,4,114(PubMed),PubMed,Somatic,t
ALK,EML4::ALK,Tumor,Crizotinib,,Supports,B,Sensitivity/Response,5,115(PubMed),PubMed,Somatic,t
ALK,EML4::ALK,Tumor,Crizotinib,Combination,Supports,B,Sensitivity/Response,6,6,ASCO,Somatic,t
PIK3CA,MUTATION,Tumor,Alpelisib,,Supports,A,Sensitivity/Response,7,117(PubMed),PubMed,Somatic,t
PIK3CA,EXON 9 MUTATION,Tumor,Alpelisib,,Supports,A,Resistance,8,118(PubMed),PubMed,Somatic,t
TP53,R175H,Tumor,Alpelisib,,Supports,A,Resistance,9,119(PubMed),PubMed,Rare Germline,t
EGFR,MUTATION,Tumor,Gefitinib,,Supports,B,Sensitivity/Response,11,121(PubMed),PubMed,Somatic,t
EGFR,MUTATION,Tumor,Afatinib,,Supports,B,Sensitivity/Response,12,122(PubMed),PubMed,Somatic,t
BRAF,MUTATION,Tumor,Dabrafenib,,Supports,B,Sensitivity/Response,13,123(PubMed),PubMed,Somatic,t
PTEN,MUTATION,Tumor,AZD8186,,Supports,D,Sensitivity/Response,14,124(PubMed),PubMed,Somatic,t
KRAS,G12D,Tumor,Lapatinib,,Supports,B,Adverse Response,10,120(PubMed),PubMed,Somatic,t
"""


@pytest.fixture
def civic(tmp_path) -> pd.DataFrame:
    (tmp_path / CIVIC_FILE).write_text(f"{COLUMNS}\n{ROWS}", encoding="utf-8")
    return read_civic(tmp_path)


@pytest.fixture
def tell(known_predictor, civic):
    """Evidence of CIViC on one sample and drug."""

    def tell(sample, drug: str) -> pd.DataFrame:
        rows = evidence_rows(sample, known_predictor, [drug], {}, civic)
        return rows[rows["strength"].str.startswith("CIViC")].reset_index(drop=True)

    return tell


def test_without_a_folder_or_file_there_is_no_table(tmp_path):
    assert read_civic(None) is None
    assert read_civic(tmp_path) is None


def test_a_file_without_a_column_is_refused(tmp_path):
    (tmp_path / CIVIC_FILE).write_text("gene,variant\nALK,F1174L\n", encoding="utf-8")
    with pytest.raises(InputError, match="lacks the column disease; it needs gene, variant"):
        read_civic(tmp_path)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / CIVIC_FILE).write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        read_civic(tmp_path)


def test_items_that_say_the_same_are_one_fact(tell, construct):
    rows = tell(construct(changes=["ALK p.F1174L"]), "Crizotinib")
    resisting = rows[rows["direction"] == "resistance"].iloc[0]
    assert resisting["strength"] == "CIViC D"
    assert resisting["statement"] == "Evidence supports resistance (ALK F1174L; Other Tumor, Tumor)"
    assert resisting["source"] == "PMID:111;CIViC:EID1;PMID:112;CIViC:EID2"


def test_what_it_does_not_support_points_neither_way(tell, construct):
    rows = tell(construct(changes=["ALK p.F1174L"]), "Crizotinib")
    silent = rows[rows["statement"].str.startswith("Evidence does not support sensitivity")]
    assert silent["direction"].tolist() == ["none"]
    assert not (rows["direction"] == "sensitivity").any()


def test_a_residue_stands_for_any_change_there_and_names_for_drugs(tell, construct):
    rows = tell(construct(changes=["ALK p.F1174C"]), "NVP-TAE684")
    assert rows["fact"].tolist() == ["ALK F1174C"]
    assert tell(construct(changes=["ALK p.F1174C"]), "Crizotinib").empty


def test_a_call_that_cuts_short_is_no_change_of_its_residue(tell, construct):
    cut = construct(changes=["ALK p.F1174fs"], classification="Frame_Shift_Del")
    assert tell(cut, "NVP-TAE684").empty


def test_a_fusion_needs_both_partners_and_a_combination_says_nothing_of_one(tell, construct):
    rows = tell(construct(fusions=[("EML4", "ALK")]), "Crizotinib")
    assert rows["kind"].tolist() == ["fusion", "fusion"]
    assert rows["direction"].tolist() == ["sensitivity", "none"]
    assert "given with other drugs" in rows["statement"][1]
    assert rows["source"][1] == "CIViC:EID6"
    assert tell(construct(fusions=[("KIF5B", "ALK")]), "Crizotinib").empty


def test_any_mutation_means_one_that_drives(tell, construct):
    assert len(tell(construct(changes=["PIK3CA p.E545K"]), "Alpelisib")) == 1
    assert tell(construct(changes=["PIK3CA p.A2T"]), "Alpelisib").empty
    for change, drug in (("EGFR p.T790M", "Afatinib"), ("BRAF p.D594G", "Dabrafenib")):
        assert tell(construct(changes=[change]), drug).empty


def test_a_call_that_cuts_short_drives_only_where_loss_does(tell, construct):
    for change, drug, count in (("PIK3CA p.W11*", "Alpelisib", 0), ("PTEN p.R11*", "AZD8186", 1)):
        cut = construct(changes=[change], classification="Nonsense_Mutation")
        assert len(tell(cut, drug)) == count, change


@pytest.mark.parametrize(("beside", "direction"), [([], "sensitivity"), (["EGFR p.T790M"], "none")])
def test_sensitivity_is_overruled_by_a_change_of_the_gene_that_makes_the_drug_fail(
    tell, construct, beside, direction
):
    rows = tell(construct(changes=["EGFR p.L858R", *beside]), "Gefitinib")
    assert rows["direction"].tolist() == [direction]
    overruled = rows["statement"].str.endswith(". Overruled here by EGFR T790M")
    assert overruled.all() == bool(beside)


def test_germline_items_and_exons_are_left_out_and_harm_is_no_direction(tell, construct):
    assert tell(construct(changes=["TP53 p.R175H"]), "Alpelisib").empty
    rows = tell(construct(changes=["KRAS p.G12D"]), "Lapatinib")
    assert rows["direction"].tolist() == ["none"]


def test_its_free_text_is_not_repeated(civic, tell, construct):
    assert "evidence_statement" not in civic
    rows = tell(construct(changes=["ALK p.F1174L"]), "Crizotinib")
    assert not rows["statement"].str.contains("BT474").any()


def test_the_real_file_is_read(shared, known_predictor, construct):
    civic = read_civic(shared / "knowledge")
    assert len(civic) > 1000
    assert set(civic["direction"]) == {"resistance", "sensitivity", "none"}
    sample = construct(changes=["PIK3CA p.K111N"], copies={"ERBB2": 2.5})
    rows = evidence_rows(sample, known_predictor, ["Trastuzumab emtansine"], {}, civic)
    of_civic = rows[rows["source"].str.contains("CIViC")]
    assert set(of_civic["direction"]) == {"none"}  # it does not support resistance


NIGHTLY = (
    "molecular_profile disease therapies therapy_interaction_type evidence_type evidence_direction "
    "evidence_level significance evidence_id citation_id source_type variant_origin note"
).split()
NIGHTLY_ROWS = """\
ALK F1174L|Tumor|Crizotinib||Predictive|Supports|D|Resistance|1|111|PubMed|Somatic|an open " mark
EML4::ALK Fusion|Tumor|Crizotinib||Predictive|Supports|B|Sensitivity/Response|5|115|PubMed|Somatic|
PIK3CA Mutation|Tumor|Alpelisib||Predictive|Supports|A|Sensitivity/Response|7|117|PubMed|Somatic|
BRAF V600E|Tumor|Dabrafenib,Trametinib|Combination|Predictive|Supports|A|Resistance|8|8|||
EGFR L858R AND EGFR T790M|Tumor|Gefitinib||Predictive|Supports|A|Resistance|9|119|PubMed|Somatic|
ALK F1174L|Tumor|||Prognostic|Supports|B|Poor Outcome|10|120|PubMed|Somatic|
TP53 R175H|Tumor|Alpelisib||Predictive|Supports|A|Resistance|11|121|PubMed|Rare Germline|
"""


def test_the_nightly_file_says_the_same_and_comes_first(tmp_path, civic):
    text = NIGHTLY_ROWS.replace("|", "\t")
    (tmp_path / NIGHTLY_FILE).write_text("\t".join(NIGHTLY) + "\n" + text, encoding="utf-8")
    assert civic_path(tmp_path) == tmp_path / NIGHTLY_FILE
    nightly = read_civic(tmp_path)
    assert [tuple(row) for row in nightly[["gene", "variant", "drug", "direction"]].to_numpy()] == [
        ("ALK", "F1174L", "Crizotinib", "resistance"),
        ("ALK", "EML4::ALK", "Crizotinib", "sensitivity"),
        ("PIK3CA", "MUTATION", "Alpelisib", "sensitivity"),
        ("BRAF", "V600E", "Dabrafenib", "none"),
        ("BRAF", "V600E", "Trametinib", "none"),
    ]
    same = civic[civic["source"].str.contains("EID1(?!\\d)|EID5|EID7")]
    columns = ["gene", "variant", "drug_key", "direction", "level", "stated", "source"]
    both = nightly.head(3)[columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(both, same[columns].reset_index(drop=True))


def test_a_nightly_file_without_a_column_is_refused(tmp_path):
    (tmp_path / NIGHTLY_FILE).write_text("molecular_profile\tdisease\n", encoding="utf-8")
    with pytest.raises(InputError, match="lacks the column therapies; it needs molecular_profile"):
        read_civic(tmp_path)
