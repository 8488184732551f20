"""Expression: mapped sample by sample to a frozen reference, then standardised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from sidestep.features.builders.expression import ExpressionBuilder
from sidestep.features.errors import InputError
from sidestep.features.study.measurements import study_of_measurements
from sidestep.features.study.study import Study

NOTHING = study_of_measurements(pd.DataFrame(columns=["sample_id", "modality", "feature"]))
GENES = [f"G{number:03d}" for number in range(200)]
ENTREZ = pd.Series(range(1000, 1200), index=GENES, dtype="Int64")


def expressed(table: pd.DataFrame, kind: str = "continuous", **more: object) -> Study:
    return replace(NOTHING, samples=table.index, expression=table, expression_kind=kind, **more)


def levels(lines: int = 30, seed: int = 0) -> pd.DataFrame:
    """Return log2 levels of genes that differ in level and spread; half of two genes' values."""
    rng = np.random.default_rng(seed)
    typical = rng.uniform(-2, 10, len(GENES))
    spread = rng.uniform(0.5, 2.0, len(GENES))
    values = typical + spread * rng.standard_normal((lines, len(GENES)))
    index = pd.Index([f"L{line:02d}" for line in range(lines)], dtype="str", name="sample_id")
    return pd.DataFrame(np.clip(values, -3.322, None), index=index, columns=GENES)


@pytest.fixture(scope="module")
def builder() -> ExpressionBuilder:
    return ExpressionBuilder().fit(expressed(levels(), entrez=ENTREZ))


def test_training_lines_are_standardised_by_gene(builder):
    features = builder.transform(expressed(levels()))
    np.testing.assert_allclose(features.mean(), 0, atol=1e-10)
    np.testing.assert_allclose(features.std(ddof=0), 1, atol=1e-10)


def test_lines_of_one_distribution_keep_their_levels():
    """Lines that share one distribution have nothing to map: only standardisation is left."""
    normalised = levels()
    ranks = normalised.rank(axis=1, method="first").astype(int)
    normalised = ranks.map(np.linspace(-3, 12, len(GENES) + 1).__getitem__)
    features = ExpressionBuilder(n_quantiles=200).fit_transform(expressed(normalised))
    chosen = normalised[[name.removeprefix("expression:") for name in features.columns]]
    expected = (chosen - chosen.mean()) / chosen.std(ddof=0)
    agreement = [
        np.corrcoef(a, b)[0, 1] for a, b in zip(features.T.values, expected.T.values, strict=True)
    ]
    assert np.median(agreement) > 0.98


TRANSFORMS: dict[str, Callable[[pd.DataFrame, float], pd.DataFrame]] = {
    "shift": lambda table, c: table + c,
    "scale": lambda table, c: table * c,
    "counts": lambda table, c: np.exp2(table) * c,
    "log of counts": lambda table, c: np.log2(np.exp2(table) + c),
    "ranks": lambda table, c: table.rank(axis=1) * c,
}


@pytest.mark.slow
@settings(max_examples=25, derandomize=True, deadline=None)
@given(name=st.sampled_from(sorted(TRANSFORMS)), amount=st.floats(0.25, 4.0))
def test_a_monotone_change_of_scale_changes_nothing(name, amount):
    builder = ExpressionBuilder().fit(expressed(levels()))
    new = levels(lines=3, seed=1) + 0.001 * np.arange(200)  # no ties at the floor
    changed = TRANSFORMS[name](new, amount)
    assert_frame_equal(builder.transform(expressed(changed)), builder.transform(expressed(new)))


def test_each_sample_may_have_a_scale_of_its_own(builder):
    new = levels(lines=3, seed=1)
    changed = new.mul([1.0, 2.0, 0.5], axis=0).add([0.0, -3.0, 40.0], axis=0)
    assert_frame_equal(builder.transform(expressed(changed)), builder.transform(expressed(new)))


def test_a_higher_gene_gets_a_higher_feature(builder):
    new = pd.concat([levels(lines=1, seed=1)] * 2).set_axis(["low", "high"])
    new.loc["high", "G007"] += 5
    features = builder.transform(expressed(new))["expression:G007"]
    assert features["high"] > features["low"] + 1


def test_a_sample_with_some_of_the_genes_gets_nearly_the_same_features(builder):
    new = levels(lines=5, seed=1)
    whole = builder.transform(expressed(new))
    part = builder.transform(expressed(new[GENES[::2]]))
    measured = part.notna().all()
    assert set(whole.columns[measured]) == {f"expression:{g}" for g in GENES[::2]} & set(
        whole.columns
    )
    difference = (part - whole).loc[:, measured].to_numpy()
    assert np.abs(difference).mean() < 0.25  # training standard deviations


def test_genes_of_the_sample_that_the_model_does_not_know_change_nothing(builder):
    new = levels(lines=3, seed=1)
    more = new.assign(UNKNOWN=99.0, OTHER=-99.0)
    assert_frame_equal(builder.transform(expressed(more)), builder.transform(expressed(new)))


def test_a_gene_known_only_by_its_entrez_identifier_is_found(builder):
    new = levels(lines=3, seed=1)
    unnamed = new.rename(columns={"G004": "entrez:1004", "G005": "entrez:77"})
    features = builder.transform(expressed(unnamed))
    whole = builder.transform(expressed(new))
    assert features["expression:G004"].notna().all()
    assert features["expression:G005"].isna().all()
    assert np.abs(features["expression:G004"] - whole["expression:G004"]).max() < 0.1


def test_a_sample_that_shares_too_few_genes_counts_as_not_measured(builder):
    new = levels(lines=2, seed=1)
    new.iloc[0, 49:] = np.nan
    features = builder.transform(expressed(new))
    assert features.iloc[0].isna().all()
    assert features.iloc[1].notna().all()


def test_a_sample_without_expression_gets_a_row_of_nan(builder):
    table = levels(lines=2, seed=1)
    study = replace(expressed(table), samples=pd.Index(["other", *table.index], dtype="str"))
    features = builder.transform(study)
    assert list(features.index) == ["other", *table.index]
    assert features.loc["other"].isna().all()
    assert features.loc[table.index].notna().all(axis=None)


@pytest.mark.parametrize("table", [None, levels(lines=0)])
def test_a_study_without_expression_gets_rows_of_nan(builder, table):
    study = replace(NOTHING, samples=pd.Index(["a", "b"], dtype="str"), expression=table)
    features = builder.transform(study)
    assert features.shape == (2, len(builder.get_feature_names_out()))
    assert features.isna().all(axis=None)


def test_z_scores_are_taken_as_they_are(builder):
    scores = pd.DataFrame({"G001": [3.1, -0.5], "G002": [np.nan, 20.0]}, index=["a", "b"])
    features = builder.transform(expressed(scores, "z-score"))
    assert list(features["expression:G001"]) == [3.1, -0.5]
    assert np.isnan(features.loc["a", "expression:G002"])
    assert features.loc["b", "expression:G002"] == 8.0  # clipped


def test_a_model_of_z_scores_takes_levels_as_not_measured():
    table = levels()
    scores = (table - table.mean()) / table.std()
    model = ExpressionBuilder().fit(expressed(scores, "z-score"))
    own = model.transform(expressed(scores, "z-score"))
    np.testing.assert_array_equal(own["expression:G001"], scores["G001"])
    assert model.transform(expressed(table)).isna().all(axis=None)


def test_only_expressed_and_variable_genes_are_kept():
    table = levels()
    table["G000"] = 5.0
    table["G001"] = -3.322  # at the detection floor, a trace in one line
    table.iloc[0, 1] = -3.0
    table.iloc[:16, 2] = np.nan
    table["G003"] = np.linspace(4, 6, len(table))
    names = set(ExpressionBuilder().fit(expressed(table)).get_feature_names_out())
    assert not {"expression:G000", "expression:G001", "expression:G002"} & names
    assert "expression:G003" in names


def test_max_genes_keeps_the_most_variable():
    table = levels()
    table["G003"] = np.linspace(-3, 12, len(table))
    assert list(ExpressionBuilder(max_genes=1).fit(expressed(table)).genes_) == ["G003"]


@pytest.mark.parametrize("table", [None, levels(lines=0)])
def test_fitting_needs_expression(table):
    study = replace(NOTHING, samples=pd.Index(["a"], dtype="str"), expression=table)
    with pytest.raises(InputError, match="no sample has expression data to fit on"):
        ExpressionBuilder().fit(study)


def test_fitting_needs_a_gene_that_varies():
    with pytest.raises(InputError, match=r"no gene's expression .* 1 training samples and varies"):
        ExpressionBuilder().fit(expressed(levels(lines=1)))
