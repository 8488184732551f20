"""Made-up plates whose truth is known. Simulated: no well was ever measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sidestep.features.assays.readings import Readings, frame_of

#: Runs of a simulation in a test, and the share of them whose interval must hold the truth: of 100
#: runs, fewer than 88 of 95 % intervals do by chance once in 400 times. `benchmarks.known_truth`
#: takes 500.
RUNS, LEAST = 100, 0.88
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


def many_curves(
    runs: int, fold: float, replicates: int, *, spread: float = 0.0, plates: bool = False,
    seed: int = 1,
) -> Readings:  # fmt: skip
    """Runs of one drug alone and in coculture; log10 IC50 varies by `spread` between replicates."""
    rng = np.random.default_rng(seed)
    shape = (runs, 2, replicates, len(DOSES))
    run, side, replicate, dose = (index.ravel() for index in np.indices(shape))
    effect = rng.normal(0, spread, (runs, 1 if plates else 2, replicates))
    effect = np.broadcast_to(effect, shape[:3])
    ic50 = 0.2 * np.where(side == 1, fold, 1.0) * 10 ** effect[run, side, replicate]
    value = 0.05 + 0.95 / (1 + (DOSES[dose] / ic50) ** 1.4) + rng.normal(0, 0.05, len(run))
    columns = {
        "sample": [f"S{r}" for r in run], "drug": "D", "unit": "uM", "role": "treated", "file": "f",
        "condition": np.where(side == 1, "coculture", "alone"), "dose": DOSES[dose], "value": value,
        "line": np.arange(len(run)),
    }  # fmt: skip
    if replicates > 1:
        columns["replicate"] = [str(r + 1) for r in replicate]
    if plates:
        columns["plate"] = [f"P{r}" for r in replicate]
    return Readings(frame_of(columns, len(run)), "viability")
