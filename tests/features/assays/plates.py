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


def plate_of_rows(seed: int, name: str, noise: float = 0.03) -> pd.DataFrame:
    """Eight rows of doses by twelve columns: ten drugs, and controls in the outer columns."""
    rng = np.random.default_rng(seed)
    doses = np.geomspace(0.01, 100, 8)
    wells = []
    for row, dose in enumerate(doses):
        for column in range(12):
            control = column in (0, 11)
            level = 1.0 if control else float(viability(np.array(dose), 0.05 * 2.0**column))
            wells.append(
                {
                    "sample": "BT474", "drug": "DMSO" if control else f"D{column}",
                    "dose": 0.0 if control else dose, "unit": "uM", "plate": name,
                    "well": f"{'ABCDEFGH'[row]}{column + 1:02}",
                    "signal": max(1000 * (level + rng.normal(0, noise)), 0.0),
                }
            )  # fmt: skip
    return pd.DataFrame(wells)


def exchange(plate: pd.DataFrame, one: str, other: str) -> pd.DataFrame:
    """The signals of two rows, each in the place of the other."""
    first, second = (plate["well"].str.startswith(row) for row in (one, other))
    changed = plate.copy()
    changed.loc[first, "signal"] = plate.loc[second, "signal"].to_numpy()
    changed.loc[second, "signal"] = plate.loc[first, "signal"].to_numpy()
    return changed
