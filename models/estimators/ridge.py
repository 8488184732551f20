"""Multi-view ridge, with its penalty and the weights of its views chosen in closed form.

It is the estimator of a continuous response (`models.estimators.mixtures`) and, on the log-odds, of
a binary one (`models.estimators.evidence`), on the kernels of `models.estimators.views`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.study.responses import CONTINUOUS
from sidestep.models.estimators.base import Contributions, ExplainedEstimator
from sidestep.models.estimators.folds import Folds
from sidestep.models.estimators.lines import TrainingLines
from sidestep.models.estimators.mixtures import Candidates, MixedFit
from sidestep.models.estimators.outcomes import Outcome, outcome_of
from sidestep.models.estimators.views import ViewKernel, Views, ViewSettings, centred
from sidestep.models.estimators.weights import response_weights

#: What a saved ridge holds beside its parameters.
_SAVED = (
    "coef_", "intercept_", "means_", "view_weights_", "penalty_", "loo_error_", "regimens_",
    "offsets_", "deviations_", "drugs_", "gates_", "gated_",
)  # fmt: skip


class MultiViewRidge(ExplainedEstimator):
    r"""Ridge regression on a weighted sum of one linear kernel a view.

    .. math:: \hat y(x) = \bar y + \sum_c \pi_c \, k_c(x)^T (K_c + \lambda_c I)^{-1} (y - \bar y),
              \quad K_c = \sum_v w_{cv} K_v / \tfrac1n \mathrm{tr} K_v

    A view is a modality, or the drug-target view: the features of the drug's targets and their
    partners in every modality. (Kernels of several data sets, combined in a Bayesian way, did best
    of 44 methods in a public challenge on drug responses of breast lines [1]_.) Each candidate
    :math:`c` is a mixture of
    view weights with a penalty; its weight :math:`\pi_c \propto \mathrm{MSE}_c^{-\tau n / 2}` comes
    from the closed-form leave-one-donor-out error on the training lines (with :math:`\tau = 1` it
    would be the pseudo-BMA weight of a Gaussian model, [2]_), so that several nearly equal
    candidates are averaged and a clear winner stands alone. Features are standardised over the
    lines of the matrix that it is fitted to, which may be those of a fold, of which a drug was
    tested on some; kernels are centred over the drug's own. A missing value is the matrix's mean,
    so it contributes nothing. Where the errors of a continuous response are known, lines weigh by
    them (`models.estimators.weights`); the leave-one-out errors that choose count all lines alike.

    Of a binary response it is the log-odds that is linear, and the fit that of the logistic loss;
    the weights of the views are those of the largest marginal likelihood
    (`models.estimators.evidence`), and `target_shares`, `penalties` and `sharpness` do not count.

    Where the features tell the regimen of each sample (``regimen:…``, 0 or 1), each regimen has an
    offset of its own and its own deviations from the coefficients that all share: a modality's
    kernel times whether two samples had the same regimen is one more kernel. A regimen of few
    samples deviates little, and one that was never seen not at all. Where the features tell the
    drugs that were given, too, the features of a drug's targets count where that drug was
    (`models.estimators.views`). Given its regimen, a sample's prediction is linear in its features.

    Parameters
    ----------
    target_features : sequence of str
        Features of the drug-target view.
    target_shares : sequence of float
        Candidate weights of the drug-target view, 0 to 1.
    penalties : sequence of float
        Candidate penalties, in units of the mean diagonal of the kernel.
    sharpness : float
        :math:`\tau`; infinity takes the single best candidate.
    gates, axes : mapping, optional
        As `models.estimators.views.ViewSettings` has them.
    kind : {"continuous", "binary"}
        Of the response.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Response units (log-odds) per unit of the feature, shared by all regimens.
    intercept_ : float
    means_ : ndarray of shape (n_features,)
        Of the matrix's lines, where a feature contributes zero.
    view_weights_ : dict of str to float
        Averaged view weights.
    penalty_ : float
        Averaged penalty (geometric mean).
    loo_predictions_ : ndarray of shape (n_samples,)
        Of the training lines, each without its donor.
    loo_error_ : float
        Root mean squared error of those, response units; of a binary response, of its probability.
    regimens_ : ndarray of int, shape (n_regimens,)
        Places of the features that tell the regimens that were seen.
    offsets_ : ndarray of shape (n_regimens,)
        What each adds to the intercept.
    deviations_ : ndarray of shape (n_regimens, n_features)
        What each adds to `coef_`.
    drugs_ : ndarray of int, shape (n_drugs,)
        Places of the features that tell the drugs of `gates`.
    gates_ : ndarray of bool, shape (n_drugs, n_features)
        Whether each feature is of one of the drug's targets.
    gated_ : ndarray of shape (n_features,)
        What is added to the coefficient of a feature where one of its drugs was given.

    References
    ----------
    .. [1] Costello et al., A community effort to assess and improve drug sensitivity prediction
       algorithms, Nat Biotechnol 32:1202-1212 (2014), doi 10.1038/nbt.2877.
    .. [2] Yao et al., Using stacking to average Bayesian predictive distributions, Bayesian Anal
       13:917-1007 (2018), doi 10.1214/17-BA1091.
    """

    def __init__(
        self,
        target_features: Sequence[str] = (),
        target_shares: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
        penalties: Sequence[float] = tuple(np.logspace(-2, 2.5, 19)),
        sharpness: float = 0.5,
        gates: Mapping[str, Sequence[str]] | None = None,
        axes: Mapping[str, float] | None = None,
        kind: str = CONTINUOUS,
    ) -> None:
        self.target_features = target_features
        self.target_shares = target_shares
        self.penalties = penalties
        self.sharpness = sharpness
        self.gates = gates
        self.axes = axes
        self.kind = kind

    @property
    def outcome(self) -> Outcome:
        """What the kind of the response asks for."""
        return outcome_of(self.kind)

    def _fit(self, X: pd.DataFrame | TrainingLines, y: np.ndarray, groups: np.ndarray) -> None:
        lines = TrainingLines.of(X)
        of_lines = self._views(lines)
        weights = response_weights(y, lines.errors)
        views = centred(of_lines.plain(), weights)
        fit = self._mixed(views, y, groups, weights)
        plain = {name: dual / views[name].size for name, dual in fit.duals.items()}
        slopes = of_lines.slopes(plain)
        self.intercept_ = fit.intercept
        for name, dual in fit.duals.items():
            # Duals sum to zero, so that the lines' own mean matters for the intercept alone.
            self.intercept_ -= float(views[name].means @ dual) / views[name].size
        kept, scales = lines.column_numbers, lines.matrix.scales[lines.column_numbers]
        # Single precision halves a saved model; predictions and explanations use the same numbers.
        self.coef_ = (slopes.shared[kept] / scales).astype(np.float32)
        self.deviations_ = (slopes.deviations[:, kept] / scales).astype(np.float32)
        self.gated_ = (slopes.gated[kept] / scales).astype(np.float32)
        self.means_ = lines.matrix.means[kept].astype(np.float32)
        self.offsets_, self.regimens_ = slopes.offsets, of_lines.regimens
        self.drugs_, self.gates_ = of_lines.drugs, of_lines.gates
        self.view_weights_, self.penalty_ = fit.view_weights, fit.penalty
        self.loo_predictions_ = self.outcome.left_out_predictions(fit.left_out, y)
        self.loo_error_ = self.outcome.left_out_error(fit.left_out, y)

    def out_of_fold(
        self, X: pd.DataFrame | TrainingLines, y: np.ndarray, groups: np.ndarray, folds: Folds
    ) -> np.ndarray:
        """Predict every line by a ridge fitted without its fold, (n_samples,).

        Kernels say it all, so that no coefficient is formed. Features are standardised over all
        lines that are given, whose responses have no part in that.

        Parameters
        ----------
        X : DataFrame or TrainingLines of shape (n_samples, n_features)
        y, groups : ndarray of shape (n_samples,)
            Response and donor of each line.
        folds : list of (training rows, test rows)
        """
        lines = TrainingLines.of(X)
        plain = self._views(lines).plain()
        predicted = np.empty(len(y))
        for train, test in folds:
            weights = response_weights(y[train], lines.among(train).errors)
            parts = {name: kernel[np.ix_(train, train)] for name, kernel in plain.items()}
            views = centred(parts, weights)
            fit = self._mixed(views, y[train], groups[train], weights)
            predicted[test] = fit.intercept
            for name, dual in fit.duals.items():
                across = plain[name][np.ix_(test, train)] - views[name].means
                predicted[test] += across @ dual / views[name].size
        return predicted

    def _views(self, lines: TrainingLines) -> Views:
        return Views(lines, ViewSettings(self.target_features, self.gates, self.axes))

    def _mixed(
        self,
        views: Mapping[str, ViewKernel],
        y: np.ndarray,
        groups: np.ndarray,
        weights: np.ndarray | None,
    ) -> MixedFit:
        """Weigh the views, and fit."""
        if len(np.unique(groups)) < 2:
            raise InputError("1 donor cannot be left out; give lines of at least 2 donors")
        kernels = {name: view.kernel for name, view in views.items()}
        candidates = Candidates(self.target_shares, self.penalties, self.sharpness)
        return self.outcome.mixed(kernels, y, groups, candidates, weights)

    def _predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.predict_rows(np.ascontiguousarray(X.to_numpy(float)))

    def predict_rows(self, rows: np.ndarray) -> np.ndarray:
        """Predict rows of the features of `fit`: float64, C order."""
        from sidestep.models.estimators.shares import sum_parts

        total = np.empty(len(rows))
        for some, line in self.lines(rows):
            sum_parts(rows, some, *line, total)
        return self.base_values(rows) + total

    def base_values(self, rows: np.ndarray) -> np.ndarray:
        """What is predicted of a sample of the mean of all features, under each row's regimen."""
        base = np.full(len(rows), self.intercept_)
        for number, place in enumerate(self.regimens_):
            base[rows[:, place] == 1.0] += self.offsets_[number]
        return base

    def _contributions(self, X: pd.DataFrame) -> Contributions:
        rows = np.ascontiguousarray(X.to_numpy(float))
        parts = (rows - self.means_) * self.slopes(rows)
        return Contributions(self.base_values(rows), np.where(np.isnan(parts), 0.0, parts))

    def sizes(self) -> np.ndarray:
        """Absolute coefficient of each feature, (n_features,); the mean over regimens, if any."""
        if not len(self.regimens_):
            return np.asarray(np.abs(self.coef_))
        return np.asarray(np.abs(self.coef_ + self.gated_ + self.deviations_).mean(axis=0))

    def seeing(self, places: np.ndarray) -> Self:
        """The same model of samples of which some features alone are known.

        All others contribute nothing, as they do where they are missing.

        Parameters
        ----------
        places : ndarray of int
            Of those features, ascending; those that tell regimens and drugs are among them.
        """
        part = type(self)(**self.get_params()).expecting(self.feature_names_in_[places])
        for name in _SAVED:
            setattr(part, name, getattr(self, name))
        part.coef_, part.means_, part.gated_ = (
            values[places] for values in (self.coef_, self.means_, self.gated_)
        )
        part.deviations_, part.gates_ = self.deviations_[:, places], self.gates_[:, places]
        part.regimens_ = np.searchsorted(places, self.regimens_)
        part.drugs_ = np.searchsorted(places, self.drugs_)
        return part

    def slopes(self, rows: np.ndarray) -> np.ndarray:
        """Coefficient of every feature under each row's regimen, (n_rows, n_features)."""
        out = np.empty(rows.shape)
        for some, (_, slopes) in self.lines(rows):
            out[some] = slopes
        return out

    def lines(self, rows: np.ndarray) -> Iterator[tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]]:
        """Places of the rows of each regimen, and the means and slopes of the features for them."""
        if not len(self.means_) == len(self.coef_) == rows.shape[1]:
            raise ValueError(
                f"{rows.shape[1]} features for {len(self.means_)} means and "
                f"{len(self.coef_)} coefficients."
            )
        if not len(self.regimens_) + len(self.drugs_):
            yield np.arange(len(rows)), (self.means_, self.coef_)
            return
        told = rows[:, np.concatenate([self.regimens_, self.drugs_])] == 1.0
        conditions, which = np.unique(told, axis=0, return_inverse=True)
        for number, condition in enumerate(conditions):
            given, drugs = np.split(condition, [len(self.regimens_)])
            slopes = self.coef_ + self.deviations_[given].sum(axis=0, dtype=np.float32)
            slopes = np.where(self.gates_[drugs].any(axis=0), slopes + self.gated_, slopes)
            yield np.flatnonzero(which.ravel() == number), (self.means_, slopes)

    def get_state(self) -> dict[str, Any]:
        """State that prediction needs, as plain values and arrays."""
        return {"parameters": self.get_params(), **{name: getattr(self, name) for name in _SAVED}}

    @classmethod
    def from_state(cls, state: dict[str, Any], features: np.ndarray) -> Self:
        """Fitted ridge that `get_state` described, on columns `features`."""
        ridge = cls(**state["parameters"]).expecting(features)
        for name in _SAVED:
            setattr(ridge, name, state[name])
        return ridge
