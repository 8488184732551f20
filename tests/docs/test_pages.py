"""What pages say of the code is so: columns, exit codes, rooms, decisions and the citation."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import sidestep
from sidestep.main import VERBS
from sidestep.serving.cli.score import EXIT_CODES
from sidestep.serving.combinations.rows import COMBINATIONS
from sidestep.serving.evidence.evidence import EVIDENCE
from sidestep.serving.evidence.facts import KINDS
from sidestep.serving.scoring.chunk import TABLES
from sidestep.serving.scoring.reference import REFERENCE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SECTIONS = ["Context", "Decision", "Consequences", "Measured"]
PAGE_OF = {"evidence": "evidence.md", "gene_sets": "databases.md"}


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("table", [*TABLES, "reference", "combinations"])
def test_every_column_of_the_output_is_described(table: str) -> None:
    columns = {**TABLES, "reference": REFERENCE, "combinations": COMBINATIONS}[table].names
    page = text_of(PAGE_OF.get(table, "output.md"))
    heading = {"evidence": "# What the", "gene_sets": "## Gene sets"}.get(
        table, f"## {table.title()}"
    )
    part = page[page.index(heading) + 2 :].partition("\n## ")[0]
    assert [name for name in columns if f"`{name}`" not in part] == []


def test_every_kind_of_evidence_is_named() -> None:
    page = text_of("evidence.md")
    assert "kind" in EVIDENCE.names
    assert [kind for kind in KINDS if f"`{kind}`" not in page] == []


def test_every_extra_is_described() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = text_of("install.md")
    assert [name for name in project["optional-dependencies"] if f"| `{name}` |" not in page] == []


def test_every_verb_is_described() -> None:
    page = text_of("commands.md")
    assert [verb for verb in VERBS if not re.search(rf"`{verb}[ `]", page)] == []


def test_the_exit_codes_are_those_of_score() -> None:
    page = text_of("commands.md").replace("`", "")
    for code, meaning in EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in page


def test_every_room_is_in_the_architecture_and_its_drawing() -> None:
    page, drawing = text_of("architecture.md"), text_of("images/rooms.svg")
    rooms = [
        path.parent.relative_to(ROOT).as_posix()
        for folder in ("features", "models", "training", "serving")
        for path in sorted((ROOT / folder).glob("*/__init__.py"))
    ]
    assert len(rooms) > 20
    assert [room for room in rooms if f"| `{room}` |" not in page] == []
    assert [room for room in rooms if f">{room.partition('/')[2]}</text>" not in drawing] == []


def test_decisions_are_numbered_listed_and_whole() -> None:
    records = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    index = text_of("decisions/README.md")
    assert [path.name[:4] for path in records] == [f"{n:04}" for n in range(1, len(records) + 1)]
    for number, record in enumerate(records, start=1):
        text = record.read_text(encoding="utf-8")
        title = text.splitlines()[0].removeprefix(f"# {number}. ")
        assert f"| {number} | [{title}]({record.name}) |" in index
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
        assert len(text.splitlines()) <= 60


def test_the_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == sidestep.__version__
    assert citation["license"] == "Apache-2.0"
    assert citation["authors"] == [{"name": "The Sidestep developers"}]
    assert {"message", "title", "type"} <= citation.keys()
    assert all(
        {"authors", "title", "type", "doi"} <= work.keys() for work in citation["references"]
    )
