"""The manifest's section on a whole study: is it what the model learned from?"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.patterns import pattern_columns
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.registry.load import LoadedModel
from sidestep.models.reliability.shift import NONE, NOT_MEASURED, SHIFTED, STRONG, VERDICTS
from sidestep.serving.scoring.drift import MOST_SAMPLES, drift_section, shift_lines

MODALITIES = ["expression", "rppa", "mutation", "copy_number"]


class Touchy(PanelPredictor):
    """A predictor that cannot build the features of one sample."""

    bad: str
    failure: type[BaseException]

    def features(self, study: Study) -> pd.DataFrame:
        if self.bad in study.samples:
            raise self.failure
        return super().features(study)


def touchy(predictor: PanelPredictor, bad: str, failure: type[BaseException]) -> Touchy:
    made = Touchy(**{field.name: getattr(predictor, field.name) for field in fields(Touchy)})
    object.__setattr__(made, "bad", bad)
    object.__setattr__(made, "failure", failure)
    return made


@pytest.fixture(scope="module")
def section(cohort: Study, model: LoadedModel) -> dict[str, dict]:
    return drift_section(cohort, model.predictor)


def test_every_molecular_modality_of_the_model_is_told(section) -> None:
    assert list(section) == MODALITIES
    for found in section.values():
        assert found["verdict"] in VERDICTS
        assert 0 < found["p_value"] <= 1
        assert 0 <= found["weight_covered"] <= 1
    assert sum(found["weight"] for found in section.values()) == pytest.approx(1, abs=1e-5)
    assert json.loads(json.dumps(section, allow_nan=False)) == section


def test_the_training_study_is_not_shifted(simulated: Path, model: LoadedModel) -> None:
    breast = read_study(simulated / "breast_sim")
    section = drift_section(breast, model.predictor)
    assert {found["verdict"] for found in section.values()} == {NONE}
    assert section["expression"]["weight_covered"] == 1
    donors = breast.donors.loc[breast.profiled()["rppa"]].nunique()
    assert section["rppa"]["samples"] == donors


def test_weight_is_that_of_the_models_of_all_modalities(
    cohort: Study, model: LoadedModel, section
) -> None:
    predictor = model.predictor
    features = predictor.features(cohort)
    covered, total = [], []
    for drug in predictor.drugs.values():
        pattern = drug.blend.patterns[0]
        columns = pattern_columns(list(features.columns), pattern)
        weights = drug.blend.blends_[pattern].feature_weights(predictor.nearest.sd_[columns])
        rppa = features.columns[columns].str.startswith("rppa:")
        measured = features.iloc[:, columns].notna().mean().to_numpy()
        total.append(weights[rppa].sum() / weights.sum())
        covered.append((weights * measured)[rppa].sum() / weights.sum())
    assert section["rppa"]["weight"] == pytest.approx(np.mean(total), abs=1e-6)
    expected = np.mean(covered) / np.mean(total)
    assert section["rppa"]["weight_covered"] == pytest.approx(expected, abs=1e-6)
    assert expected < len(cohort.profiled()["rppa"]) / len(cohort.samples) + 1e-9 < 1


def test_a_study_without_a_modality_covers_none_of_its_weight(
    cohort: Study, model: LoadedModel, section
) -> None:
    found = drift_section(replace(cohort, rppa=None), model.predictor)["rppa"]
    assert (found["verdict"], found["samples"], found["weight_covered"]) == (NOT_MEASURED, 0, 0)
    assert found["weight"] == section["rppa"]["weight"]
    assert (found["p_value"], found["median_difference"]) == (None, None)


def test_another_zero_of_the_array_is_a_strong_shift(cohort: Study, model: LoadedModel) -> None:
    assert cohort.rppa is not None
    other = replace(cohort, rppa=2.5 * cohort.rppa + 3)
    section = drift_section(other, model.predictor)
    assert section["rppa"]["verdict"] == STRONG
    assert section["rppa"]["median_difference"] > 0.8


def test_neither_order_nor_repetition_matters(cohort: Study, model: LoadedModel, section) -> None:
    turned = cohort.select(list(cohort.samples[::-1]))
    assert json.dumps(drift_section(turned, model.predictor)) == json.dumps(section)


@pytest.mark.slow
def test_of_a_large_study_evenly_spaced_samples_are_looked_at(
    model: LoadedModel, tmp_path: Path
) -> None:
    simulate_study(tmp_path / "large", SimulationPlan(kind="cohort", lines=512, genes=120))
    large = read_study(tmp_path / "large")
    section = drift_section(large, model.predictor)
    assert 0 < section["expression"]["samples"] <= MOST_SAMPLES == 256
    assert section == drift_section(large.select(sorted(large.samples)[::2]), model.predictor)


def test_a_sample_that_cannot_be_built_is_left_out(cohort: Study, model: LoadedModel) -> None:
    bad = str(cohort.samples[7])
    section = drift_section(cohort, touchy(model.predictor, bad, KeyError))
    others = cohort.select([sample for sample in cohort.samples if sample != bad])
    assert section == drift_section(others, model.predictor)
    with pytest.raises(MemoryError):
        drift_section(cohort, touchy(model.predictor, bad, MemoryError))


def test_a_study_of_one_sample_that_cannot_be_built_is_not_measured(
    cohort: Study, model: LoadedModel
) -> None:
    bad = str(cohort.samples[0])
    section = drift_section(cohort.select([bad]), touchy(model.predictor, bad, KeyError))
    assert {found["verdict"] for found in section.values()} == {NOT_MEASURED}
    assert {found["weight_covered"] for found in section.values()} == {0.0}
    assert drift_section(cohort.select([]), model.predictor) == section


def shift(verdict: str, p_value: float | None) -> dict:
    return {
        "samples": 24,
        "median_difference": None if p_value is None else 0.4567,
        "spread_ratio": None if p_value is None else 1.25,
        "p_value": p_value,
        "verdict": verdict,
        "weight": 0.314,
        "weight_covered": None if p_value is None else 0.5,
    }


def test_lines_are_a_table_and_advice_for_a_strong_shift() -> None:
    lines = shift_lines({"rppa": shift(STRONG, 0.001), "mutation": shift(NOT_MEASURED, None)})
    head, rppa, mutation, *advice = lines
    assert head.split("  ")[-1].strip() == "verdict"
    assert rppa.split() == ["rppa", "31%", "50%", "24", "0.46", "1.25", "0.001", "strong"]
    assert mutation.split() == ["mutation", "31%", "-", "24", "-", "-", "-", "not", "measured"]
    assert " ".join(advice).startswith("Strong shift in rppa: read predictions that rest on it")
    assert max(map(len, lines)) <= 100


def test_without_a_strong_shift_there_is_no_advice(section) -> None:
    weak = {name: shift(SHIFTED, 0.01) for name in MODALITIES}
    assert len(shift_lines(weak)) == 5
