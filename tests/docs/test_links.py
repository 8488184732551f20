"""Every page of the repository: its links lead somewhere, and the files that it names exist."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_OUT = {".git", ".venv", "demo-out", "site", "build", "mlruns", "node_modules"}
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(?P<title>.+?) *$", re.MULTILINE)
FOLDERS = "features|models|training|serving|sidestep|benchmarks|docs|tests|examples"
QUOTED = re.compile(rf"`(?P<path>\.?(?:{FOLDERS})/[\w./-]*)`")
NAMED = re.compile(rf"(?<![\w/.@:-])(?P<path>(?:{FOLDERS})/[\w/-]+\.[a-z]{{2,6}})(?![\w/])")
# In a user's cache, not in the repository.
ELSEWHERE = {"sidestep/knowledge"}
BENCHMARK = re.compile(r"python -m (?P<module>benchmarks\.\w+)")


def markdown_files() -> list[Path]:
    found = [path for path in ROOT.rglob("*.md") if not LEFT_OUT & set(path.parts)]
    links = {ROOT / "sidestep" / name for name in ("features", "models", "training", "serving")}
    return sorted(path for path in found if not links & set(path.parents))


PAGES = markdown_files()


def by_path(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors_of(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub and MkDocs make them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    plain = (re.sub(r"`|\[([^]]*)\]\([^)]*\)", r"\1", m["title"]) for m in HEADING.finditer(text))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in plain}


def broken_links(page: Path) -> list[str]:
    """Relative links of a page that lead to no file, or to no heading of one."""
    broken = []
    for link in LINK.finditer(FENCE.sub("", page.read_text(encoding="utf-8"))):
        target, _, anchor = link["target"].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        path = (page.parent / target).resolve() if target else page
        anchored = not anchor or (path.suffix == ".md" and anchor in anchors_of(path))
        if not path.exists() or not anchored:
            broken.append(link["target"])
    return broken


def missing_paths(page: Path) -> list[str]:
    """Files and folders of the repository that a page names and that are not there."""
    text = page.read_text(encoding="utf-8")
    named = {match["path"] for form in (QUOTED, NAMED) for match in form.finditer(text)}
    return sorted(path for path in named - ELSEWHERE if not (ROOT / path).exists())


def test_all_pages_are_looked_at() -> None:
    names = set(map(by_path, PAGES))
    assert {"README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/output.md"} <= names
    assert "features/knowledge/tables/README.md" in names
    assert not any(name.startswith("sidestep/") for name in names)


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    assert broken_links(page) == []


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_files_that_are_named_exist(page: Path) -> None:
    assert missing_paths(page) == []


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_benchmarks_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    modules = {match["module"] for match in BENCHMARK.finditer(text)}
    assert [name for name in modules if find_spec(name) is None] == []


def test_what_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A title\n\n[here](#a-title) [nowhere](#another) [gone](gone.md) [out](https://host/x)\n"
        "`models/no_such_file.py`, models/estimators/gone.py, `models/estimators`\n"
        "```\n[in code](gone.md)\n```\n",
        encoding="utf-8",
    )
    assert broken_links(page) == ["#another", "gone.md"]
    assert missing_paths(page) == ["models/estimators/gone.py", "models/no_such_file.py"]
