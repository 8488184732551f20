"""One drug's model, with its out-of-fold errors and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import numpy as np

from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.estimators.patterns import Pattern, pattern_name, pattern_named
from sidestep.models.reliability.applicability import NearestLines, Neighbourhood
from sidestep.models.reliability.intervals import (
    HeldOutErrors,
    sub_model_space,
    sub_model_weights,
)


@dataclass(frozen=True)
class SubModelView:
    """What follows from a sub-model and the training lines alone.

    Attributes
    ----------
    nearest : NearestLines
        The training lines.
    weights : ndarray of shape (n_pattern_features,)
        How much of the sub-model rests on each feature that it sees.
    neighbourhood : Neighbourhood
        The lines that the drug was tested on, in the sub-model's space.
    """

    nearest: NearestLines
    weights: np.ndarray
    neighbourhood: Neighbourhood


@dataclass(frozen=True)
class Gain:
    """What a drug's model gains over its best baseline, on lines that were held out.

    Attributes
    ----------
    verdict : {"better", "as good", "worse"}
    probability : float
        That the model ranks new lines better than the baseline does (paired bootstrap over
        donors).
    baseline : {"drug_mean", "lineage_mean", "marker"}
        The best one.
    difference : float
        The model's Pearson r within folds less the baseline's.
    """

    verdict: str
    probability: float
    baseline: str
    difference: float


@dataclass(frozen=True)
class DrugModel:
    """One drug's model, with its out-of-fold errors and metrics.

    Attributes
    ----------
    name : str
        As the training study names the drug.
    blend : PatternBlend
        Fitted on all training lines.
    fold_blends : mapping of int to PatternBlend
        Fitted without the lines of that fold.
    errors : mapping of Pattern to HeldOutErrors
        Out-of-fold errors of each sub-model: what intervals and percentiles refer to.
    n_lines : int
    lines : ndarray of shape (n_lines,)
        Row of each line that the drug was tested on among the training lines.
    observed : ndarray of shape (n_lines,)
        Its response.
    metrics : mapping
        Method -> metric -> [value, lower, upper], out of fold.
    gain : Gain
        Over the best baseline.
    units : mapping of Pattern to float
        Of the sub-models' neighbourhoods, as far as they are known.
    fold : int or None
        The fold whose lines `blend` has not seen (`unseen`); None for the model of all lines.
    other_lines : ndarray of int, optional
        Rows of the drug's lines outside `fold`.
    """

    name: str
    blend: PatternBlend
    fold_blends: Mapping[int, PatternBlend]
    errors: Mapping[Pattern, HeldOutErrors]
    lines: np.ndarray
    observed: np.ndarray
    metrics: Mapping[str, Mapping[str, Sequence[float]]]
    gain: Gain
    units: Mapping[Pattern, float] = field(default_factory=dict)
    fold: int | None = None
    other_lines: np.ndarray | None = None

    # What the model's own parts say, worked out when first asked for.
    _known: dict[Pattern, SubModelView] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def view(self, pattern: Pattern, nearest: NearestLines) -> SubModelView:
        """What one of the sub-models rests on, and its lines among the training lines."""
        known = self._known.get(pattern)
        if known is None or known.nearest is not nearest:
            weights = sub_model_weights(self.blend, pattern, nearest)
            space = sub_model_space(self.blend, pattern, nearest, weights)
            unit = self.units.get(pattern)
            around = nearest.neighbourhood(space, pattern, self.learned_from, unit)
            known = self._known[pattern] = SubModelView(nearest, weights, around)
        return known

    def __getstate__(self) -> dict[str, Any]:
        """For other processes, which work out themselves what they need."""
        return vars(self) | {"_known": {}}

    def unseen(self, fold: int, folds: np.ndarray) -> Self | None:
        """The model of the cross-validation that had not seen the lines of a fold.

        It keeps what the drug's predictions are compared with as a whole: all lines with their
        responses. Errors, and the lines that samples are near to, are those of the other folds
        (`HeldOutErrors.without`). None where the drug was tested on no line of the fold: then the
        model of all lines has learned from none of them.

        Parameters
        ----------
        fold : int
        folds : ndarray of int, shape (n_training_lines,)
            Fold of each training line.
        """
        if fold not in self.fold_blends:
            return None
        others = {pattern: errors.without(fold) for pattern, errors in self.errors.items()}
        return replace(
            self,
            blend=self.fold_blends[fold],
            errors={pattern: errors for pattern, errors in others.items() if len(errors.lines)},
            units={},
            fold=fold,
            other_lines=self.lines[folds[self.lines] != fold],
        )

    @property
    def learned_from(self) -> np.ndarray:
        """Rows of the training lines that `blend` was fitted on."""
        return self.lines if self.other_lines is None else self.other_lines

    @property
    def n_lines(self) -> int:
        """Training lines that the drug was tested on."""
        return len(self.lines)

    def get_state(self, nearest: NearestLines) -> dict[str, Any]:
        """Everything as plain values and numeric arrays; `nearest` are the training lines."""
        views = [self.view(pattern, nearest) for pattern in self.blend.patterns]
        return {
            "name": self.name,
            "blend": self.blend.get_state(),
            "fold_blends": {str(n): blend.get_state() for n, blend in self.fold_blends.items()},
            "errors": {pattern_name(p): asdict(errors) for p, errors in self.errors.items()},
            "lines": self.lines,
            "observed": self.observed,
            "metrics": self.metrics,
            "gain": asdict(self.gain),
            "units": np.array([view.neighbourhood.unit for view in views]),
        }

    @classmethod
    def from_state(
        cls, state: dict[str, Any], features: np.ndarray, fold_features: Mapping[int, np.ndarray]
    ) -> Self:
        """Model that `get_state` described, on the columns that its joiners build."""
        blend = PatternBlend.from_state(state["blend"], features)
        return cls(
            **state
            | {
                "blend": blend,
                "gain": Gain(**state["gain"]),
                "units": dict(zip(blend.patterns, map(float, state["units"]), strict=True)),
                "fold_blends": {
                    int(n): PatternBlend.from_state(blend, fold_features[int(n)])
                    for n, blend in state["fold_blends"].items()
                },
                "errors": {
                    pattern_named(pattern): HeldOutErrors(**errors)
                    for pattern, errors in state["errors"].items()
                },
            }
        )
