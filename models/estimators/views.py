"""Views of some lines: the kernel of each, and the coefficients that its duals stand for.

A view is a modality; the features of the drug's targets and their partners; and, where the
features tell under which regimen a sample was, the regimen's own offset and its own deviations from
what all regimens share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from sidestep.features.builders.names import DRUG_GIVEN, REGIMEN
from sidestep.models.estimators.lines import TARGET_VIEW, TrainingLines, contiguous
from sidestep.models.estimators.weights import weighted_mean

#: What follows a modality's name in the view of its deviations by regimen.
BY_REGIMEN = " by regimen"
#: View of the one direction in which published axes of response are known to point.
AXES_VIEW = "published axes"
# A kernel this small, relative to what centring took from it, is rounding.
_ROUNDING = 1e-10


@dataclass(frozen=True)
class ViewSettings:
    """What views there are beside the modalities.

    Attributes
    ----------
    target_features : sequence of str
        Features of the drug's targets and their partners.
    gates : mapping of str to sequence of str
        Feature that tells whether a drug was given -> features of that drug's targets, which count
        where one of their drugs was. Without any, all of `target_features` count everywhere.
    axes : mapping of str to float
        Feature -> its weight in the direction that published axes of response point to.
    """

    target_features: Sequence[str] = ()
    gates: Mapping[str, Sequence[str]] | None = None
    axes: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Slopes:
    """Coefficients of a model that is linear in the features, given the regimen.

    Attributes
    ----------
    shared : ndarray of shape (n_features,)
        Of all samples.
    offsets : ndarray of shape (n_regimens,)
        What each regimen adds to the intercept.
    deviations : ndarray of shape (n_regimens, n_features)
        What each adds to the coefficients.
    gated : ndarray of shape (n_features,)
        What is added to the coefficient of a feature where one of its drugs was given.
    """

    shared: np.ndarray
    offsets: np.ndarray
    deviations: np.ndarray
    gated: np.ndarray


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


@dataclass(frozen=True)
class Views:
    """The views of some lines.

    Attributes
    ----------
    lines : TrainingLines
    settings : ViewSettings
    """

    lines: TrainingLines
    settings: ViewSettings

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """Columns of the matrix that each view has: the lines' modalities, and targets."""
        views = {
            name: columns
            for name, columns in self.lines.matrix.modalities.items()
            if name != REGIMEN and np.isin(columns[:1], self.lines.column_numbers).any()
        }
        target = self.lines.column_numbers[self.lines.places(self.settings.target_features)]
        return views | ({TARGET_VIEW: target} if len(target) else {})

    @cached_property
    def regimens(self) -> np.ndarray:
        """Places of the features that tell the regimens, among the lines' columns."""
        return self._told(drugs=False)

    @cached_property
    def drugs(self) -> np.ndarray:
        """Places of the features that tell drugs whose targets are among the features."""
        places = self._told(drugs=True)
        return places[self._gates(places).any(axis=1)]

    @cached_property
    def gates(self) -> np.ndarray:
        """Whether each feature is of a target of each of `drugs`, bool, (n_drugs, n_features)."""
        return self._gates(self.drugs)

    @cached_property
    def given(self) -> np.ndarray:
        """Whether each line had each regimen: 0 or 1, (n_lines, n_regimens)."""
        return np.asarray(np.nan_to_num(self.lines.double_values(self.regimens)))

    @cached_property
    def axis(self) -> np.ndarray:
        """Weights of the matrix's columns in the direction of published axes, (n_features,)."""
        weights = np.zeros(len(self.lines.matrix.features))
        named = self.settings.axes or {}
        places = self.lines.matrix.index.get_indexer(pd.Index(list(named), dtype=object))
        known = np.isin(places, self.lines.column_numbers) & (places >= 0)
        weights[places[known]] = np.array(list(named.values()))[known]
        return weights

    def plain(self) -> dict[str, np.ndarray]:
        """Kernel of each view, not centred, (n_lines, n_lines); modalities' are the matrix's own.

        Where regimens are told there is one of having had the same regimen, and one of each
        molecular modality among those who had the same.
        """
        rows, matrix = self.lines.rows, self.lines.matrix
        kernels = {}
        for name, columns in self.columns.items():
            if name == TARGET_VIEW:
                part = matrix.standard[np.ix_(rows, columns)] * self._open(columns)
                kernels[name] = part @ part.T
            else:
                kernels[name] = matrix.kernels[name][np.ix_(rows, rows)]
        if len(self.regimens):
            same = self.given @ self.given.T
            kernels |= {
                f"{name}{BY_REGIMEN}": kernel * same
                for name, kernel in kernels.items()
                if name not in (TARGET_VIEW, "clinical")
            }
            kernels[REGIMEN] = same
        if self.axis.any():
            part = matrix.standard[rows] @ self.axis
            kernels[AXES_VIEW] = np.outer(part, part)
        return kernels

    def slopes(self, duals: Mapping[str, np.ndarray]) -> Slopes:
        """Coefficients of the matrix's standardised features.

        Parameters
        ----------
        duals : mapping of str to ndarray of shape (n_lines,)
            Of each view's plain kernel.
        """
        standard, n = self.lines.matrix.standard, len(self.lines.matrix.features)
        shared, gated, deviations = np.zeros(n), np.zeros(n), np.zeros((len(self.regimens), n))
        offsets = np.zeros(len(self.regimens))
        for name, dual in duals.items():
            if name == REGIMEN:
                offsets += dual @ self.given
            elif name == AXES_VIEW:
                shared += self.axis * float((standard @ self.axis) @ self._of_all(dual))
            elif name.endswith(BY_REGIMEN):
                chosen = contiguous(self.columns[name.removesuffix(BY_REGIMEN)])
                for row, has in enumerate(self.given.T):
                    deviations[row, chosen] += standard[:, chosen].T @ self._of_all(dual * has)
            elif name == TARGET_VIEW and len(self.drugs):
                columns = self.columns[name]
                part = standard[np.ix_(self.lines.rows, columns)] * self._open(columns)
                gated[columns] += part.T @ dual
            else:
                chosen = contiguous(self.columns[name])
                shared[chosen] += standard[:, chosen].T @ self._of_all(dual)
        return Slopes(shared, offsets, deviations, gated)

    def _told(self, *, drugs: bool) -> np.ndarray:
        of_matrix = self.lines.matrix.modalities.get(REGIMEN, np.empty(0, int))
        chosen = [
            column
            for column in of_matrix
            if str(self.lines.matrix.features[column]).startswith(DRUG_GIVEN) == drugs
        ]
        return np.flatnonzero(np.isin(self.lines.column_numbers, chosen))

    def _gates(self, drugs: np.ndarray) -> np.ndarray:
        gates = np.zeros((len(drugs), len(self.lines.column_numbers)), dtype=bool)
        for row, name in enumerate(self.lines.columns[drugs]):
            gates[row, self.lines.places((self.settings.gates or {}).get(str(name), ()))] = True
        return gates

    def _open(self, columns: np.ndarray) -> np.ndarray | float:
        """Whether one of the drugs of each feature was given to each line, (n_lines, n_columns)."""
        if not len(self.drugs):
            return 1.0
        hits = np.nan_to_num(self.lines.double_values(self.drugs))
        places = np.searchsorted(self.lines.column_numbers, columns)
        return np.asarray((hits @ self.gates[:, places] > 0).astype(float))

    def _of_all(self, values: np.ndarray) -> np.ndarray:
        """Values of all of the matrix's lines, zero elsewhere: no row is copied then."""
        everyone = np.zeros(len(self.lines.matrix.values))
        everyone[self.lines.rows] = values
        return everyone


def centred(
    plain: Mapping[str, np.ndarray], weights: np.ndarray | None = None
) -> dict[str, ViewKernel]:
    """Every kernel about the lines' (weighted) mean and divided by its mean diagonal.

    One in which no line differs is left out.
    """
    views = {}
    for name, kernel in plain.items():
        means = kernel.mean(axis=0) if weights is None else weights @ kernel / weights.sum()
        about = kernel - means - means[:, None] + weighted_mean(means, weights)
        size = float(np.trace(about)) / len(kernel)
        if size > _ROUNDING * float(np.trace(kernel)) / len(kernel):
            views[name] = ViewKernel(about / size, size, means)
    return views
