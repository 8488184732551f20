"""Plates as pages that open from disk: an index, and a page a drug with picture and table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import pandas as pd

_STYLE = (
    "body{font:14px/1.45 system-ui,sans-serif;margin:1.5rem;max-width:1200px;color:#18222d}"
    "table{border-collapse:collapse;font-size:12px}"
    "td,th{padding:2px 8px;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}img{max-width:100%}"
)


def page(title: str, parts: Sequence[str]) -> str:
    """A whole HTML page; `parts` are HTML already."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        f"</title><style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def html_table(table: pd.DataFrame, links: Mapping[str, str] | None = None) -> str:
    """A table with rounded numbers; cells of the first column link where `links` names them."""
    head = "".join(f"<th>{escape(str(column))}</th>" for column in table.columns)
    rows = []
    for row in table.itertuples(index=False):
        cells = [
            _cell(value, (links or {}).get(str(value)) if not at else None)
            for at, value in enumerate(row)
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _cell(value: object, link: str | None) -> str:
    if isinstance(value, (float, np.floating)):
        return f'<td class="n">{"" if np.isnan(value) else f"{value:.4g}"}</td>'
    if isinstance(value, (int, np.integer)):
        return f'<td class="n">{value}</td>'
    text = escape(str(value))
    return f'<td><a href="{escape(link)}">{text}</a></td>' if link else f"<td>{text}</td>"


def html_list(sentences: Sequence[str]) -> str:
    """Sentences as a list."""
    return (
        f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in sentences)}</ul>" if sentences else ""
    )


def file_names(names: Sequence[str]) -> dict[str, str]:
    """Name -> a file name of its own, of letters, digits and dashes.

    Examples
    --------
    >>> file_names(["5-FU", "5 FU", "Lapatinib"])
    {'5-FU': '5-FU', '5 FU': '5-FU-2', 'Lapatinib': 'Lapatinib'}
    """
    taken: dict[str, str] = {}
    used: set[str] = set()
    for name in names:
        stem = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:60] or "drug"
        candidate, count = stem, 1
        while candidate.casefold() in used:
            count += 1
            candidate = f"{stem}-{count}"
        used.add(candidate.casefold())
        taken[name] = candidate
    return taken
