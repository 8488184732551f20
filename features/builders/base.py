"""The base of every feature builder, and what several builders compute alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
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
        names = self._names()
        built = self._measured(X)
        if built is None:
            nothing = np.full((len(X.samples), len(names)), np.nan)
            return pd.DataFrame(nothing, index=X.samples, columns=names)
        if built.columns.is_(names) and built.index.equals(X.samples):
            return built.set_axis(X.samples)
        return built.reindex(index=X.samples, columns=names)

    def _names(self) -> pd.Index:
        """Names of the features as columns: the same object as long as they are the same."""
        kept: tuple[Sequence[str], pd.Index] | None = vars(self).get("_kept_names")
        if kept is None or kept[0] is not self.feature_names_:
            kept = self.feature_names_, pd.Index(self.feature_names_, dtype=object)
            self._kept_names = kept
        return kept[1]

    def _gene_columns(self) -> GeneColumns:
        """Where a study's tables have the genes of a builder that has `genes_` and `entrez_`."""
        genes, entrez = vars(self)["genes_"], vars(self)["entrez_"]
        kept: GeneColumns | None = vars(self).get("_kept_columns")
        if kept is None or kept.genes is not genes:
            kept = self._kept_columns = GeneColumns(genes, entrez)
        return kept

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


def names_as_in_training(names: pd.Index, entrez: Mapping[Any, int]) -> pd.Index:
    """Genes of a study, of which those without a symbol (``entrez:2064``) get the training's.

    Parameters
    ----------
    names : Index of shape (n_genes,)
    entrez : mapping of str to int
        Symbol of the training study -> Entrez identifier.

    Examples
    --------
    >>> names_as_in_training(pd.Index(["entrez:2064", "TP53"]), {"ERBB2": 2064}).tolist()
    ['ERBB2', 'TP53']
    """
    texts = names.tolist()
    if _UNNAMED not in "\n".join(map(str, texts)):  # the quickest way to ask them all
        return names
    symbols = {f"{_UNNAMED}{number}": gene for gene, number in entrez.items()}
    named: pd.Index = pd.Index([symbols.get(name, name) for name in texts], dtype=names.dtype)
    return named


class GeneColumns:
    """Finds columns of a study's tables that hold some genes of the training.

    Parameters
    ----------
    genes : sequence of str
    entrez : mapping of str to int
        As for `names_as_in_training`.
    """

    def __init__(self, genes: Sequence[str], entrez: Mapping[Any, int]) -> None:
        self.genes = genes
        self.entrez = entrez
        # Samples of one study come in parts with the same names, which are then matched once.
        self._known: tuple[pd.Index, np.ndarray] | None = None

    def among(self, names: pd.Index) -> np.ndarray:
        """Place of each gene among the names, int, (n_genes,); -1 for one that is not there."""
        known = self._known
        if known is None or not known[0].is_(names):
            places = names_as_in_training(names, self.entrez).get_indexer(pd.Index(self.genes))
            known = self._known = names, places
        return known[1]

    def values(self, table: pd.DataFrame) -> np.ndarray:
        """The genes' values, float64, (n_samples, n_genes), NaN for a gene that is not there."""
        return columns_at(table, self.among(table.columns))


def columns_at(table: pd.DataFrame, places: np.ndarray) -> np.ndarray:
    """Values of some columns, float64, (n_rows, n_places); NaN for a place of -1."""
    if not len(table.columns):
        return np.full((len(table), len(places)), np.nan)
    values = table.to_numpy(float).take(places, axis=1)
    values[:, places < 0] = np.nan
    return values
