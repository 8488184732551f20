"""The smallest change of one mechanism that changes the call really does, and no smaller one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sidestep.features.mechanisms.of_features import MECHANISMS, mechanism_of
from sidestep.features.study.study import Study, read_study
from sidestep.models.predictor.drug_model import Gain
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.explain.flip import MOST_SD, Flip, FlipSearch, find_flips
from sidestep.serving.explain.settings import is_level, read_changes
from sidestep.serving.explain.what_if import changed_sample
from sidestep.serving.scoring.outlook import Outlook, outlook_of
from sidestep.serving.scoring.samples import Samples, samples_of

# At this level the intervals are narrow enough for calls of a model of forty lines.
LEVEL = 0.5


@pytest.fixture(scope="module")
def breast(simulated: Path) -> Study:
    return read_study(simulated / "breast_sim")


def alone(model: LoadedModel, study: Study, sample: str) -> Samples:
    part = study.select([sample])
    return samples_of(model.predictor, part, model.predictor.features(part))


def outlook_for(model: LoadedModel, samples: Samples, drug: str, level: float) -> Outlook:
    chosen = model.predictor.drugs[drug]
    return outlook_of(model.predictor, chosen, samples, level=level, her2_context=False)


def search_of(
    model: LoadedModel, samples: Samples, drug: str = "Lapatinib", level: float = LEVEL
) -> FlipSearch:
    chosen = model.predictor.drugs[drug]
    outlook = outlook_for(model, samples, drug, level)
    return find_flips(model.predictor, chosen, samples, outlook, her2_context=False)


@pytest.fixture(scope="module")
def called(model: LoadedModel, breast: Study) -> dict[str, list[str]]:
    """Lines by their call for lapatinib."""
    samples = samples_of(model.predictor, breast, model.predictor.features(breast))
    call = outlook_for(model, samples, "Lapatinib", LEVEL).call
    return {name: list(breast.samples[call == name]) for name in set(call)}


@pytest.fixture(scope="module")
def searches(
    model: LoadedModel, breast: Study, called: dict[str, list[str]]
) -> list[tuple[Samples, FlipSearch]]:
    """Three lines that are called sensitive, and six uncertain ones."""
    chosen = [*called["sensitive"][:3], *called["uncertain"][:6]]
    found = [alone(model, breast, sample) for sample in chosen]
    return [(samples, search_of(model, samples)) for samples in found]


def after(model: LoadedModel, samples: Samples, settings: list[str]) -> Outlook:
    changes = read_changes(settings, samples.features, model.predictor.nearest)
    changed = changed_sample(model.predictor, samples, changes)
    return outlook_for(model, changed, "Lapatinib", LEVEL)


@pytest.mark.slow
def test_flips_flip_when_set_and_not_before(
    model: LoadedModel, searches: list[tuple[Samples, FlipSearch]]
) -> None:
    flips = [(samples, flip) for samples, search in searches for flip in search.flips]
    assert len(flips) >= 5
    for samples, flip in flips:
        there = after(model, samples, flip.settings)
        assert there.call[0] == flip.call
        assert there.prediction[0] == pytest.approx(flip.prediction)
        less = replace(flip, sd=round(flip.sd - 0.01, 2))
        assert after(model, samples, less.settings).call[0] != flip.call


def test_flips_are_of_other_calls_and_the_smallest_comes_first(
    searches: list[tuple[Samples, FlipSearch]],
) -> None:
    for _, search in searches:
        assert not search.obstacles
        for flip in search.flips:
            assert flip.call in {"resistant", "sensitive", "uncertain"} - {search.call}
            assert flip.towards != search.call
            assert flip.mechanism in search.tried
            assert 0 < flip.sd <= MOST_SD
        sizes = [flip.sd for flip in search.flips]
        assert sizes == sorted(sizes)
        kinds = [(flip.mechanism, flip.call) for flip in search.flips]
        assert len(set(kinds)) == len(kinds)


def test_only_measured_levels_of_the_mechanism_are_shifted(
    searches: list[tuple[Samples, FlipSearch]],
) -> None:
    for samples, search in searches:
        assert set(search.tried) <= set(MECHANISMS) - {"other"}
        for flip in search.flips:
            for feature in (*flip.raised, *flip.lowered):
                assert mechanism_of(feature) == flip.mechanism
                assert is_level(feature)
                assert np.isfinite(samples.features[feature].iloc[0])


def test_a_her2_driven_line_flips_by_less_her2_drive(
    model: LoadedModel, breast: Study, called: dict[str, list[str]]
) -> None:
    # Lapatinib's planted driver: with less of it a sensitive line is no longer called so.
    found = []
    for sample in called["sensitive"][:3]:
        flips = [one for one in search_of(model, alone(model, breast, sample)).flips
                 if one.mechanism == "HER2 drive"]  # fmt: skip
        found += flips
        for flip in flips:
            assert "expression:ERBB2" in flip.lowered
    assert found


def test_the_same_search_twice_is_the_same(
    model: LoadedModel, searches: list[tuple[Samples, FlipSearch]]
) -> None:
    samples, search = searches[0]
    assert search_of(model, samples) == search


def test_no_change_of_the_sample_makes_a_poor_model_better(
    model: LoadedModel, breast: Study
) -> None:
    samples = alone(model, breast, breast.samples[0])
    search = search_of(model, samples, "SIMNULL-1")
    assert search.obstacles == ("DRUG_WORSE_THAN_BASELINE",)
    # It starts from the call that the interval alone would give.
    trusted = replace(model.predictor.drugs["SIMNULL-1"], gain=Gain("better", 0.99, "marker", 0.1))
    outlook = outlook_of(model.predictor, trusted, samples, level=LEVEL, her2_context=False)
    assert search.call == outlook.call[0] != "abstain"


def test_nothing_is_looked_for_without_an_interval(model: LoadedModel, breast: Study) -> None:
    search = search_of(model, alone(model, breast, breast.samples[0]), level=0.99)
    assert search == FlipSearch("abstain", ("NO_INTERVAL",), (), ())


def test_nothing_is_looked_for_outside_the_domain(model: LoadedModel, breast: Study) -> None:
    samples = alone(model, breast, breast.samples[0])
    far = replace(samples, features=samples.features + 30 * model.predictor.nearest.sd_)
    search = search_of(model, far)
    assert search.call == "abstain"
    assert "OUT_OF_DOMAIN" in search.obstacles
    assert search.flips == ()


def test_out_of_the_domain_on_the_way_is_no_flip(
    model: LoadedModel, breast: Study, called: dict[str, list[str]]
) -> None:
    """At some shift every mechanism leaves the domain; none of the flips says abstain."""
    samples = alone(model, breast, called["sensitive"][0])
    search = search_of(model, samples)
    drive = next(one for one in search.flips if one.mechanism == "HER2 drive")
    far = after(model, samples, replace(drive, sd=30.0).settings)
    assert far.call[0] == "abstain"
    assert all(flip.call != "abstain" for flip in search.flips)


def test_settings_are_what_the_command_line_takes() -> None:
    flip = Flip("HER2 drive", "resistant", "uncertain", 0.9, 5.5, ("rppa:PTEN",), ("rppa:ERBB2",))
    assert flip.settings == ["rppa:PTEN=+0.9sd", "rppa:ERBB2=-0.9sd"]
    assert flip.n_features == 2
