"""One bad sample does not cost the others their scores, and is named with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.study import Study
from sidestep.models.damage import refusing_damage
from sidestep.models.estimators.pattern_blend import Said
from sidestep.models.estimators.rows import FeatureRows
from sidestep.models.predictor.predictor import DrugModel, PanelPredictor
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.job import score_study
from sidestep.serving.scoring.quarantine import NO_MODALITY

pytestmark = pytest.mark.slow

Spoil = Callable[[pd.DataFrame], None]


class Touchy(PanelPredictor):
    """A predictor that takes some samples badly."""

    spoil: Spoil
    raises_at: frozenset[str]
    not_a_number_at: frozenset[str]

    def features(self, study: Study) -> pd.DataFrame:
        built = super().features(study).copy()
        self.spoil(built)
        return built

    def said(self, features: pd.DataFrame | FeatureRows, model: DrugModel) -> Said:
        samples = FeatureRows.of(features).frame.index
        if len(self.raises_at.intersection(samples)):
            raise ZeroDivisionError("singular\nmatrix")
        wrong = samples.isin(list(self.not_a_number_at)) & (model.name == "Trametinib")
        found = super().said(features, model)
        for rows, one in found.values():
            one.members.predictions[wrong[rows], 1] = np.nan
        return found


@pytest.fixture
def touchy(model: LoadedModel) -> Callable[..., LoadedModel]:
    def make(
        spoil: Spoil = lambda features: None,
        raises_at: frozenset[str] = frozenset(),
        not_a_number_at: frozenset[str] = frozenset(),
    ) -> LoadedModel:
        known = {field.name: getattr(model.predictor, field.name) for field in fields(Touchy)}
        predictor = Touchy(**known)
        for name, value in (
            ("spoil", spoil), ("raises_at", raises_at), ("not_a_number_at", not_a_number_at),
        ):  # fmt: skip
            object.__setattr__(predictor, name, value)
        return replace(model, predictor=predictor)

    return make


def assert_others_are_as_ever(study: Study, model: LoadedModel, out: Path, apart: set[str]) -> None:
    """The scores in `out` are those of the model at its best, less the samples set apart."""
    score_study(study, model, out.parent / "as_ever")
    for name in ("scores.parquet", "explanations.parquet"):
        expected = pd.read_parquet(out.parent / "as_ever" / name)
        expected = expected[~expected["sample_id"].isin(apart)].reset_index(drop=True)
        found = pd.read_parquet(out / name)
        pd.testing.assert_frame_equal(found, expected, check_exact=True, check_dtype=False)


@pytest.mark.parametrize("chunk", [1, 5, 24])
def test_every_kind_of_bad_sample_is_named_and_the_rest_is_scored(
    cohort: Study, model: LoadedModel, touchy, tmp_path: Path, chunk: int
) -> None:
    infinite, empty, raising, wrong = cohort.samples[[2, 3, 10, 17]]

    def spoil(features: pd.DataFrame) -> None:
        features.loc[features.index == infinite, features.columns[:3]] = -np.inf
        features.loc[features.index == empty] = np.nan

    bad = touchy(spoil, frozenset([raising]), frozenset([wrong]))
    manifest = score_study(cohort, bad, tmp_path / "out", chunk=chunk)
    first = bad.predictor.features(cohort).columns[0]
    assert manifest["quarantined"] == {
        infinite: f"3 infinite feature(s), {first} among them",
        empty: NO_MODALITY,
        raising: "could not be predicted (ZeroDivisionError: singular)",
        wrong: "prediction for Trametinib is not finite (nan)",
    }
    counts = manifest["counts"]
    assert (counts["samples"], counts["samples_scored"], counts["rows"]) == (24, 20, 60)
    apart = {infinite, empty, raising, wrong}
    assert_others_are_as_ever(cohort, model, tmp_path / "out", apart)


def test_a_sample_whose_features_cannot_be_built_is_named(
    cohort: Study, model: LoadedModel, touchy, tmp_path: Path
) -> None:
    def spoil(features: pd.DataFrame) -> None:
        if cohort.samples[5] in features.index:
            raise KeyError("ERBB2")

    manifest = score_study(cohort, touchy(spoil), tmp_path / "out", chunk=6)
    reason = "could not be predicted (KeyError: 'ERBB2')"
    assert manifest["quarantined"] == {cohort.samples[5]: reason}
    assert_others_are_as_ever(cohort, model, tmp_path / "out", {cohort.samples[5]})


def test_if_no_sample_can_be_scored_nothing_is_written(
    cohort: Study, touchy, tmp_path: Path
) -> None:
    bad = touchy(raises_at=frozenset(cohort.samples))
    with pytest.raises(InputError, match=r"cohort_sim can be scored.*ZeroDivisionError: singular"):
        score_study(cohort, bad, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failure", [MemoryError, KeyboardInterrupt])
def test_what_is_the_machines_fault_is_not_laid_on_a_sample(
    cohort: Study, touchy, tmp_path: Path, failure: type[BaseException]
) -> None:
    def spoil(features: pd.DataFrame) -> None:
        raise failure

    with pytest.raises(failure):
        score_study(cohort, touchy(spoil), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_model_is_no_fault_of_the_samples(touchy, cohort, tmp_path):
    def find_damage(built: pd.DataFrame) -> None:
        with refusing_damage("model"):
            raise KeyError("trees_")

    with pytest.raises(InputError, match="the model's files are damaged"):
        score_study(cohort, touchy(find_damage), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_sample_that_failed_in_the_laboratory_is_named(
    cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    flat = str(cohort.samples[4])
    failed = replace(cohort, failed={flat: "its expression is flat"}, digests={})
    manifest = score_study(failed, model, tmp_path / "out", chunk=6)
    assert manifest["quarantined"] == {flat: "its expression is flat"}
    assert_others_are_as_ever(cohort, model, tmp_path / "out", {flat})
