"""A print-ready A4 page about one sample: drugs in order, and what drives the most telling ones.

In all charts right is resistant.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from sidestep.features.knowledge.drugs import both_names
from sidestep.serving.combinations.words import partner_view
from sidestep.serving.disk.sample_scores import DrugScore, SampleScores
from sidestep.serving.disk.score_folder import ScoreFolder, read_score_folder
from sidestep.serving.evidence.facts import NONE, STRENGTHS
from sidestep.serving.report.overview import quality_sentence
from sidestep.serving.report.writing import MAKER, sample_file, write_beside
from sidestep.serving.scoring.reasons import MISSING
from sidestep.serving.words.sentences import (
    Scale,
    abstains,
    drug_sentences,
    limits_sentence,
    reason_text,
    sample_sentences,
)
from sidestep.serving.words.wording import counted, feature_label, fixed, number

_WIDTH, _HEIGHT = 8.27, 11.69
_LEFT, _RIGHT = 0.06, 0.94
_INK, _SOFT = "#18222d", "#55616e"
_MOST_TELLING = 3
_MOST_SUMS = 6
_MOST_REASONS = 5
# With more drugs than these their list fills the column.
_FEW_DRUGS = 12
_MOST_FACTS = 5
_MOST_PARTNERS = 3
# Characters of a line in the left column.
_COLUMN = 64
_NEARNESS = {strength: place for place, strength in enumerate(STRENGTHS)}
_LIMITS = (
    "Contributions say what the model looked at, not what causes resistance. Research use only: "
    "Sidestep is not a medical device, and these numbers are not advice on treatment."
)
#: So that the page looks, and its bytes are, the same whatever a user's own settings.
_SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "text.parse_math": False,
    "pdf.fonttype": 42,
    "text.color": _INK,
}
#: As in ``report.css``.
_CALL_COLOURS = {"resistant": "#ad4c08", "sensitive": "#1b5a9e", "uncertain": "#5b6774",
                "abstain": "#8a95a1"}  # fmt: skip
_MARKS = {"resistant": "^", "sensitive": "v", "uncertain": "o", "abstain": "o"}
_WORDS = {"abstain": "no call"}
_RAIL = "#dfe4e9"
_MOST_DRUGS = 26
_LONGEST = 22
#: The scale of the intervals ends at these on either side of the typical line.
_END, _EDGE = 1.18, 1.14
#: Shares of the page's width: names and percentiles, calls; names of sums, and their numbers.
_NAMES, _CALLS, _LABELS, _NUMBERS = 0.165, 0.102, 0.13, 0.045


def write_one_page(folder: Path, sample: str, out: Path | None = None) -> Path:
    """Write a sample's page as PDF; ``report-ID.pdf`` in the score folder by default.

    The same scores give the same bytes.

    Raises
    ------
    InputError
        If the folder cannot be read, or the sample was not scored.
    OSError
        If the file cannot be written.
    """
    scores = read_score_folder(folder)
    drawn = BytesIO()
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        metadata = {"Title": f"Sidestep: {sample}", "Creator": MAKER, "CreationDate": None}
        figure = one_page(scores, scores.one_sample(sample))
        figure.savefig(drawn, format="pdf", metadata=metadata)
    return write_beside(folder, sample_file(sample, ".pdf"), out, drawn.getvalue())


def one_page(folder: ScoreFolder, scores: SampleScores) -> Figure:
    """Headline, drugs in order, what drives the most telling ones, warnings and limits."""
    page = _Page()
    scale = Scale.of(folder.manifest)
    model, study = folder.manifest["model"], folder.manifest["study"]
    version = f" version {model['version']}" if model["version"] else ""
    for line in textwrap.wrap(scores.sample, 50) or [scores.sample]:
        page.line(line, size=17, weight="bold", skip=0.026)
    page.text(
        f"{study['name'] or study['id']}, scored with {model['name']}{version}: "
        f"{scale.response}, {scale.unit}",
        width=125,
        colour=_SOFT,
    )
    if folder.manifest.get("simulated"):
        page.line("SIMULATED DATA: these numbers say nothing about real samples.", weight="bold",
                  colour=_CALL_COLOURS["resistant"])  # fmt: skip
    for sentence in sample_sentences(scores, folder.modalities):
        page.text(sentence, size=8.5, width=118)
    page.top -= 0.008
    top = page.top
    _draw_ranking(page.figure, folder, scores, left=_LEFT, right=0.44, top=top, bottom=0.2)
    _draw_telling(page, scores, scale, top)
    partners = folder.partners([scores.sample]).get(scores.sample, [])
    if len(scores.drugs) <= _FEW_DRUGS:
        page.top = 0.42
        _write_partners(page, partners, width=_COLUMN)
        _write_facts(page, scores)
        _write_measured(page, scores)
        page.top = 0.165
    else:
        page.top = 0.182
        _write_partners(page, partners, width=135)
    _write_warnings(page, scores, scale.event)
    page.text(_trust(folder, _telling(scores)), width=135, colour=_SOFT)
    page.text(f"{limits_sentence(scale.event)} {_LIMITS}", width=135, colour=_SOFT)
    return page.figure


class _Page:
    """A sheet that is written from top to bottom."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=(_WIDTH, _HEIGHT))
        self.top = 0.955
        self.figure.text(_RIGHT, self.top, "Sidestep · research use only", ha="right", va="top",
                         color=_SOFT)  # fmt: skip

    def line(
        self,
        text: str,
        *,
        left: float = _LEFT,
        size: float = 7.5,
        weight: str = "normal",
        colour: str = _INK,
        skip: float | None = None,
    ) -> None:
        """Write a line and go on below it."""
        self.figure.text(left, self.top, printable(text), fontsize=size, fontweight=weight,
                         color=colour, va="top")  # fmt: skip
        self.top -= 1.45 * size / 72 / _HEIGHT if skip is None else skip

    def text(
        self, text: str, *, width: int, left: float = _LEFT, size: float = 7.5, colour: str = _INK
    ) -> None:
        """Write a paragraph of lines of at most `width` characters."""
        for line in textwrap.wrap(text, width):
            self.line(line, left=left, size=size, colour=colour)
        self.top -= 0.003


def printable(text: str) -> str:
    """The text with a box for every sign that the page's font does not have."""
    font = get_font(findfont(FontProperties(family="DejaVu Sans")))
    return "".join(sign if font.get_char_index(ord(sign)) else "\N{WHITE SQUARE}" for sign in text)


def _telling(scores: SampleScores) -> list[DrugScore]:
    """Drugs of which most is known: called before uncertain, and far from the middle."""
    called = [one for one in scores.drugs if one.call != "abstain"] or list(scores.drugs)

    def rank(one: DrugScore) -> tuple[bool, float]:
        far = 0.0 if one.percentile is None else abs(one.percentile - 50.0)
        return one.call == "uncertain", -far

    return sorted(called, key=rank)[:_MOST_TELLING]


def _draw_telling(page: _Page, scores: SampleScores, scale: Scale, top: float) -> None:
    """Sentences, mechanisms and features of the most telling drugs, one below the other."""
    left, middle = 0.47, 0.73
    height = (top - 0.2) / _MOST_TELLING
    for place, score in enumerate(_telling(scores)):
        page.top = top - place * height
        page.line(both_names(score.drug), left=left, size=10, weight="bold", skip=0.018)
        predicted, called, marker, *_ = drug_sentences(score, scale)
        page.text(f"{predicted} {called} {marker}", width=78, left=left, size=7)
        sums = sorted(score.by_mechanism.items(), key=lambda item: -abs(item[1]))[:_MOST_SUMS]
        features = [
            (feature_label(one.feature) + ("" if one.stable else " *"), one.contribution)
            for one in islice(score.features, _MOST_SUMS)
        ]
        bottom = top - (place + 1) * height + 0.022
        for at, width, title, rows in (
            (left, 0.225, "Mechanisms", sums),
            (middle, 0.21, "Features (* unstable)", features),
        ):
            box = (at, bottom, width, max(page.top - bottom - 0.016, 0.03))
            _draw_sums(page.figure, box, title, rows, scale)


def _write_facts(page: _Page, scores: SampleScores) -> None:
    """What the literature knows, the nearest first, but for what makes no difference."""
    drugs: dict[tuple[str, str, str, str], list[str]] = {}
    for score in scores.drugs:
        for row in score.evidence:
            if row["direction"] != NONE and row["kind"] != "measured":
                fact, direction = str(row["fact"]), str(row["direction"])
                key = (fact, direction, str(row["strength"]), str(row["source"]))
                drugs.setdefault(key, []).append(both_names(score.drug))
    if not drugs:
        return
    page.line("Known facts, whatever the model says", size=8.5, weight="bold", skip=0.016)
    nearest = sorted(drugs, key=lambda known: _NEARNESS.get(known[2], len(_NEARNESS)))
    for known in nearest[:_MOST_FACTS]:
        fact, direction, strength, source = known
        of = ", ".join(dict.fromkeys(drugs[known]))
        page.text(f"• {fact}: {direction} ({strength}), {of} ({source})", width=64, size=7)
    if len(drugs) > _MOST_FACTS:
        page.text(f"• {len(drugs) - _MOST_FACTS} more in report.html", width=70, size=7)


def _write_measured(page: _Page, scores: SampleScores) -> None:
    """What assays of the sample found, in the order of its drugs."""
    found = [
        f"{both_names(score.drug)}: {row['fact']} ({row['source']})"
        for score in scores.drugs
        for row in score.evidence
        if row["kind"] == "measured"
    ]
    if not found:
        return
    page.line("Measured in this sample; no part of any prediction", size=8.5, weight="bold",
              skip=0.016)  # fmt: skip
    for words in found[:_MOST_FACTS]:
        page.text(f"• {words}", width=64, size=7)
    if len(found) > _MOST_FACTS:
        page.text(f"• {len(found) - _MOST_FACTS} more in report.html", width=70, size=7)


def _write_partners(page: _Page, partners: Sequence[Mapping[str, Any]], *, width: int) -> None:
    """The first partner of each drug that is predicted to fail, the nearest evidence first."""
    first = [row for row in partners if row["rank"] == 1]
    nearest = sorted(first, key=lambda row: _NEARNESS.get(row["rule_evidence"], len(_NEARNESS)))
    told = []
    for row in nearest[:_MOST_PARTNERS]:
        mechanism = f", {row['matched_mechanism']}" if row["matched_mechanism"] else ""
        told.append(
            f"{both_names(row['drug'])} fails: {both_names(row['partner'])} "
            f"({row['rule_evidence']}{mechanism}; {partner_view(row)})"
        )
    if len(first) > _MOST_PARTNERS:
        told.append(f"{len(first) - _MOST_PARTNERS} more in report.html")
    if told and width > _COLUMN:
        page.text(f"Partner drugs to think of: {'; '.join(told)}. No synergy is claimed.",
                  width=width)  # fmt: skip
    elif told:
        page.line("Partner drugs to think of; no synergy is claimed", size=8.5, weight="bold",
                  skip=0.016)  # fmt: skip
        for one in told:
            page.text(f"• {one}", width=width, size=7)
        page.top -= 0.006


def _write_warnings(page: _Page, scores: SampleScores, event: str) -> None:
    # What was not measured stands at the top.
    counts = Counter(
        code for one in scores.drugs for code in one.reasons if not code.startswith(MISSING.code)
    )
    ordered = sorted(counts, key=lambda code: (not abstains(code), -counts[code], code))
    for code in ordered[:_MOST_REASONS]:
        no_call = " No call is made." if abstains(code) else ""
        meaning = reason_text(code, event)
        page.text(f"• {meaning}{no_call} ({counts[code]} of {len(scores.drugs)} drugs)",
                  width=135)  # fmt: skip
    if len(ordered) > _MOST_REASONS:
        page.text(f"• {len(ordered) - _MOST_REASONS} more in report.html", width=135)


def _trust(folder: ScoreFolder, telling: Sequence[DrugScore]) -> str:
    """How well the drugs that are explained are predicted."""
    described = {drug["name"]: drug for drug in folder.manifest["drugs"]}
    return " ".join(
        f"{both_names(one.drug)}: {quality_sentence(described[one.drug])}" for one in telling
    )


def _draw_ranking(
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
        called = [one for one in ranked if one.call != "abstain"] or ranked
        shown = [*called[:half], *called[max(half, len(called) - half) :]]
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
    for text, at, side in (("← sensitive", -0.18, "left"), ("resistant →", 1.18, "right")):
        axes.text(at, 1.01, text, transform=axes.transAxes, color=_SOFT, fontsize=6.5, ha=side)
    for row, score in enumerate(shown):
        _draw_interval(axes, row, score, _lines(folder, score), scale)
    hidden = len(ranked) - len(shown)
    note = (
        f"Broad grey: middle half of the {scale.said('training lines')}. Upright: the typical.\n"
        "Before it: percentile. Behind it: call and probability of resistance."
    )
    more = f"\n{counted(hidden, 'more drug')} in report.html." if hidden else ""
    figure.text(left, top - height - 0.006, note + more, fontsize=6.5, color=_SOFT, va="top")


def _draw_sums(
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
        colour = _CALL_COLOURS[scale.side(value)]
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

    colour, hollow = _CALL_COLOURS.get(score.call, _SOFT), score.call == "abstain"
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
    word = _WORDS.get(score.call, score.call)
    if not hollow and score.p_resistant is not None:
        word += f" {fixed(min(max(score.p_resistant, 0.01), 0.99), 2)}"
    for at, text, side, shade in (
        (-_NAMES / share, _short(both_names(score.drug)), "left", None),
        (-0.008 / share, percentile, "right", None),
        (1.0 + 0.008 / share, word, "left", colour),
    ):
        axes.text(at, row, text, transform=axes.get_yaxis_transform(), ha=side, va="center",
                  fontsize=7.5, color=shade)  # fmt: skip


def _lines(folder: ScoreFolder, score: DrugScore) -> np.ndarray:
    """Quantiles of what was observed in the training lines; the prediction where none are known."""
    table = folder.reference
    rows = table[
        (table["drug"] == score.drug)
        & (table["reference"] == score.reference)
        & (table["modalities"] == score.modalities)
    ]
    observed = rows.sort_values("quantile")["observed"].dropna().to_numpy(float)
    return observed if len(observed) else np.array([score.prediction])


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"
