"""The lines of one drug: features, responses, donors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from models.line_matrix import TrainingLines
from training.panel import PanelDrug


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
