"""The two kinds of charts of the one-pager. In both, right is resistant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sidestep.serving.disk.sample_scores import DrugScore, SampleScores
from sidestep.serving.disk.score_folder import ScoreFolder
from sidestep.serving.words.sentences import Scale
from sidestep.serving.words.wording import counted, number

#: As in ``report.css``.
CALL_COLOURS = {"resistant": "#ad4c08", "sensitive": "#1b5a9e", "uncertain": "#5b6774",
                "abstain": "#8a95a1"}  # fmt: skip
_MARKS = {"resistant": "^", "sensitive": "v", "uncertain": "o", "abstain": "o"}
_WORDS = {"abstain": "no call"}
_RAIL, _SOFT = "#dfe4e9", "#55616e"
_MOST_DRUGS = 26
_LONGEST = 22
#: The scale of the intervals ends at these on either side of the typical line.
_END, _EDGE = 1.18, 1.14
#: Shares of the page's width: names and percentiles, calls; names of sums, and their numbers.
_NAMES, _CALLS, _LABELS, _NUMBERS = 0.165, 0.07, 0.13, 0.045


def draw_ranking(
    figure: Figure,
    folder: ScoreFolder,
    scores: SampleScores,
    *,
    left: float,
    right: float,
    top: float,
    bottom: float,
) -> None:
    """Drugs from most resistant to most sensitive, each on the scale of its training lines."""
    ranked = sorted(scores.drugs, key=_rank)
    shown = ranked
    if len(ranked) > _MOST_DRUGS:
        half = _MOST_DRUGS // 2
        told = [one for one in ranked if one.call != "abstain"] or ranked
        shown = [*told[:half], *told[max(half, len(told) - half) :]]
    scale = Scale.of(folder.manifest)
    # Not taller than legible: 0.021 of the page a drug.
    height = min(top - bottom, 0.021 * (len(shown) + 2))
    axes = figure.add_axes(
        (left + _NAMES, top - height, right - left - _NAMES - _CALLS, height - 0.02)
    )
    axes.set_axis_off()
    axes.set_xlim(-_END, _END)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.axvline(0.0, color="#8a95a1", lw=0.7, zorder=1)
    for text, at, side in (("← sensitive", 0.0, "left"), ("resistant →", 1.0, "right")):
        axes.text(at, 1.01, text, transform=axes.transAxes, color=_SOFT, fontsize=6.5, ha=side)
    for row, score in enumerate(shown):
        _draw_interval(axes, row, score, _lines(folder, score), scale)
    hidden = len(ranked) - len(shown)
    note = "Broad grey: middle half of the training lines. Line: the typical one."
    more = f"\n{counted(hidden, 'more drug')} in report.html." if hidden else ""
    figure.text(left, top - height - 0.006, note + more, fontsize=6.5, color=_SOFT, va="top")


def draw_sums(
    figure: Figure,
    box: tuple[float, float, float, float],
    title: str,
    rows: Sequence[tuple[str, float]],
    scale: Scale,
) -> None:
    """Contributions as bars to either side of nothing, with their numbers."""
    left, bottom, width, height = box
    bars = width - _LABELS - _NUMBERS
    axes = figure.add_axes((left + _LABELS, bottom, bars, height))
    axes.set_axis_off()
    figure.text(left, bottom + height + 0.001, title, fontsize=7, fontweight="bold")
    most = max((abs(value) for _, value in rows), default=0.0) or 1.0
    sign = 1.0 if scale.higher_is_resistant else -1.0
    axes.set_xlim(-1.05, 1.05)
    axes.set_ylim(max(len(rows), 6) - 0.4, -0.6)
    axes.axvline(0.0, color="#8a95a1", lw=0.7)
    for row, (label, value) in enumerate(rows):
        colour = CALL_COLOURS[scale.side(value)]
        axes.barh(row, sign * value / most, height=0.66, color=colour)
        for at, text, shade in (
            (-0.005 / bars, _short(label), None),
            (1.0 + _NUMBERS / bars, number(value, signed=True, beside=most), colour),
        ):
            axes.text(at, row, text, transform=axes.get_yaxis_transform(), ha="right", va="center",
                      fontsize=6.5, color=shade)  # fmt: skip


def _rank(score: DrugScore) -> tuple[bool, float]:
    known = score.call != "abstain" and score.percentile is not None
    return not known, -(score.percentile or 0.0) if known else 0.0


def _draw_interval(axes: Axes, row: int, score: DrugScore, lines: np.ndarray, scale: Scale) -> None:
    """Dot and whisker of one drug, with its name and call."""
    middle = scale.typical.get(score.drug)
    if middle is None:
        middle = float(np.median(lines))
    half = max(abs(lines[0] - middle), abs(lines[-1] - middle)) or 1.0
    sign = 1.0 if scale.higher_is_resistant else -1.0

    def place(value: float) -> float:
        return float(np.clip(sign * (value - middle) / half, -_EDGE, _EDGE))

    colour, hollow = CALL_COLOURS.get(score.call, _SOFT), score.call == "abstain"
    low, high = np.quantile(lines, [0.25, 0.75])
    axes.plot([place(lines[0]), place(lines[-1])], [row, row], color=_RAIL, lw=1.2, zorder=0)
    axes.barh(row, place(high) - place(low), left=place(low), height=0.5, color=_RAIL, zorder=0)
    if score.lower is not None and score.upper is not None:
        ends = [place(score.lower), place(score.upper)]
        axes.plot(ends, [row, row], color=colour, lw=1.4, ls=":" if hollow else "-", zorder=2)
    axes.plot(place(score.prediction), row, _MARKS.get(score.call, "o"), ms=5, zorder=3, mec=colour,
              mfc="white" if hollow else colour)  # fmt: skip
    percentile = "–" if hollow or score.percentile is None else f"{score.percentile:.0f}"
    share = axes.get_position().width
    for at, text, side, shade in (
        (-_NAMES / share, _short(score.drug), "left", None),
        (-0.008 / share, percentile, "right", None),
        (1.0 + 0.008 / share, _WORDS.get(score.call, score.call), "left", colour),
    ):
        axes.text(at, row, text, transform=axes.get_yaxis_transform(), ha=side, va="center",
                  fontsize=7.5, color=shade)  # fmt: skip


def _lines(folder: ScoreFolder, score: DrugScore) -> np.ndarray:
    """Quantiles of what was observed in the training lines; the prediction where none are known."""
    table = folder.reference
    rows = table[(table["drug"] == score.drug) & (table["modalities"] == score.modalities)]
    observed = rows.sort_values("quantile")["observed"].dropna().to_numpy(float)
    return observed if len(observed) else np.array([score.prediction])


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"
