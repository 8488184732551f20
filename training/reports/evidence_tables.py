"""What did cross-validation find, in tables of a model's card? In Markdown."""

from __future__ import annotations

import math

import pandas as pd

from sidestep.training.reports.markdown import as_text, markdown_rows
from sidestep.training.retrain import Retrain
from sidestep.training.validation.coverage import LEVELS, coverage_by, coverage_metrics
from sidestep.training.validation.cross_validation import BASELINES
from sidestep.training.validation.evaluation import panel_means


def metrics_table(retrain: Retrain, subset: str = "all") -> str:
    """A row a drug, the best predicted first: Pearson r, RMSE and the baselines' r.

    With intervals, RMSE in the response's unit.

    Parameters
    ----------
    retrain : Retrain
    subset : {"all", "her2_high"}
        Lines. Over all of them, the last column says whether r is above every baseline's, and
        the last row has the means of the drugs.
    """
    table = retrain.metrics[retrain.metrics["subset"] == subset]
    estimates = {
        (row["drug"], row["method"], row["metric"]): _estimate(
            row["value"], row["lower"], row["upper"]
        )
        for row in table.to_dict("records")
    }
    markers = {drug.name: drug.marker for drug in retrain.panel.drugs}
    heads = ["drug", "lines", "r", "RMSE", "drug mean r", "lineage mean r", "marker r"]
    everywhere = subset == "all"
    rows = [[*heads, *(["beats baselines"] if everywhere else [])]]
    blend = table[(table["method"] == "blend") & (table["metric"] == "pearson")]
    for row in blend.sort_values("value", ascending=False, kind="stable").to_dict("records"):
        drug = row["drug"]
        baselines = [estimates[drug, name, "pearson"] for name in BASELINES]
        baselines[-1] = f"{as_text(markers[drug])} {baselines[-1]}".strip()
        rows.append(
            [
                as_text(drug),
                str(row["n"]),
                estimates[drug, "blend", "pearson"],
                estimates[drug, "blend", "rmse"],
                *baselines,
            ]
        )
        if everywhere:
            rows[-1].append("yes" if retrain.verdict.beats_baselines[drug] else "no")
    if everywhere and len(rows) > 2:
        rows.append(_means(retrain))
    return markdown_rows(rows)


def intervals_table(coverage: pd.DataFrame) -> str | None:
    """Share of held-out lines within intervals, their width, and the groups farthest off.

    None where there are too few lines for intervals.
    """
    metrics = coverage_metrics(coverage)
    heads = ["interval", "held", "mean width (SD of the response)"]
    rows = [[*heads, "lineage farthest off", "modalities farthest off"]]
    for level in [round(100 * level) for level in LEVELS]:
        share, width = f"within_interval_{level}", f"width_interval_{level}_sd"
        if share in metrics:
            worst = [_percent(metrics.get(f"{share}_worst_{by}")) for by in ("lineage", "pattern")]
            rows.append([f"{level} %", _percent(metrics[share]), f"{metrics[width]:.2f}", *worst])
    return markdown_rows(rows) if len(rows) > 1 else None


def patterns_table(coverage: pd.DataFrame) -> str:
    """The same a combination of modalities, each predicted by the sub-model of those alone."""
    levels = [round(100 * level) for level in LEVELS]
    heads = [f"{level} % {what}" for level in levels for what in ("held", "width (SD)")]
    rows = [["modalities", "line-drug pairs", *heads]]
    found = [coverage_by(coverage, level, "pattern") for level in levels]
    for at, pattern in enumerate(found[0].index):
        row = [modality_words(str(pattern)), str(found[0]["n"].iloc[at])]
        for table in found:
            row += [_percent(table["share"].iloc[at]), f"{table['width_sd'].iloc[at]:.2f}"]
        rows.append(row)
    return markdown_rows(rows)


def modality_words(pattern: str) -> str:
    """A pattern such as ``expression;copy_number`` in words."""
    words = pattern.replace(";", ", ").replace("_", " ").replace("rppa", "RPPA")
    return words or "clinical attributes alone"


def _means(retrain: Retrain) -> list[str]:
    means = panel_means(retrain.metrics)
    r = [f"{means['pearson'].to_dict()[name]:.2f}" for name in ("blend", *BASELINES)]
    rmse = f"{means['rmse'].to_dict()['blend']:.2f}"
    beats = retrain.verdict.beats_baselines
    won = f"{sum(beats.values())} of {len(beats)}"
    return [f"mean of {len(beats)}", "", r[0], rmse, *r[1:], won]


def _estimate(value: float, lower: float, upper: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.2f}" if lower == upper else f"{value:.2f} ({lower:.2f} to {upper:.2f})"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
