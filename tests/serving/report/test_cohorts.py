"""Reports of cohorts: tracks and groups in the page, filters, and what cannot be asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.serving.report.writing import View, write_report

FolderMaker = Callable[..., Path]
Run = Callable[..., tuple[int, str, str]]
SAMPLES = ("A", "B", "C", "<b>D</b>")
LONG = "word " * 60
EVIL = "</script><script>alert(1)</script>"
ATTRIBUTES = pd.DataFrame(
    {"SUBTYPE": ["LumA", EVIL, "LumA", None], "AGE": ["39", "50", "61", "72"],
     "NOTE": [LONG, LONG, "short", "short"], "ONE": ["x"] * 4},
    index=list(SAMPLES),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(make_folder: FolderMaker) -> Path:
    return make_folder(
        samples=SAMPLES, attributes=ATTRIBUTES, her2=("high", "not high", None, "high")
    )


def data(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found is not None
    content: dict[str, Any] = json.loads(found[1])
    return content


def drawn(folder: Path, view: View) -> tuple[str, dict[str, Any]]:
    (folder / "report.html").unlink(missing_ok=True)
    write_report(folder, view=view)
    page = (folder / "report.html").read_text(encoding="utf-8")
    return page, data(page)


def test_tracks_stand_beside_the_samples(folder: Path) -> None:
    page, shown = drawn(folder, View())
    assert [track["label"] for track in shown["tracks"]] == ["HER2", "SUBTYPE", "AGE", "NOTE"]
    her2 = [sample["known"][0] for sample in shown["samples"]]
    assert [place if place is None else place[0] for place in her2] == [0, 1, None, 0]
    assert shown["sentences"][her2[0][1]] == "HER2_STATUS"
    subtypes = shown["tracks"][1]["values"]
    assert [sample["known"][1] for sample in shown["samples"]][3] is None
    assert set(subtypes) == {"LumA", EVIL}
    assert EVIL not in page


def test_a_report_may_show_part_of_the_samples(folder: Path) -> None:
    page, shown = drawn(folder, View(where=["her2=high"], group="SUBTYPE", tracks=["AGE"]))
    assert [sample["name"] for sample in shown["samples"]] == ["A", "<b>D</b>"]
    assert [track["label"] for track in shown["tracks"]] == ["SUBTYPE", "AGE"]
    assert '<dt>Samples shown</dt><dd class="name">2 of 5</dd>' in page
    assert "her2=high" in page
    scores = pd.read_parquet(folder / "scores.parquet")
    part = scores[scores["her2"] == "high"]
    for call, count in part["call"].value_counts().items():
        assert f"{call} <strong>{count}</strong>" in page
    assert "Calls by drug and SUBTYPE" in page
    # The lumped unknown is a group of its own.
    assert page.count('<td class="name">not known</td>') == scores["drug"].nunique()


def test_the_same_view_gives_the_same_bytes(folder: Path) -> None:
    view = View(group="her2")
    first, _ = drawn(folder, view)
    second, _ = drawn(folder, view)
    assert first == second
    assert 'data-group="HER2"' in first


def test_without_attributes_there_are_no_tracks_and_no_filters(make_folder: FolderMaker) -> None:
    bare = make_folder(samples=("A", "B"))
    write_report(bare)
    assert data((bare / "report.html").read_text(encoding="utf-8"))["tracks"] == []
    for view in (View(where=["her2=high"]), View(group="her2"), View(tracks=["AGE"])):
        with pytest.raises(InputError, match=r"samples.parquet is missing"):
            write_report(bare, view=view)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--where", "her2=hihg"], "did you mean high?"),
        (["--group", "NOTES"], "did you mean NOTE"),
        (["--track", "SUBTIPE"], "did you mean SUBTYPE?"),
        (["--sample", "A", "--where", "her2=high"], "--where is for the report of all samples"),
        (["--sample", "A", "--track", "AGE"], "--track is for the report of all samples"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(
    run: Run, folder: Path, given: list[str], says: str
) -> None:
    code, stdout, stderr = run("report", folder, *given)
    assert (code, stdout) == (2, "")
    assert says in stderr
    assert len(stderr.splitlines()) == 1
