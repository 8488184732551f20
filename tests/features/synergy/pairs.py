"""Made-up dose matrices whose truth is known. Simulated: no well was ever measured."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sidestep.features.synergy.matrices import Matrices
from tests.features.assays.plates import viability

LADDER = np.array([0.03, 0.1, 0.3, 1.0, 3.0])


def matrix(
    excess: float = 0.0,
    *,
    sample: str = "BT474",
    replicates: int = 3,
    noise: float = 0.03,
    plate_spread: float = 0.0,
    seed: int = 0,
    same_drug: bool = False,
    **columns: object,
) -> pd.DataFrame:
    """A tidy matrix, Bliss-independent but for an excess that is killed at each combination.

    With `same_drug` the second drug is the first one, so that Loewe holds and Bliss does not.
    """
    rng = np.random.default_rng(seed)
    levels = np.r_[0.0, LADDER]
    one, two = (grid.ravel() for grid in np.meshgrid(levels, levels, indexing="ij"))
    if same_drug:
        truth = viability(one + two, 0.5)
    else:
        truth = viability(one, 0.5, bottom=0.2) * viability(two, 0.8, 1.2, bottom=0.3)
    truth = truth - excess * ((one > 0) & (two > 0))
    plates = [
        pd.DataFrame(
            {
                "sample": sample, "drug1": "Lapatinib", "drug2": "Dasatinib", "dose1": one,
                "dose2": two, "unit": "uM", "replicate": replicate + 1,
                "viability": truth + rng.normal(0, plate_spread)
                + rng.normal(0, noise, len(truth)),
            }
        )
        for replicate in range(replicates)
    ]  # fmt: skip
    table = pd.concat(plates, ignore_index=True)
    return table[(table["dose1"] > 0) | (table["dose2"] > 0)].assign(**columns)


def many_pairs(runs: int, **settings: float) -> Matrices:
    """Many made-up matrices without a detour over files."""
    tables = [
        matrix(0.1, sample=f"S{run}", seed=run, **settings)  # type: ignore[arg-type]
        for run in range(runs)
    ]
    wells = pd.concat(tables, ignore_index=True).rename(columns={"unit": "unit1"})
    wells["replicate"] = wells["replicate"].astype(str)
    return Matrices(wells.assign(unit2="uM", condition="", time=np.nan))
