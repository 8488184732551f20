"""The quickest exact way to explain so many rows of any booster: tables, or XGBoost itself.

For boosters that are explained once. A saved model's trees are never explained by XGBoost
(`models.treeshap.ensemble`), because a sample has to get the same bytes alone and among thousands.

Tables (`models.treeshap.tables`) have to be built, and numba to be loaded, before the first row;
XGBoost's own TreeSHAP starts at once and then takes some fifty to two hundred times as long for
a row. The choice depends on the booster and the number of rows alone, never on a clock or on what
this process did before, so that the same work gives the same bytes everywhere.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Literal

import numpy as np
import xgboost as xgb

from sidestep.models.treeshap.tables import MEMORY, TreeTables, contributions_by_xgboost
from sidestep.models.treeshap.trees import NoTablesError

Engine = Literal["auto", "tables", "xgboost"]

# Fewer rows never pay for loading numba, and even asking a booster for its size would be felt.
_FEWEST_ROWS = 64
# Seconds on one core at 2.6 GHz (Sapphire Rapids), rounded against the tables, so that where both
# take about as long TreeSHAP is chosen. Measured on the models of `benchmarks/explain.py`: a row,
# leaf and level took TreeSHAP 17e-9 (depths 3 and 4) to 21e-9 (depth 6); loading numba and the
# compiled loops 0.5 (`--startup`); reading the trees and filling tables 3e-6 to 7e-6 a split; and
# looking up 0.5e-9 to 1.5e-9 a row and split.
_TREESHAP_LEAF_LEVEL = 12e-9
_LOAD = 0.8
_BUILD_SPLIT = 8e-6
_ROW_SPLIT = 2e-9


class BoosterExplainer:
    """Shapley values of a booster's features, by the way that is quickest for the rows at hand.

    Parameters
    ----------
    booster : Booster
    n_rounds : int, optional
        Boosting rounds to explain, from the first; all by default. After early stopping
        ``booster.best_iteration + 1`` is the best.
    memory : int
        Bytes that the tables may take; they are built when first needed, and kept.
    n_boosters : int
        Boosters that the same run explains; they share the cost of loading numba.
    n_jobs : int
        Threads.
    """

    def __init__(
        self,
        booster: xgb.Booster,
        n_rounds: int | None = None,
        memory: int = MEMORY,
        n_boosters: int = 1,
        n_jobs: int = 1,
    ) -> None:
        self.booster = booster
        self.n_rounds = n_rounds
        self.memory = memory
        self.n_boosters = n_boosters
        self.n_jobs = n_jobs

    def contributions(
        self, X: np.ndarray, planned_rows: int | None = None, engine: Engine = "auto"
    ) -> np.ndarray:
        """Shapley values of the features of each row, and last the base value.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
            Values in single precision, NaN where missing.
        planned_rows : int, optional
            How many rows will be explained in all, where `X` is one chunk of them. All chunks
            are then explained in the same way, so that chunking changes no bit.
        engine : {"auto", "tables", "xgboost"}
            The two agree to about 1e-6 of the response's spread, not to the last bit. A caller
            that has to give a row the same bytes alone and among thousands names one.

        Returns
        -------
        ndarray of shape (n_rows, n_features + 1), float32

        Raises
        ------
        NoTablesError
            If `engine` is "tables" and the booster cannot be tabulated.
        """
        if engine == "auto":
            engine = self.choose(len(X) if planned_rows is None else planned_rows)
        if engine == "tables":
            return self.tables.contributions(X, self.n_jobs)
        return contributions_by_xgboost(self.booster, X, self.n_rounds, self.n_jobs)

    def choose(self, n_rows: int) -> Literal["tables", "xgboost"]:
        """The way that is expected to be quicker for `n_rows` rows in all."""
        pays = n_rows >= _FEWEST_ROWS and n_rows > self._rows_that_pay
        return "tables" if pays and isinstance(self._attempt, TreeTables) else "xgboost"

    @property
    def tables(self) -> TreeTables:
        """The booster's tables, built when first asked for.

        Raises
        ------
        NoTablesError
            If the booster cannot be tabulated.
        """
        if isinstance(self._attempt, NoTablesError):
            raise self._attempt
        return self._attempt

    @cached_property
    def _attempt(self) -> TreeTables | NoTablesError:
        try:
            return TreeTables.of(self.booster, self.n_rounds, self.memory)
        except NoTablesError as error:
            return error

    @cached_property
    def _rows_that_pay(self) -> float:
        """With more rows than these, tables are expected to be quicker."""
        n_rounds = self.booster.num_boosted_rounds()
        n_used = self.n_rounds or n_rounds
        counts = self.booster.get_score(importance_type="weight").values()
        n_splits = float(sum(np.sum(count) for count in counts)) * n_used / max(n_rounds, 1)
        # Of all trees with so many leaves, the balanced one has the least depth.
        depth = math.log2(n_splits / max(n_used, 1) + 1)
        treeshap = _TREESHAP_LEAF_LEVEL * (n_splits + n_used) * depth
        saved = treeshap - _ROW_SPLIT * n_splits
        if saved <= 0:
            return math.inf
        return (_LOAD / self.n_boosters + _BUILD_SPLIT * n_splits) / saved
