"""What was planted in a simulated study is what the model says moves its predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.builders.names import features_of_genes
from sidestep.features.knowledge.drugs import find_drug
from sidestep.features.mechanisms.of_features import mechanisms_of
from sidestep.features.simulation.simulate import SimulationPlan, Truth, simulate_study
from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.folds import donor_folds
from sidestep.models.estimators.pattern_blend import PatternBlend

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


def held_out_contributions(study: Study, X: pd.DataFrame, y: pd.Series, drug: str) -> np.ndarray:
    """Contributions to the prediction of each line by a model that had not seen it."""
    known = find_drug(drug)
    assert known is not None
    targets = features_of_genes(X.columns, (*known.targets, *known.partners))
    donors = study.donors.loc[y.index].to_numpy(dtype=object)
    values = np.empty(X.shape)
    for train, test in donor_folds(donors, 4, seed=0):
        model = PatternBlend(targets, inner_folds=0).fit(X.iloc[train], y.iloc[train])
        values[test] = model.contributions(X.iloc[test]).values
    return values


@pytest.mark.slow
@pytest.mark.parametrize(("drug", "mechanism"), LEADING.items())
def test_shapley_values_find_the_planted_driver(
    simulated: tuple[Study, Truth, pd.DataFrame], drug: str, mechanism: str
) -> None:
    study, truth, features = simulated
    y = study.response("gi50").values[drug].dropna()
    X = features.loc[y.index]
    values = held_out_contributions(study, X, y, drug)

    driver = leading_driver(truth, drug)
    assert driver["mechanism"] == mechanism
    planted = X.columns.isin(str(driver["features"]).split(";"))
    top = np.argsort(-np.abs(values), axis=1)[:, :5]
    latent = truth.mechanisms[mechanism].loc[y.index].to_numpy(float)
    affected = latent >= np.quantile(latent, 0.75)
    assert planted[top[affected]].any(axis=1).mean() >= 0.9

    moved = values[:, planted].sum(axis=1)
    assert np.corrcoef(moved, latent)[0, 1] * np.sign(driver["effect"]) > 0.5

    named = mechanisms_of(X.columns)
    (name,) = set(named[planted])
    summed = values[:, named == name].sum(axis=1)
    assert (np.sign(summed[affected]) == np.sign(driver["effect"])).mean() >= 0.9
    assert np.corrcoef(summed, latent)[0, 1] * np.sign(driver["effect"]) > 0.5
