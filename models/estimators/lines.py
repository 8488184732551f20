"""Training lines as one matrix, with all that the models of several drugs take from the same lines.

`LineMatrix` computes once what depends on no drug: standardised features, a kernel a modality, and
which lines have which features. `TrainingLines` are some of its lines and modalities, of which
nothing is copied; `view_columns` and `view_mixtures` say which features make up a view.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from sidestep.features.builders.names import modality_of
from sidestep.models.estimators.patterns import Pattern, pattern_columns, row_patterns

#: View of the features of a drug's targets and their partners.
TARGET_VIEW = "target"


@dataclass(frozen=True)
class LineMatrix:
    """Training lines with everything that does not depend on a drug, computed once.

    Attributes
    ----------
    features : ndarray of shape (n_features,)
        Names.
    values : ndarray of shape (n_lines, n_features)
        NaN where not measured.
    standard : ndarray of shape (n_lines, n_features)
        In standard deviations about the mean over these lines; zero where not measured, and in a
        feature that does not vary.
    means, scales : ndarray of shape (n_features,)
        Mean and standard deviation over the lines that have the feature; a feature that does not
        vary has an infinite deviation.
    patterns : list of Pattern
        Modalities that each line has.
    """

    features: np.ndarray
    values: np.ndarray
    standard: np.ndarray
    means: np.ndarray
    scales: np.ndarray
    patterns: list[Pattern]

    @classmethod
    def of(cls, X: pd.DataFrame) -> LineMatrix:
        """Matrix of the lines of a table, (n_lines, n_features)."""
        values = np.ascontiguousarray(X.to_numpy(float))
        means, scales = standardisation(values)
        standard = (values - means) / scales
        standard[~np.isfinite(values)] = 0.0
        features = np.asarray(X.columns, dtype=object)
        return cls(features, values, standard, means, scales, row_patterns(X))

    @cached_property
    def modalities(self) -> dict[str, np.ndarray]:
        """Column numbers of each modality."""
        return view_columns(self.features.tolist())

    @cached_property
    def kernels(self) -> dict[str, np.ndarray]:
        """Linear kernel of each modality's standardised features, (n_lines, n_lines)."""
        kernels = {}
        for name, columns in self.modalities.items():
            part = self.standard[:, contiguous(columns)]
            kernels[name] = part @ part.T
        return kernels

    @cached_property
    def measured(self) -> Measured:
        """Which lines have which features."""
        return Measured.of(np.isfinite(self.values))

    @cached_property
    def index(self) -> pd.Index:
        """Names of the features, to look them up in."""
        names: pd.Index = pd.Index(self.features)
        return names

    def complete(self) -> LineMatrix:
        """Compute all that is put off, so that whoever gets a copy need not do it again."""
        for name in ("modalities", "kernels", "measured"):
            getattr(self, name)
        return self


@dataclass(frozen=True)
class TrainingLines:
    """Some lines and modalities of a matrix, of which nothing is copied.

    Like a table, it has a length and `columns`, so that estimators can be fitted to either.

    Attributes
    ----------
    matrix : LineMatrix
    rows : ndarray of int
        Lines, as rows of the matrix.
    column_numbers : ndarray of int
        Features, as columns of the matrix, ascending.
    ranking : FeatureRanking, optional
        Of these features by the response of these lines, where that is known already.
    errors : ndarray of shape (n_lines,), optional
        Standard errors of the response of these lines, NaN where none is known (`weights`).
    """

    matrix: LineMatrix
    rows: np.ndarray
    column_numbers: np.ndarray
    ranking: FeatureRanking | None = field(default=None)
    errors: np.ndarray | None = field(default=None)

    @classmethod
    def of(cls, X: pd.DataFrame | TrainingLines) -> TrainingLines:
        """All lines and features of a table; lines of a matrix as they are."""
        return X if isinstance(X, TrainingLines) else cls.all_of(LineMatrix.of(X))

    @classmethod
    def all_of(cls, matrix: LineMatrix) -> TrainingLines:
        """All lines and features of a matrix."""
        return cls(matrix, np.arange(len(matrix.values)), np.arange(len(matrix.features)))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def columns(self) -> np.ndarray:
        """Names of the features."""
        return np.asarray(self.matrix.features[self.column_numbers])

    @property
    def patterns(self) -> list[Pattern]:
        """Modalities that each line has."""
        return [self.matrix.patterns[row] for row in self.rows]

    def among(self, rows: np.ndarray) -> TrainingLines:
        """Some of these lines, by their places among them."""
        errors = None if self.errors is None else self.errors[rows]
        return TrainingLines(self.matrix, self.rows[rows], self.column_numbers, errors=errors)

    def seeing(self, pattern: Pattern) -> TrainingLines:
        """The same lines with the features of some modalities (`pattern_columns`)."""
        columns = pattern_columns(self.matrix.features.tolist(), pattern)
        kept = np.intersect1d(self.column_numbers, columns, True)
        return TrainingLines(self.matrix, self.rows, kept, errors=self.errors)

    def ranked(self, ranking: FeatureRanking) -> TrainingLines:
        """The same, with their features ranked by their response."""
        return replace(self, ranking=ranking)

    def with_errors(self, errors: np.ndarray | None) -> TrainingLines:
        """The same, with standard errors of their response."""
        return replace(self, errors=errors)

    def places(self, features: Collection[str]) -> np.ndarray:
        """Places of named features among `columns`, ascending; unknown names are left out."""
        wanted = self.matrix.index.get_indexer(pd.Index(list(features), dtype=object))
        return np.flatnonzero(np.isin(self.column_numbers, wanted[wanted >= 0]))

    def single_values(self, columns: np.ndarray) -> np.ndarray:
        """Values of some of `columns` in single precision, (n_lines, n_chosen)."""
        chosen = self.matrix.values[np.ix_(self.rows, self.column_numbers[columns])]
        return np.asarray(chosen.astype(np.float32))

    def double_values(self, columns: np.ndarray) -> np.ndarray:
        """Values of some of `columns`, (n_lines, n_chosen)."""
        return np.asarray(self.matrix.values[np.ix_(self.rows, self.column_numbers[columns])])


@dataclass(frozen=True)
class FeatureRanking:
    """Features of some lines, by how strongly they go with a response.

    Attributes
    ----------
    order : ndarray of int
        Places of all features, the strongest first.
    varies : ndarray of bool
        Whether each feature differs between the lines.
    """

    order: np.ndarray
    varies: np.ndarray

    @classmethod
    def of(cls, strengths: np.ndarray, varies: np.ndarray) -> FeatureRanking:
        """From the strength of each feature."""
        return cls(np.argsort(-strengths, kind="stable"), varies)

    def best(self, n_features: int, always: np.ndarray) -> np.ndarray:
        """Places, ascending, of the strongest features and of those in `always`.

        What does not vary is never among them, unless nothing does: then one feature is left.
        """
        chosen = np.union1d(self.order[:n_features], always)
        varies = chosen[self.varies[chosen]]
        return varies if len(varies) else chosen[:1]


@dataclass(frozen=True)
class Measured:
    """Which lines have which features, each of the few patterns that there are once.

    Attributes
    ----------
    kinds : ndarray of shape (n_lines, n_kinds)
        1 where features of a kind are measured, else 0.
    kind : ndarray of shape (n_features,)
        Kind of each feature.
    """

    kinds: np.ndarray
    kind: np.ndarray

    @classmethod
    def of(cls, measured: np.ndarray) -> Measured:
        """From whether each line has each feature, (n_lines, n_features)."""
        packed = np.ascontiguousarray(np.packbits(measured, axis=0).T)
        as_one = packed.view(f"V{packed.shape[1]}").ravel()
        _, first, kind = np.unique(as_one, return_index=True, return_inverse=True)
        return cls(measured[:, first].astype(float), kind)


def view_columns(
    features: Sequence[str], target_features: Collection[str] = ()
) -> dict[str, np.ndarray]:
    """Column numbers of each view: one a modality, and the drug-target view where it has any.

    Parameters
    ----------
    features : sequence of str
        Column names of the feature matrix.
    target_features : collection of str
        Features of the drug's targets and their partners; names that are no column are ignored.
    """
    modality = np.array([modality_of(name) for name in features])
    views = {str(name): np.flatnonzero(modality == name) for name in dict.fromkeys(modality)}
    found = pd.Index(features).get_indexer(pd.Index(list(target_features), dtype=object))
    target = np.unique(found[found >= 0])
    if len(target):
        views[TARGET_VIEW] = target
    return views


def view_mixtures(views: Collection[str], target_shares: Sequence[float]) -> list[dict[str, float]]:
    """Candidate weightings of the views, each summing to one.

    The modalities share what the target view leaves, either all alike or only the abundance
    modalities (expression, RPPA and signatures), which hold most of the signal where mutations
    and copy number are known for few lines. Few candidates: with tens of lines, a rich choice
    costs more by chance than it gains.
    """
    modalities = [name for name in views if name != TARGET_VIEW]
    abundance = [name for name in modalities if name in ("expression", "rppa", "signature")]
    shares = target_shares if TARGET_VIEW in views else (0.0,)
    mixtures: list[dict[str, float]] = []
    for share in shares:
        for chosen in (modalities, abundance):
            if share < 1 and not chosen:
                continue
            mixture = {name: (1 - share) / len(chosen) for name in chosen if share < 1}
            if share > 0:
                mixture[TARGET_VIEW] = share
            if mixture and mixture not in mixtures:
                mixtures.append(mixture)
    return mixtures


def standardisation(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation a column over what was measured.

    A column that does not vary gets an infinite deviation: it is then zero, and stays so. Scaled
    by anything finite, the rounding errors of a constant would pass for a signal.
    """
    measured = np.isfinite(values)
    count = np.maximum(measured.sum(axis=0), 1)
    filled = np.where(measured, values, 0.0)
    means = filled.sum(axis=0) / count
    variance = np.where(measured, (values - means) ** 2, 0.0).sum(axis=0) / count
    return means, np.where(variance > 1e-12, np.sqrt(variance), np.inf)


def contiguous(columns: np.ndarray) -> np.ndarray | slice:
    """Ascending columns as a slice where they are neighbours, so that nothing need be copied."""
    if len(columns) and columns[-1] - columns[0] + 1 == len(columns):
        return slice(int(columns[0]), int(columns[-1]) + 1)
    return columns
