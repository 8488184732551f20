"""The trees' contributions are the Shapley values that the shap package computes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shap

from sidestep.models.estimators.trees import ScreenedTrees


def test_contributions_equal_those_of_the_shap_package() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        rng.standard_normal((60, 12)), columns=[f"expression:G{number}" for number in range(12)]
    )
    y = 2 * X["expression:G0"].to_numpy() + rng.standard_normal(60)
    trees = ScreenedTrees(n_features=8, n_trees=30).fit(X, y)
    ours = trees.contributions(X)
    explainer = shap.TreeExplainer(trees.booster_)
    theirs = explainer.shap_values(X.iloc[:, trees.columns_].to_numpy(np.float32))
    np.testing.assert_allclose(ours.values[:, trees.columns_], trees.unit_ * theirs, atol=1e-5)
    base_value = trees.offset_ + trees.unit_ * float(np.ravel(explainer.expected_value)[0])
    np.testing.assert_allclose(ours.base_value, base_value, atol=1e-5)
