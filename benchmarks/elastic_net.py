"""Elastic net on screened features, which `benchmarks.accuracy` holds the models against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import ElasticNetCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sidestep.models.estimators.base import Contributions, ExplainedEstimator
from sidestep.models.estimators.folds import donor_folds
from sidestep.models.estimators.screening import screen


class ScreenedElasticNet(ExplainedEstimator):
    """Elastic net [1]_ on screened, mean-imputed, standardised features.

    Parameters
    ----------
    target_features : sequence of str
        Features kept whatever the screen says.
    n_features : int
        Features that the screen keeps.
    l1_ratios : sequence of float
        Candidate mixtures of the L1 and L2 penalty.
    inner_folds : int
        Folds by donor that choose the mixture and the penalty.
    seed : int

    References
    ----------
    .. [1] Zou and Hastie, Regularization and variable selection via the elastic net, J R Stat Soc
       Series B 67:301-320 (2005), doi 10.1111/j.1467-9868.2005.00503.x.
    """

    def __init__(
        self,
        target_features: Sequence[str] = (),
        n_features: int = 1000,
        l1_ratios: Sequence[float] = (0.1, 0.5, 0.9),
        inner_folds: int = 4,
        seed: int = 0,
    ) -> None:
        self.target_features = target_features
        self.n_features = n_features
        self.l1_ratios = l1_ratios
        self.inner_folds = inner_folds
        self.seed = seed

    def _fit(self, X: pd.DataFrame, y: np.ndarray, groups: np.ndarray) -> None:
        self.columns_ = screen(X, y, self.n_features, self.target_features)
        net = ElasticNetCV(
            l1_ratio=list(self.l1_ratios),
            alphas=30,
            eps=1e-2,
            cv=donor_folds(groups, self.inner_folds, self.seed),
            max_iter=5000,
            tol=1e-3,
            selection="random",
            random_state=self.seed,
        )
        self.pipeline_ = make_pipeline(
            SimpleImputer(keep_empty_features=True), StandardScaler(), net
        ).fit(self._chosen(X), y)

    def _predict(self, X: pd.DataFrame) -> np.ndarray:
        # Summed along contiguous rows, as in the ridge: the same whatever rows stand beside.
        return np.asarray(self.pipeline_[-1].intercept_ + self._parts(X).sum(axis=1))

    def _contributions(self, X: pd.DataFrame) -> Contributions:
        values = np.zeros(X.shape)
        values[:, self.columns_] = self._parts(X)
        return Contributions(np.full(len(X), float(self.pipeline_[-1].intercept_)), values)

    def _parts(self, X: pd.DataFrame) -> np.ndarray:
        """Contributions of the chosen columns."""
        if not len(X):
            return np.zeros((0, len(self.columns_)))
        standard = self.pipeline_[:-1].transform(self._chosen(X))
        return np.ascontiguousarray(standard * self.pipeline_[-1].coef_)

    def _chosen(self, X: pd.DataFrame) -> np.ndarray:
        return X.to_numpy(float)[:, self.columns_]
