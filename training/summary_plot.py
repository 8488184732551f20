"""Which features move a model most, and which way? The summary plot of Shapley values.

After Lundberg et al. (2020), Nat Mach Intell 2:56. Drawn here rather than by the `shap` package,
whose plots write on pyplot's current figure and take seconds to import.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

_COLOURS = "cividis"
_UNKNOWN = "#BBBBBB"
_BINS = 60
_TOUCH = 0.09
_WIDEST = 0.4


def draw_summary(
    figure: Figure, axes: Axes, matrix: pd.DataFrame, contributions: pd.DataFrame, top: int = 15
) -> None:
    """Draw one row a feature, largest mean absolute contribution first, a dot a sample.

    Parameters
    ----------
    figure, axes : Figure and Axes
        To draw on.
    matrix, contributions : DataFrame of shape (n_samples, n_features)
        Feature values, NaN where not measured (a grey dot), and their contributions.
    top : int
        Rows.
    """
    order = np.argsort(-contributions.abs().mean().to_numpy(), kind="stable")[:top]
    width = max(float(np.ptp(contributions.iloc[:, order].to_numpy())), np.finfo(float).tiny)
    for row, column in enumerate(order):
        x = contributions.iloc[:, column].to_numpy(float)
        y = -row + swarm(x, width)
        value = matrix.iloc[:, column].rank(pct=True).to_numpy(float)
        known = np.isfinite(value)
        axes.scatter(x[~known], y[~known], s=11, c=_UNKNOWN, lw=0)
        axes.scatter(x[known], y[known], s=11, c=value[known], cmap=_COLOURS, vmin=0, vmax=1, lw=0)
    axes.set_yticks(-np.arange(len(order)), [str(matrix.columns[column]) for column in order])
    axes.set_ylim(-len(order) + 0.4, 0.6)
    axes.axvline(0.0, color="#7F7F7F", lw=0.8)
    axes.locator_params(axis="x", nbins=6)
    scale = figure.colorbar(
        ScalarMappable(Normalize(0, 1), _COLOURS), ax=axes, ticks=[0, 1], aspect=40, pad=0.02
    )
    scale.ax.set_yticklabels(["low", "high"])
    scale.set_label("feature's value (grey: not measured)", labelpad=-10)


def swarm(x: np.ndarray, width: float) -> np.ndarray:
    """Heights that keep dots of nearly the same `x` apart, within 0.4 of the row.

    Parameters
    ----------
    x : ndarray of shape (n,)
    width : float
        Extent of the axis; values in the same sixtieth of it are stacked.
    """
    cell = np.floor(x / width * _BINS)
    heights = np.zeros(len(x))
    for place in np.unique(cell):
        inside = np.flatnonzero(cell == place)
        # 0, 1, -1, 2, -2, … so that a stack grows from the middle
        steps = np.arange(1, len(inside) + 1) // 2 * np.where(np.arange(len(inside)) % 2, 1, -1)
        most = max(float(np.abs(steps).max()), 1.0)
        heights[inside] = steps * min(_TOUCH, _WIDEST / most)
    return heights
