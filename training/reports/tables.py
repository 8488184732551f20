"""What does a person read first of a retrain? One row a drug, and the means of the panel."""

from __future__ import annotations

import pandas as pd

from sidestep.training.retrain import Retrain
from sidestep.training.validation.cross_validation import BASELINES
from sidestep.training.validation.evaluation import panel_means

_OTHERS = ("ridge", "trees", *BASELINES)
_LOSES = "*"
LEGEND = f"{_LOSES} does not beat its baselines; every score of the drug will say so"


def headline(retrain: Retrain) -> pd.DataFrame:
    """Out-of-fold Pearson r of every method, a row a drug, the best predicted first.

    Returns
    -------
    DataFrame
        Indexed by drug: `n` (lines), `pearson, lower, upper` (blend), one column for each other
        method, `best_baseline` (its name), `best_baseline_pearson` (0 where undefined), `beats`.
    """
    metrics = retrain.metrics
    r = metrics[(metrics["subset"] == "all") & (metrics["metric"] == "pearson")]
    blend = r[r["method"] == "blend"].set_index("drug")
    table = blend[["n", "value", "lower", "upper"]].rename(columns={"value": "pearson"})
    by_method = r.pivot(index="drug", columns="method", values="value")
    table = table.join(by_method[list(_OTHERS)])
    baselines = by_method[list(BASELINES)].fillna(0.0)
    table["best_baseline"] = baselines.idxmax(axis=1)
    table["best_baseline_pearson"] = baselines.max(axis=1)
    table["beats"] = [retrain.verdict.beats_baselines[str(drug)] for drug in table.index]
    return table.sort_values("pearson", ascending=False, kind="stable")


def text_table(retrain: Retrain) -> str:
    """The headline as aligned text, with the panel's means as the last row."""
    rows = _cells(retrain)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    lines.insert(len(lines) - 1, lines[1])
    return "\n".join(lines + ([] if headline(retrain)["beats"].all() else [LEGEND]))


def _cells(retrain: Retrain) -> list[list[str]]:
    table, means = headline(retrain), panel_means(retrain.metrics)["pearson"]
    names = [name.replace("_", " ") for name in _OTHERS]
    rows = [["drug", "lines", "blend r", "95 % interval", *names]]
    for drug, row in table.iterrows():
        mark = "" if row["beats"] else f" {_LOSES}"
        interval = f"{_number(row['lower'])} to {_number(row['upper'])}"
        others = [_number(row[name]) for name in _OTHERS]
        rows.append([f"{drug}{mark}", str(row["n"]), _number(row["pearson"]), interval, *others])
    mean = [_number(means[name]) for name in ("blend", *_OTHERS)]
    rows.append([f"mean of {len(table)}", "", mean[0], "", *mean[1:]])
    return rows


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.2f}"
