"""Do the intervals hold what they promise? Coverage of lines that were held out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from models.drug_model import DrugModel
from models.intervals import HeldOutErrors

LEVELS = (0.8, 0.9)


def held_out_coverage(
    drugs: Mapping[str, DrugModel], lineage: np.ndarray, levels: tuple[float, ...] = LEVELS
) -> pd.DataFrame:
    """Coverage of each drug's intervals, by modality pattern and lineage.

    A line is covered if its score (error over difficulty) is within the quantile of the scores
    of the lines of the other folds: what an interval would have said of it that had not seen its
    fold. ``benchmarks/calibration.py`` measures the same by whole retrains.

    Parameters
    ----------
    drugs : mapping of str to DrugModel
    lineage : ndarray of shape (n_training_lines,)
        Lineage or subtype of each training line.
    levels : tuple of float

    Returns
    -------
    DataFrame
        One row a drug, pattern and lineage: `drug, pattern, lineage, n`, and for each level the
        number covered, such as `covered_80`.
    """
    tables = []
    for name, model in drugs.items():
        for pattern, errors in model.errors.items():
            table = pd.DataFrame(
                {"drug": name, "pattern": ";".join(pattern), "lineage": lineage[errors.lines]}
            )
            for level in levels:
                table[f"covered_{round(100 * level)}"] = _covered(errors, level)
            tables.append(table.dropna(subset=[f"covered_{round(100 * v)}" for v in levels]))
    joined = pd.concat(tables, ignore_index=True)
    names = [f"covered_{round(100 * level)}" for level in levels]
    grouped = joined.groupby(["drug", "pattern", "lineage"], dropna=False, sort=False)
    counts = grouped[names].sum().astype(int)
    counts.insert(0, "n", grouped.size())
    return counts.reset_index()


def _covered(errors: HeldOutErrors, level: float) -> np.ndarray:
    """1 or 0 a line; NaN where the other folds hold too few lines for the level."""
    covered = np.full(len(errors.scores), np.nan)
    for fold in np.unique(errors.folds):
        own = errors.folds == fold
        others = np.sort(errors.scores[~own])
        rank = int(np.ceil(level * (len(others) + 1)))
        if rank <= len(others):
            covered[own] = errors.scores[own] <= others[rank - 1]
    return covered


def coverage_sentence(coverage: pd.DataFrame) -> str:
    """What a person reads of it, such as "Intervals of 80 % held 80.0 % of the ..."."""
    metrics = coverage_metrics(coverage)
    parts = []
    for level in [round(100 * level) for level in LEVELS]:
        name = f"within_interval_{level}"
        if name in metrics:
            worst = metrics.get(f"{name}_worst_lineage", metrics[name])
            parts.append(
                f"of {level} % held {100 * metrics[name]:.1f} % of the held-out lines "
                f"({100 * worst:.1f} % in the lineage or subtype farthest off)"
            )
    return f"Intervals {'; '.join(parts)}." if parts else "Too few lines for intervals."


def coverage_metrics(coverage: pd.DataFrame) -> dict[str, float]:
    """Shares for tracking: overall with all modalities, the worst lineage and the worst pattern.

    ``within_interval_80`` is over drugs and lines; ``within_interval_80_worst_lineage`` and
    ``..._worst_pattern`` are those farthest from the level, of at least 20 line-drug pairs.
    """
    metrics: dict[str, float] = {}
    first = coverage.groupby("drug", sort=False)["pattern"].transform("first")
    full = coverage[coverage["pattern"] == first]
    for name in [str(column) for column in coverage.columns if str(column).startswith("covered_")]:
        level = int(name.removeprefix("covered_"))
        if full["n"].sum():
            metrics[f"within_interval_{level}"] = float(full[name].sum() / full["n"].sum())
        for label, table in (("lineage", full), ("pattern", coverage)):
            sums = table.groupby(label)[[name, "n"]].sum()
            sums = sums[sums["n"] >= 20]
            if len(sums):
                shares = (sums[name] / sums["n"]).to_numpy(float)
                worst = np.abs(shares - level / 100).argmax()
                metrics[f"within_interval_{level}_worst_{label}"] = float(shares[worst])
    return metrics
