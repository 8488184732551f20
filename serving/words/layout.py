"""Tables and named lines that align on a terminal."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence

_WIDTH = 96
_LABEL = 12

Row = Sequence[str]


def table(rows: Sequence[Row], sides: str) -> list[str]:
    """Aligned columns, one character of `sides` each: ``<`` to the left, ``>`` to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def labelled(label: str, text: str) -> list[str]:
    """A line with its name before it, wrapped; indented by a little where it has no name."""
    indent = _LABEL if label else 2
    filled = textwrap.wrap(text, _WIDTH - indent, break_long_words=False, break_on_hyphens=False)
    return [f"{'' if at else label:<{indent}}{line}" for at, line in enumerate(filled)]


def alike(values: Iterable[float]) -> list[str]:
    """Signed numbers with as many decimals as show three digits of the largest, four at most.

    >>> alike([1.234, -0.0451, 0.0001])
    ['+1.23', '−0.05', '+0.00']
    """
    numbers = list(values)
    decimals = _decimals(numbers)
    return [
        # What is exactly zero, or rounds to it from below, has no minus sign.
        f"{round(value, decimals) + 0.0:+.{decimals}f}".replace("-", "\N{MINUS SIGN}")
        for value in numbers
    ]


def by_size(sums: dict[str, float]) -> dict[str, float]:
    """Sums, the largest first; those that `alike` would round to nothing are left out.

    >>> by_size({"a": 0.04, "b": -1.2, "c": 0.0001})
    {'b': -1.2, 'a': 0.04}
    """
    least = 0.5 * 10.0 ** -_decimals(sums.values())
    kept = [item for item in sums.items() if abs(item[1]) >= least]
    return dict(sorted(kept, key=lambda item: -abs(item[1])))


def _decimals(values: Iterable[float]) -> int:
    largest = max(map(abs, values), default=0.0)
    return min(4, max(0, 2 - math.floor(math.log10(largest)))) if largest > 0 else 0
