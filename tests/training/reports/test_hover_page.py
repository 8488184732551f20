"""The page of a drug's dots: one file, every line named, nothing of a name runs."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from sidestep.features.groups import her2_high
from sidestep.training.reports.hover_page import hover_page
from sidestep.training.retrain import Retrain

DRUG = "Lapatinib"


class Read(HTMLParser):
    """Tags, titles and the lines of dots, as a browser takes them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.dots: dict[str, str] = {}
        self.titles: list[str] = []
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.addresses += [str(v) for k, v in attrs if k in ("src", "href")]
        if "data-line" in found:
            self.dots[str(found["data-line"])] = str(found["class"])

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["title"]:
            self.titles.append(data)


@pytest.fixture(scope="module")
def lines(retrained: Retrain) -> pd.DataFrame:
    return retrained.validation.predictions.query("drug == @DRUG").set_index("sample_id")


def test_every_held_out_line_is_a_dot_with_its_numbers(
    retrained: Retrain, lines: pd.DataFrame
) -> None:
    read = Read(hover_page(retrained, DRUG))
    assert set(read.dots) == set(lines.index)
    high = her2_high(retrained.study)
    assert {n for n, kind in read.dots.items() if "high" in kind} == set(high.index[high]) & set(
        lines.index
    )
    titles = {title.split(" ")[0]: title for title in read.titles if "observed" in title}
    for line, row in lines.iterrows():
        assert f"observed {row['observed']:.3g}, predicted {row['blend']:.3g}" in titles[str(line)]


def test_dots_lie_where_their_numbers_say(retrained: Retrain, lines: pd.DataFrame) -> None:
    page = hover_page(retrained, DRUG)
    circles = re.findall(r'data-line="(\w+)".*?<circle cx="([\d.]+)" cy="([\d.]+)"', page)
    shown = lines.loc[[name for name, _, _ in circles]]
    x, y = np.array([(float(x), float(y)) for _, x, y in circles]).T
    assert np.corrcoef(x, shown["observed"])[0, 1] > 0.9999
    assert np.corrcoef(y, shown["blend"])[0, 1] < -0.9999  # up is more


def test_the_page_is_small_says_so_if_simulated_and_needs_no_network(retrained: Retrain) -> None:
    page = hover_page(retrained, DRUG)
    assert len(page.encode()) < 20_000
    assert "Simulated data: no sample is real." in page
    assert "://" not in page
    assert Read(page).addresses == []
    assert page == hover_page(retrained, DRUG)
    real = replace(retrained, study=replace(retrained.study, simulated=False))
    assert "imulated" not in hover_page(real, DRUG)


def test_names_stay_text(retrained: Retrain) -> None:
    hostile = '"><script>alert(1)</script>'
    known = retrained.validation.predictions
    named = known.assign(
        sample_id=known["sample_id"].where(known.index != known.index[0], hostile),
        lineage="<b>{luminal}</b>",
    )
    validation = replace(retrained.validation, predictions=named)
    study = replace(
        retrained.study,
        samples=retrained.study.samples.append(pd.Index([hostile])),
        clinical=retrained.study.clinical.reindex([*retrained.study.samples, hostile]),
    )
    shown = replace(retrained, validation=validation, study=study)
    read = Read(hover_page(shown, str(named["drug"].iloc[0])))
    assert hostile in read.dots
    assert read.tags.count("script") == 1
    assert "b" not in read.tags
    assert any("<b>{luminal}</b>" in title for title in read.titles)


def test_lines_that_are_all_alike_are_drawn_too(retrained: Retrain) -> None:
    known = retrained.validation.predictions
    same = replace(retrained.validation, predictions=known.assign(observed=1.0, blend=5.0))
    page = hover_page(replace(retrained, validation=same), DRUG)
    assert page.count('class="dot') == (known["drug"] == DRUG).sum()
    assert "nan" not in page
    assert 'class="same"' not in page  # nothing is predicted as observed
