"""Names of a study in Markdown, and texts that must be short."""

from __future__ import annotations

import pytest

from sidestep.training.reports.markdown import as_text, markdown_rows, shortened

NOTE = "*The rest is elsewhere.*"


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("BI-2536", "BI-2536"),
        ("(5Z)-7-Oxozeaenol", "(5Z)-7-Oxozeaenol"),
        ("a|b", r"a\|b"),
        ("sim_gi50 *", r"sim\_gi50 \*"),
        ("# [x](y)", r"\# \[x\](y)"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("R&D &lt;", "R&amp;D &amp;lt;"),
        ("two\nlines\t|", r"two lines \|"),
        ("back\\slash `code`", r"back\\slash \`code\`"),
    ],
)
def test_names_mean_nothing_but_themselves(typed: str, written: str) -> None:
    assert as_text(typed) == written


def document(rows: int) -> str:
    cells = [["drug", "r"], *([f"D{n}", "0.5"] for n in range(rows)), ["mean", "0.4"]]
    return "\n\n".join(["First.", markdown_rows(cells), "Last.", markdown_rows([["a"], ["b"]])])


def test_what_fits_is_left_alone() -> None:
    text = document(20)
    assert shortened(text, len(text), NOTE) == text


def test_rows_of_the_longest_table_go_first() -> None:
    text = document(100)
    for longest in (200, 400, len(text) - 1):
        short = shortened(text, longest, NOTE)
        assert longest - 30 < len(short) <= longest
        lines = short.split("\n")
        assert lines[:5] == ["First.", "", "| drug | r |", "| :-- | --: |", "| D0 | 0.5 |"]
        note = lines.index(NOTE)
        assert lines[note - 2 : note] == ["| mean | 0.4 |", ""]
        assert lines[note + 1 : note + 3] == ["", "Last."]


@pytest.mark.parametrize("text", [document(100), "A line.\n" * 100])
def test_where_rows_do_not_do_the_end_goes(text: str) -> None:
    short = shortened(text, 60, NOTE)
    assert len(short) <= 60
    assert short.endswith(f"\n\n{NOTE}")
