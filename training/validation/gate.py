"""The gate: a retrained panel passes if its blend beats every baseline, on lines held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from sidestep.training.validation.cross_validation import BASELINES
from sidestep.training.validation.evaluation import panel_means


@dataclass(frozen=True)
class Verdict:
    """Whether a panel passes the gate, and which of its drugs beat their baselines.

    Attributes
    ----------
    passes : bool
        The blend's mean out-of-fold Pearson r over the panel is above every baseline's.
    reason : str
        One sentence with the numbers.
    beats_baselines : mapping of str to bool
        Drug -> whether the blend's r is above every baseline's on that drug.
    """

    passes: bool
    reason: str
    beats_baselines: Mapping[str, bool]


def judge(metrics: pd.DataFrame) -> Verdict:
    """Judge out-of-fold metrics, as `training.validation.evaluation.evaluate` returns them."""
    r = metrics[(metrics["subset"] == "all") & (metrics["metric"] == "pearson")]
    by_drug = r.pivot(index="drug", columns="method", values="value").fillna(0.0)
    best_baseline = by_drug[list(BASELINES)].max(axis=1)
    beats = {str(drug): bool(won) for drug, won in (by_drug["blend"] > best_baseline).items()}
    means = panel_means(metrics)["pearson"]
    rival = str(means[list(BASELINES)].idxmax())
    passes = bool(means["blend"] > means[rival])
    return Verdict(
        passes,
        f"mean out-of-fold r {means['blend']:.3f} {'beats' if passes else 'does not beat'} "
        f"the best baseline, {rival.replace('_', ' ')}, at {means[rival]:.3f} "
        f"({sum(beats.values())} of {len(beats)} drugs beat theirs)",
        beats,
    )
