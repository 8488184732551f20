"""MLflow's pages of a store: served until told to end, and what a person sees in a browser."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidestep.training.retrain import Retrain
from sidestep.training.tracking.store import Store, open_store
from sidestep.training.tracking.tracking import TrackedRun, track

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HOSTILE = "Lines <b>bold</b> | a pipe <img src=x onerror=alert(1)>"
PATIENCE = 60_000  # milliseconds; the machine may be busy


@dataclass(frozen=True)
class Shown:
    """A store whose pages are served, and the retrain that it keeps."""

    address_line: str
    base: str
    store: Store
    run: TrackedRun

    def page_of(self, run_id: str, rest: str = "") -> str:
        return f"{self.base}/#/experiments/{self.store.experiment_id}/runs/{run_id}{rest}"


@pytest.fixture(scope="module")
def shown(retrained: Retrain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """`sidestep ui` on a store of its own, with a study whose name is not kind.

    When the last test of these pages is done, they end as they are told to, and free their port.
    """
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('shown') / 'mlflow.db'}")
    named = replace(retrained, study=replace(retrained.study, name=HOSTILE))
    run = track(named, store, register_as="shown")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "sidestep", "ui", "--tracking-uri", store.tracking_uri]
    command += ["--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as pages:
        try:
            assert pages.stdout is not None
            assert pages.stdout.readline().startswith("Starting")
            yield Shown(pages.stdout.readline(), base, store, run)
        finally:
            pages.send_signal(signal.SIGTERM)
        assert pages.stdout.read() == "Ended.\n"
        assert pages.wait(timeout=60) == 0
    with socket.create_server(("127.0.0.1", port)):
        pass  # nothing listens any more


@pytest.fixture(scope="module")
def browser(shown: Shown) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH; install Debian's package chromium to run this test")
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, shown: Shown) -> Iterator[Page]:
    """A new page that may ask nobody but the server here, and in which no script of ours runs."""
    opened = browser.new_page(viewport={"width": 1500, "height": 1000})
    opened.set_default_timeout(PATIENCE)
    asked: list[str] = []
    dialogs: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    yield opened
    opened.close()
    assert [url for url in asked if not url.startswith((shown.base, "blob:", "data:"))] == []
    assert dialogs == []


def test_the_store_answers_at_the_address_that_is_printed(shown: Shown) -> None:
    assert shown.base in shown.address_line
    address = f"{shown.base}/api/2.0/mlflow/experiments/get-by-name"
    name = "?experiment_name=sidestep"
    with urllib.request.urlopen(address + name, timeout=30) as answer:
        assert json.load(answer)["experiment"]["experiment_id"] == shown.store.experiment_id


def test_the_address_that_is_printed_leads_to_the_runs(page: Page, shown: Shown) -> None:
    address = re.search(r"Look at (\S+) \(Ctrl-C ends\)", shown.address_line)
    assert address is not None
    page.goto(address[1])
    panel = page.get_by_role("link", name=re.compile("^breast_sim gi50 2 drugs seed 0"))
    panel.wait_for()
    drug = page.get_by_role("link", name="Lapatinib", exact=True)
    assert drug.count() == 0  # a panel's runs are collapsed
    page.get_by_role("gridcell").filter(has=panel).get_by_role("button").click()
    drug.wait_for()
    assert page.get_by_role("link", name="BI-2536", exact=True).is_visible()


def test_a_panels_run_has_its_table(page: Page, shown: Shown) -> None:
    page.goto(shown.page_of(shown.run.run_id))
    page.get_by_text("Simulated data: no sample is real.").wait_for()
    page.get_by_text("Show more").click()
    page.get_by_role("cell", name=re.compile("^ERBB2 ")).wait_for()
    assert page.get_by_text(HOSTILE).is_visible()


def test_a_picture_is_shown(page: Page, shown: Shown) -> None:
    page.goto(shown.page_of(shown.run.run_id, "/artifacts/panel_overview.png"))
    picture = page.get_by_role("img", name="panel_overview.png").first
    picture.wait_for()
    page.wait_for_function("drawn => drawn.naturalWidth > 500", arg=picture.element_handle())


def test_a_drugs_dots_have_names(page: Page, shown: Shown, retrained: Retrain) -> None:
    page.goto(
        shown.page_of(shown.run.children["Lapatinib"], "/artifacts/predicted_vs_observed.html")
    )
    inside = page.frame_locator("iframe.mlflow-html-iframe")
    lines = retrained.validation.predictions.query("drug == 'Lapatinib'").reset_index()
    dots = inside.locator(".dot")
    dots.first.wait_for()
    assert dots.count() == len(lines)
    line = lines.loc[lines["observed"].idxmax()]
    inside.locator(f".dot[data-line={line['sample_id']}]").hover()
    status = inside.get_by_role("status")
    assert status.inner_text().startswith(str(line["sample_id"]))
    assert f"observed {line['observed']:.3g}" in status.inner_text()
    inside.get_by_label("Find a line").fill(str(lines["sample_id"][0]).lower())
    assert inside.locator(".dot.found").count() == 1
    assert status.inner_text().startswith(str(lines["sample_id"][0]))


def test_a_version_shows_its_card_and_alias(page: Page, shown: Shown) -> None:
    page.goto(f"{shown.base}/#/models/shown/versions/1")
    for section in ("Intended use", "Data", "Method", "Metrics", "Intervals", "Limits"):
        page.get_by_role("heading", name=section, exact=True).wait_for()
    assert page.get_by_role("cell", name=re.compile("^PLK1 ")).is_visible()
    assert page.get_by_text(HOSTILE).first.is_visible()
    page.get_by_text(re.compile(r"^@\s*champion$")).first.wait_for()
