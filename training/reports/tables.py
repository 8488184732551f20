"""Tables of what cross-validation found: aligned text for a terminal, Markdown for cards and runs.

Pearson r and RMSE are out of fold, with 95 % intervals (bootstrap over donors).
"""

from __future__ import annotations

import math

import pandas as pd

from sidestep.features.knowledge.drugs import both_names
from sidestep.features.study.responses import CONTINUOUS
from sidestep.training.reports.markdown import as_text, markdown_rows
from sidestep.training.retrain import Retrain
from sidestep.training.validation.coverage import (
    LEVELS,
    coverage_by,
    coverage_metrics,
    coverage_sentence,
)
from sidestep.training.validation.evaluation import panel_means
from sidestep.training.validation.gate import AS_GOOD, BETTER, WORSE

_MARKS = {BETTER: "+", AS_GOOD: "", WORSE: "*"}
LEGEND = (
    "r within folds. + better than the best baseline with a probability of 95 %; * worse, or errs "
    "no less than the mean: every score of the drug abstains; no mark: as good, and scores say so"
)


def headline(retrain: Retrain) -> pd.DataFrame:
    """Out-of-fold Pearson r of every method, a row a drug, the best predicted first.

    Returns
    -------
    DataFrame
        Indexed by drug: `n` (lines), `pearson, lower, upper` (blend), one column for each other
        method, `best_baseline` (its name), `best_baseline_pearson` (0 where undefined), `gain`
        (``better``, ``as good`` or ``worse`` than that) and `probability` (of better). Of a binary
        response they are `auc` and `best_baseline_auc`.
    """
    metrics, name = retrain.metrics, retrain.yardstick.headline
    r = metrics[(metrics["subset"] == "all") & (metrics["metric"] == name)]
    blend = r[r["method"] == "blend"].set_index("drug")
    table = blend[["n", "value", "lower", "upper"]].rename(columns={"value": name})
    by_method = r.pivot(index="drug", columns="method", values="value")
    table = table.join(by_method[_others(retrain)])
    baselines = by_method[retrain.baselines].fillna(0.0)
    table["best_baseline"] = baselines.idxmax(axis=1)
    table[f"best_baseline_{name}"] = baselines.max(axis=1)
    gains = [retrain.verdict.gains[str(drug)] for drug in table.index]
    table["gain"] = [gain.verdict for gain in gains]
    table["probability"] = [gain.probability for gain in gains]
    return table.sort_values(name, ascending=False, kind="stable")


def _others(retrain: Retrain) -> list[str]:
    """Methods beside the blend."""
    return ["ridge", "trees", *retrain.baselines]


def legend(retrain: Retrain) -> str:
    """What the marks of a table say."""
    if retrain.yardstick.kind == CONTINUOUS:
        return LEGEND
    return LEGEND.replace("r within folds", "Area under the ROC curve")


def text_table(retrain: Retrain) -> str:
    """The headline as aligned text, with the panel's means as the last row."""
    rows = _headline_cells(retrain)
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
    return "\n".join([*lines, legend(retrain)])


def _headline_cells(retrain: Retrain) -> list[list[str]]:
    yardstick, others = retrain.yardstick, _others(retrain)
    table = headline(retrain)
    means = panel_means(retrain.metrics, yardstick)[yardstick.headline]
    names = [name.replace("_", " ") for name in others]
    rows = [["drug", "lines", f"blend {yardstick.symbol}", "95 % interval", *names]]
    for drug, row in table.iterrows():
        mark = f" {_MARKS[row['gain']]}".rstrip()
        interval = f"{_number(row['lower'])} to {_number(row['upper'])}"
        beside = [_number(row[name]) for name in others]
        rows.append(
            [
                f"{both_names(str(drug))}{mark}",
                str(row["n"]),
                _number(row[yardstick.headline]),
                interval,
                *beside,
            ]
        )
    mean = [_number(means[name]) for name in ("blend", *others)]
    rows.append([f"mean of {len(table)}", "", mean[0], "", *mean[1:]])
    return rows


def metrics_table(retrain: Retrain, subset: str = "all") -> str:
    """Pearson r, RMSE and the baselines' r in Markdown, a row a drug, the best predicted first.

    With intervals, RMSE in the response's unit. Of a binary response they are AUC and Brier score.

    Parameters
    ----------
    retrain : Retrain
    subset : {"all", "her2_high"}
        Lines. Over all of them, the last column says how r stands against the best baseline's, and
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
    yardstick, named = retrain.yardstick, retrain.baselines
    headed, symbol, error = yardstick.headline, yardstick.symbol, yardstick.error
    beside = [f"{name.replace('_', ' ')} {symbol}" for name in named]
    heads = ["drug", "lines", symbol, yardstick.error_words, *beside]
    all_lines = subset == "all"
    rows = [[*heads, *(["against the best baseline"] if all_lines else [])]]
    blend = table[(table["method"] == "blend") & (table["metric"] == headed)]
    for row in blend.sort_values("value", ascending=False, kind="stable").to_dict("records"):
        drug = row["drug"]
        baselines = [
            f"{as_text(markers[drug]) if name == 'marker' else ''} "
            f"{estimates[drug, name, headed]}".strip()
            for name in named
        ]
        rows.append(
            [
                as_text(both_names(drug)),
                str(row["n"]),
                estimates[drug, "blend", headed],
                estimates[drug, "blend", error],
                *baselines,
            ]
        )
        if all_lines:
            gain = retrain.verdict.gains[drug]
            rows[-1].append(f"{gain.verdict} ({gain.probability:.2f})")
    if all_lines and len(rows) > 2:
        rows.append(_mean_cells(retrain))
    return markdown_rows(rows)


def _mean_cells(retrain: Retrain) -> list[str]:
    yardstick = retrain.yardstick
    means = panel_means(retrain.metrics, yardstick)
    headed = means[yardstick.headline].to_dict()
    r = [f"{headed[name]:.2f}" for name in ("blend", *retrain.baselines)]
    rmse = f"{means[yardstick.error].to_dict()['blend']:.2f}"
    verdict = retrain.verdict
    return [
        f"mean of {len(verdict.gains)}",
        "",
        r[0],
        rmse,
        *r[1:],
        f"{len(verdict.drugs(BETTER))} better, {len(verdict.drugs(WORSE))} worse",
    ]


def reliability_sentence(retrain: Retrain, drug: str | None = None) -> str:
    """How far intervals, or probabilities, held on held-out samples, of a drug or all of them."""
    if retrain.yardstick.kind == CONTINUOUS:
        of_drug = retrain.coverage["drug"] == drug
        return coverage_sentence(retrain.coverage if drug is None else retrain.coverage[of_drug])
    table = retrain.metrics[retrain.metrics["subset"] == "all"]
    table = table[table["drug"] == drug] if drug is not None else table
    found = table.groupby(["method", "metric"])["value"].mean()
    method = "calibrated" if "calibrated" in found.index.get_level_values(0) else "blend"
    brier, relative = found[method, "brier"], found[method, "brier_relative"]
    return (
        f"Probabilities: Brier score {brier:.3f} ({relative:.2f} of the training rate's) after "
        f"calibration within the folds; slope of the log-odds before it "
        f"{found['blend', 'calibration_slope']:.2f}, intercept "
        f"{found['blend', 'calibration_intercept']:+.2f}."
    )


def intervals_table(coverage: pd.DataFrame) -> str | None:
    """Share of held-out lines within intervals, their width, and the groups farthest off.

    In Markdown; None where there are too few lines for intervals.
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
    """Coverage and width a combination of modalities, predicted by the sub-model of those alone."""
    levels = [round(100 * level) for level in LEVELS]
    heads = [f"{level} % {what}" for level in levels for what in ("held", "width (SD)")]
    rows = [["modalities", "line-drug pairs", *heads]]
    tables = [coverage_by(coverage, level, "pattern") for level in levels]
    for number, pattern in enumerate(tables[0].index):
        row = [modality_words(str(pattern)), str(tables[0]["n"].iloc[number])]
        for table in tables:
            row += [_percent(table["share"].iloc[number]), f"{table['width_sd'].iloc[number]:.2f}"]
        rows.append(row)
    return markdown_rows(rows)


def modality_words(pattern: str) -> str:
    """A pattern such as ``expression;copy_number`` in words."""
    words = pattern.replace(";", ", ").replace("_", " ").replace("rppa", "RPPA")
    return words or "clinical attributes alone"


def _estimate(value: float, lower: float, upper: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.2f}" if lower == upper else f"{value:.2f} ({lower:.2f} to {upper:.2f})"


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.2f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
