"""By what a kind of response is judged: metrics, their words, and the order of the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from sidestep.features.errors import InputError
from sidestep.features.study.responses import BINARY, CONTINUOUS
from sidestep.models.estimators.outcomes import outcome_of
from sidestep.training.validation import binary_metrics, metrics
from sidestep.training.validation.binary_metrics import score_binary
from sidestep.training.validation.metrics import (
    Score,
    correlation,
    pearson,
    score,
    within_folds,
)
from sidestep.training.validation.roc import auc

#: Baselines of a continuous and of a binary response, as far as a study has what they need.
BASELINES = ("drug_mean", "lineage_mean", "marker")
RATES = ("rate", "regimen_rate", "receptors", "marker", "her2_amplicon", "luminal", "immune")
_FEWEST_OF_A_FOLD = 3
#: What is no baseline.
MODELS = ("blend", "calibrated", "ridge", "trees")


@dataclass(frozen=True)
class Yardstick:
    """By what predictions of one kind of response are judged.

    Attributes
    ----------
    kind : str
        As `features.study.responses.Response.kind`.
    headline : str
        Metric that methods are compared by; higher is better.
    symbol, words : str
        What it is called in a table, and in full.
    error, error_words : str
        Metric of the size of errors.
    relative : str
        The same relative to the mean of the training samples; below 1 is better than that.
    interval_words : str
        How the headline's interval is made.
    metrics : tuple of str
        All of them.
    baselines : tuple of str
        That there may be.
    """

    kind: str
    headline: str
    symbol: str
    words: str
    error: str
    error_words: str
    relative: str
    interval_words: str
    metrics: tuple[str, ...]
    baselines: tuple[str, ...]

    def methods(self, predictions: pd.DataFrame) -> list[str]:
        """Methods that a table of out-of-fold predictions has, the models first."""
        named = (*MODELS, *self.baselines)
        return [name for name in named if name in predictions and predictions[name].notna().all()]

    def rivals(self, names: Sequence[str]) -> list[str]:
        """Baselines among some methods, in order."""
        return [name for name in self.baselines if name in names]

    def score(
        self,
        table: pd.DataFrame,
        method: str,
        folds: np.ndarray,
        weights: np.ndarray,
        intervals_of: int | None = None,
    ) -> Score:
        """Metrics of one method on some rows of out-of-fold predictions."""
        observed, reference = table[["observed", "train_mean"]].to_numpy(float).T
        predicted = table[method].to_numpy(float)
        if self.kind == CONTINUOUS:
            return score(observed, predicted, reference, folds, weights, intervals_of=intervals_of)
        return score_binary(
            observed,
            predicted,
            reference,
            table["repeat"].to_numpy(),
            weights,
            table["donor"].to_numpy(dtype=str),
            intervals_of=intervals_of,
        )

    def of_fold(self, observed: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
        """Headline and error of one fold's predictions; a headline that is not defined is NaN."""
        if self.kind == CONTINUOUS:
            r = pearson(observed, predicted) if len(observed) >= _FEWEST_OF_A_FOLD else np.nan
            return r, float(np.sqrt(np.mean((observed - predicted) ** 2)))
        area = auc(observed, predicted, np.ones((1, len(observed))))[0]
        return float(area), float(np.mean((observed - expit(predicted)) ** 2))

    def compared(
        self,
        observed: np.ndarray,
        predicted: np.ndarray,
        folds: np.ndarray,
        repeats: np.ndarray,
        weights: np.ndarray,
    ) -> np.ndarray:
        """The headline in each draw, (n_draws,): r within folds, or the area within assignments."""
        if self.kind == CONTINUOUS:
            return within_folds(correlation, observed, predicted, folds, weights)
        return within_folds(auc, observed, predicted, repeats, weights)


_YARDSTICKS = {
    CONTINUOUS: Yardstick(
        kind=CONTINUOUS,
        headline=outcome_of(CONTINUOUS).headline,
        symbol="r",
        words=outcome_of(CONTINUOUS).words,
        error="rmse",
        error_words="RMSE",
        relative="rmse_relative",
        interval_words="bootstrap over donors",
        metrics=metrics.METRICS,
        baselines=BASELINES,
    ),
    BINARY: Yardstick(
        kind=BINARY,
        headline=outcome_of(BINARY).headline,
        symbol="AUC",
        words=outcome_of(BINARY).words,
        error="brier",
        error_words="Brier score",
        relative="brier_relative",
        interval_words="DeLong",
        metrics=binary_metrics.METRICS,
        baselines=RATES,
    ),
}


def yardstick_of(kind: str) -> Yardstick:
    """Yardstick of a kind of response.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    if kind not in _YARDSTICKS:
        raise InputError(f"a response is {' or '.join(_YARDSTICKS)}, not {kind!r}")
    return _YARDSTICKS[kind]


def kind_of(observed: np.ndarray) -> str:
    """Kind of observed responses: binary where all are 0 or 1, and both occur."""
    return BINARY if set(np.unique(observed).tolist()) == {0.0, 1.0} else CONTINUOUS
