"""The genes to screen: the receptor tyrosine kinases, symbols between commas, or a file of them."""

from __future__ import annotations

import re
from pathlib import Path

from sidestep.features.errors import InputError
from sidestep.features.knowledge.receptors import RTK_TABLE

RTK = "rtk"
_COMMENT = re.compile(r"#.*")
_SEPARATOR = re.compile(r"[\s,;]+")


def choose_genes(wanted: str) -> tuple[str, ...]:
    """Hugo symbols, each once, in the order given.

    Parameters
    ----------
    wanted : str
        ``"rtk"`` for the 58 human receptor tyrosine kinases; else the path of a file with
        symbols between blanks, commas or line ends (``#`` begins a comment); else symbols
        between commas.

    Raises
    ------
    InputError
        If no gene is named, or the file cannot be read.
    """
    if wanted.strip().casefold() == RTK:
        return tuple(sorted(RTK_TABLE.load()))
    path = Path(wanted)
    if path.is_file():
        text = _read(path)
    elif "/" in wanted or path.suffix:
        raise InputError(
            f"there is no file {wanted}; give --genes {RTK}, symbols between commas, or a file"
        )
    else:
        text = wanted
    lines = [_COMMENT.sub("", line) for line in text.splitlines()]
    genes = tuple(dict.fromkeys(gene for line in lines for gene in _SEPARATOR.split(line) if gene))
    if not genes:
        raise InputError(
            f"--genes {wanted!r} names no gene; give {RTK}, symbols between commas, or a file"
        )
    return genes


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as failure:
        raise InputError(
            f"the genes file {path} cannot be read as text ({failure}); give one symbol a line"
        ) from failure
