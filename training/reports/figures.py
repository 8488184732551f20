"""Which features move a model most, and which way? The summary plot of Shapley values.

After Lundberg et al. (2020), Nat Mach Intell 2:56. Drawn here rather than by the `shap` package,
whose plots write on pyplot's current figure and take seconds to import.

What did cross-validation find? Pictures of a panel and of a drug.

Colours are those of Okabe and Ito (2008) and of cividis, which colour-blind readers can tell apart.
Figures are made without pyplot, so that none stays open.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from sidestep.features.builders.names import modality_of
from sidestep.features.groups import her2_high
from sidestep.training.reports.tables import headline
from sidestep.training.retrain import Retrain
from sidestep.training.validation.cross_validation import ALL_LINES
from sidestep.training.validation.evaluation import panel_means

_SWARM_COLOURS = "cividis"
_UNKNOWN = "#BBBBBB"
_BINS = 60
_TOUCH = 0.09
_WIDEST = 0.4


def draw_summary(
    figure: Figure, axes: Axes, matrix: pd.DataFrame, contributions: pd.DataFrame, top: int = 15
) -> None:
    """Draw one row a feature, largest mean absolute contribution first, a dot a sample.

    Parameters
    ----------
    figure, axes : Figure and Axes
        To draw on.
    matrix, contributions : DataFrame of shape (n_samples, n_features)
        Feature values, NaN where not measured (a grey dot), and their contributions.
    top : int
        Rows.
    """
    order = np.argsort(-contributions.abs().mean().to_numpy(), kind="stable")[:top]
    width = max(float(np.ptp(contributions.iloc[:, order].to_numpy())), np.finfo(float).tiny)
    for row, column in enumerate(order):
        x = contributions.iloc[:, column].to_numpy(float)
        y = -row + swarm(x, width)
        value = matrix.iloc[:, column].rank(pct=True).to_numpy(float)
        known = np.isfinite(value)
        axes.scatter(x[~known], y[~known], s=11, c=_UNKNOWN, lw=0)
        axes.scatter(
            x[known], y[known], s=11, c=value[known], cmap=_SWARM_COLOURS, vmin=0, vmax=1, lw=0
        )
    axes.set_yticks(-np.arange(len(order)), [str(matrix.columns[column]) for column in order])
    axes.set_ylim(-len(order) + 0.4, 0.6)
    axes.axvline(0.0, color="#7F7F7F", lw=0.8)
    axes.locator_params(axis="x", nbins=6)
    scale = figure.colorbar(
        ScalarMappable(Normalize(0, 1), _SWARM_COLOURS), ax=axes, ticks=[0, 1], aspect=40, pad=0.02
    )
    scale.ax.set_yticklabels(["low", "high"])
    scale.set_label("feature's value (grey: not measured)", labelpad=-10)


def swarm(x: np.ndarray, width: float) -> np.ndarray:
    """Heights that keep dots of nearly the same `x` apart, within 0.4 of the row.

    Parameters
    ----------
    x : ndarray of shape (n,)
    width : float
        Extent of the axis; values in the same sixtieth of it are stacked.
    """
    cell = np.floor(x / width * _BINS)
    heights = np.zeros(len(x))
    for place in np.unique(cell):
        inside = np.flatnonzero(cell == place)
        # 0, 1, -1, 2, -2, … so that a stack grows from the middle
        steps = np.arange(1, len(inside) + 1) // 2 * np.where(np.arange(len(inside)) % 2, 1, -1)
        most = max(float(np.abs(steps).max()), 1.0)
        heights[inside] = steps * min(_TOUCH, _WIDEST / most)
    return heights


BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"
_DPI = 100
_COLOURS = 128
_NAMED_LINES = 4


def draw_panel(retrain: Retrain, folder: Path) -> None:
    """Write ``panel_overview.png``, and ``optuna_history.png`` where trials were made."""
    _save(panel_overview(retrain), folder / "panel_overview.png", retrain)
    if any(len(search.trials) for search in retrain.validation.searches.values()):
        _save(optuna_history(retrain), folder / "optuna_history.png", retrain)


def draw_drug(retrain: Retrain, drug: str, folder: Path) -> None:
    """Write the pictures of one drug.

    ``predicted_vs_observed.png``, ``residuals.png`` (both out of fold), ``shap_summary.png`` and
    ``modality_shares.png`` (both of the final model on its training lines).
    """
    lines = retrain.validation.predictions
    lines = lines[lines["drug"] == drug].set_index("sample_id")
    matrix = retrain.validation.features.loc[lines.index]
    model = retrain.predictor.drugs[drug]
    contributions = pd.DataFrame(
        retrain.predictor.explain(matrix, model).values, index=matrix.index, columns=matrix.columns
    )
    pictures = {
        "predicted_vs_observed": predicted_vs_observed(retrain, drug, lines),
        "residuals": residuals(retrain, drug, lines),
        "shap_summary": shap_summary(retrain, drug, matrix, contributions),
        "modality_shares": modality_shares(retrain, drug, contributions),
    }
    for name, figure in pictures.items():
        _save(figure, folder / f"{name}.png", retrain)


def panel_overview(retrain: Retrain) -> Figure:
    """Out-of-fold r of the blend and of each drug's best baseline, with their intervals."""
    table = headline(retrain).iloc[::-1]
    r = retrain.metrics[(retrain.metrics["subset"] == "all")]
    r = r[r["metric"] == "pearson"].set_index(["drug", "method"])
    best = r.loc[list(zip(table.index, table["best_baseline"], strict=True))]
    figure, axes = _figure(7.5, 1.6 + 0.34 * len(table))
    heights = np.arange(len(table), dtype=float)
    baseline = "best baseline (drug mean, lineage mean, marker)"
    for at, rows, value, colour, marker, label in (
        (heights + 0.14, table, "pearson", BLUE, "o", "blend"),
        (heights - 0.14, best, "value", ORANGE, "s", baseline),
    ):
        values = rows[value].fillna(0.0).to_numpy(float)
        spread = np.abs(rows[["lower", "upper"]].to_numpy(float).T - values)
        axes.errorbar(
            values, at, xerr=np.nan_to_num(spread), fmt=marker, color=colour, ms=5, lw=1.4,
            label=label,
        )  # fmt: skip
    names = [
        f"{drug}{'' if beats else ' *'}  (n = {n})"
        for drug, beats, n in zip(table.index, table["beats"], table["n"], strict=True)
    ]
    axes.set_yticks(heights, names)
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.axvline(0.0, color=GREY, lw=0.8)
    means = panel_means(retrain.metrics)["pearson"].to_dict()
    axes.axvline(means["blend"], color=BLUE, lw=0.8, ls=":")
    axes.set_xlabel("Pearson r, out of fold, with 95 % interval (dotted: mean of the blend)")
    lost = "" if table["beats"].all() else "; * loses to a baseline"
    axes.set_title(f"{_what(retrain)}{lost}")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0 + 0.3 / figure.get_figheight()),
                ncols=2, frameon=False)  # fmt: skip
    return figure


def optuna_history(retrain: Retrain) -> Figure:
    """Error of every trial, and the best so far, of the search on all lines and of each fold's."""
    figure, axes = _figure(7.0, 4.2)
    for fold, search in sorted(retrain.validation.searches.items(), reverse=True):
        trials = search.trials.dropna(subset=["value"])
        colour, width = (BLUE, 2.0) if fold == ALL_LINES else (GREY, 0.8)
        labels = {ALL_LINES: "search on all lines", 0: "searches within the folds"}
        done = trials[trials["state"] == "complete"]
        axes.plot(trials["number"], trials["value"], "o", color=colour, ms=3, alpha=0.5)
        axes.step(done["number"], done["value"].cummin(), where="post", color=colour, lw=width,
                  label=labels.get(fold))  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("trial (line: best so far)")
    axes.set_ylabel("squared error / variance of the response")
    axes.set_title(f"Search of the settings: {_what(retrain)}")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.06), ncols=2, frameon=False)
    return figure


def predicted_vs_observed(retrain: Retrain, drug: str, lines: pd.DataFrame) -> Figure:
    """Out-of-fold predictions against what was observed; the farthest lines are named."""
    figure, axes = _figure(5.6, 5.2)
    _points(axes, retrain, lines["observed"], lines["blend"])
    both = lines[["observed", "blend"]].to_numpy()
    axes.axline((both.min(), both.min()), slope=1.0, color=GREY, lw=0.8, ls="--")
    _name_farthest(axes, lines["observed"], lines["blend"], lines["observed"] - lines["blend"])
    unit = retrain.panel.response.unit
    axes.set_xlabel(f"observed ({unit})")
    axes.set_ylabel("predicted, out of fold")
    best = headline(retrain).loc[drug]
    interval = f"{best['lower']:.2f} to {best['upper']:.2f}"
    axes.set_title(f"{drug}: r = {best['pearson']:.2f} ({interval}), n = {best['n']}")
    return figure


def residuals(retrain: Retrain, drug: str, lines: pd.DataFrame) -> Figure:
    """What the out-of-fold prediction missed, against the prediction."""
    figure, axes = _figure(5.6, 4.4)
    missed = lines["observed"] - lines["blend"]
    _points(axes, retrain, lines["blend"], missed)
    axes.axhline(0.0, color=GREY, lw=0.8, ls="--")
    _name_farthest(axes, lines["blend"], missed, missed)
    axes.set_xlabel(f"predicted, out of fold ({retrain.panel.response.unit})")
    axes.set_ylabel("observed - predicted")
    axes.set_title(f"{drug}: residuals")
    return figure


def shap_summary(
    retrain: Retrain, drug: str, matrix: pd.DataFrame, contributions: pd.DataFrame
) -> Figure:
    """The features that move the final model most, a dot a training line."""
    figure, axes = _figure(7.2, 5.4)
    draw_summary(figure, axes, matrix, contributions)
    toward = "resistant" if retrain.panel.response.higher_is_resistant else "sensitive"
    axes.set_xlabel(f"contribution ({retrain.panel.response.unit}; right: more {toward})")
    axes.set_title(f"{drug}: what moves the final model on its {len(matrix)} training lines")
    return figure


def modality_shares(retrain: Retrain, drug: str, contributions: pd.DataFrame) -> Figure:
    """How far each modality moves a prediction: its mean absolute summed contribution."""
    modality = [modality_of(str(name)) for name in contributions.columns]
    moved = contributions.T.groupby(modality, sort=False).sum().abs().mean(axis=1)[::-1]
    share = 100 * moved / max(float(moved.sum()), np.finfo(float).tiny)
    figure, axes = _figure(6.0, 1.5 + 0.45 * len(moved))
    bars = axes.barh([str(name).replace("_", " ") for name in moved.index], moved, color=BLUE)
    axes.bar_label(bars, [f"{part:.0f} %" for part in share], padding=3)
    axes.margins(x=0.12)
    axes.set_xlabel(f"mean |contribution| ({retrain.panel.response.unit})")
    axes.set_title(f"{drug}: how far each modality moves a prediction")
    return figure


def _points(axes: Axes, retrain: Retrain, x: pd.Series, y: pd.Series) -> None:
    """A dot a line, HER2-high lines in another colour and shape."""
    high = her2_high(retrain.study).reindex(x.index, fill_value=False).to_numpy(bool)
    for chosen, colour, marker, label in (
        (~high, BLUE, "o", "other lines"),
        (high, ORANGE, "^", "HER2-high lines"),
    ):
        if chosen.any():
            axes.scatter(x[chosen], y[chosen], c=colour, marker=marker, s=26, alpha=0.8, lw=0,
                         label=f"{label} ({chosen.sum()})")  # fmt: skip
    axes.legend(frameon=False, fontsize="small")


def _name_farthest(axes: Axes, x: pd.Series, y: pd.Series, missed: pd.Series) -> None:
    for sample in missed.abs().nlargest(_NAMED_LINES).index:
        axes.annotate(str(sample), (x[sample], y[sample]), xytext=(4, 3),
                      textcoords="offset points", fontsize="x-small", color=GREY)  # fmt: skip


def _what(retrain: Retrain) -> str:
    return f"{retrain.study.study_id}, {retrain.panel.response.metric}"


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: Figure, path: Path, retrain: Retrain) -> None:
    if retrain.study.simulated:
        figure.text(0.005, 0.995, "simulated data", va="top", color=ORANGE, weight="bold",
                    fontsize="small")  # fmt: skip
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=_DPI)
    # As a palette a picture takes a third of the room; without metadata the same one has the
    # same bytes.
    with Image.open(drawn) as image:
        image.convert("RGB").quantize(_COLOURS).save(path, optimize=True)
