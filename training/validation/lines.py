"""The lines of one drug and the lines of one fold, as the tasks of a cross-validation get them.

A fold's features are one matrix that all its drugs share; a drug adds its responses and donors.
The tasks compute in one thread, so that no number depends on the machine's cores.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ParamSpec, TypeVar

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from sidestep.features.builders.response_axes import axis_features
from sidestep.features.study.responses import CONTINUOUS
from sidestep.models.estimators.lines import LineMatrix, TrainingLines
from sidestep.training.validation.elsewhere import Elsewhere, on_own_scale
from sidestep.training.validation.panel import PanelDrug

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def in_one_thread(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """The same function, whose linear algebra uses one thread.

    Several threads split a sum, and so round otherwise; and where processes have more threads
    than there are cores, they wait for each other most of the time.
    """

    @functools.wraps(function)
    def limited(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
        with threadpool_limits(limits=1, user_api="blas"):
            return function(*arguments, **named)

    return limited


@dataclass(frozen=True)
class DrugResponses:
    """Responses to one drug, without the features of the lines.

    Attributes
    ----------
    drug : PanelDrug
    names : Index
        Lines that the drug was tested on.
    y, numbers, donors, lineage : ndarray of shape (n_lines,)
        As in `DrugLines`.
    elsewhere : Elsewhere, optional
        What other screens say of the drug, for training lines alone.
    regimen, receptors : ndarray of str, shape (n_lines,)
        Regimen and receptor status of patients; empty where not told.
    errors : ndarray of shape (n_lines,), optional
        As in `DrugLines`; not known of what other screens measured.
    """

    drug: PanelDrug
    names: pd.Index
    y: np.ndarray
    numbers: np.ndarray
    donors: np.ndarray
    lineage: np.ndarray
    elsewhere: Elsewhere | None = None
    regimen: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=str))
    receptors: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=str))
    errors: np.ndarray | None = None

    def for_training(self, train: pd.Index) -> DrugResponses:
        """Responses of training lines, with those that other screens alone tested."""
        other = self.elsewhere
        if other is None:
            return self
        own = pd.Series(self.y, index=self.names)
        mapped = on_own_scale(
            own.loc[own.index.isin(train)], other.values.loc[other.values.index.isin(train)]
        )
        # A line that this screen tested, in training or not, has its own value alone.
        mapped = mapped.loc[~mapped.index.isin(self.names)]
        rows = other.values.index.get_indexer(mapped.index)
        return replace(
            self,
            names=self.names.append(mapped.index),
            y=np.concatenate([self.y, mapped.to_numpy(float)]),
            numbers=np.concatenate([self.numbers, other.numbers[rows]]),
            donors=np.concatenate([self.donors, other.donors[rows]]),
            lineage=np.concatenate([self.lineage, other.lineage[rows]]),
            elsewhere=None,
            errors=None
            if self.errors is None
            else np.append(self.errors, np.full(len(rows), np.nan)),
        )

    def on(self, features: pd.DataFrame, matrix: LineMatrix | None = None) -> DrugLines:
        """Those of the lines that have a row in a table.

        Parameters
        ----------
        features : DataFrame of shape (n_rows, n_features)
        matrix : LineMatrix, optional
            Of the same rows, for models to share.
        """
        places = features.index.get_indexer(self.names)
        kept = np.flatnonzero(places >= 0)
        rows = places[kept]
        errors = None if self.errors is None else self.errors[kept]
        shared = None if matrix is None else TrainingLines.all_of(matrix).among(rows)
        return DrugLines(
            drug=self.drug,
            X=features.iloc[rows],
            y=self.y[kept],
            numbers=self.numbers[kept],
            donors=self.donors[kept],
            lineage=self.lineage[kept],
            shared=None if shared is None else shared.with_errors(errors),
            errors=errors,
        )


@dataclass(frozen=True)
class DrugLines:
    """Lines on which one drug was tested.

    Attributes
    ----------
    drug : PanelDrug
    X : DataFrame of shape (n_lines, n_features)
    y : ndarray of shape (n_lines,)
        Response, in its unit.
    numbers : ndarray of shape (n_lines,)
        Row of each line among all lines of the panel.
    donors : ndarray of shape (n_lines,)
    lineage : ndarray of shape (n_lines,)
        Lineage or subtype; NaN where unknown.
    shared : TrainingLines, optional
        The same lines in the matrix of a fold's training lines, which its drugs share.
    errors : ndarray of shape (n_lines,), optional
        Standard errors of `y`, NaN where none is known; without them all lines weigh the same.
    """

    drug: PanelDrug
    X: pd.DataFrame
    y: np.ndarray
    numbers: np.ndarray
    donors: np.ndarray
    lineage: np.ndarray
    shared: TrainingLines | None = None
    errors: np.ndarray | None = None

    @cached_property
    def lines(self) -> TrainingLines:
        """What models are fitted to."""
        if self.shared is not None:
            return self.shared
        return TrainingLines.of(self.X).with_errors(self.errors)

    @cached_property
    def target_features(self) -> list[str]:
        """Features of the drug-target view."""
        return self.drug.target_features(list(self.X.columns))

    @cached_property
    def gates(self) -> dict[str, list[str]]:
        """Feature that tells of a drug -> features of its targets."""
        return self.drug.gates([str(name) for name in self.X.columns])

    @cached_property
    def axes(self) -> dict[str, float]:
        """Weight of each signature in the mean of the published axes of response.

        Each axis is the mean of its standardised signatures, signed, over its deviation among
        these lines; of a continuous response there are none.
        """
        if self.drug.kind == CONTINUOUS:
            return {}
        found = axis_features([str(name) for name in self.X.columns])
        lines = self.lines
        weights: dict[str, float] = {}
        for sign, features in found.values():
            places = lines.column_numbers[lines.places(features)]
            part = lines.matrix.standard[np.ix_(lines.rows, places)]
            deviation = float(part.mean(axis=1).std())
            if deviation > 0:
                weights |= dict.fromkeys(features, sign / (len(features) * deviation))
        return weights

    @property
    def markers(self) -> tuple[str, ...]:
        """Features of the drug's marker."""
        return self.drug.marker_features([str(name) for name in self.X.columns])

    def among(self, lines: pd.Index) -> DrugLines:
        """The same, restricted to some of the lines."""
        rows = np.flatnonzero(self.X.index.isin(lines))
        return replace(
            self,
            X=self.X.iloc[rows],
            y=self.y[rows],
            numbers=self.numbers[rows],
            donors=self.donors[rows],
            lineage=self.lineage[rows],
            shared=None if self.shared is None else self.shared.among(rows),
            errors=None if self.errors is None else self.errors[rows],
        )


@dataclass(frozen=True)
class FoldLines:
    """The lines of one fold, whatever the drug.

    Attributes
    ----------
    names : Index
        Training lines.
    matrix : LineMatrix
        Of the training lines alone.
    held_out : DataFrame of shape (n_test_lines, n_features)
        Features of the test lines.
    """

    names: pd.Index
    matrix: LineMatrix
    held_out: pd.DataFrame

    @classmethod
    @in_one_thread
    def of(cls, features: pd.DataFrame, train: pd.Index, test: pd.Index) -> FoldLines:
        """From the features of all lines, built for this fold."""
        matrix = LineMatrix.of(features.loc[train]).complete()
        return cls(train, matrix, features.loc[test])

    @property
    def training_features(self) -> pd.DataFrame:
        """Features of the training lines, which are not copied."""
        columns = self.held_out.columns
        return pd.DataFrame(self.matrix.values, index=self.names, columns=columns, copy=False)

    def training_lines(self, responses: DrugResponses) -> DrugLines:
        """The training lines that one drug was tested on."""
        return responses.for_training(self.names).on(self.training_features, self.matrix)

    def test_lines(self, responses: DrugResponses) -> DrugLines:
        """The test lines that one drug was tested on."""
        return responses.on(self.held_out)
