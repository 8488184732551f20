"""What to expect in one word, and the reasons not to trust it."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.study import Study
from sidestep.models.registry.load import LoadedModel
from sidestep.models.reliability.intervals import HeldOutErrors
from sidestep.serving.scoring.options import ScoreOptions
from sidestep.serving.scoring.outlook import Outlook, outlook_of
from sidestep.serving.scoring.reasons import REASONS, reasons_table
from sidestep.serving.scoring.samples import Samples, samples_of


def of(model: LoadedModel, study: Study) -> Samples:
    return samples_of(model.predictor, study, model.predictor.features(study))


def outlook_for(
    model: LoadedModel,
    study: Study,
    drug: str = "Lapatinib",
    level: float = 0.8,
    call_at: float = 0.75,
    **changes: object,
) -> Outlook:
    chosen = replace(model.predictor.drugs[drug], **changes) if changes else None
    return outlook_of(
        model.predictor,
        chosen or model.predictor.drugs[drug],
        of(model, study),
        level=level,
        her2_context=False,
        call_at=call_at,
    )


@pytest.mark.parametrize("call_at", [0.55, 0.6, 0.75, 0.9])
def test_a_call_follows_from_the_probability(
    model: LoadedModel, cohort: Study, call_at: float
) -> None:
    outlook = outlook_for(model, cohort, call_at=call_at)
    p, answered = outlook.p_resistant, outlook.call != "abstain"
    assert answered.any()
    assert ((p > 0) & (p < 1)).all()
    expected = np.select([p >= call_at, p <= 1 - call_at], ["resistant", "sensitive"], "uncertain")
    np.testing.assert_array_equal(outlook.call[answered], expected[answered])
    assert outlook.call_at == call_at


def test_a_probability_on_the_level_is_called(model: LoadedModel, cohort: Study) -> None:
    """Of 19 lines 0.2 is 3.5 + 0.5 of 20 lines, and 1 - 0.8 is a little less than that."""
    outlook = outlook_for(model, cohort)
    answered = outlook.call != "abstain"
    p = outlook.p_resistant[answered]
    extreme = float(np.maximum(p, 1 - p).max())
    called = outlook_for(model, cohort, call_at=extreme).call[answered]
    assert (called != "uncertain").any()


def test_a_threshold_beyond_all_lines_makes_all_samples_sensitive_or_resistant(
    model: LoadedModel, cohort: Study
) -> None:
    """GI50 is -log10 molar: high is sensitive. Shift what training lines typically answer."""
    drug = model.predictor.drugs["Lapatinib"]
    plain = outlook_for(model, cohort)
    trusted = plain.call != "abstain"
    assert trusted.any()
    for beyond, call in ((-1e3, "sensitive"), (1e3, "resistant")):
        shifted = outlook_for(model, cohort, observed=drug.observed + beyond)
        assert set(shifted.call[trusted]) == {call}
        np.testing.assert_array_equal(shifted.prediction, plain.prediction)


def test_the_marker_alone_has_a_probability_where_it_was_measured(
    model: LoadedModel, cohort: Study
) -> None:
    outlook = outlook_for(model, cohort)
    has = np.isfinite(outlook.marker.prediction)
    assert has.any()
    np.testing.assert_array_equal(np.isfinite(outlook.marker_p_resistant), has)
    order = np.argsort(outlook.marker.prediction[has])
    p = outlook.marker_p_resistant[has][order]
    assert p[0] > p[-1]  # high is sensitive


def test_a_drug_that_lost_to_its_baselines_abstains(model: LoadedModel, cohort: Study) -> None:
    outlook = outlook_for(model, cohort, "SIMNULL-1")
    assert set(outlook.call) == {"abstain"}
    assert all("DRUG_WORSE_THAN_BASELINE" in codes.split(";") for codes in outlook.reasons)


def test_a_sample_far_from_the_training_lines_abstains(model: LoadedModel, cohort: Study) -> None:
    samples = of(model, cohort)
    far = replace(samples, features=samples.features + 30 * model.predictor.nearest.sd_)
    drug = model.predictor.drugs["Lapatinib"]
    outlook = outlook_of(model.predictor, drug, far, level=0.8, her2_context=False)
    assert set(outlook.call) == {"abstain"}
    assert all("OUT_OF_DOMAIN" in codes.split(";") for codes in outlook.reasons)


@pytest.mark.parametrize("n_lines", [10, 19])
def test_with_few_held_out_lines_a_sample_farther_than_all_abstains(
    model: LoadedModel, cohort: Study, n_lines: int
) -> None:
    """Applicability is at least 1 / 11, or 1 / 20, however far the sample is."""
    samples, nearest = of(model, cohort), model.predictor.nearest
    far = replace(samples, features=samples.features + 1e6 * nearest.sd_)
    drug = model.predictor.drugs["Lapatinib"]
    few = {
        pattern: HeldOutErrors(
            *(getattr(errors, part.name)[:n_lines] for part in fields(HeldOutErrors))
        )
        for pattern, errors in drug.errors.items()
    }
    known = replace(drug, errors=few)
    outlook, plain = (
        outlook_of(model.predictor, known, one, level=0.8, her2_context=False)
        for one in (far, samples)
    )
    assert (outlook.applicability >= 0.05).all()
    assert set(outlook.call) == {"abstain"}
    assert all("OUT_OF_DOMAIN" in codes.split(";") for codes in outlook.reasons)
    # A sample that is nearer than some line is in the domain.
    nearer = plain.applicability > outlook.applicability
    outside = np.array(["OUT_OF_DOMAIN" in codes for codes in plain.reasons])
    assert nearer.any()
    np.testing.assert_array_equal(outside, ~nearer)


def test_too_few_lines_for_a_level_give_no_interval(model: LoadedModel, cohort: Study) -> None:
    outlook = outlook_for(model, cohort, level=0.99)  # 40 lines cannot vouch for 99 in 100
    assert np.isnan(outlook.lower).all()
    assert set(outlook.call) == {"abstain"}
    assert all("NO_INTERVAL" in codes.split(";") for codes in outlook.reasons)


def test_a_higher_level_is_a_wider_interval(model: LoadedModel, cohort: Study) -> None:
    narrow, wide = outlook_for(model, cohort, level=0.6), outlook_for(model, cohort, level=0.8)
    known = np.isfinite(wide.lower)
    assert (wide.lower[known] <= narrow.lower[known]).all()
    assert (wide.upper[known] >= narrow.upper[known]).all()


def test_missing_modalities_are_named(model: LoadedModel, cohort: Study) -> None:
    samples = of(model, cohort)
    outlook = outlook_for(model, cohort)
    uses = model.predictor.drugs["Lapatinib"].blend.patterns[0]
    for has, codes in zip(samples.patterns, outlook.reasons, strict=True):
        missing = [c for c in codes.split(";") if c.startswith("MODALITY_MISSING:")]
        assert missing == [f"MODALITY_MISSING:{name}" for name in uses if name not in has]


def test_every_code_is_in_the_table(model: LoadedModel, cohort: Study) -> None:
    known = {reason.code for reason in REASONS}
    for drug in model.predictor.drugs:
        for codes in outlook_for(model, cohort, drug).reasons:
            assert {code.split(":")[0] for code in codes.split(";") if code} <= known


def test_docs_have_the_table_of_reasons() -> None:
    page = (Path(__file__).parents[3] / "docs" / "output.md").read_text(encoding="utf-8")
    assert reasons_table() in page


@pytest.mark.parametrize("her2_context", [False, True])
def test_percentiles_refer_to_the_context(
    model: LoadedModel, cohort: Study, her2_context: bool
) -> None:
    drug = model.predictor.drugs["Lapatinib"]
    outlook = outlook_of(
        model.predictor, drug, of(model, cohort), level=0.8, her2_context=her2_context
    )
    among = model.predictor.among(her2_context=her2_context)
    for row, pattern in enumerate(drug.blend.chosen(model.predictor.features(cohort))):
        assert pattern is not None
        errors = drug.errors[pattern]
        others = pd.Series(errors.predictions[among[errors.lines]])
        if len(others):
            sensitive = (others > outlook.prediction[row]).mean() + (
                others == outlook.prediction[row]
            ).mean() / 2
            assert outlook.percentile[row] == pytest.approx(100 * sensitive)


@pytest.mark.parametrize("call_at", [0.5, 1.0, 0.2, 1.5, float("nan")])
def test_a_level_at_which_no_or_every_call_is_made_is_refused(call_at: float) -> None:
    with pytest.raises(InputError, match=r"call_at is .*over 0\.5 and under 1"):
        ScoreOptions(call_at=call_at)
