"""The base of every feature builder, and what several builders compute alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.estimator import Transformer
from sidestep.features.study.study import Study

# What genes without a symbol are called in a study: `entrez:2064`.
_UNNAMED = "entrez:"


class FeatureBuilder(Transformer, ABC):
    """A scikit-learn transformer from a `Study` to one modality's features.

    Everything learned in `fit` is frozen: `transform` uses no statistic of the samples it is
    given, so a sample gets the same features alone, in a batch, and in any order. A sample that
    lacks the modality gets a row of NaN, never zeros.
    """

    modality: ClassVar[str]
    feature_names_: list[str]

    @abstractmethod
    def fit(self, X: Study, y: object = None) -> Self:
        """Learn which features to build, and their statistics, from the samples of `X`."""

    @abstractmethod
    def _measured(self, X: Study) -> pd.DataFrame | None:
        """Features of the samples of `X` that have the modality; None where `X` lacks it."""

    def transform(self, X: Study) -> pd.DataFrame:
        """Build the features of every sample of `X`.

        Returns
        -------
        pandas.DataFrame
            Samples x `get_feature_names_out()`, float64, NaN where not measured.
        """
        self._require_fitted("feature_names_")
        names = pd.Index(self.feature_names_, dtype=object)
        built = self._measured(X)
        if built is None:
            nothing = np.full((len(X.samples), len(names)), np.nan)
            return pd.DataFrame(nothing, index=X.samples, columns=names)
        return built.reindex(index=X.samples, columns=names)

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Names of the features, as in `features.builders.names`."""
        self._require_fitted("feature_names_")
        return np.asarray(self.feature_names_, dtype=object)

    def get_state(self) -> dict[str, Any]:
        """Parameters and fitted statistics: plain values, lists of text, and numeric arrays."""
        self._require_fitted("feature_names_")
        fitted = {k: v for k, v in vars(self).items() if k.endswith("_") and not k.startswith("_")}
        return {"parameters": self.get_params(), "fitted": fitted}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Builder that `get_state` described."""
        builder = cls(**state["parameters"])
        for name, value in state["fitted"].items():
            if not name.endswith("_") or name.startswith("_"):  # never a method of the builder
                raise ValueError(f"{cls.__name__} has no statistic {name}.")
            setattr(builder, name, value)
        return builder


def require(table: pd.DataFrame | None, modality: str, study: Study) -> pd.DataFrame:
    """Return the modality's table; raise InputError where no sample of the study has any."""
    if table is None or table.empty:
        raise InputError(
            f"study {study.study_id}: no sample has {modality} data to fit on; "
            f"train without {modality} or add its meta and data file"
        )
    return table


def well_measured(table: pd.DataFrame, at_least: float = 0.5) -> pd.DataFrame:
    """Columns measured in at least that share of the rows and not constant."""
    values = table.to_numpy(float)
    share = np.isfinite(values).mean(axis=0)
    with np.errstate(invalid="ignore"):
        spread = np.nanmax(np.where(np.isfinite(values), values, -np.inf), axis=0) - np.nanmin(
            np.where(np.isfinite(values), values, np.inf), axis=0
        )
    kept: pd.DataFrame = table.loc[:, (share >= at_least) & (spread > 0)]
    return kept


def mean_and_sd(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Column means and standard deviations, ignoring NaN; a zero deviation becomes one."""
    mean = np.nanmean(values, axis=0)
    sd = np.nanstd(values, axis=0)
    return mean, np.where(sd > 0, sd, 1.0)


def named_as_in_training(table: pd.DataFrame, entrez: Mapping[Any, int]) -> pd.DataFrame:
    """Samples x genes whose genes without a symbol (``entrez:2064``) get that of the training.

    Parameters
    ----------
    table : DataFrame of shape (n_samples, n_genes)
    entrez : mapping of str to int
        Symbol of the training study -> Entrez identifier.

    Examples
    --------
    >>> table = pd.DataFrame([[1.0, 2.0]], columns=["entrez:2064", "TP53"])
    >>> named_as_in_training(table, {"ERBB2": 2064}).columns.tolist()
    ['ERBB2', 'TP53']
    """
    names = table.columns.tolist()
    if _UNNAMED not in "\n".join(map(str, names)):  # the quickest way to ask them all
        return table
    symbols = {f"{_UNNAMED}{number}": gene for gene, number in entrez.items()}
    renamed = [symbols.get(name, name) for name in names]
    return table.set_axis(pd.Index(renamed, dtype=table.columns.dtype), axis=1)
