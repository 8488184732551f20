"""What does each view of some training lines look like as a kernel?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from models.line_matrix import TrainingLines
from models.views import TARGET_VIEW

# A kernel this small, relative to what centring took from it, is rounding.
_ROUNDING = 1e-10


@dataclass(frozen=True)
class ViewKernel:
    """Kernel of one view over some training lines.

    Attributes
    ----------
    kernel : ndarray of shape (n_lines, n_lines)
        Centred, with a mean diagonal of one.
    size : float
        What it was divided by.
    means : ndarray of shape (n_lines,)
        Mean over the lines of the kernel before it was centred and divided.
    """

    kernel: np.ndarray
    size: float
    means: np.ndarray


def view_columns_of(
    lines: TrainingLines, target_features: Collection[str]
) -> dict[str, np.ndarray]:
    """Columns of the matrix that each view has: the lines' modalities, and the drug's targets."""
    views = {
        name: columns
        for name, columns in lines.matrix.modalities.items()
        if np.isin(columns[:1], lines.column_numbers).any()
    }
    target = lines.column_numbers[lines.places(target_features)]
    return views | ({TARGET_VIEW: target} if len(target) else {})


def plain_kernels(lines: TrainingLines, views: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Kernel of each view, not centred, (n_lines, n_lines); modalities' are the matrix's own."""
    kernels = {}
    for name, columns in views.items():
        if name == TARGET_VIEW:
            part = lines.matrix.standard[np.ix_(lines.rows, columns)]
            kernels[name] = part @ part.T
        else:
            kernels[name] = lines.matrix.kernels[name][np.ix_(lines.rows, lines.rows)]
    return kernels


def centred(plain: dict[str, np.ndarray]) -> dict[str, ViewKernel]:
    """Every kernel about the lines' mean and divided by its mean diagonal.

    One in which no line differs is left out.
    """
    views = {}
    for name, kernel in plain.items():
        means = kernel.mean(axis=0)
        about = kernel - means - means[:, None] + means.mean()
        size = float(np.trace(about)) / len(kernel)
        if size > _ROUNDING * float(np.trace(kernel)) / len(kernel):
            views[name] = ViewKernel(about / size, size, means)
    return views
