"""The site of the docs: it is built without a network, and its pages ask for nothing elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What a browser fetches of itself; a link that a reader may follow is none of it.
FETCHED = re.compile(r"<(?:script|img|iframe|source|video)\b[^>]*\bsrc=\"?(https?:)?//")
SHEET = re.compile(
    r"<link\b[^>]*rel=\"?(?:stylesheet|preconnect|preload|icon)[^>]*href=\"?https?://"
)
IMPORTED = re.compile(r"@import|url\(\s*[\"']?(?:https?:)?//")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: a link that leads nowhere or a page without a place ends it."""
    folder = tmp_path_factory.mktemp("site")
    # Whoever asks for another machine is refused at once.
    program = (
        "import socket, sys\n"
        "def refused(*_): raise OSError('the site is built without a network')\n"
        "socket.socket.connect = socket.create_connection = refused\n"
        "from mkdocs.__main__ import cli\n"
        f"cli(['build', '--strict', '--quiet', '--site-dir', {str(folder)!r}])\n"
    )
    built = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


def test_every_page_of_docs_is_in_the_site(site: Path) -> None:
    pages = sorted((ROOT / "docs").rglob("*.md"))
    assert len(pages) > 20
    for page in pages:
        place = page.relative_to(ROOT / "docs").with_suffix(".html")
        assert (
            site / (place.with_name("index.html") if page.stem == "README" else place)
        ).is_file()
    assert not list(site.rglob("*.py"))


def test_no_page_asks_for_anything_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not FETCHED.search(text), page
        assert not SHEET.search(text), page
    for sheet in site.rglob("*.css"):
        assert not IMPORTED.search(sheet.read_text(encoding="utf-8")), sheet


def test_a_page_that_is_opened_from_disk_can_be_searched(site: Path) -> None:
    assert (
        (site / "search" / "search_index.js").read_text(encoding="utf-8").startswith("var __index")
    )
    assert "vendor/iframe-worker.js" in (site / "index.html").read_text(encoding="utf-8")
