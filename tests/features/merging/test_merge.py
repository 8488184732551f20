"""Several studies as one folder: what each gives, what contradicts, and how it is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.files.study_writer import write_study
from sidestep.features.merging.drafts import merged_draft, study_draft
from sidestep.features.merging.merge import merge_studies
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.check import check_study
from sidestep.features.study.study import Study, read_study
from sidestep.main import main

GENES = [f"G{number}" for number in range(40)] + ["ERBB2", "EGFR"]


def levels(samples: list[str], columns: list[str], seed: int) -> pd.DataFrame:
    values = np.random.default_rng(seed).uniform(0, 12, (len(samples), len(columns)))
    return pd.DataFrame(values.round(4), index=samples, columns=columns)


def calls(*rows: tuple[str, str, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["Tumor_Sample_Barcode", "Hugo_Symbol", "HGVSp_Short"])
    return table.assign(Variant_Classification="Missense_Mutation")


@pytest.fixture(scope="module")
def simulated_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all kinds of data."""
    folder = tmp_path_factory.mktemp("simulated") / "breast_sim"
    simulate_study(folder, SimulationPlan(lines=20, genes=120, missing=0.2, seed=0))
    return folder


@pytest.fixture
def molecular() -> Study:
    lines = ["SKBR3_BREAST", "BT474_BREAST", "A549_LUNG"]
    return Study.from_frames(
        expression=levels(lines, GENES, 1),
        mutations=calls(("A549_LUNG", "KRAS", "p.G12S")),
        sequenced=lines[1:],
        clinical=pd.DataFrame({"LINEAGE": ["Breast", "Breast", None]}, index=lines),
        study_id="molecular",
    )


@pytest.fixture
def screened() -> Study:
    lines = ["SKBR3", "A549", "MCF7"]
    return Study.from_frames(
        expression=levels(lines, GENES, 2),
        rppa=levels(lines, ["ERBB2|HER2_pY1248", "EGFR|EGFR", "AKT1|Akt"], 3),
        mutations=calls(("SKBR3", "TP53", "p.R175H"), ("A549", "EGFR", "p.L858R")),
        clinical=pd.DataFrame({"LINEAGE": ["Skin", "Lung", "Breast"]}, index=lines),
        responses=levels(lines, ["Lapatinib", "Gefitinib"], 4),
        metric="auc",
        unit="fraction",
        higher_is_resistant=True,
        study_id="screened",
    )


def test_errors_of_a_screen_go_with_it(molecular: Study, screened: Study, tmp_path: Path) -> None:
    (name, file), *_ = screened.response_files.items()
    held = levels(list(file.held.index), list(file.held.columns), 5)
    known = replace(file, errors=replace(file, held=held))
    measured = replace(screened, response_files={name: known})
    merged = merge_studies([molecular, measured], "both")
    write_study(tmp_path / "both", merged_draft(merged))
    errors = read_study(tmp_path / "both").response("auc").errors
    assert errors.at["SKBR3_BREAST", "Lapatinib"] == held.at["SKBR3", "Lapatinib"]
    # Of two screens in one, whose errors they are is not told.
    again = replace(measured, study_id="again")
    assert merge_studies([measured, again], "twice").study.response("auc").errors is None


def test_modalities_stand_side_by_side(molecular: Study, screened: Study) -> None:
    merged = merge_studies([molecular, screened], "both")
    study = merged.study
    assert list(study.samples) == [*molecular.samples, "MCF7"]
    # Levels are those of the first study that has them; no laboratory's are put below another's.
    pd.testing.assert_frame_equal(study.expression, molecular.expression, check_names=False)
    assert any("expression: 3 samples of screened left out, 1 of which" in t for t in merged.told)
    assert list(study.rppa.index) == ["SKBR3_BREAST", "A549_LUNG", "MCF7"]
    assert (study.rppa.to_numpy() == screened.rppa.to_numpy()).all()
    # A sample's calls are those of the first study that tested it.
    assert set(study.sequenced) == {"SKBR3_BREAST", "BT474_BREAST", "A549_LUNG"}
    found = study.mutations[["sample_id", "gene", "protein_change"]].to_numpy().tolist()
    assert sorted(found) == [["A549_LUNG", "KRAS", "p.G12S"], ["SKBR3_BREAST", "TP53", "p.R175H"]]
    assert (
        study.response("auc").values.loc["SKBR3_BREAST", "Lapatinib"]
        == (screened.response("auc").values.loc["SKBR3", "Lapatinib"])
    )


def test_what_contradicts_is_written_down_and_the_first_is_believed(
    molecular: Study, screened: Study
) -> None:
    merged = merge_studies([molecular, screened], "both")
    assert list(merged.study.clinical["LINEAGE"]) == ["Breast", "Breast", "Lung", "Breast"]
    assert merged.conflicts.to_numpy().tolist() == [
        ["clinical", "SKBR3_BREAST", "LINEAGE", "Breast", "molecular", "Skin", "screened"]
    ]


def test_another_spelling_of_a_name_is_no_conflict_and_another_status_is() -> None:
    def one(study_id: str, name: str, status: str) -> Study:
        clinical = pd.DataFrame({"CELL_LINE_NAME": [name], "ER_STATUS": [status]}, index=["BT20"])
        return Study.from_frames(clinical=clinical, study_id=study_id)

    merged = merge_studies([one("a", "BT-20", "ER+"), one("b", "bt20", "ER-")], "both")
    assert merged.conflicts["item"].tolist() == ["ER_STATUS"]


def test_levels_are_stacked_if_that_is_asked_for(molecular: Study, screened: Study) -> None:
    merged = merge_studies([molecular, screened], "both", stack=True)
    assert list(merged.study.expression.index) == [*molecular.samples, "MCF7"]
    assert merged.study.expression.loc["MCF7", "ERBB2"] == screened.expression.loc["MCF7", "ERBB2"]
    pd.testing.assert_frame_equal(
        merged.study.expression.loc[molecular.samples], molecular.expression, check_names=False
    )


def test_two_copies_of_a_screen_become_one_and_others_stay_apart(screened: Study) -> None:
    values = screened.response("auc").values
    changed = values.rename(index={"MCF7": "T47D"}).assign(Erlotinib=1.0)
    changed.loc["SKBR3", "Lapatinib"] += 1.0

    def again(unit: str) -> Study:
        return Study.from_frames(
            clinical=pd.DataFrame({"LINEAGE": "Breast"}, index=list(changed.index)),
            responses=changed, metric="auc", unit=unit, higher_is_resistant=True, study_id="again",
        )  # fmt: skip

    merged = merge_studies([screened, again("fraction")], "both")
    (stable_id,) = merged.study.response_files
    joined = merged.study.response(stable_id).values
    assert joined.loc["SKBR3", "Lapatinib"] == values.loc["SKBR3", "Lapatinib"]
    assert joined.loc["T47D", "Erlotinib"] == 1.0
    conflict = merged.conflicts[merged.conflicts["what"] == "response"]
    assert conflict[["sample_id", "item"]].to_numpy().tolist() == [
        ["SKBR3", f"{stable_id}: Lapatinib"]
    ]
    apart = merge_studies([screened, again("micromolar")], "both").study.response_files
    assert list(apart) == [stable_id, f"{stable_id}_again"]


def test_a_folder_is_read_as_it_was_merged(
    molecular: Study, screened: Study, tmp_path: Path
) -> None:
    merged = merge_studies([molecular, screened], "both")
    folder = write_study(tmp_path / "both", merged_draft(merged))
    assert [p for p in check_study(folder).problems if p.severity == "error"] == []
    study = read_study(folder)
    for field in ("expression", "rppa", "mutations"):
        pd.testing.assert_frame_equal(
            getattr(study, field), getattr(merged.study, field), check_like=True,
            check_names=False, check_dtype=False,
        )  # fmt: skip
    assert list(study.sequenced) == list(merged.study.sequenced)
    assert study.donors.to_dict() == merged.study.donors.to_dict()
    pd.testing.assert_frame_equal(
        study.response("auc").values, merged.study.response("auc").values,
        check_names=False, check_dtype=False,
    )  # fmt: skip
    table = pd.read_csv(folder / "merge" / "samples.tsv", sep="\t")
    assert len(table) == 6
    assert (folder / "merge" / "conflicts.tsv").read_text().count("\n") == 2


def test_panels_of_one_name_and_other_genes_stay_apart(simulated_study: Path) -> None:
    study = read_study(simulated_study)
    (panel,) = study.panels
    other = replace(
        study.select(study.samples[:5]),
        study_id="other",
        panels={panel: frozenset({"TP53"})},
    )
    assert other.sequenced is not None
    rest = study.select(study.samples[5:])
    merged = merge_studies([other, rest], "both").study
    assert dict(merged.panels) == {
        panel: frozenset({"TP53"}), f"{panel}_{study.study_id}": study.panels[panel]
    }  # fmt: skip
    pd.testing.assert_series_equal(
        merged.panel_of.loc[rest.panel_of.index],
        rest.panel_of.map(lambda name: f"{name}_{study.study_id}"),
        check_names=False,
        check_dtype=False,
    )


def test_a_simulated_study_survives_its_own_files(simulated_study: Path, tmp_path: Path) -> None:
    study = read_study(simulated_study)
    again = read_study(write_study(tmp_path / "again", study_draft(study, "The same.")))
    assert again.simulated
    for field in ("expression", "rppa", "copy_number", "fusions", "clinical", "mutations"):
        one, other = getattr(study, field), getattr(again, field)
        if one is None:
            assert other is None
        else:
            pd.testing.assert_frame_equal(one, other, check_like=True, check_dtype=False)
    assert list(study.response_files) == list(again.response_files)


def test_one_study_or_one_name_twice_is_refused(screened: Study) -> None:
    with pytest.raises(InputError, match="takes two studies or more"):
        merge_studies([screened], "one")
    with pytest.raises(InputError, match="two of the studies call themselves screened"):
        merge_studies([screened, screened], "one")


def test_the_command_tells_what_it_joined(
    molecular: Study, screened: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [
        str(write_study(tmp_path / study.study_id, study_draft(study, "")))
        for study in (molecular, screened)
    ]
    out = tmp_path / "both"
    assert main(["data", "merge", *paths, "--out", str(out)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "molecular: 3 samples, 3 of its own"
    assert told[1] == "screened: 3 samples, 1 of its own, 2 by CCLE's name"
    assert told[-2:] == [
        f"Merged into {out}: 4 samples of 4 donors; 1 conflicts (merge/conflicts.tsv)",
        f"Next: sidestep check {out}",
    ]
    assert main(["data", "merge", *paths, "--out", str(out)]) == 2
    assert "already holds files" in capsys.readouterr().err


@pytest.mark.slow
def test_two_real_studies_agree_on_the_screen_that_they_share(shared: Path) -> None:
    names = ("pancan_cell_lines", "breast_cell_lines")
    merged = merge_studies([read_study(shared / "studies" / name) for name in names], "both")
    # Both README files say so: 37 lines are in both, and the screen is the same.
    assert (merged.samples["matched_by"] == "name").sum() == 37
    assert not (merged.conflicts["what"] == "response").any()
    assert merged.study.donors["SKBR3"] == merged.study.donors["AU565"]
    assert len(merged.study.response_files) == 6


def test_words_of_several_studies_are_matched_and_told() -> None:
    """Two copies of a screen under other drug names, replicates, lineages in three vocabularies."""
    common = {"unit": "fraction", "metric": "auc", "higher_is_resistant": True}
    first = Study.from_frames(
        clinical=pd.DataFrame({"LINEAGE": ["colorectal", "gastric"]}, index=["HT29", "KATOIII"]),
        responses=pd.DataFrame(
            [[0.5, 0.2, 0.4], [0.6, np.nan, 0.3]],
            index=["HT29", "KATOIII"],
            columns=["BIBW2992", "Selumetinib-1062", "Selumetinib-1736"],
        ),
        study_id="first", **common,
    )  # fmt: skip
    other = Study.from_frames(
        clinical=pd.DataFrame(
            {"LINEAGE": ["LARGE_INTESTINE", None, None], "TCGA_CODE": [None, "COREAD", "STAD"]},
            index=["HT29", "SW48", "AGS"],
        ),
        responses=pd.DataFrame({"Afatinib": [0.9, 0.7, 0.8]}, index=["HT29", "SW48", "AGS"]),
        study_id="other", **common,
    )  # fmt: skip
    merged = merge_studies([first, other], "both")
    values = merged.study.response("auc").values
    assert list(values.columns) == ["BIBW2992", "Selumetinib-1062", "Selumetinib-1736"]
    assert values["BIBW2992"].to_dict() == {"HT29": 0.5, "KATOIII": 0.6, "SW48": 0.7, "AGS": 0.8}
    assert merged.conflicts["item"].to_list() == ["auc: BIBW2992"]
    assert merged.study.clinical["LINEAGE"].to_list() == [
        "colorectal",
        "gastric",
        "colorectal",
        "gastric",
    ]
    drugs = merged.words["drugs"].set_index("name")
    assert drugs["drug"].to_dict() == {
        "BIBW2992": "Afatinib", "Afatinib": "Afatinib", "Selumetinib-1062": "Selumetinib",
        "Selumetinib-1736": "Selumetinib",
    }  # fmt: skip
    assert (
        drugs.loc["Selumetinib-1062", "matched_by"] == "name without the identifier of a replicate"
    )
    lineages = merged.words["lineages"]
    assert set(lineages["oncotree"]) == {"BOWEL", "STOMACH"}
    averaged = (
        merge_studies([first, other], "both", replicates="average").study.response("auc").values
    )
    assert averaged.loc["HT29"].round(6).to_dict() == {"BIBW2992": 0.7, "Selumetinib": 0.3}
    assert averaged.loc["KATOIII", "Selumetinib"] == 0.3
    with pytest.raises(InputError, match="neither keep nor average"):
        merge_studies([first, other], "both", replicates="mean")


def test_one_screen_whose_unit_is_worded_in_two_ways_is_one() -> None:
    lines = [f"LINE{number}" for number in range(15)]
    values = levels(lines, ["Lapatinib", "Gefitinib"], 5)

    def screen(study_id: str, unit: str, factor: float) -> Study:
        return Study.from_frames(
            clinical=pd.DataFrame({"LINEAGE": "lung"}, index=lines), responses=values * factor,
            metric="auc", unit=unit, higher_is_resistant=True, study_id=study_id,
        )  # fmt: skip

    first = screen("first", "area under the curve, 0-30", 1)
    same = merge_studies([first, screen("other", "area under the viability curve", 1)], "both")
    assert list(same.study.response_files) == ["auc"]
    apart = merge_studies([first, screen("other", "area as a fraction", 0.1)], "both")
    assert list(apart.study.response_files) == ["auc", "auc_other"]
