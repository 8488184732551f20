"""Pictures of the demo's report for README and docs, taken in headless Chromium.

Run ``make demo``, then ``python docs/report_picture.py``: it writes ``docs/images/report.png`` (the
sample that is predicted to resist most of its drugs) and ``docs/images/report_overview.png``. It
needs Debian's package chromium.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import pandas as pd
from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
SCORES = ROOT / "demo-out" / "scores"
IMAGES = ROOT / "docs" / "images"
_WIDTH, _HEIGHT = 1200, 1200
# So many show the report's few hues without a visible step.
_COLOURS = 128


def sample_to_show(scores: pd.DataFrame) -> str:
    """Name the sample with most calls of resistant, and of those the highest mean percentile."""
    called = (scores["call"] == "resistant").groupby(scores["sample_id"]).sum()
    percentile = scores.groupby("sample_id")["resistance_percentile"].mean()
    ranked = pd.DataFrame({"called": called, "percentile": percentile})
    return str(ranked.sort_values(["called", "percentile"]).index[-1])


def save(page: Page, path: Path) -> None:
    """Save what a page shows as a PNG of few colours."""
    shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shown.quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KB\n")


def main() -> None:
    """Take both pictures of the report in ``demo-out``."""
    sample = sample_to_show(pd.read_parquet(SCORES / "scores.parquet"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
        page.goto((SCORES / "report.html").as_uri())
        page.wait_for_selector(".heat td")
        save(page, IMAGES / "report_overview.png")
        page.goto(f"{(SCORES / 'report.html').as_uri()}#sample={sample}")
        page.get_by_role("heading", name=sample).wait_for()
        save(page, IMAGES / "report.png")
        browser.close()


if __name__ == "__main__":
    main()
