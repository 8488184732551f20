"""The one-pager: one A4 page, the same bytes each time, for any sample."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sidestep.features.errors import InputError
from sidestep.serving.disk.score_folder import read_score_folder
from sidestep.serving.report.one_page import one_page, write_one_page

FolderMaker = Callable[..., Path]


def words_on(folder: Path, sample: str) -> str:
    scores = read_score_folder(folder)
    figure = one_page(scores, scores.one_sample(sample))
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    return "\n".join(text.get_text() for text in texts)


@pytest.mark.slow
def test_it_is_one_a4_page_and_the_same_bytes_each_time(small_folder: Path) -> None:
    path = write_one_page(small_folder, "SKBR3")
    assert path == small_folder / "report-SKBR3.pdf"
    content = path.read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", content)) == 1
    assert b"/MediaBox [ 0 0 595." in content
    assert b"CreationDate" not in content
    write_one_page(small_folder, "SKBR3")
    assert path.read_bytes() == content


def test_it_tells_headline_drugs_drivers_warnings_and_limits(small_folder: Path) -> None:
    words = words_on(small_folder, "SKBR3")
    for part in (
        "SKBR3", "Demonstration cohort, scored with demo-panel version 3", "SIMULATED DATA",
        "Of 5 drugs", "Lapatinib", "Nothing-1", "no call", "Mechanisms", "HER2 drive",
        "err no less than the mean", "In cross-validation r = 0.62", "Research use only",
    ):  # fmt: skip
        assert part in words, part


def test_the_most_sensitive_drug_is_among_the_most_telling(make_folder: FolderMaker) -> None:
    scores = read_score_folder(make_folder())
    sample = scores.one_sample("SKBR3")
    places = (40.0, 0.0, 45.0, None, 90.0)
    drugs = tuple(
        replace(one, call="sensitive", percentile=place)
        for one, place in zip(sample.drugs, places, strict=True)
    )
    page = one_page(scores, replace(sample, drugs=drugs))
    named = {one.drug for one in drugs}
    explained = [text.get_text() for text in page.texts if text.get_text() in named]
    assert explained == ["Neratinib", "Nothing-1", "Lapatinib"]


def test_known_facts_are_told_with_their_source(make_folder: FolderMaker) -> None:
    folder = make_folder(samples=("A", "B"))
    words = words_on(folder, "A")
    assert "Known facts" in words
    assert "ERBB2 amplification <b>sensitises</b>: sensitive (clinical)," in words
    assert "(PMID:17192538)" in words
    assert "Known facts" not in words_on(folder, "B")


def test_the_nearest_facts_come_first_and_each_says_how_near_it_is(
    make_folder: FolderMaker,
) -> None:
    scores = read_score_folder(make_folder())
    sample = scores.one_sample("SKBR3")
    (row,) = sample.drugs[0].evidence
    far = [row | {"fact": f"GENE{n} high", "strength": "other context"} for n in range(5)]
    closer = [row | {"fact": "MET high", "strength": one} for one in ("CIViC B", "same target")]
    drug = replace(sample.drugs[0], evidence=(*far, *closer))
    page = one_page(scores, replace(sample, drugs=(drug, *sample.drugs[1:])))
    facts = [text.get_text() for text in page.texts if ": sensitive" in text.get_text()]
    assert [line.partition(",")[0] for line in facts] == [
        "• MET high: sensitive (same target)",
        *(f"• GENE{n} high: sensitive (other context)" for n in range(4)),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("sample", ["A/../B", "$\\alpha", "日本", "<script>alert(1)</script>"])
def test_any_name_is_text(make_folder: FolderMaker, tmp_path: Path, sample: str) -> None:
    folder = make_folder(samples=("first", sample))
    path = write_one_page(folder, sample, tmp_path / "page.pdf")
    assert path.read_bytes().startswith(b"%PDF")
    assert (sample if sample != "日本" else "□□") in words_on(folder, sample)


@pytest.mark.slow
def test_many_drugs_are_shown_from_both_ends(make_folder: FolderMaker) -> None:
    folder = make_folder(
        samples=("A", "B"), drugs=tuple((f"Drug-{n}", None, []) for n in range(40)), top_k=3
    )
    assert "14 more drugs in report.html" in words_on(folder, "A")


def test_an_unknown_sample_is_refused(small_folder: Path) -> None:
    with pytest.raises(InputError, match="did you mean BT474"):
        write_one_page(small_folder, "BT-474")
