"""One prediction explained, in memory: data frames beside what `sidestep explain` prints."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import pandas as pd

from sidestep.serving.explain.answer import Answer
from sidestep.serving.explain.text import as_text

_FEATURES = ["feature", "modality", "mechanism", "value", "contribution"]
_CHANGES = [
    *("feature", "modality", "mechanism", "value_before", "value_after"),
    *("contribution_before", "contribution_after"),
]
_FLIPS = ["mechanism", "towards", "call", "sd", "prediction", "n_raised", "n_lowered"]


@dataclass(frozen=True, repr=False)
class Explained:
    """What a model says of one sample and one drug, and why; `print` shows it as text.

    Attributes
    ----------
    answer : Answer
        All of it as plain values.
    """

    answer: Answer

    @cached_property
    def features(self) -> pd.DataFrame:
        """Features that move the prediction most, the largest contribution first.

        Columns: `feature, modality, mechanism, value, contribution`; `value` is NaN where not
        measured, `contribution` is in the response's unit.
        """
        rows = [vars(feature) for feature in self.answer.explanation.features]
        return pd.DataFrame(rows, columns=_FEATURES).astype({"value": float})

    @property
    def mechanisms(self) -> pd.Series:
        """Mechanism -> sum of its features' contributions, the largest first."""
        return _sums(self.answer.explanation.by_mechanism)

    @property
    def modalities(self) -> pd.Series:
        """Modality -> sum of its features' contributions, the largest first."""
        return _sums(self.answer.explanation.by_modality)

    @cached_property
    def changes(self) -> pd.DataFrame:
        """What the asked-for changes do, feature by feature; empty where none were asked for.

        Columns: `feature, modality, mechanism`, and value and contribution before and after.
        """
        what_if = self.answer.what_if
        rows = [] if what_if is None else [vars(feature) for feature in what_if.features]
        return pd.DataFrame(rows, columns=_CHANGES)

    @cached_property
    def flips(self) -> pd.DataFrame:
        """Smallest change of each single mechanism that would change the call.

        Columns: `mechanism, towards, call, sd` (of the shift, in training standard deviations),
        `prediction` (there), `n_raised, n_lowered` (features). Empty where changes were asked
        for. It is a statement about the model, not about what the cells would do.
        """
        flips = self.to_dict()["flips"]
        return pd.DataFrame([] if flips is None else flips["flips"], columns=_FLIPS)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as `sidestep explain --json` prints them."""
        values: dict[str, Any] = json.loads(self.answer.as_json())
        return values

    def __repr__(self) -> str:
        """What `sidestep explain` prints."""
        return "\n".join(as_text(self.answer))

    def _repr_html_(self) -> str:
        """The same for notebooks."""
        return f"<pre>{escape(repr(self))}</pre>"


def _sums(of: dict[str, float]) -> pd.Series:
    sums = pd.Series(of, dtype=float, name="contribution")
    return sums.loc[sums.abs().sort_values(ascending=False, kind="stable").index]
