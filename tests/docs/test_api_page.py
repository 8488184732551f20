"""The page of the Python interface is what the docstrings say now, and leaves no name out."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType

import pytest

import sidestep
from sidestep import api

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "api.md"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """``docs/api.py``, which is no package's module."""
    spec = importlib.util.spec_from_file_location("docs_api", ROOT / "docs" / "api.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current(generator: ModuleType) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == generator.page(), "the docstrings have changed: run make pages"


def test_every_name_of_the_interface_is_on_it(generator: ModuleType) -> None:
    named = [name for names in generator.PARTS.values() for name in names]
    assert sorted(named) == sorted(set(sidestep.__all__) - {"__version__"})
    page = PAGE.read_text(encoding="utf-8")
    for kind in generator.RESULTS:
        assert f"### {kind.__name__}\n" in page


@pytest.mark.parametrize(
    "name",
    [n for n in sidestep.__all__ if getattr(vars(api).get(n), "__module__", "") == api.__name__],
)
def test_every_function_says_what_it_takes_gives_and_raises(name: str) -> None:
    function = getattr(api, name)
    text = inspect.getdoc(function) or ""
    for section in ("Parameters", "Returns", "Raises", "Examples"):
        assert f"{section}\n{'-' * len(section)}\n" in text, section
    documented = text.partition("Parameters\n")[2].partition("Returns\n")[0]
    for parameter in inspect.signature(function).parameters:
        assert f"{parameter} : " in documented or f"{parameter}," in documented, parameter


def test_a_docstring_becomes_markdown(generator: ModuleType) -> None:
    def example(first: int, second: str = "x") -> bool:
        """Do it.

        At length, with ``code``.

        Parameters
        ----------
        first : int
            How many,
            over two lines.
        second : {"x", "y"}

        Examples
        --------
        >>> 1 + 1
        2
        """
        return first > len(second)

    assert "\n\n".join(generator._described("example", example, "example")) == (
        "### example\n\n```python\nexample(first: int, second: str = 'x') -> bool\n```\n\n"
        "Do it.\n\nAt length, with `code`.\n\n**Parameters**\n\n"
        '- `first` (int): How many, over two lines.\n- `second` ({"x", "y"})\n\n'
        "**Examples**\n\n```pycon\n>>> 1 + 1\n2\n```"
    )
