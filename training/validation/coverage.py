"""Coverage and width of the prediction intervals, on lines that were held out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from sidestep.models.estimators.patterns import Pattern, best_pattern
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.reliability.groups import calibrating_groups, large_groups, members
from sidestep.models.reliability.intervals import HeldOutErrors, corrected_rank, order_statistic

LEVELS = (0.8, 0.9)
FEWEST_PAIRS = 20
_LONGEST_NAME = 150
_GROUP = ["drug", "pattern", "own", "lineage"]


def held_out_coverage(
    drugs: Mapping[str, DrugModel],
    lineage: np.ndarray,
    patterns: Sequence[Pattern],
    groups: np.ndarray,
    levels: tuple[float, ...] = LEVELS,
) -> pd.DataFrame:
    """Coverage and width of each drug's intervals, by modality pattern and lineage.

    A line is covered if its score (error over difficulty) is within the quantile of the scores
    of the lines of the other folds, of those of its own group where they are enough
    (`models.reliability.groups`): an interval that had not seen its fold would have held it.
    That interval is twice the quantile times the line's own difficulty wide. What the intervals
    rest on is in `models.reliability.intervals`; ``benchmarks/calibration.py`` measures the same
    by whole retrains.

    Parameters
    ----------
    drugs : mapping of str to DrugModel
    lineage : ndarray of shape (n_training_lines,)
        Lineage or subtype of each training line.
    patterns : sequence of Pattern
        Modalities that each training line has.
    groups : ndarray of str, shape (n_training_lines, n_ways)
        Groups that each training line is in (`PanelPredictor.line_groups`).
    levels : tuple of float

    Returns
    -------
    DataFrame
        A row a drug, pattern and lineage, and the lines' own pattern or not: `drug, pattern,
        own, lineage, n, response_sd` (standard deviation of the drug's responses), and for each
        level the number covered and the mean width in response units, such as `covered_80` and
        `width_80`. `own` says whether the pattern's sub-model is the one that predicts a sample
        like these lines; other lines were judged as if they had the pattern's modalities only.
    """
    tables = []
    columns = [f"{what}_{round(100 * v)}" for v in levels for what in ("covered", "width")]
    for name, model in drugs.items():
        own = {has: best_pattern(has, model.blend.patterns) for has in set(patterns)}
        large = large_groups(groups, model.lines)
        for pattern, errors in model.errors.items():
            table = pd.DataFrame(
                {
                    "drug": name,
                    "pattern": ";".join(pattern),
                    "own": [own[patterns[line]] == pattern for line in errors.lines],
                    "lineage": lineage[errors.lines],
                    "response_sd": float(np.std(model.observed)),
                }
            )
            for level in levels:
                covered, width = _held_out(errors, large[errors.lines], level)
                table[f"covered_{round(100 * level)}"] = covered
                table[f"width_{round(100 * level)}"] = width
            tables.append(table.dropna(subset=columns))
    if not tables:
        empty = pd.DataFrame(columns=[*_GROUP, "n", "response_sd", *columns])
        return empty.astype({"own": bool, "n": int})
    joined = pd.concat(tables, ignore_index=True)
    grouped = joined.groupby(_GROUP, dropna=False, sort=False)
    counts = grouped[["response_sd", *columns]].mean()
    counts.insert(0, "n", grouped.size())
    for name in columns:
        if name.startswith("covered"):
            counts[name] = grouped[name].sum().astype(int)
    return counts.reset_index()


def _held_out(
    errors: HeldOutErrors, groups: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each line is covered (1 or 0), and how wide its interval is.

    NaN where the other folds hold too few lines for the level.
    """
    covered, width = np.full((2, len(errors.scores)), np.nan)
    for fold in np.unique(errors.folds):
        own = errors.folds == fold
        others = groups[~own]
        calibrated_by = np.full(len(own), None, dtype=object)
        calibrated_by[own] = calibrating_groups(others, groups[own], level)
        for group in dict.fromkeys(calibrated_by[own].tolist()):
            judged, scores = calibrated_by == group, errors.scores[~own][members(others, group)]
            rank = corrected_rank(len(scores), level)
            if rank is not None:
                reach = order_statistic(scores, rank)
                covered[judged] = errors.scores[judged] <= reach
                width[judged] = 2 * reach * errors.difficulty[judged]
    return covered, width


def coverage_sentence(coverage: pd.DataFrame) -> str:
    """Coverage in a sentence, such as "Intervals of 80 % held 80.0 % of the ..."."""
    metrics = coverage_metrics(coverage)
    parts = []
    for level in [round(100 * level) for level in LEVELS]:
        name = f"within_interval_{level}"
        if name in metrics:
            worst = metrics.get(f"{name}_worst_lineage", metrics[name])
            parts.append(
                f"of {level} % held {100 * metrics[name]:.1f} % of {judged_pairs(coverage)} "
                "held-out line-drug pairs "
                f"({100 * worst:.1f} % in the lineage or subtype farthest off)"
            )
    return f"Intervals {'; '.join(parts)}." if parts else "Too few lines for intervals."


def judged_pairs(coverage: pd.DataFrame) -> int:
    """Line-drug pairs whose interval was judged, each by the sub-model that predicts the line."""
    return int(coverage.loc[coverage["own"], "n"].sum())


def coverage_metrics(coverage: pd.DataFrame) -> dict[str, float]:
    """Shares and widths for tracking: overall, and by lineage and by modality pattern.

    ``within_interval_80`` is the share over drugs and lines, each line predicted from the
    modalities that it has; ``width_interval_80`` the mean width in response units, and
    ``width_interval_80_sd`` in standard deviations of each drug's responses, which drugs can be
    averaged over. ``within_interval_80.lineage.lung`` is of one lineage (so the widths), and
    ``within_interval_80.pattern.expression-rppa`` of one pattern and all lines that have its
    modalities, as if they had no others; both of at least 20 line-drug pairs, and
    ``within_interval_80_worst_lineage`` and ``..._worst_pattern`` those farthest from the level.
    """
    metrics: dict[str, float] = {}
    own = coverage[coverage["own"]]
    for column in [str(name) for name in coverage.columns if str(name).startswith("covered_")]:
        level = int(column.removeprefix("covered_"))
        if not own["n"].sum():
            continue
        share, width = f"within_interval_{level}", f"width_interval_{level}"
        overall = coverage_by(own, level, None).iloc[0]
        metrics |= {share: overall["share"], width: overall["width"]}
        metrics[f"{width}_sd"] = overall["width_sd"]
        metrics |= _group_metrics(own, level, "lineage")
        metrics |= _group_metrics(coverage, level, "pattern")
    return {name: float(value) for name, value in metrics.items() if np.isfinite(value)}


def coverage_by(coverage: pd.DataFrame, level: int, by: str | None) -> pd.DataFrame:
    """Coverage and width over the line-drug pairs of each group, or of all.

    Parameters
    ----------
    coverage : DataFrame
        Rows of what `held_out_coverage` returns.
    level : int
        In percent.
    by : {"lineage", "pattern", None}
        Lines whose lineage is not recorded are in no group.

    Returns
    -------
    DataFrame
        A row a group: `n` (line-drug pairs), `share` (covered), `width` (mean, response units)
        and `width_sd` (mean, in standard deviations of each drug's responses).
    """
    width = coverage["n"] * coverage[f"width_{level}"]
    parts = {
        "share": coverage[f"covered_{level}"],
        "width": width,
        "width_sd": width / coverage["response_sd"],
    }
    key = np.zeros(len(coverage)) if by is None else coverage[by]
    sums = coverage[["n"]].assign(**parts).groupby(key, sort=False).sum()
    return sums.assign(**{name: sums[name] / sums["n"] for name in parts})


def _group_metrics(coverage: pd.DataFrame, level: int, by: str) -> dict[str, float]:
    """Metrics of each lineage or pattern with enough line-drug pairs, and of the farthest off."""
    groups = coverage_by(coverage, level, by)
    groups = groups[groups["n"] >= FEWEST_PAIRS]
    if not len(groups):
        return {}
    share, width = f"within_interval_{level}", f"width_interval_{level}_sd"
    shares = groups["share"].to_numpy(float)
    metrics = {f"{share}_worst_{by}": shares[np.abs(shares - level / 100).argmax()]}
    names = _metric_names(groups.index)
    for name, group_share, group_width in zip(names, shares, groups["width_sd"], strict=True):
        metrics |= {f"{share}.{by}.{name}": group_share, f"{width}.{by}.{name}": group_width}
    return metrics


def _metric_names(groups: Iterable[object]) -> list[str]:
    """Names of lineages and patterns as the last part of an MLflow metric's name, all different.

    Such a name holds letters, digits, ``_ - .`` and blanks.
    """
    names: list[str] = []
    taken: set[str] = set()
    for group in groups:
        plain = re.sub(r"[^\w. -]+", "_", str(group).replace(";", "-"))[:_LONGEST_NAME]
        plain = plain.strip(" .") or "unnamed"
        name, number = plain, 1
        while name.casefold() in taken:  # some databases ignore case
            number += 1
            name = f"{plain}_{number}"
        taken.add(name.casefold())
        names.append(name)
    return names
