"""Which sample a name in a file means."""

from __future__ import annotations

import pytest

from sidestep.features.errors import InputError
from sidestep.features.identifiers import match_key
from sidestep.features.study.study import read_study


@pytest.mark.parametrize(
    ("name", "key"),
    [("SK-BR-3", "SKBR3"), ("Hs 578T", "HS578T"), ("697", "697"), ("23132/87", "2313287")],
)
def test_match_key_keeps_letters_and_digits(name, key):
    assert match_key(name) == key


def test_names_differing_in_case_and_punctuation_mean_one_sample(make_study, small):
    renamed = small["data_rppa.txt"].replace("SKBR3", "Sk-Br-3")
    study = read_study(make_study({"data_rppa.txt": renamed}))
    assert list(study.rppa.index) == ["SKBR3", "AU565"]
    notes = [p.message for p in study.problems if p.file == "data_rppa.txt"]
    assert any("Sk-Br-3 as SKBR3" in note for note in notes)


def test_response_columns_are_matched_too(make_study, small):
    renamed = small["data_treatment_gi50.txt"].replace("AU565", "AU-565")
    study = read_study(make_study({"data_treatment_gi50.txt": renamed}))
    assert study.response("gi50").values.loc["AU565", "Lapatinib"] == 6.9


def test_an_exact_name_goes_before_a_similar_one(make_study, small):
    """TT and T.T are two lines; each keeps its own values."""
    clinical = small["data_clinical_sample.txt"] + "D5\tTT\tthyroid\nD6\tT.T\tlung\n"
    rppa = small["data_rppa.txt"].replace("SKBR3\tAU565", "T.T\tTT")
    study = read_study(make_study({"data_clinical_sample.txt": clinical, "data_rppa.txt": rppa}))
    assert study.rppa.loc["T.T", "ERBB2"] == 3
    assert study.rppa.loc["TT", "ERBB2"] == 2.5


def test_a_name_that_fits_two_samples_is_an_error(make_study, small):
    clinical = small["data_clinical_sample.txt"] + "D5\tTT\tthyroid\nD6\tT.T\tlung\n"
    rppa = small["data_rppa.txt"].replace("SKBR3", "T-T")
    folder = make_study({"data_clinical_sample.txt": clinical, "data_rppa.txt": rppa})
    with pytest.raises(InputError, match=r"data_rppa.txt: sample 'T-T' could be TT or T\.T"):
        read_study(folder)


def test_two_columns_that_mean_one_sample_are_an_error(make_study, small):
    rppa = small["data_rppa.txt"].replace("AU565", "SK-BR-3")
    with pytest.raises(InputError, match="'SKBR3' and 'SK-BR-3' both mean sample 'SKBR3'"):
        read_study(make_study({"data_rppa.txt": rppa}))


def test_a_sample_missing_from_the_clinical_file_is_kept_and_told(make_study, small):
    rppa = small["data_rppa.txt"].replace("AU565", "NEW1")
    study = read_study(make_study({"data_rppa.txt": rppa}))
    assert list(study.samples) == ["SKBR3", "AU565", "697", "X4", "NEW1"]
    assert study.donors["NEW1"] == "NEW1"
    warnings = [p.message for p in study.problems if p.severity == "warning"]
    assert any("NEW1" in warning and "clinical" in warning for warning in warnings)


SAMPLES = (
    "PATIENT_ID\tSAMPLE_ID\n"
    "TCGA-A1-A0SH\tTCGA-A1-A0SH-01\n"
    "TCGA-A2-A04N\tTCGA-A2-A04N-01\n"
    "TCGA-A2-A04P\tTCGA-A2-A04P-01\n"
    "TCGA-A2-A04P\tTCGA-A2-A04P-06\n"
)
NOTHING_ELSE = dict.fromkeys(
    [
        "meta_rppa.txt", "data_rppa.txt", "meta_cna.txt", "data_cna.txt", "meta_sv.txt",
        "data_sv.txt", "meta_mutations.txt", "data_mutations.txt", "meta_gene_panel_matrix.txt",
        "data_gene_panel_matrix.txt", "meta_treatment_gi50.txt", "data_treatment_gi50.txt",
        "case_lists/cases_sequenced.txt", "meta_clinical_patient.txt", "data_clinical_patient.txt",
    ]
)  # fmt: skip


def expression_of(*names: str) -> str:
    rows = [("Hugo_Symbol", *names)]
    rows += [(gene, *(f"{at}.{k}" for k in range(len(names)))) for at, gene in enumerate(
        ["ERBB2", "EGFR", "MET"], 1)]  # fmt: skip
    return "\n".join("\t".join(row) for row in rows) + "\n"


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("TCGA-A1-A0SH-01A-11R-A056-07", "TCGA-A1-A0SH-01"),
        ("TCGA-A1-A0SH-01A", "TCGA-A1-A0SH-01"),
        ("TCGA.A1.A0SH.01A.11R.A056.07", "TCGA-A1-A0SH-01"),
        ("TCGA-A1-A0SH", "TCGA-A1-A0SH-01"),
        ("tcga-a2-a04p-06A", "TCGA-A2-A04P-06"),
    ],
)
def test_tcga_barcodes_of_any_length_join_at_sample_level(make_study, name, sample):
    changes = {"data_clinical_sample.txt": SAMPLES, "data_expression.txt": expression_of(name)}
    study = read_study(make_study({**NOTHING_ELSE, **changes}))
    assert len(study.samples) == 4
    assert list(study.expression.index) == [sample]
    [account] = [a for a in study.account if a.file == "data_expression.txt"]
    assert any(how in account.matched for how in ("TCGA barcode", "patient"))


def test_a_patient_with_two_samples_names_none_of_them(make_study):
    changes = {
        "data_clinical_sample.txt": SAMPLES,
        "data_expression.txt": expression_of("TCGA-A2-A04P"),
    }
    with pytest.raises(InputError, match="could be TCGA-A2-A04P-01 or TCGA-A2-A04P-06"):
        read_study(make_study({**NOTHING_ELSE, **changes}))


def test_two_aliquots_of_one_sample_are_never_both_read(make_study):
    names = ("TCGA-A1-A0SH-01A-11R-A056-07", "TCGA-A1-A0SH-01A-12R-A056-07")
    changes = {"data_clinical_sample.txt": SAMPLES, "data_expression.txt": expression_of(*names)}
    with pytest.raises(InputError, match="both mean sample 'TCGA-A1-A0SH-01'"):
        read_study(make_study({**NOTHING_ELSE, **changes}))


def test_normal_tissue_is_no_tumour_of_its_patient(make_study):
    clinical = "SAMPLE_ID\tAGE\nTCGA-A1-A0SH\t40\nTCGA-A2-A04N\t50\n"
    names = ("TCGA-A1-A0SH-01A", "TCGA-A1-A0SH-11A", "TCGA-A2-A04N-01A")
    changes = {"data_clinical_sample.txt": clinical, "data_expression.txt": expression_of(*names)}
    study = read_study(make_study({**NOTHING_ELSE, **changes}))
    assert list(study.expression.index) == ["TCGA-A1-A0SH", "TCGA-A2-A04N", "TCGA-A1-A0SH-11A"]


@pytest.mark.parametrize(
    ("names", "samples"),
    [
        (("D2", "SKBR3"), ["SKBR3", "697"]),  # D2 has one sample, 697
        (("X697", "AU.565"), ["AU565", "697"]),
        (("X4", "SK.BR.3"), ["SKBR3", "X4"]),
    ],
)
def test_patients_of_one_sample_and_names_that_r_made(make_study, names, samples):
    study = read_study(make_study({"data_expression.txt": expression_of(*names)}))
    assert list(study.samples) == ["SKBR3", "AU565", "697", "X4"]
    assert list(study.expression.index) == samples
    assert any("data_expression.txt" in p.message and "sample name(s)" in p.message
               for p in study.problems)  # fmt: skip


def test_samples_that_join_with_none_are_told_loudly(make_study):
    changes = {"data_expression.txt": expression_of("A", "B", "C")}
    study = read_study(make_study(changes))
    [warning] = [p.message for p in study.problems if "data_expression.txt: none of" in p.message]
    assert "none of its 3 sample(s) (for one 'A') is known so far (for one 'SKBR3')" in warning
