"""Predicted against observed, as a page that names the line of the dot that one points at.

One file that needs no network: an SVG whose dots have titles, and a few lines of script that show
the title at once and find a line by name. Without the script, the titles still show.
"""

from __future__ import annotations

import html
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from sidestep.training.reports.figures import BLUE, GREY, ORANGE
from sidestep.training.reports.tables import headline
from sidestep.training.retrain import Retrain

_WIDTH, _HEIGHT = 640, 520
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 14, 12, 48
_MARGIN = 0.04
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<style>
body {{ font: 14px sans-serif; color: #222; max-width: {width}px; margin: 12px auto; }}
h1 {{ font-size: 17px; margin: 0 0 4px; }}
p {{ margin: 4px 0; }}
svg {{ width: 100%; height: auto; }}
text {{ font-size: 12px; fill: #222; }}
.axis {{ stroke: #222; }} .same {{ stroke: {grey}; stroke-dasharray: 5 4; }}
.other {{ fill: {blue}; }} .high {{ fill: {orange}; }}
.dot {{ opacity: .8; }} .dot:hover, .dot:focus {{ opacity: 1; stroke: #000; outline: none; }}
.finding .dot {{ opacity: .15; }} .finding .found {{ opacity: 1; stroke: #000; }}
.warning {{ color: {orange}; font-weight: bold; }}
</style></head><body>
<h1>{title}</h1>
{simulated}<p>Each dot is a line that was held out; {legend}. Dashed: predicted as observed.</p>
<p><label>Find a line <input id="find" type="search" autocomplete="off"></label>
<span id="told" role="status">Point at a dot to see its line.</span></p>
{drawing}
<script>
const told = document.getElementById("told"), find = document.getElementById("find");
const dots = [...document.querySelectorAll(".dot")];
const say = dot => {{ told.textContent = dot.querySelector("title").textContent; }};
for (const dot of dots) {{
  dot.addEventListener("pointerenter", () => say(dot));
  dot.addEventListener("focus", () => say(dot));
}}
find.addEventListener("input", () => {{
  const wanted = find.value.trim().toLowerCase();
  document.querySelector("svg").classList.toggle("finding", wanted !== "");
  const found = dots.filter(dot => wanted && dot.dataset.line.toLowerCase().includes(wanted));
  for (const dot of dots) dot.classList.toggle("found", found.includes(dot));
  if (found.length === 1) say(found[0]);
  else if (wanted) told.textContent = found.length + " lines";
}});
</script></body></html>
"""


@dataclass(frozen=True)
class _Axis:
    """From values to places along one side of the drawing."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def of(cls, values: np.ndarray, start: float, end: float) -> _Axis:
        low, high = float(values.min()), float(values.max())
        margin = _MARGIN * (high - low) or 1.0
        return cls(low - margin, high + margin, start, end)

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> list[tuple[float, str]]:
        marks = MaxNLocator(6).tick_values(self.low, self.high)
        return [(self.at(mark), f"{mark:g}") for mark in marks if self.low <= mark <= self.high]


def hover_page(retrain: Retrain, drug: str) -> str:
    """Page of one drug's out-of-fold predictions against what was observed.

    Every name of the study is escaped.
    """
    lines = retrain.validation.predictions
    lines = lines[lines["drug"] == drug]
    high = lines["sample_id"].map(retrain.her2["high"]).to_numpy(bool)
    row, yardstick = headline(retrain).loc[drug], retrain.yardstick
    title = (
        f"{drug}: {yardstick.symbol} = {row[yardstick.headline]:.2f} ({row['lower']:.2f} to "
        f"{row['upper']:.2f}), n = {row['n']}"
    )
    legend = (
        f"{(~high).sum()} other lines (blue circles), {high.sum()} HER2-high (orange triangles)"
    )
    simulated = '<p class="warning">Simulated data: no sample is real.</p>\n'
    return _PAGE.format(
        title=html.escape(title),
        simulated=simulated if retrain.study.simulated else "",
        legend=legend,
        width=_WIDTH,
        blue=BLUE,
        orange=ORANGE,
        grey=GREY,
        drawing=_drawing(lines, high, retrain.panel.response.unit),
    )


def _drawing(lines: pd.DataFrame, high: np.ndarray, unit: str) -> str:
    """The dots and axes as SVG."""
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    x = _Axis.of(lines["observed"].to_numpy(float), _LEFT, right)
    y = _Axis.of(lines["blend"].to_numpy(float), bottom, _TOP)
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Predicted and observed">',
        f'<path class="axis" fill="none" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>',
    ]
    parts += [
        f'<path class="axis" d="M{at} {bottom}v5"/>'
        f'<text x="{at}" y="{bottom + 18}" text-anchor="middle">{label}</text>'
        for at, label in x.ticks()
    ]
    parts += [
        f'<path class="axis" d="M{_LEFT} {at}h-5"/>'
        f'<text x="{_LEFT - 8}" y="{at + 4:g}" text-anchor="end">{label}</text>'
        for at, label in y.ticks()
    ]
    middle = (_TOP + bottom) / 2
    parts += [
        f'<text x="{(_LEFT + right) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">'
        f"observed ({html.escape(unit)})</text>",
        f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">'
        "predicted, out of fold</text>",
    ]
    low, top = max(x.low, y.low), min(x.high, y.high)
    if low < top:
        parts.append(f'<path class="same" d="M{x.at(low)} {y.at(low)}L{x.at(top)} {y.at(top)}"/>')
    for row, is_high in zip(lines.to_dict("records"), high, strict=True):
        place = (x.at(row["observed"]), y.at(row["blend"]))
        groups = [] if pd.isna(row["lineage"]) else [str(row["lineage"])]
        groups += ["HER2-high"] if is_high else []
        name = str(row["sample_id"])
        numbers = f"observed {row['observed']:.3g}, predicted {row['blend']:.3g}"
        of_groups = f" ({', '.join(groups)})" if groups else ""
        parts.append(_dot(name, f"{name}{of_groups}: {numbers}", place, her2_high=is_high))
    return "\n".join([*parts, "</svg>"])


def _dot(name: str, title: str, place: tuple[float, float], *, her2_high: bool) -> str:
    x, y = place
    kind = "high" if her2_high else "other"
    triangle = f'<path d="M{x} {y - 6:.1f}l5.5 10h-11z"/>'
    shape = triangle if her2_high else f'<circle cx="{x}" cy="{y}" r="5"/>'
    return (
        f'<g class="dot {kind}" tabindex="0" data-line="{html.escape(name)}">'
        f"<title>{html.escape(title)}</title>{shape}</g>"
    )
