"""Where the training lines lie, beside which a sample's numbers are read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.study.study import Study
from sidestep.models.estimators.patterns import best_pattern
from sidestep.models.predictor.cohort import LINES
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.scoring.outlook import outlook_of
from sidestep.serving.scoring.reference import REFERENCE, reference_rows
from sidestep.serving.scoring.samples import samples_of

ALL = "expression;rppa;mutation;copy_number"


@pytest.mark.parametrize("her2_context", [False, True])
def test_quantiles_are_those_of_the_training_lines(model: LoadedModel, her2_context: bool) -> None:
    predictor = model.predictor
    drug = predictor.drugs["Lapatinib"]
    rows = reference_rows(predictor, [drug], {(LINES, ALL)}, {}, her2_context=her2_context)
    assert list(rows.columns) == REFERENCE.names
    assert list(rows["quantile"]) == list(range(101))
    among = predictor.among(her2_context=her2_context)
    errors = drug.errors[tuple(ALL.split(";"))]
    predicted, observed = errors.predictions[among[errors.lines]], drug.observed[among[drug.lines]]
    for name, values in {"predicted": predicted, "observed": observed}.items():
        quantiles = rows[name].to_numpy()
        assert list(quantiles[[0, 50, 100]]) == [min(values), np.median(values), max(values)]
        assert (np.diff(quantiles) >= 0).all()
    typical = predictor.typical_response(drug, her2_context=her2_context)
    assert rows["observed"][50] == typical


def test_a_resistance_percentile_can_be_read_off(model: LoadedModel, cohort: Study) -> None:
    predictor = model.predictor
    samples = samples_of(predictor, cohort, predictor.features(cohort))
    for drug in predictor.drugs.values():
        outlook = outlook_of(predictor, drug, samples, level=0.8, her2_context=False)
        rows = reference_rows(
            predictor, [drug], {(LINES, has) for has in samples.modalities}, {}, her2_context=False
        )
        for modalities, prediction, percentile in zip(
            samples.modalities, outlook.prediction, outlook.percentile, strict=True
        ):
            own = rows.loc[rows["modalities"] == modalities, "predicted"].to_numpy()
            place = np.interp(prediction, own, np.arange(101))
            # High GI50 is sensitive here; and one line more or less is this many percent.
            pattern = best_pattern(tuple(modalities.split(";")), drug.blend.patterns)
            line = 100 / len(drug.errors[pattern].lines)
            assert percentile == pytest.approx(100 - place, abs=line + 1)


def test_each_drug_and_combination_once_the_fullest_first(model: LoadedModel) -> None:
    drugs = list(model.predictor.drugs.values())[:2]
    compared = {(LINES, has) for has in ("rppa", ALL, "mutation")}
    rows = reference_rows(model.predictor, drugs, compared, {}, her2_context=False)
    pairs = list(rows[["drug", "modalities"]].drop_duplicates().itertuples(index=False, name=None))
    assert pairs == [(drug.name, named) for drug in drugs for named in (ALL, "mutation", "rppa")]
    assert len(rows) == 6 * 101


def test_clinical_covariates_do_not_change_the_sub_model(model: LoadedModel) -> None:
    drug = model.predictor.drugs["Trametinib"]
    rows = reference_rows(
        model.predictor,
        [drug],
        {(LINES, "expression"), (LINES, "expression;clinical")},
        {},
        her2_context=False,
    )
    one, other = (rows[rows["modalities"] == m] for m in ("expression", "expression;clinical"))
    np.testing.assert_array_equal(one["predicted"], other["predicted"])


def test_what_no_line_has_is_missing(model: LoadedModel) -> None:
    drug = replace(model.predictor.drugs["Lapatinib"], errors={})
    rows = reference_rows(model.predictor, [drug], {(LINES, ALL)}, {}, her2_context=False)
    assert rows["predicted"].isna().all()
    assert rows["observed"].notna().all()
    her2 = replace(model.predictor.her2, high=np.zeros_like(model.predictor.her2_high))
    nobody = replace(model.predictor, her2=her2)
    rows = reference_rows(nobody, [drug], {(LINES, ALL)}, {}, her2_context=True)
    assert pd.isna(rows[["predicted", "observed"]]).all(axis=None)
