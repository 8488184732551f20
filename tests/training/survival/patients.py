"""Made-up patients: clinical columns, follow-up, and expression of a few genes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sidestep.features.study.measurements import study_of_measurements
from sidestep.features.study.study import Study
from sidestep.training.survival.cohort import Cohort, Group
from sidestep.training.survival.follow_up import Survival

NOTHING = study_of_measurements(pd.DataFrame(columns=["sample_id", "modality", "feature"]))
FOUR = {"OS_MONTHS": ["10", "20.5", "0", "40"], "OS_STATUS": ["1:DECEASED", "0:LIVING"] * 2}


def study_with(
    clinical: Mapping[str, Sequence[str | float]],
    expression: Mapping[str, Sequence[float]] | None = None,
    donors: Sequence[str] | None = None,
) -> Study:
    """Samples S0, S1 … with clinical text, and expression of genes (NaN: not profiled)."""
    count = len(next(iter(clinical.values())))
    samples = pd.Index([f"S{number}" for number in range(count)], dtype="str", name="sample_id")
    levels = pd.DataFrame(expression or {}, index=samples).dropna(how="all")
    return replace(
        NOTHING,
        study_id="small",
        samples=samples,
        donors=pd.Series(list(donors or samples), index=samples, dtype="str"),
        clinical=pd.DataFrame(dict(clinical), index=samples, dtype="str"),
        expression=None if expression is None else levels,
    )


def simulated(
    hazard: np.ndarray, rng: np.random.Generator, follow_up: float = np.inf
) -> tuple[np.ndarray, np.ndarray]:
    """Events and months: exponential with that log hazard, seen until a random month."""
    died = rng.exponential(60 * np.exp(-hazard))
    seen = rng.uniform(0, follow_up, len(hazard)) if np.isfinite(follow_up) else np.inf
    return died <= seen, np.minimum(died, seen)


def cohort_of(event: np.ndarray, months: np.ndarray, **genes: np.ndarray) -> Cohort:
    patients = pd.Index([f"P{number}" for number in range(len(event))], dtype="str")
    return Cohort(
        study=replace(NOTHING, study_id="small"),
        group=Group("all", "every sample", patients),
        survival=Survival("os", pd.Series(months, patients), pd.Series(event, patients)),
        expression=pd.DataFrame(genes, index=patients),
        counts={"with_expression": len(event), "events": int(np.sum(event))},
        notes=(),
    )
