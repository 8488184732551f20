"""Names and numbers as Markdown that shows them as they are."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]|~#])")
_RULE = re.compile(r"\|( :?-+:? \|)+")


def as_text(value: object) -> str:
    """Text of a study, such as a drug's name, on one line and without any meaning as Markdown.

    Tags of HTML show as they were typed; nothing of it is emphasis, a heading, a link's label or
    the end of a table's cell.
    """
    plain = html.escape(" ".join(str(value).split()), quote=False)
    return _SPECIAL.sub(r"\\\1", plain)


def markdown_rows(rows: Sequence[Sequence[str]]) -> str:
    """A table, the first column to the left and the others to the right.

    Parameters
    ----------
    rows : sequence of rows
        Cells in Markdown, those of the head first.
    """
    rule = [":--", *["--:"] * (len(rows[0]) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (rows[0], rule, *rows[1:]))


def shortened(text: str, longest: int, note: str) -> str:
    """The text with at most `longest` characters, for stores that have no room for more.

    Rows of the longest table are left out first, but for its head and its last row; only if that
    does not do, the end of the text.

    Parameters
    ----------
    text : str
        Markdown.
    longest : int
    note : str
        Stands where something is missing; says where the whole is.
    """
    if len(text) <= longest:
        return text
    lines = text.split("\n")
    first, last = _longest_table(lines)
    kept, excess = last, len(text) + len(note) + 2 - longest
    while kept > first and excess > 0:
        kept -= 1
        excess -= len(lines[kept]) + 1
    if excess <= 0:
        return "\n".join([*lines[:kept], lines[last], "", note, *lines[last + 1 :]])
    room = max(longest - len(note) - 2, 0)
    return text[:room].rpartition("\n")[0] + f"\n\n{note}"


def _longest_table(lines: Sequence[str]) -> tuple[int, int]:
    """Numbers of the first and the last row after the head of the table with most rows."""
    first, last = 0, 0
    for number, line in enumerate(lines):
        if not _RULE.fullmatch(line):
            continue
        end = number + 1
        while end < len(lines) and lines[end].startswith("|"):
            end += 1
        if end - 2 - number > last - first:
            first, last = number + 1, end - 1
    return first, last
