"""Groups of lines and of any samples, and the intervals that a predictor calibrates by them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.study.study import Study
from sidestep.models.predictor.line_groups import HER2_HIGH, LineGroups
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.predictor.storage import load_predictor, save_predictor
from sidestep.models.reliability.groups import FEWEST_GROUP_LINES

LUNG = "LINEAGE=Lung"


@pytest.fixture(scope="module")
def lines(study: Study) -> Study:
    """The lines: one in eight of skin, the first of no lineage, and none of them HER2-high."""
    lineages = np.resize(["Lung", "Skin", *["Lung"] * 6], len(study.samples)).astype(object)
    lineages[0] = np.nan
    known = pd.DataFrame({"LINEAGE": lineages, "HER2_STATUS": "Negative"}, index=study.samples)
    return replace(study, clinical=known)


@pytest.fixture(scope="module")
def grouped(predictor: PanelPredictor, lines: Study) -> PanelPredictor:
    names = pd.Index(predictor.known.samples)
    her2 = replace(predictor.her2, high=np.zeros(len(names), bool))
    return replace(predictor, groups=LineGroups.fit(lines, names), her2=her2)


def said(study: Study, **columns: object) -> Study:
    return replace(study, clinical=study.clinical.assign(**columns))


def rna_of(features: pd.DataFrame) -> pd.DataFrame:
    """Features as if nothing but RNA had been measured."""
    return features.mask(
        np.tile(~features.columns.str.startswith("expression:"), (len(features), 1))
    )


def groups_of(predictor: PanelPredictor, study: Study) -> np.ndarray:
    return predictor.interval_groups(study, predictor.features(study))


def test_a_line_is_in_the_group_of_its_lineage(grouped, lines):
    found = groups_of(grouped, lines)
    np.testing.assert_array_equal(found, grouped.line_groups)
    assert found[:3].tolist() == [["", ""], ["", "LINEAGE=Skin"], ["", LUNG]]


def test_her2_high_is_what_the_model_calls_so_and_goes_first(grouped, lines):
    found = groups_of(grouped, said(lines, HER2_STATUS="Positive"))
    assert found[1].tolist() == [HER2_HIGH, "LINEAGE=Skin"]
    assert set(found[:, 0]) == {HER2_HIGH}


def test_a_lineage_is_known_by_any_spelling_and_no_other_is(grouped, lines):
    few = lines.select(list(lines.samples[:4]))
    asked = said(few, LINEAGE=["lung", "S-K-I-N", "Lungs", np.nan])
    expected = [LUNG, "LINEAGE=Skin", "", ""]
    assert groups_of(grouped, asked)[:, 1].tolist() == expected
    assert set(groups_of(grouped, said(few, LINEAGE=[1, 2, 3, 4])).ravel()) == {""}
    nowhere = replace(few, clinical=few.clinical[["HER2_STATUS"]])
    assert set(groups_of(grouped, nowhere).ravel()) == {""}


@pytest.mark.parametrize(("kind", "known"), [("Primary", False), ("Cell Line", True)])
def test_tumours_are_in_no_group_of_lines(grouped, lines, kind, known):
    asked = said(lines, SAMPLE_TYPE=kind, HER2_STATUS="Positive")
    assert (groups_of(grouped, asked)[1:] != "").any() == known


def test_a_sample_is_in_the_same_groups_alone(grouped, lines):
    together = groups_of(grouped, lines)
    for row in (0, 1, 2):
        alone = lines.select([lines.samples[row]])
        np.testing.assert_array_equal(groups_of(grouped, alone)[0], together[row])


def test_groups_calibrate_intervals_the_same_alone_and_when_loaded(grouped, lines, tmp_path):
    """Of the lung lines enough have RNA; of the skin lines, and with all modalities, too few."""
    save_predictor(grouped, tmp_path / "model")
    loaded = load_predictor(tmp_path / "model")
    assert loaded.groups == grouped.groups
    features, folds = rna_of(grouped.features(lines)), grouped.fold_features(lines)
    folds = {fold: rna_of(table) for fold, table in folds.items()}
    model, groups = grouped.drugs["Lapatinib"], groups_of(grouped, lines)
    of_lung = grouped.line_groups[model.lines, 1] == LUNG
    assert of_lung.sum() >= FEWEST_GROUP_LINES
    predictive = grouped.predictive(features, folds, model, groups)
    ends, used = predictive.interval(0.8), predictive.interval_groups(0.8)
    assert used.tolist() == [LUNG if group == LUNG else "" for group in groups[:, 1]]
    again = loaded.interval(features, folds, loaded.drugs["Lapatinib"], 0.8, groups)
    np.testing.assert_array_equal(again, ends)
    plain = grouped.interval(features, folds, model, 0.8)
    np.testing.assert_array_equal(np.not_equal(ends, plain).any(axis=0), used == LUNG)
    whole = grouped.predictive(grouped.features(lines), folds, model, groups)
    assert set(whole.interval_groups(0.99)) == {""}
    for row in (1, 2):
        alone = grouped.interval(
            features.iloc[[row]],
            {fold: table.iloc[[row]] for fold, table in folds.items()},
            model,
            0.8,
            groups[[row]],
        )
        np.testing.assert_array_equal(np.ravel(alone), np.array(ends)[:, row])


def test_a_fold_s_predictor_calibrates_by_the_other_folds_lines_of_the_group(grouped):
    unseen = grouped.unseen(0)
    errors = next(iter(unseen.drugs["Lapatinib"].errors.values()))
    assert not (grouped.known.folds[errors.lines] == 0).any()
    np.testing.assert_array_equal(unseen.line_groups, grouped.line_groups)
