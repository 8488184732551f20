"""Made-up plates whose truth is known. Simulated: no well was ever measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

DOSES = np.geomspace(0.003, 30, 9)


def viability(dose: np.ndarray, ic50: float, slope: float = 1.5, bottom: float = 0.0) -> np.ndarray:
    """Relative viability of a curve that falls to `bottom`."""
    return bottom + (1 - bottom) / (1 + (dose / ic50) ** slope)


def plate(
    ic50: float = 0.3,
    *,
    sample: str = "BT474",
    drug: str = "Lapatinib",
    noise: float = 0.03,
    replicates: int = 3,
    seed: int = 0,
    bottom: float = 0.0,
    control: float = 20_000.0,
    **columns: object,
) -> pd.DataFrame:
    """A tidy plate of one curve with six control wells; `columns` are added as they are."""
    rng = np.random.default_rng(seed)
    dose = np.tile(DOSES, replicates)
    value = control * (viability(dose, ic50, bottom=bottom) + rng.normal(0, noise, len(dose)))
    wells = pd.DataFrame(
        {
            "sample": sample,
            "drug": drug,
            "dose": np.r_[dose, np.zeros(6)],
            "unit": "uM",
            "signal": np.r_[value, control * (1 + rng.normal(0, noise, 6))].clip(0),
            "replicate": np.r_[np.repeat(np.arange(replicates) + 1, len(DOSES)), np.ones(6, int)],
        }
    )
    wells.loc[wells["dose"] == 0, ["drug", "replicate"]] = ["DMSO", 0]
    return wells.assign(**columns)


def written(folder: Path, *plates: pd.DataFrame, name: str = "plates.csv") -> Path:
    """Plates as one CSV file."""
    path = folder / name
    pd.concat(plates, ignore_index=True).to_csv(path, index=False)
    return path
