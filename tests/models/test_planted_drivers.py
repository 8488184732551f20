"""What was planted in a simulated study is what the model says moves its predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.builders import FeatureJoiner
from features.builders.names import features_of_genes
from features.drugs import find_drug
from features.simulation import SimulationPlan, Truth, simulate_study
from features.study import Study, read_study
from models.pattern_blend import PatternBlend

# Of each drug the mechanism with the largest planted effect, other than through another one.
LEADING = {
    "Lapatinib": "erbb2_drive",
    "BI-2536": "mitotic_programme",
    "Linsitinib": "igf1r_bypass",
    "Alpelisib": "pi3k_bypass",
}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Truth, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("planted") / "breast"
    truth = simulate_study(folder, SimulationPlan(kind="breast", lines=120, genes=300, seed=1))
    study = read_study(folder)
    return study, truth, FeatureJoiner().fit(study).transform(study)


def leading_driver(truth: Truth, drug: str) -> pd.Series:
    rows = truth.drivers[(truth.drivers["drug"] == drug) & truth.drivers["only_with"].isna()]
    return rows.loc[rows["effect"].abs().idxmax()]


@pytest.mark.parametrize(("drug", "mechanism"), LEADING.items())
def test_shapley_values_find_the_planted_driver(
    simulated: tuple[Study, Truth, pd.DataFrame], drug: str, mechanism: str
) -> None:
    study, truth, features = simulated
    y = study.response("gi50").values[drug].dropna()
    X = features.loc[y.index]
    known = find_drug(drug)
    assert known is not None
    genes = (*known.targets, *known.partners)
    model = PatternBlend(features_of_genes(X.columns, genes), inner_folds=0)
    values = model.fit(X, y, study.donors.loc[y.index]).contributions(X).values

    driver = leading_driver(truth, drug)
    assert driver["mechanism"] == mechanism
    planted = X.columns.isin(str(driver["features"]).split(";"))
    strength = np.abs(values).mean(axis=0)
    top = np.argsort(-strength)[:5]
    assert planted[top].any(), list(X.columns[top])

    latent = truth.mechanisms[mechanism].loc[y.index].to_numpy(float)
    moved = values[:, planted].sum(axis=1)
    assert np.corrcoef(moved, latent)[0, 1] * np.sign(driver["effect"]) > 0.5
