"""Pages of the examples: each is run, and below every cell stands what it printed.

``make pages`` runs this file. Each example runs as at a desk, in a Python process of its own; they
run in their order and share one temporary folder, since later ones need what earlier ones made.
Pages go to ``docs``, pictures to ``docs/images``. What differs from run to run (how long it took,
the identifiers of runs) is shown as ``…``, so that a page changes only when there is news.

Examples have the percent format, which Jupyter (through jupytext), VS Code and Spyder open as
notebooks. Pages are made without a notebook's kernel: what a kernel shows is not what a script
prints (a block a flush, warnings on widgets), and it takes 44 packages to show it.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

DOCS = Path(__file__).resolve().parent
EXAMPLES = DOCS.parent / "examples"
_MARKER = "# %%"
_MARKDOWN = "# %% [markdown]"
_QUOTES = '"""'
_PICTURES = "[0-9]*.png"
_PASSING = (
    (re.compile(r"\b[0-9a-f]{32}\b"), "…"),
    (re.compile(r"\bTook \d+ s\b"), "Took … s"),
)


@dataclass(frozen=True)
class Cell:
    """A part of an example.

    Attributes
    ----------
    text : str
        Markdown or code, without empty lines at its ends.
    is_code : bool
    line : int
        Where its text begins in the example, from 1.
    """

    text: str
    is_code: bool
    line: int

    @property
    def markdown(self) -> str:
        """The cell as a page shows it."""
        return f"```python\n{self.text}\n```" if self.is_code else self.text


def cells_of(source: str) -> list[Cell]:
    """The cells of an example in the percent format."""
    lines = source.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(_MARKER)]
    found = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        body, is_code = lines[start + 1 : end], lines[start] != _MARKDOWN
        leading = next((number for number, line in enumerate(body) if line), len(body))
        text = body if is_code else _prose(body)
        found.append(Cell("\n".join(text).strip("\n"), is_code, start + leading + 2))
    return found


def _prose(body: list[str]) -> list[str]:
    """Markdown out of comments, or out of a docstring."""
    if _QUOTES in body:
        return [line for line in body if line != _QUOTES]
    return [line.removeprefix("#").removeprefix(" ") for line in body]


def page(example: Path, folder: Path) -> str:
    """Run an example in a folder, in this process, and give its page in Markdown."""
    os.chdir(folder)
    names = {"__name__": "__main__"}
    blocks = []
    for cell in cells_of(example.read_text(encoding="utf-8")):
        blocks.append(cell.markdown)
        if cell.is_code:
            printed = _run(cell, example, names)
            blocks += [f"```text\n{printed}\n```"] if printed else []
    return "\n\n".join(blocks) + "\n"


def _run(cell: Cell, example: Path, names: dict[str, str]) -> str:
    """What a cell prints, without what another run would print otherwise."""
    output = StringIO()
    placed = "\n" * (cell.line - 1) + cell.text  # so that an error names the line of the file
    with redirect_stdout(output), redirect_stderr(output):
        exec(compile(placed, example, "exec"), names)
    printed = "\n".join(line.rstrip() for line in output.getvalue().strip("\n").splitlines())
    for passing, shown in _PASSING:
        printed = passing.sub(shown, printed)
    return printed


def main() -> None:
    """Render every page anew; none is written if an example fails."""
    examples = sorted(EXAMPLES.glob("[0-9]*.py"))
    fresh = ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1)
    with TemporaryDirectory(prefix="sidestep-docs-") as folder, fresh as processes:
        pages = list(processes.map(page, examples, [Path(folder)] * len(examples)))
        for picture in sorted((DOCS / "images").glob(_PICTURES)):
            picture.unlink()
        for picture in sorted(Path(folder).glob(_PICTURES)):
            shutil.copy(picture, DOCS / "images")
    for example, text in zip(examples, pages, strict=True):
        (DOCS / f"{example.stem}.md").write_text(text, encoding="utf-8")
        sys.stdout.write(f"docs/{example.stem}.md\n")


if __name__ == "__main__":
    main()
