"""The lines of one drug: responses, donors, and features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from models.line_matrix import LineMatrix, TrainingLines
from training.panel import PanelDrug


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
    """

    drug: PanelDrug
    names: pd.Index
    y: np.ndarray
    numbers: np.ndarray
    donors: np.ndarray
    lineage: np.ndarray

    def on(self, features: pd.DataFrame, matrix: LineMatrix | None = None) -> DrugLines:
        """Those of the lines that have a row in a table.

        Parameters
        ----------
        features : DataFrame of shape (n_rows, n_features)
        matrix : LineMatrix, optional
            Of the same rows, for models to share.
        """
        found = features.index.get_indexer(self.names)
        kept = np.flatnonzero(found >= 0)
        rows = found[kept]
        return DrugLines(
            drug=self.drug,
            X=features.iloc[rows],
            y=self.y[kept],
            numbers=self.numbers[kept],
            donors=self.donors[kept],
            lineage=self.lineage[kept],
            shared=None if matrix is None else TrainingLines.all_of(matrix).among(rows),
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
    """

    drug: PanelDrug
    X: pd.DataFrame
    y: np.ndarray
    numbers: np.ndarray
    donors: np.ndarray
    lineage: np.ndarray
    shared: TrainingLines | None = None

    @cached_property
    def lines(self) -> TrainingLines:
        """What models are fitted to."""
        return TrainingLines.of(self.X) if self.shared is None else self.shared

    @cached_property
    def target_features(self) -> list[str]:
        """Features of the drug-target view."""
        return self.drug.target_features(list(self.X.columns))

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
        )
