"""A page of a report as one HTML file that needs nothing else.

Styles, scripts and libraries are written into the file. Its security policy lets the browser run
these scripts and no others, by their digests, and load nothing from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from sidestep.serving.report.contents import PageContents
from sidestep.serving.report.overview import Overview

_HERE = Path(__file__).parent
_LIBRARIES = ("d3.min.js", "plot.umd.min.js")
#: In the order in which they are read: each uses those before it.
_SCRIPTS = ("data", "elements", "charts", "tracks", "heatmap", "drug", "sample", "main")


@dataclass(frozen=True)
class PageLink:
    """One of the files of a large study: its name, and its first and last sample."""

    file: str
    first: str
    last: str
    count: int


@dataclass(frozen=True)
class Place:
    """Where a page stands among the files of a report.

    Attributes
    ----------
    number : int
        1 for the first.
    before : int
        Samples on the pages before it.
    total : int
        Samples of the report.
    previous, next : str or None
        Files.
    pages : sequence of PageLink
        All of them, on the first page of several.
    elsewhere : str
        JSON of the samples on the other pages; ``[]`` on all pages but the first.
    """

    number: int
    before: int
    total: int
    previous: str | None = None
    next: str | None = None
    pages: Sequence[PageLink] = ()
    elsewhere: str = "[]"


def render_page(shown: Overview, contents: PageContents, place: Place) -> bytes:
    """The HTML of one page, in UTF-8.

    Parameters
    ----------
    shown : Overview
    contents : PageContents
    place : Place
    """
    libraries, script = _scripts()
    allowed = " ".join(f"'sha256-{_digest(text)}'" for text in (*libraries, script))
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    texts = _template().generate(
        shown=shown,
        place=place,
        n_samples=len(contents.names),
        policy=policy,
        style=Markup(_text("report.css")),
        libraries=[Markup(text) for text in libraries],
        script=Markup(script),
        data=map(Markup, contents.parts()),
        elsewhere=Markup(place.elsewhere),
    )
    # The samples, nearly all of it, are ASCII: quicker by itself than beside other signs.
    return b"".join([*(text.encode() for text in texts), b"\n"])


@cache
def fixed_size() -> int:
    """Bytes of a page that do not depend on the scores: libraries, scripts and styles."""
    libraries, script = _scripts()
    return sum(len(text.encode()) for text in (*libraries, script, _text("report.css")))


@cache
def _scripts() -> tuple[tuple[str, ...], str]:
    """The libraries, with their licences, and the page's own script."""
    licences = f"/*\n{_text('vendor/LICENSES.txt')}*/\n"
    libraries = [_text(f"vendor/{name}") for name in _LIBRARIES]
    libraries[0] = licences + libraries[0]
    own = "\n".join(_text(f"js/{name}.js") for name in _SCRIPTS)
    return tuple(libraries), f'(() => {{\n"use strict";\n{own}}})();\n'


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("template.html")


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
