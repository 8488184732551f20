"""What cross-validation found, as pictures of a panel and of each drug.

The summary of a model's Shapley values is the beeswarm plot of the `shap` package (Lundberg et al.
2020, Nat Mach Intell 2:56-67, doi:10.1038/s42256-019-0138-9).

Colours are those of Okabe and Ito (2008) and of cividis, which colour-blind readers can tell apart.
Figures are made without pyplot, so that none stays open.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from sidestep.features.builders.names import modality_of
from sidestep.features.study.responses import CONTINUOUS
from sidestep.models.predictor.shap_values import shap_explanation
from sidestep.training.reports.tables import headline
from sidestep.training.retrain import Retrain
from sidestep.training.validation.evaluation import panel_means
from sidestep.training.validation.gate import WORSE

if TYPE_CHECKING:
    import shap

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"
_DPI = 100
_COLOURS = 128
_NAMED_LINES = 4
_SWARM_COLOURS = "cividis"
_SWARM_ROWS = 15


def draw_panel(retrain: Retrain, folder: Path) -> None:
    """Write ``panel_overview.png``, and ``optuna_history.png`` where trials were made."""
    _save(panel_overview(retrain), folder / "panel_overview.png", retrain)
    if len(retrain.validation.trials()):
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
    explanation = shap_explanation(retrain.predictor, model, matrix)
    contributions = pd.DataFrame(explanation.values, index=matrix.index, columns=matrix.columns)
    pictures = {
        "predicted_vs_observed": predicted_vs_observed(retrain, drug, lines),
        "residuals": residuals(retrain, drug, lines),
        "shap_summary": shap_summary(retrain, drug, explanation),
        "modality_shares": modality_shares(retrain, drug, contributions),
    }
    for name, figure in pictures.items():
        _save(figure, folder / f"{name}.png", retrain)


def panel_overview(retrain: Retrain) -> Figure:
    """Out-of-fold r of the blend and of each drug's best baseline, with their intervals."""
    table = headline(retrain).iloc[::-1]
    r = retrain.metrics[(retrain.metrics["subset"] == "all")]
    yardstick = retrain.yardstick
    r = r[r["metric"] == yardstick.headline].set_index(["drug", "method"])
    best = r.loc[list(zip(table.index, table["best_baseline"], strict=True))]
    figure, axes = _figure(7.5, 1.6 + 0.34 * len(table))
    heights = np.arange(len(table), dtype=float)
    named = ", ".join(name.replace("_", " ") for name in retrain.baselines)
    baseline = f"best baseline ({named})"
    for at, rows, value, colour, marker, label in (
        (heights + 0.14, table, yardstick.headline, BLUE, "o", "blend"),
        (heights - 0.14, best, "value", ORANGE, "s", baseline),
    ):
        values = rows[value].fillna(0.0).to_numpy(float)
        spread = np.abs(rows[["lower", "upper"]].to_numpy(float).T - values)
        axes.errorbar(
            values, at, xerr=np.nan_to_num(spread), fmt=marker, color=colour, ms=5, lw=1.4,
            label=label,
        )  # fmt: skip
    names = [
        f"{drug}{' *' if gain == WORSE else ''}  (n = {n})"
        for drug, gain, n in zip(table.index, table["gain"], table["n"], strict=True)
    ]
    axes.set_yticks(heights, names)
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.axvline(0.0, color=GREY, lw=0.8)
    means = panel_means(retrain.metrics, yardstick)[yardstick.headline].to_dict()
    axes.axvline(means["blend"], color=BLUE, lw=0.8, ls=":")
    within = " within folds" if yardstick.kind == CONTINUOUS else ""
    axes.set_xlabel(f"{yardstick.words}{within}, with 95 % interval (dotted: mean of the blend)")
    lost = "; * worse than a baseline" if (table["gain"] == WORSE).any() else ""
    axes.set_title(f"{_what(retrain)}{lost}")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0 + 0.3 / figure.get_figheight()),
                ncols=2, frameon=False)  # fmt: skip
    return figure


def optuna_history(retrain: Retrain) -> Figure:
    """Error of every trial of every search, the best so far, and the one that was chosen."""
    figure, axes = _figure(7.0, 4.2)
    for fold, search in sorted(retrain.validation.fold_searches.items(), reverse=True):
        label = "searches within the folds" if fold == 0 else None
        _draw_trials(axes, search.trials, GREY, 0.8, label)
    _draw_trials(axes, retrain.validation.search.trials, BLUE, 2.0, "search on all lines")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("trial (line: best so far; ring: chosen)")
    axes.set_ylabel("loss of the blend / loss of the mean")
    axes.set_title(f"Search of the settings: {_what(retrain)}")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.06), ncols=2, frameon=False)
    return figure


def _draw_trials(
    axes: Axes, trials: pd.DataFrame, colour: str, width: float, label: str | None
) -> None:
    trials = trials.dropna(subset=["value"])
    done = trials[trials["state"] == "complete"]
    axes.plot(trials["number"], trials["value"], "o", color=colour, ms=3, alpha=0.5)
    axes.step(done["number"], done["value"].cummin(), where="post", color=colour, lw=width,
              label=label)  # fmt: skip
    chosen = trials[trials["chosen"].astype(bool)]
    axes.plot(chosen["number"], chosen["value"], "o", color=colour, ms=8, mfc="none")


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
    yardstick = retrain.yardstick
    found = f"{yardstick.symbol} = {best[yardstick.headline]:.2f}"
    axes.set_title(f"{drug}: {found} ({interval}), n = {best['n']}")
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


def shap_summary(retrain: Retrain, drug: str, explanation: shap.Explanation) -> Figure:
    """The features that move the final model most, a dot a training line, drawn by `shap`."""
    from shap.plots import beeswarm

    figure, axes = _figure(8.4, 6.4)
    with _same_dots():
        beeswarm(
            explanation,
            max_display=_SWARM_ROWS,
            group_remaining_features=False,  # a sum of hundreds would set the scale
            color=_SWARM_COLOURS,
            ax=axes,
            show=False,
            plot_size=None,
            color_bar_label="feature's value (grey: not measured)",
        )
    axes.tick_params("y", labelsize="small")
    toward = "resistant" if retrain.panel.response.higher_is_resistant else "sensitive"
    axes.set_xlabel(f"contribution ({retrain.panel.response.unit}; right: more {toward})")
    axes.set_title(f"{drug}: what moves the final model on its {len(explanation)} training lines")
    return figure


@contextmanager
def _same_dots() -> Iterator[None]:
    """Let `shap` scatter its dots by a seed of ours; a feature without any value is no warning."""
    state = np.random.get_state()
    np.random.seed(0)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "All-NaN slice encountered", RuntimeWarning)
            yield
    finally:
        np.random.set_state(state)


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
    high = retrain.her2["high"].reindex(x.index, fill_value=False).to_numpy(bool)
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
