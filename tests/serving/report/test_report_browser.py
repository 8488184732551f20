"""The report in a real browser: it opens from disk, asks for nothing, and what it shows is true."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from sidestep.serving.report.writing import write_report
from sidestep.serving.words.wording import number

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

FolderMaker = Callable[..., Path]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd()"
NAMES = "#heat tbody th a"


@dataclass
class Opened:
    """A page, and what it asked for, complained of or popped up."""

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def assert_quiet(self) -> None:
        assert {address.split("#")[0] for address in self.requests} == {self.address}
        assert self.complaints == []


def assert_shows(page: Page, selector: str, text: str) -> None:
    """An address is followed only after the key or click that changed it."""
    from playwright.sync_api import expect

    expect(page.locator(selector)).to_have_text(text, timeout=20_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH; install Debian's package chromium to run this test")
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                  "--disable-background-networking"],
        )  # fmt: skip
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Opened]]:
    """Open a file of a report as a person would, from disk."""
    pages: list[Page] = []

    def visit(file: Path, rest: str = "", width: int = 1280) -> Opened:
        page = browser.new_page(viewport={"width": width, "height": 900})
        pages.append(page)
        opened = Opened(page, file.as_uri())
        page.on("request", lambda request: opened.requests.append(request.url))
        page.on("console", lambda message: opened.complaints.append(message.text))
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        page.on("dialog", lambda dialog: opened.complaints.append(dialog.message))
        page.goto(opened.address + rest)
        return opened

    yield visit
    for page in pages:
        page.close()


@pytest.fixture(scope="module")
def report(small_folder: Path) -> Path:
    write_report(small_folder)
    return small_folder / "report.html"


def test_it_opens_from_disk_and_asks_for_nothing(
    visit: Callable[..., Opened], report: Path
) -> None:
    opened = visit(report)
    for name in opened.page.locator(NAMES).all_inner_texts():
        opened.page.get_by_role("link", name=name, exact=True).click()
        assert_shows(opened.page, "#sample-title", name)
        opened.page.get_by_role("link", name="← All samples").click()
    opened.assert_quiet()


def test_dangerous_names_are_text(visit: Callable[..., Opened], report: Path) -> None:
    opened = visit(report)
    assert {SCRIPT, FORMULA} <= set(opened.page.locator(NAMES).all_inner_texts())
    opened.page.get_by_role("link", name=SCRIPT).click()
    assert_shows(opened.page, "#sample-title", SCRIPT)
    assert opened.page.title().startswith(SCRIPT)
    assert opened.page.locator("script", has_text="alert").count() == 0
    opened.assert_quiet()


def test_evidence_is_text_too(visit: Callable[..., Opened], report: Path) -> None:
    opened = visit(report, "#sample=SKBR3&drug=Lapatinib")
    row = opened.page.locator(".evidence tbody tr").inner_text()
    assert row.startswith("ERBB2 amplification <b>sensitises</b>")
    assert "Lines with it die <i>first</i>." in row
    assert "Drugs to think of: Neratinib, Afatinib." in row
    assert "PMID:17192538" in row
    drawn = opened.page.get_by_text("Drawn from Sidestep’s own tables and CIViC.")
    assert drawn.inner_text().endswith("Not at hand: Reactome.")
    opened.assert_quiet()


def test_training_lines_are_marked_and_drugs_have_both_names(
    visit: Callable[..., Opened], make_folder: Callable[..., Path]
) -> None:
    drugs = (("BIBW2992", "pan-ERBB inhibitor", ["EGFR"]), ("Nothing-1", None, []))
    folder = make_folder(samples=("SKBR3", "T1", "T2"), drugs=drugs, known=("SKBR3",))
    write_report(folder)
    opened = visit(folder / "report.html")
    page = opened.page
    heads = page.locator("#heat tbody th").all_inner_texts()
    assert [head.strip() for head in heads] == ["SKBR3 *", "T1", "T2"]
    cells = page.locator('#heat tbody td[data-drug="0"]')
    says = [cells.nth(row).get_attribute("title") or "" for row in range(3)]
    assert says[0].startswith("SKBR3, Afatinib (BIBW2992): ")
    assert ["Observed in the training study" in one for one in says] == [True, False, False]
    for name in ("afatinib", "bibw"):
        page.fill("#find-drug", name)
        assert page.locator("#heat tbody tr").first.locator("td").count() == 1
    page.get_by_role("link", name="SKBR3", exact=True).click()
    assert_shows(page, "#drug-title", "Afatinib (BIBW2992)")
    assert "Observed: " in page.locator("#drug .says").first.inner_text()
    assert "has seen no line of the donor" in page.locator("#drug .notes").first.inner_text()
    opened.assert_quiet()


def test_search_finds_samples_and_drugs(visit: Callable[..., Opened], report: Path) -> None:
    page = visit(report).page
    page.fill("#find-sample", "bt47")
    assert page.locator(NAMES).all_inner_texts() == ["BT474"]
    page.fill("#find-drug", "mtor")
    heads = page.locator("#heat thead button")
    assert heads.all_inner_texts() == ["Everolimus"]
    assert page.locator("#found").inner_text() == "1 of 6 samples, 1 of 5 drugs"
    page.press("#find-sample", "Enter")
    assert_shows(page, "#sample-title", "BT474")


def test_a_click_on_a_drug_sorts_by_it(
    visit: Callable[..., Opened], report: Path, small_folder: Path
) -> None:
    scores = pd.read_parquet(small_folder / "scores.parquet")
    called = scores[(scores["drug"] == "Lapatinib") & (scores["call"] != "abstain")]
    expected = list(called.sort_values("resistance_percentile", ascending=False)["sample_id"])
    page = visit(report).page
    head = page.locator("#heat thead th").nth(1)
    for direction, order in (("descending", expected), ("ascending", expected[::-1])):
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == direction
        # What abstains has no place in the order, and comes last in either.
        assert page.locator(NAMES).all_inner_texts() == [*order, "A/../B"]
    page.select_option("#sort-samples", "name")
    names = page.locator(NAMES).all_inner_texts()
    assert sorted(names, key=str.casefold)[-1] == names[-1]


def test_every_number_of_a_waterfall_is_that_of_the_files(
    visit: Callable[..., Opened], report: Path, small_folder: Path
) -> None:
    scores = pd.read_parquet(small_folder / "scores.parquet")
    explained = pd.read_parquet(small_folder / "explanations.parquet")
    for sample, drug in (("SKBR3", "Lapatinib"), ("A/../B", "Everolimus")):
        page = visit(report, f"#sample={sample}&drug={drug}").page
        rows = explained[(explained["sample_id"] == sample) & (explained["drug"] == drug)]
        known = rows.set_index("feature")["contribution"]
        cells = page.locator(".numbers tr[data-feature]")
        shown = {
            row.get_attribute("data-feature"): float(
                row.locator("[data-value]").get_attribute("data-value") or "nan"
            )
            for row in cells.all()
        }
        assert list(shown) == list(known.index[:-1])
        for feature, contribution in shown.items():
            assert contribution == pytest.approx(known[feature], rel=1e-4)
        row = scores[(scores["sample_id"] == sample) & (scores["drug"] == drug)].iloc[0]
        ends = {
            name: float(
                page.locator(f'.numbers tr[data-row="{name}"] [data-value]').get_attribute(
                    "data-value"
                )
                or "nan"
            )
            for name in ("base value", "(other)", "prediction")
        }
        assert ends["prediction"] == pytest.approx(row["prediction"], rel=1e-5)
        total = ends["base value"] + sum(shown.values()) + ends["(other)"]
        assert total == pytest.approx(row["prediction"], abs=1e-4)
        largest = known.abs().max()
        drawn = page.locator('[data-chart="waterfall"] svg g[aria-label="text"] text')
        assert drawn.all_text_contents() == [
            *(number(value, signed=True, beside=largest) for value in known),
            *(number(row[name]) for name in ("base_value", "prediction")),
        ]


@pytest.mark.parametrize("higher_is_resistant", [True, False])
def test_right_is_resistant_whatever_the_direction(
    visit: Callable[..., Opened], make_folder: FolderMaker, higher_is_resistant: bool
) -> None:
    folder = make_folder(samples=("A", "B"), higher_is_resistant=higher_is_resistant)
    write_report(folder)
    row = pd.read_parquet(folder / "scores.parquet").iloc[0]
    page = visit(folder / "report.html", f"#sample=A&drug={row['drug']}").page
    ends = page.locator('[data-chart="waterfall"] svg g[aria-label="tick"] line').all()
    base, prediction = (float(end.get_attribute("x1") or "nan") for end in ends)
    assert (prediction > base) == ((row["prediction"] > row["base_value"]) == higher_is_resistant)


def test_the_heat_map_can_be_walked_with_keys(visit: Callable[..., Opened], report: Path) -> None:
    opened = visit(report)
    page = opened.page
    assert page.locator('#heat [tabindex="0"]').count() == 1
    page.locator('#heat [tabindex="0"]').focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused.startswith("BT474, Neratinib: ")
    page.keyboard.press("Enter")
    assert_shows(page, "#sample-title", "BT474")
    assert_shows(page, "#drug-title", "Neratinib")
    opened.assert_quiet()


def test_abstentions_are_shown_as_such(visit: Callable[..., Opened], report: Path) -> None:
    page = visit(report).page
    cell = page.locator("#heat tbody tr").first.locator("td").last
    assert (cell.inner_text(), cell.get_attribute("class")) == ("–", "abstained")
    assert "no call. In cross-validation" in (cell.get_attribute("aria-label") or "")
    assert "gradient" in cell.evaluate("cell => getComputedStyle(cell).backgroundImage")


def test_drugs_of_a_sample_are_ranked_found_and_sorted(
    visit: Callable[..., Opened], report: Path, small_folder: Path
) -> None:
    scores = pd.read_parquet(small_folder / "scores.parquet")
    part = scores[scores["sample_id"] == "SKBR3"]
    called = part[part["call"] != "abstain"].sort_values("resistance_percentile", ascending=False)
    opened = visit(report, "#sample=SKBR3")
    names = opened.page.locator(".ranking tbody th a")
    assert names.all_inner_texts() == [*called["drug"], "Nothing-1"]
    assert_shows(opened.page, "#drug-title", called["drug"].iloc[0])
    opened.page.select_option("#sort-ranking", "sensitive")
    assert names.all_inner_texts() == [*called["drug"][::-1], "Nothing-1"]
    opened.page.fill("#find-ranked", "CDK4")
    assert names.all_inner_texts() == ["Palbociclib"]
    opened.assert_quiet()


@pytest.mark.parametrize("rest", ["", "#sample=SKBR3"])
@pytest.mark.parametrize("width", [375, 768])
def test_phones_need_not_scroll_sideways(
    visit: Callable[..., Opened], report: Path, rest: str, width: int
) -> None:
    page = visit(report, rest, width).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("rest", ["", "#sample=SKBR3&drug=Lapatinib"])
def test_it_can_be_printed(visit: Callable[..., Opened], report: Path, rest: str) -> None:
    opened = visit(report, rest)
    assert opened.page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    opened.assert_quiet()


def test_links_reach_samples_on_other_pages(
    visit: Callable[..., Opened], make_folder: FolderMaker
) -> None:
    names = tuple(f"S{n:04d}" for n in range(502))
    folder = make_folder(samples=names, drugs=(("X", None, []), ("Y", None, [])), top_k=2)
    write_report(folder)
    page = visit(folder / "report.html", "#sample=S0501&drug=X").page
    page.wait_for_url("**/report-2.html#sample=S0501*")
    assert_shows(page, "#sample-title", "S0501")
    page = visit(folder / "report-2.html", "#sample=S0003").page
    page.wait_for_url("**/report.html#sample=S0003")
    assert_shows(page, "#sample-title", "S0003")
    page = visit(folder / "report.html").page
    page.fill("#find-sample", "S0500")
    page.locator("#elsewhere a").click()
    page.wait_for_url("**/report-2.html#sample=S0500")
    assert_shows(page, "#sample-title", "S0500")
    page = visit(folder / "report.html", "#sample=nobody").page
    assert page.locator("#found").inner_text() == "There is no sample nobody in this report."


def test_facts_that_nobody_knows_leave_no_error(
    visit: Callable[..., Opened], make_folder: FolderMaker
) -> None:
    folder = make_folder(samples=("A",), evidence=False)
    reference = pd.read_parquet(folder / "reference.parquet")
    reference.assign(observed=float("nan"), predicted=float("nan")).to_parquet(
        folder / "reference.parquet"
    )
    write_report(folder)
    opened = visit(folder / "report.html")
    # The only sample of a report is opened at once; it lacks intervals and, now, training lines.
    assert_shows(opened.page, "#sample-title", "A")
    assert opened.page.locator('[data-chart="strip"] svg').count() == 1
    opened.assert_quiet()


def test_samples_are_filtered_and_grouped_by_what_is_known_of_them(
    visit: Callable[..., Opened], make_folder: FolderMaker
) -> None:
    names = ("A", "B", "C", "D", "E")
    attributes = pd.DataFrame(
        {"SUBTYPE": ["LumA", "<i>LumB</i>", "LumA", None, "LumA"], "AGE": list("34567")},
        index=list(names),
    )
    folder = make_folder(
        samples=names, attributes=attributes, her2=("high", "not high", "high", None, "not high")
    )
    write_report(folder)
    opened = visit(folder / "report.html")
    page, rows = opened.page, opened.page.locator(NAMES)
    assert [head.strip() for head in page.locator(".track-label").all_inner_texts()] == [
        "HER2", "SUBTYPE", "AGE",
    ]  # fmt: skip
    cell = page.locator('#heat tbody td[data-track="0"]').first
    assert cell.get_attribute("title") == "A, HER2: high, by HER2_STATUS"
    high = page.get_by_role("button", name="high 2", exact=True)
    assert cell.evaluate("one => getComputedStyle(one).backgroundColor") == high.locator(
        ".swatch"
    ).evaluate("one => getComputedStyle(one).backgroundColor")
    # A cohort by key alone; values of a track add up, tracks narrow each other.
    high.focus()
    page.keyboard.press("Enter")
    assert rows.all_inner_texts() == ["A", "C"]
    assert page.locator("#found").inner_text() == "2 of 5 samples, 5 of 5 drugs"
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    page.locator('#tracks [data-track="0"][data-place=""]').click()
    assert rows.all_inner_texts() == ["A", "C", "D"]
    page.get_by_role("button", name="LumA 3").click()
    assert rows.all_inner_texts() == ["A", "C"]
    page.locator("#clear-tracks").click()
    assert rows.all_inner_texts() == list(names)
    # Groups have a heading, keep the order within, and the unknown comes last.
    page.locator('#heat thead [data-track="0"]').click()
    assert rows.all_inner_texts() == ["A", "C", "B", "E", "D"]
    heads = page.locator("#heat tr.group").all_inner_texts()
    assert [head.strip() for head in heads] == [
        "HER2: high 2 samples", "HER2: not high 2 samples", "HER2: not known 1 sample",
    ]  # fmt: skip
    page.select_option("#sort-samples", "name")
    page.select_option("#group-samples", "1")
    assert rows.all_inner_texts() == ["B", "A", "C", "E", "D"]
    page.locator("#heat tbody th a").first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == "C, SUBTYPE: LumA"
    page.keyboard.press("Enter")
    assert_shows(page, "#sample-title", "C")
    assert_shows(page, "#known", "SUBTYPE: LumA · AGE: 5")
    opened.assert_quiet()
