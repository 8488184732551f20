"""What is known about the samples of a study."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from sidestep.features.errors import InputError
from sidestep.features.study.study import read_study

EXPRESSION = "data_expression.txt"


def test_a_small_study_is_read_whole(make_study):
    study = read_study(make_study())
    assert (study.study_id, study.name, study.simulated) == (
        "small",
        "A small study: four samples",
        False,
    )
    assert list(study.samples) == ["SKBR3", "AU565", "697", "X4"]
    assert study.donors.to_dict() == {"SKBR3": "D1", "AU565": "D1", "697": "D2", "X4": "X4"}
    assert {name: list(samples) for name, samples in study.profiled().items()} == {
        "expression": ["SKBR3", "AU565", "697"],
        "rppa": ["SKBR3", "AU565"],
        "mutation": ["SKBR3", "697", "X4"],
        "copy_number": ["SKBR3", "697"],
        "clinical": ["SKBR3", "AU565", "697"],
    }
    assert (study.expression_kind, study.copy_number_kind) == ("continuous", "discrete")
    assert study.entrez.to_dict() == {"ERBB2": 2064, "EGFR": 1956, "TP53": 7157, "PIK3CA": 5290}


def test_expression_is_samples_by_genes(make_study):
    expected = pd.DataFrame(
        {"ERBB2": [10.0, 9.0, 1.5], "EGFR": [4.0, np.nan, 2.0]}, index=["SKBR3", "AU565", "697"]
    )
    assert_frame_equal(
        read_study(make_study()).expression, expected, check_names=False, check_index_type=False
    )


def test_a_sample_without_any_value_is_not_profiled(make_study):
    study = read_study(make_study())
    assert "X4" not in study.expression.index
    assert any("X4" in p.message and p.file == EXPRESSION for p in study.problems)


def test_patient_attributes_are_joined_in(make_study):
    clinical = read_study(make_study()).clinical
    assert list(clinical.columns) == ["LINEAGE", "AGE"]
    assert list(clinical["AGE"].dropna()) == ["43", "43", "12"]


def test_a_sample_attribute_goes_before_the_patients(make_study, small):
    patients = small["data_clinical_patient.txt"].replace("AGE", "LINEAGE")
    clinical = read_study(make_study({"data_clinical_patient.txt": patients})).clinical
    assert list(clinical.columns) == ["LINEAGE"]
    assert clinical.loc["SKBR3", "LINEAGE"] == "breast"


@pytest.mark.parametrize(
    ("file", "key"),
    [("data_clinical_sample.txt", "SAMPLE_ID"), ("data_clinical_patient.txt", "PATIENT_ID")],
)
def test_clinical_files_need_their_key(make_study, small, file, key):
    with pytest.raises(InputError, match=rf"{file} has no {key} column"):
        read_study(make_study({file: small[file].replace(key, "OTHER")}))


def test_a_repeated_sample_in_the_clinical_file_is_an_error(make_study, small):
    clinical = small["data_clinical_sample.txt"] + "D9\tSKBR3\tbreast\n"
    with pytest.raises(InputError, match=r"1 duplicate SAMPLE_ID.*'SKBR3' \(line 8\)"):
        read_study(make_study({"data_clinical_sample.txt": clinical}))


def test_a_clinical_row_without_sample_is_an_error(make_study, small):
    clinical = small["data_clinical_sample.txt"] + "D9\tNA\tbreast\n"
    with pytest.raises(InputError, match=r"line 8 has no SAMPLE_ID"):
        read_study(make_study({"data_clinical_sample.txt": clinical}))


def test_a_study_may_have_one_modality_only(make_study, small):
    kept = {"meta_study.txt", "meta_rppa.txt", "data_rppa.txt"}
    study = read_study(make_study({name: None for name in small if name not in kept}))
    assert list(study.profiled()) == ["rppa"]
    assert list(study.samples) == ["SKBR3", "AU565"]
    assert study.donors.to_dict() == {"SKBR3": "SKBR3", "AU565": "SKBR3"}  # one woman
    assert study.expression is study.mutations is study.sequenced is study.fusions is None
    assert study.clinical.shape == (2, 0)
    assert study.panel_of.empty


def test_a_simulated_study_says_so(make_study, small):
    study = read_study(
        make_study({"meta_study.txt": small["meta_study.txt"] + "simulated: true\n"})
    )
    assert study.simulated


def test_genes_without_symbols_are_named_by_the_other_files(make_study):
    """TP53 is named by the mutation file; nobody knows 99900001."""
    study = read_study(
        make_study({EXPRESSION: "Entrez_Gene_Id\tSKBR3\n7157\t1\n99900001\t2\n5290\t3\n"})
    )
    assert list(study.expression.columns) == ["TP53", "entrez:99900001", "PIK3CA"]
    assert any("1 of them stay 'entrez:" in p.message for p in study.problems)


def test_rows_without_any_gene_are_left_out(make_study):
    data = "Hugo_Symbol\tEntrez_Gene_Id\tSKBR3\nNA\tNA\t1\nTP53\tNA\t2\nNA\t0\t3\n"
    study = read_study(make_study({EXPRESSION: data}))
    assert list(study.expression.columns) == ["TP53"]
    assert any("2 row(s) without a gene identifier" in p.message for p in study.problems)


def test_an_entrez_identifier_must_be_a_whole_number(make_study):
    data = "Entrez_Gene_Id\tSKBR3\n7157\t1\nTP53\t2\n"
    with pytest.raises(InputError, match=r"line 3, column Entrez_Gene_Id: 'TP53' is not an Entrez"):
        read_study(make_study({EXPRESSION: data}))


def test_genes_need_an_identifier_column(make_study, small):
    data = small[EXPRESSION].replace("Hugo_Symbol\tEntrez_Gene_Id", "A\tB")
    with pytest.raises(InputError, match="neither a Hugo_Symbol nor an Entrez_Gene_Id column"):
        read_study(make_study({EXPRESSION: data}))


def test_rows_of_one_symbol_are_averaged_sample_by_sample(make_study, small):
    data = small[EXPRESSION] + "ERBB2\t2064\t2.5\tNA\t11\tNA\n"
    study = read_study(make_study({EXPRESSION: data}))
    assert list(study.expression.columns) == ["ERBB2", "EGFR"]
    assert study.expression["ERBB2"].to_dict() == {"SKBR3": 10.5, "AU565": 9, "697": 2}
    assert any("averaged" in p.message and "ERBB2" in p.message for p in study.problems)


@pytest.mark.slow
def test_a_sample_reads_the_same_alone_and_in_a_batch(make_study):
    """The averages of repeated genes look at no other sample, to the last bit."""
    rng = np.random.default_rng(0)
    names = [f"S{i}" for i in range(40)]
    values = pd.DataFrame(rng.normal(size=(90, 40)), columns=names)
    values = values.mask(pd.DataFrame(rng.random(values.shape) < 0.2, columns=names))
    values.insert(0, "Hugo_Symbol", [f"G{i % 30}" for i in range(90)])

    def expression(columns):
        text = values[columns].to_csv(sep="\t", index=False, na_rep="NA")
        return read_study(make_study({EXPRESSION: text})).expression

    batch = expression(["Hugo_Symbol", *names])
    for name in names[::13]:
        assert_frame_equal(expression(["Hugo_Symbol", name]), batch.loc[[name]])


def test_annotation_columns_are_tolerated(make_study, small):
    lines = small[EXPRESSION].strip().split("\n")
    extra = ["Cytoband\tMyNotes", "17q12\tgood", "7p11\tNA"]
    data = "".join(f"{more}\t{line}\n" for more, line in zip(extra, lines, strict=True))
    study = read_study(make_study({EXPRESSION: data}))
    assert list(study.expression.index) == ["SKBR3", "AU565", "697"]
    assert any("MyNotes" in p.message for p in study.problems)


def test_logarithms_go_before_z_scores(make_study, small):
    meta = small["meta_expression.txt"]
    z_scores = {
        "meta_a_zscores.txt": meta.replace("CONTINUOUS", "Z-SCORE").replace(
            EXPRESSION, "data_z.txt"
        ),
        "data_z.txt": "Hugo_Symbol\tSKBR3\nEGFR\t0\n",
    }
    study = read_study(make_study(z_scores))
    assert study.expression_kind == "continuous"
    assert study.expression.shape == (3, 2)
    assert any(p.file == "meta_a_zscores.txt" and "not used" in p.message for p in study.problems)
    alone = read_study(make_study(z_scores | {"meta_expression.txt": None}))
    assert alone.expression_kind == "z-score"


def test_log2_copy_number_is_told_from_calls(make_study, small):
    meta = small["meta_cna.txt"].replace("DISCRETE", "LOG2-VALUE")
    assert read_study(make_study({"meta_cna.txt": meta})).copy_number_kind == "log2"


def test_select_keeps_the_given_order_in_every_modality(make_study):
    study = read_study(make_study()).select(["697", "SKBR3"])
    assert list(study.samples) == list(study.donors.index) == ["697", "SKBR3"]
    assert list(study.expression.index) == list(study.copy_number.index) == ["697", "SKBR3"]
    assert list(study.sequenced) == list(study.panel_of.index) == ["697", "SKBR3"]
    assert list(study.rppa.index) == ["SKBR3"]
    assert list(study.mutations["sample_id"]) == ["697", "SKBR3", "SKBR3"]
    assert list(study.fusions["sample_id"]) == ["697"]
    assert study.clinical.loc["697", "LINEAGE"] == "blood"


def test_select_of_a_sample_without_a_modality_keeps_its_columns(make_study):
    study = read_study(make_study()).select(["X4"])
    assert study.expression.shape == (0, 2)
    assert study.mutations.empty
    assert list(study.sequenced) == ["X4"]


def test_select_of_nothing_is_an_empty_study(make_study):
    study = read_study(make_study()).select([])
    assert len(study.samples) == 0
    assert study.rppa.shape == (0, 2)


def test_select_refuses_unknown_and_repeated_samples(make_study):
    study = read_study(make_study())
    with pytest.raises(InputError, match=r"1 sample\(s\) are not in study small: NOPE"):
        study.select(["SKBR3", "NOPE"])
    with pytest.raises(InputError, match="selected twice: SKBR3"):
        study.select(["SKBR3", "SKBR3"])


def test_a_study_travels_between_processes(make_study):
    study = read_study(make_study())
    copy = pickle.loads(pickle.dumps(study))
    assert_frame_equal(copy.expression, study.expression)
    assert copy.response("gi50").values.equals(study.response("gi50").values)


# Samples of each modality and number of genes, antibodies and calls: shared/studies/README.md.
REAL = {
    "breast_cell_lines": {
        "samples": 69, "expression": (69, 29121), "rppa": (67, 217), "sequenced": 36,
        "calls": 1573, "copy_number": (37, 24391), "donors": 65,
    },
    "pancan_cell_lines": {
        "samples": 738, "expression": (443, 697), "rppa": (724, 210), "sequenced": 705,
        "calls": 45279, "copy_number": (443, 697), "donors": 724,
    },
    "tcga_brca_rppa": {
        "samples": 410, "expression": None, "rppa": (410, 142), "sequenced": 394,
        "calls": 31698, "copy_number": None, "donors": 410,
    },
    "metabric_her2": {
        "samples": 2509, "expression": (1904, 31), "rppa": None, "sequenced": 1859,
        "calls": 10612, "copy_number": (2173, 31), "donors": 2509,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_the_real_studies(real_study, name):
    study = real_study(name)
    shapes = {
        modality: None if table is None else table.shape
        for modality, table in [
            ("expression", study.expression),
            ("rppa", study.rppa),
            ("copy_number", study.copy_number),
        ]
    }
    found = {
        "samples": len(study.samples),
        "sequenced": len(study.sequenced),
        "calls": len(study.mutations),
        "donors": study.donors.nunique(),
        **shapes,
    }
    assert found == REAL[name]
    warnings = [p.message for p in study.problems if p.severity != "note"]
    told = ["1,858 row(s) of 51 sample(s) stand in it twice"] if name == "tcga_brca_rppa" else []
    assert len(warnings) == len(told)
    assert all(words in message for words, message in zip(told, warnings, strict=True))


def test_the_breast_study_in_detail(real_study):
    study = real_study("breast_cell_lines")
    assert study.donors["AU565"] == study.donors["SKBR3"]
    assert len(study.expression.index.intersection(study.rppa.index)) == 67
    assert study.panel_of.notna().all()
    her2 = study.rppa["ERBB2"].corr(study.expression["ERBB2"].loc[study.rppa.index])
    assert her2 == pytest.approx(0.945, abs=0.001)
    assert study.entrez["ERBB2"] == 2064


def test_samples_named_by_digits_stay_text(real_study):
    study = real_study("pancan_cell_lines")
    assert {"697", "2313287"} <= set(study.samples)
    assert study.mutations["sample_id"].isin(study.sequenced).all()
