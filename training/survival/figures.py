"""A survival screen as pictures: a forest plot, and Kaplan-Meier curves side by side.

Curves after Kaplan and Meier, J. Am. Stat. Assoc. 53:457 (1958),
doi:10.1080/01621459.1958.10501452. Colours are those of Okabe and Ito (2008), which colour-blind
readers can tell apart. Figures are made without pyplot, so that none stays open.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sksurv.nonparametric import kaplan_meier_estimator

from sidestep.training.survival.screen import BETTER, WORSE, Screen

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#7F7F7F"
FOREST, KAPLAN_MEIER = "forest.png", "kaplan_meier.png"
_DPI = 130
_MOST_GENES = 60
_COLUMNS = 6
_COLOUR_OF = {WORSE: ORANGE, BETTER: BLUE}


def draw_screen(screen: Screen, folder: Path) -> None:
    """Write ``forest.png``, and ``kaplan_meier.png`` where a gene could be split at its median.

    Of more than 60 tested genes, those with the smallest log-rank p are shown.
    """
    with rc_context({"text.parse_math": False}):  # a dollar sign in a name is no formula
        _save(forest(screen), folder / FOREST, screen)
        if screen.table["logrank_p"].notna().any():
            _save(kaplan_meier(screen), folder / KAPLAN_MEIER, screen)


def forest(screen: Screen) -> Figure:
    """Concordance index of each gene with its interval, the highest above.

    A filled dot is significant after correction for the number of genes; orange and blue are
    genes whose interval leaves 0.5 out.
    """
    tested = screen.table[screen.table["c_index"].notna()]
    shown = tested.head(_MOST_GENES).sort_values("c_index", kind="stable", ignore_index=True)
    figure = Figure(figsize=(9.0, 1.9 + 0.24 * max(len(shown), 2)), layout="constrained")
    axes, side = figure.subplots(1, 2, sharey=True, width_ratios=[2.4, 1])
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.axvline(0.5, color=GREY, lw=0.8, ls="--")
    for row, (_, gene) in enumerate(shown.iterrows()):
        colour = _COLOUR_OF.get(gene["direction"], GREY)
        axes.plot([gene["c_index_lower"], gene["c_index_upper"]], [row, row], color=colour, lw=1.6)
        face = colour if gene["significant"] else "white"
        axes.plot(gene["c_index"], row, "o", ms=5.5, mec=colour, mfc=face, mew=1.3)
    axes.set_yticks(range(len(shown)), list(shown["gene"]), fontsize="small")
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize="small")
    axes.set_ylim(-0.7, max(len(shown), 2) + 0.2)
    _write_numbers(side, shown)
    percent = f"{100 * screen.settings.confidence:g} %"
    axes.set_xlabel(
        f"concordance index with {percent} interval, coloured where it leaves 0.5 out\n"
        "(left: high expression, better outcome; right: worse); "
        f"filled: q of the log-rank test ≤ {screen.settings.fdr:g}", fontsize="small"
    )  # fmt: skip
    figure.suptitle(_title(screen, len(shown), len(tested)), fontsize="medium")
    return figure


def _write_numbers(axes: Axes, shown: pd.DataFrame) -> None:
    """Hazard ratio, q and the published outcome, in the rows of the plot beside it."""
    axes.set_axis_off()
    for x, title in ((0.0, "hazard ratio a SD"), (0.56, "q"), (0.74, "published")):
        axes.text(x, len(shown) - 0.3, title, fontsize="x-small", color=GREY)
    for row, (_, gene) in enumerate(shown.iterrows()):
        q = "" if np.isnan(gene["q"]) else _p(gene["q"])
        for x, text in ((0.0, _ratio(gene)), (0.56, q), (0.74, gene["paper_outcome"])):
            axes.text(x, row, text, va="center", fontsize="x-small")


def kaplan_meier(screen: Screen) -> Figure:
    """Survival above and up to each gene's median, a panel a gene, the smallest p first."""
    split = screen.table[screen.table["logrank_p"].notna()]
    shown = split.head(_MOST_GENES)
    columns = min(_COLUMNS, max(len(shown), 2))
    rows = ceil(len(shown) / columns)
    figure = Figure(figsize=(1.2 + 2.2 * columns, 1.5 + 2.0 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    for axes, (_, gene) in zip(panels, shown.iterrows(), strict=False):
        _draw_panel(axes, screen, gene)
    for axes in panels[max(len(shown) - columns, 0) : len(shown)]:
        axes.tick_params(labelbottom=True)
    figure.supxlabel("months", fontsize="small")
    figure.supylabel(f"probability of {screen.cohort.survival.name}", fontsize="small")
    # As the legend's title: the layout makes room for both, where it would let them overlap.
    figure.legend(panels[0].get_lines()[:2], ["expression up to the median", "above it"], ncols=2,
                  loc="outside upper center", frameon=False, fontsize="small",
                  title=_title(screen, len(shown), len(split)))  # fmt: skip
    return figure


def _draw_panel(axes: Axes, screen: Screen, gene: pd.Series) -> None:
    level = screen.cohort.expression[gene["gene"]].to_numpy(float)
    event = screen.cohort.survival.event.to_numpy(bool)
    months = screen.cohort.survival.months.to_numpy(float)
    high = level > np.nanmedian(level)
    for part, colour in ((~high & ~np.isnan(level), BLUE), (high, ORANGE)):
        time, probability = kaplan_meier_estimator(event[part], months[part])
        axes.step([0.0, *time], [1.0, *probability], where="post", color=colour, lw=1.3)
    strong = "bold" if gene["significant"] else "normal"
    axes.set_title(gene["gene"], fontsize="small", weight=strong, pad=3)
    axes.text(
        0.04, 0.05, f"p {_p(gene['logrank_p'])}, q {_p(gene['q'])}\n{gene['n_low']} and "
        f"{gene['n_high']} patients", transform=axes.transAxes, fontsize="xx-small", color=GREY,
    )  # fmt: skip
    axes.set_ylim(0.0, 1.03)
    axes.set_xlim(left=0.0)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.tick_params(labelsize="x-small")
    axes.spines[["top", "right"]].set_visible(False)


def _title(screen: Screen, shown: int, tested: int) -> str:
    cohort = screen.cohort
    selection = f", the {shown} of {tested} genes with the smallest p" if shown < tested else ""
    return (
        f"{cohort.study.study_id}, {cohort.group.name}\n{cohort.survival.name}: "
        f"{cohort.counts['with_expression']} patients, {cohort.counts['events']} events{selection}"
    )


def _ratio(gene: pd.Series) -> str:
    value, lower, upper = gene[["hazard_ratio", "hazard_ratio_lower", "hazard_ratio_upper"]]
    return "" if np.isnan(value) else f"{value:.2f} ({lower:.2f} to {upper:.2f})"


def _p(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.1g}"


def _save(figure: Figure, path: Path, screen: Screen) -> None:
    if screen.cohort.study.simulated:
        figure.text(0.005, 0.995, "simulated data", va="top", color=ORANGE, weight="bold",
                    fontsize="small")  # fmt: skip
    # Without the library's version in it, the same screen has the same bytes.
    figure.savefig(path, format="png", dpi=_DPI, metadata={"Software": None})
