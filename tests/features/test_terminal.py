"""What a name holds never steers the terminal."""

from __future__ import annotations

import io

import pytest

from sidestep.features.terminal import EscapedStream, shown


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("SKBR3, HER2+ \u00b5M \u2265 \u4e2d\u6587 \U0001f600", None),
        ("two\tcolumns\nand lines", None),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x9b31m", "\\x9b31m"),
        ("a\x00b\x07c\x7f", "a\\x00b\\x07c\\x7f"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066x\u2069\u200f\u061c", "\\u2066x\\u2069\\u200f\\u061c"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("line\u2028end", "line\\u2028end"),
        ("half \udcff of a sign", "half \\udcff of a sign"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("over\rwritten", "over\\x0dwritten"),
    ],
)
def test_steering_characters_are_written_out_and_others_stay(text: str, seen: str | None) -> None:
    assert shown(text) == (text if seen is None else seen)


def test_a_progress_bar_may_return_and_nothing_else() -> None:
    plain, bar = io.StringIO(), io.StringIO()
    for stream, returns in ((plain, False), (bar, True)):
        EscapedStream(stream, returns=returns).writelines(["\r50 %", "\x1b[2J"])
    assert plain.getvalue() == "\\x0d50 %\\x1b[2J"
    assert bar.getvalue() == "\r50 %\\x1b[2J"
    assert EscapedStream(plain).writable()
