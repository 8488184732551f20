"""The page of the Python interface, ``docs/api.md``, made of the docstrings.

``make pages`` runs this file. A test compares the page with what it makes, so that the page is
current. It reads numpydoc: the summary, the sections with their entries, and examples.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any

import sidestep
from sidestep.explained import Explained
from sidestep.features.cells.measures import CellResults
from sidestep.features.pairs.changes import PairChanges
from sidestep.features.points.patterns import PointResults
from sidestep.features.study.check import StudyCheck
from sidestep.models.registry.load import LoadedModel
from sidestep.scores import Scores
from sidestep.trained import TrainedPanel
from sidestep.training.external.evaluation import Evaluation
from sidestep.training.survival.screen import Screen

PAGE = Path(__file__).with_name("api.md")
_INTRODUCTION = """# Python interface

This page is made of the docstrings by `docs/api.py`; `make pages` makes it anew.

`import sidestep` takes no time: each name is imported when it is first used. What a user can mend
is raised as an `InputError`, a `ValueError` of one sentence. The notebook
`examples/00_five_lines.ipynb` shows most of it.

```python
import sidestep

study = sidestep.read_study("my_study")
scores = sidestep.score(study, "models:/her2@champion")
scores.table("call")                                # samples x drugs
print(scores.explain("SKBR3", "lapatinib"))
scores.write("scores")                              # the folder of `sidestep score`
```"""
#: Heading -> names of the interface.
PARTS = {
    "Studies": ("read_study", "check_study", "Study", "simulate"),
    "Learning": ("train", "evaluate", "load_model"),
    "Scoring": ("score", "reference", "explain", "combine"),
    "Survival": ("screen_survival",),
    "Two biopsies": ("pairs",),
    "Single cells": ("cells", "labels"),
}
#: What the functions return, beside studies.
RESULTS = (
    Scores, Explained, TrainedPanel, Evaluation, LoadedModel, StudyCheck, Screen, PairChanges,
    CellResults, PointResults,
)  # fmt: skip
_SECTION = re.compile(r"^([A-Z][A-Za-z]+)\n-{3,}\n", re.MULTILINE)
_ENTRY = re.compile(r"^(?=\S)", re.MULTILINE)
_LONGEST = 88


def page() -> str:
    """Content of ``docs/api.md``."""
    blocks = [_INTRODUCTION, _contents()]
    for heading, names in PARTS.items():
        blocks.append(f"## {heading}")
        for name in names:
            blocks += _described(name, getattr(sidestep, name), f"sidestep.{name}")
    blocks.append("## What is returned")
    for kind in RESULTS:
        blocks += _described(kind.__name__, kind, kind.__name__)
    return "\n\n".join(block for block in blocks if block) + "\n"


def _contents() -> str:
    rows = [
        f"| [`{name}`](#{name.lower()}) | {_summary(getattr(sidestep, name))} |"
        for names in PARTS.values()
        for name in names
    ]
    return "\n".join(["| name | what it does |", "|---|---|", *rows])


def _summary(described: Any) -> str:
    """First paragraph of a docstring, on one line."""
    return " ".join(_text_of(described).partition("\n\n")[0].split())


def _text_of(described: Any) -> str:
    return inspect.getdoc(described) or ""


def _described(title: str, described: Any, call: str) -> Iterator[str]:
    """Blocks of a function or a class: heading, call, and what its docstring says."""
    yield f"### {title}"
    if isinstance(described, FunctionType):
        yield f"```python\n{_signature(call, described)}\n```"
    yield from _markdown(_text_of(described))
    if isinstance(described, type):
        for name, member in vars(described).items():
            if name.startswith("_") or not _text_of(member):
                continue
            if isinstance(member, property | cached_property):
                yield f"#### {title}.{name}"
                yield from _markdown(_text_of(member))
            elif isinstance(member, FunctionType | classmethod):
                function = getattr(member, "__func__", member)
                yield f"#### {title}.{name}"
                yield f"```python\n{_signature(f'{title}.{name}', function)}\n```"
                yield from _markdown(_text_of(function))


def _signature(call: str, function: Any) -> str:
    """The call as one writes it; a parameter a line where it is long."""
    signature = inspect.signature(function)
    shown = []
    star = False
    for name, parameter in signature.parameters.items():
        if name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            shown.append("*")
            star = True
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        shown.append(f"{name}: {parameter.annotation}{default}")
    line = f"{call}({', '.join(shown)}) -> {signature.return_annotation}"
    if len(line) <= _LONGEST:
        return line
    body = "".join(f"    {one},\n" for one in shown)
    return f"{call}(\n{body}) -> {signature.return_annotation}"


def _markdown(text: str) -> Iterator[str]:
    """Blocks of Markdown out of a numpydoc docstring."""
    before, *sections = _SECTION.split(text)
    yield _plain(before)
    for name, body in zip(sections[::2], sections[1::2], strict=True):
        yield f"**{name}**"
        if name == "Examples":
            yield f"```pycon\n{body.strip()}\n```"
        elif name in ("Notes", "References"):
            yield _plain(body)
        else:
            entries = [entry for entry in _ENTRY.split(body) if entry.strip()]
            yield "\n".join(_entry(entry) for entry in entries)


def _entry(entry: str) -> str:
    """An item of a section: ``name : type`` and what it means."""
    head, _, body = entry.strip().partition("\n")
    name, colon, kind = head.partition(" : ")
    shown = f"`{name}`" + (f" ({_plain(kind)})" if colon else "")
    meaning = " ".join(_plain(body).split())
    return f"- {shown}: {meaning}" if meaning else f"- {shown}"


def _plain(text: str) -> str:
    """Prose as Markdown, which has single backticks for code."""
    return inspect.cleandoc(text.strip("\n")).replace("``", "`") if text.strip() else ""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write("docs/api.md\n")


if __name__ == "__main__":
    main()
