"""What do all drugs of a fold share? The features of its lines, as one matrix."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from models.line_matrix import LineMatrix
from training.drug_lines import DrugLines, DrugResponses
from training.threads import in_one_thread


@dataclass(frozen=True)
class FoldLines:
    """The lines of one fold, whatever the drug.

    Attributes
    ----------
    number : int
    names : Index
        Training lines.
    matrix : LineMatrix
        Of the training lines alone.
    held_out : DataFrame of shape (n_test_lines, n_features)
        Features of the test lines.
    """

    number: int
    names: pd.Index
    matrix: LineMatrix
    held_out: pd.DataFrame

    @classmethod
    @in_one_thread
    def of(cls, number: int, features: pd.DataFrame, train: pd.Index, test: pd.Index) -> FoldLines:
        """From the features of all lines, built for this fold."""
        matrix = LineMatrix.of(features.loc[train]).complete()
        return cls(number, train, matrix, features.loc[test])

    @property
    def known(self) -> pd.DataFrame:
        """Features of the training lines, which are not copied."""
        columns = self.held_out.columns
        return pd.DataFrame(self.matrix.values, index=self.names, columns=columns, copy=False)

    def training_lines(self, responses: DrugResponses) -> DrugLines:
        """The training lines that one drug was tested on."""
        return responses.on(self.known, self.matrix)

    def test_lines(self, responses: DrugResponses) -> DrugLines:
        """The test lines that one drug was tested on."""
        return responses.on(self.held_out)
