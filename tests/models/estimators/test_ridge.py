"""Multi-view ridge against the ridge of scikit-learn, and how it chooses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from sidestep.features.errors import InputError
from sidestep.models.estimators.ridge import MultiViewRidge

# Coefficients are kept in single precision, whose relative error is 6e-8 each. Summed over
# features with means of up to 50 standard deviations, they move a prediction by about 1e-6.
SINGLE = {"rtol": 1e-5, "atol": 1e-6}


def table(n: int, sizes: dict[str, int], seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    names = [f"{modality}:G{g}" for modality, size in sizes.items() for g in range(size)]
    scale = rng.uniform(0.1, 10, len(names))
    return pd.DataFrame(3 + scale * rng.standard_normal((n, len(names))), columns=names)


def test_one_view_is_the_usual_ridge():
    X = table(30, {"expression": 50})
    y = X.iloc[:, 0].to_numpy() + np.random.default_rng(1).standard_normal(30)
    ours = MultiViewRidge(penalties=(0.7,)).fit(X, y)
    standard = (X - X.mean()) / X.std(ddof=0)
    # The mean diagonal of the kernel of 50 standardised features is 50.
    usual = Ridge(alpha=0.7 * 50).fit(standard, y)
    np.testing.assert_allclose(ours.predict(X), usual.predict(standard), **SINGLE)
    np.testing.assert_allclose(ours.coef_ * X.std(ddof=0), usual.coef_, **SINGLE)


def test_views_weigh_the_same_whatever_their_size():
    """Two views of 4 and 200 features: each gets half, so a feature of the small one 50 times."""
    X = table(40, {"expression": 200, "rppa": 4})
    y = X["rppa:G0"].to_numpy()
    ours = MultiViewRidge(penalties=(1.0,), sharpness=0.0).fit(X, y)
    assert set(ours.view_weights_) == {"expression", "rppa"}
    np.testing.assert_allclose(list(ours.view_weights_.values()), 0.5)
    standard = (X - X.mean()) / X.std(ddof=0)
    scaled = standard * np.sqrt(0.5 / np.where(X.columns.str.startswith("rppa"), 4, 200))
    usual = Ridge(alpha=1.0).fit(scaled, y)
    np.testing.assert_allclose(ours.predict(X), usual.predict(scaled), **SINGLE)


def test_a_missing_value_counts_as_the_training_mean(lines):
    ridge = MultiViewRidge(["rppa:P0"]).fit(lines.X, lines.y, lines.donors)
    means = lines.X.fillna(lines.X.mean()).fillna(0.0)
    np.testing.assert_allclose(ridge.predict(means), ridge.predict(lines.X))
    missing = ridge.contributions(lines.X).values[lines.X.isna().to_numpy()]
    assert len(missing)
    assert not missing.any()


def test_view_weights_sum_to_one(lines):
    for targets in ([], ["expression:ERBB2"], ["mutation:M0", "copy_number:G0"]):
        ridge = MultiViewRidge(targets).fit(lines.X, lines.y, lines.donors)
        assert sum(ridge.view_weights_.values()) == pytest.approx(1)
        assert min(ridge.view_weights_.values()) >= 0
        only = lines.X.filter(regex="mutation|copy_number")
        ridge = MultiViewRidge(targets).fit(only, lines.y, lines.donors)
        assert sum(ridge.view_weights_.values()) == pytest.approx(1)


def test_the_target_view_is_used_where_it_predicts():
    X = table(40, {"expression": 300})
    noise = np.random.default_rng(2).standard_normal(40)
    standard = (X["expression:G0"] - X["expression:G0"].mean()) / X["expression:G0"].std()
    y = standard.to_numpy() + 0.2 * noise
    right = MultiViewRidge(["expression:G0"]).fit(X, y)
    wrong = MultiViewRidge(["expression:G7"]).fit(X, y)
    assert right.view_weights_["target"] > 0.8
    assert wrong.view_weights_["target"] < 0.5
    np.testing.assert_allclose(right.predict(X), y, atol=1.0)


def test_noise_is_met_with_a_strong_penalty():
    X = table(40, {"expression": 300})
    y = np.random.default_rng(3).standard_normal(40)
    ridge = MultiViewRidge().fit(X, y)
    assert ridge.penalty_ > 5
    assert ridge.predict(X).std() < 0.5 * y.std()


def test_infinite_sharpness_takes_the_best_candidate():
    X = table(40, {"expression": 30})
    y = X["expression:G0"].to_numpy()
    penalties = (0.01, 1.0, 100.0)
    best = MultiViewRidge(penalties=penalties, sharpness=np.inf).fit(X, y)
    alone = {p: MultiViewRidge(penalties=(p,)).fit(X, y) for p in penalties}
    errors = {p: np.mean((y - ridge.loo_predictions_) ** 2) for p, ridge in alone.items()}
    chosen = min(errors, key=errors.get)
    assert best.penalty_ == pytest.approx(chosen)
    np.testing.assert_allclose(best.predict(X), alone[chosen].predict(X))


def test_lines_of_one_donor_do_not_vouch_for_each_other():
    """Each line twice, and a response of noise: the twin knows it, but is left out as well."""
    X = table(30, {"expression": 100})
    y = np.random.default_rng(4).standard_normal(30)
    X, y, donors = pd.concat([X, X], ignore_index=True), np.tile(y, 2), np.tile(np.arange(30), 2)
    grouped = MultiViewRidge().fit(X, y, donors)
    apart = MultiViewRidge().fit(X, y)
    assert np.corrcoef(grouped.loo_predictions_, y)[0, 1] < 0.3
    assert np.corrcoef(apart.loo_predictions_, y)[0, 1] > 0.9


def test_the_order_of_lines_does_not_matter(lines):
    order = np.random.default_rng(5).permutation(len(lines.y))
    fitted = MultiViewRidge(["rppa:P0"]).fit(lines.X, lines.y, lines.donors)
    permuted = MultiViewRidge(["rppa:P0"]).fit(
        lines.X.iloc[order], lines.y[order], lines.donors[order]
    )
    np.testing.assert_allclose(permuted.predict(lines.X), fitted.predict(lines.X), rtol=1e-6)


def test_one_donor_is_refused(lines):
    with pytest.raises(InputError, match="1 donor cannot be left out"):
        MultiViewRidge().fit(lines.X, lines.y, ["D"] * len(lines.y))
