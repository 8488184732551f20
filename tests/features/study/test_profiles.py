"""Which of a study's profiles is its expression, its RPPA and its copy number."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.check import check_study
from sidestep.features.study.meta import Meta
from sidestep.features.study.profiles import Profile, by_kind, choose_profile, parse_profiles
from sidestep.features.study.study import read_study

RNA, PROTEIN, COPIES = "MRNA_EXPRESSION", "PROTEIN_LEVEL", "COPY_NUMBER_ALTERATION"


def meta(kind: str, name: str, datatype: str, stable_id: str, says: str = "") -> Meta:
    """Meta file of a profile."""
    fields = {
        "genetic_alteration_type": kind,
        "datatype": datatype,
        "stable_id": stable_id,
        "profile_description": says,
        "data_filename": name.replace("meta_", "data_"),
    }
    return Meta(name, Path(name), fields, "")


RSEM = meta(RNA, "meta_mrna_seq_v2_rsem.txt", "CONTINUOUS", "rna_seq_v2_mrna")
ARRAY = meta(RNA, "meta_mrna_agilent_microarray.txt", "CONTINUOUS", "mrna")
COUNTS = meta(RNA, "meta_mrna_seq_read_counts.txt", "CONTINUOUS", "rna_seq_mrna")
MIRNA = meta(RNA, "meta_mirna.txt", "CONTINUOUS", "mirna")
MERGED = meta(RNA, "meta_mrna_mirna_merged_zscores.txt", "Z-SCORE", "mrna_merged_median_Zscores")
OUTLIERS = meta(RNA, "meta_mrna_outliers.txt", "DISCRETE", "mrna_outliers")
CAPTURE = meta(RNA, "meta_capture_rpkm.txt", "CONTINUOUS", "rna_seq_mrna_capture")
Z_ALL = meta(RNA, "meta_a_zscores_ref_all_samples.txt", "Z-SCORE", "rna_seq_v2_all_Zscores")
Z_DIPLOID = meta(RNA, "meta_b_zscores_ref_diploid_samples.txt", "Z-SCORE", "rna_seq_v2_Zscores")
Z_LOGS = meta(RNA, "meta_array.txt", "Z-SCORE", "mrna_median_Zscores", "log2 values (exon arrays)")
CPM = meta(
    RNA, "meta_cpm.txt", "CONTINUOUS", "mrna_seq_cpm", "Raw counts were summed, then log1p of CPM"
)
RPPA = meta(PROTEIN, "meta_rppa.txt", "LOG2-VALUE", "rppa")
RPPA_Z = meta(PROTEIN, "meta_rppa_zscores.txt", "Z-SCORE", "rppa_Zscores")
MASS = meta(PROTEIN, "meta_protein_quantification.txt", "LOG2-VALUE", "protein_quantification")
TMT = meta(PROTEIN, "meta_protein.txt", "LOG2-VALUE", "protein", "Levels by TMT")
OWN = meta(PROTEIN, "meta_protein_own.txt", "CONTINUOUS", "our_antibodies")
SEG = meta(COPIES, "meta_cna_hg19_seg.txt", "SEG", "seg")
LOG2 = meta(COPIES, "meta_log2_cna.txt", "LOG2-VALUE", "log2CNA")
LINEAR = meta(COPIES, "meta_linear_cna.txt", "CONTINUOUS", "linear_CNA")
CALLS = meta(COPIES, "meta_cna.txt", "DISCRETE", "gistic")


@pytest.mark.parametrize(
    "preferred",
    [
        (RSEM, ARRAY),
        (RSEM, COUNTS, Z_ALL),
        (RSEM, CAPTURE, ARRAY, COUNTS, Z_DIPLOID, Z_ALL),
        (CPM, COUNTS),
        (ARRAY, Z_DIPLOID),
        (Z_LOGS, Z_ALL),
        (RPPA, RPPA_Z),
        (LOG2, LINEAR, CALLS),
    ],
)
def test_rna_seq_before_microarray_and_levels_before_z_scores(preferred: tuple[Meta, ...]) -> None:
    for metas in (preferred, preferred[::-1]):
        choice = choose_profile(metas)
        assert choice.profile is not None
        assert [choice.profile.meta, *(p.meta for p in choice.others)] == list(preferred)
        assert choice.unusable == ()


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (MIRNA, "microRNA"),
        (MERGED, "microRNA"),
        (OUTLIERS, "outliers"),
        (MASS, "mass spectrometry"),
        (TMT, "mass spectrometry"),
        (SEG, "segments"),
    ],
)
def test_another_kind_of_data_is_left_out_with_a_word(other: Meta, why: str) -> None:
    choice = choose_profile([other])
    assert choice.profile is None
    assert why in choice.unusable[0].unusable
    by_hand = choose_profile([other], other.stable_id)
    assert by_hand.profile is not None
    assert by_hand.profile.meta is other


def test_proteins_of_an_unknown_platform_are_read() -> None:
    assert Profile.of(OWN).unusable == ""


def test_a_profile_is_chosen_by_its_stable_id(make_study, small) -> None:
    changes = {
        "meta_array.txt": small["meta_expression.txt"]
        .replace("stable_id: rna", "stable_id: mrna_U133")
        .replace("data_expression", "data_array"),
        "data_array.txt": small["data_expression.txt"].replace("1.5", "7.25"),
    }
    folder = make_study(changes)
    assert read_study(folder).expression.at["697", "ERBB2"] == 1.5
    by_hand = read_study(folder, {"expression": "mrna_U133"})
    assert by_hand.expression.at["697", "ERBB2"] == 7.25
    assert by_hand.profiles == {"MRNA_EXPRESSION": "mrna_U133"}
    notes = [p.message for p in check_study(folder).problems]
    assert any("meta_array.txt (CONTINUOUS) is not used" in note for note in notes)


def test_only_segments_are_no_copy_number_and_no_error(make_study, small) -> None:
    changes = {
        "meta_cna.txt": small["meta_cna.txt"].replace("DISCRETE", "SEG"),
        "data_cna.txt": "ID\tchrom\tloc.start\tloc.end\tseg.mean\nSKBR3\t17\t1\t9\t2\n",
    }
    check = check_study(make_study(changes))
    assert check.errors == ()
    assert check.study is not None
    assert check.study.copy_number is None
    assert any("meta_cna.txt is left out: it holds segments" in p.message for p in check.problems)


def test_a_choice_by_hand_that_cannot_be_made_names_what_there_is(make_study) -> None:
    with pytest.raises(InputError, match=r"'mrna' is not in the study; .* has rna \(meta_expr"):
        read_study(make_study(), {"expression": "mrna"})
    with pytest.raises(InputError, match="'rna' is not in the study; of that kind it has none"):
        read_study(make_study({"meta_expression.txt": None}), {"expression": "rna"})
    with pytest.raises(InputError, match="'protein' is no kind of profile"):
        by_kind({"protein": "rppa"})
    for text in ("expression", "expression=", "=rna"):
        with pytest.raises(InputError, match="is not KIND=STABLE_ID"):
            parse_profiles([text])
    with pytest.raises(InputError, match="gives rppa twice"):
        parse_profiles(["rppa=a", "rppa=b"])
    assert by_kind({"copy-number": "x", "PROTEIN_LEVEL": "y"}) == {COPIES: "x", PROTEIN: "y"}
