"""A mapping file: which table holds what, and what is said of it, in TOML.

```toml
id = "our_lines"
name = "Our lines, 2026"

[expression]
file = "tpm.csv"
unit = "TPM"
samples = "columns"

[mutations]
file = "calls.maf"
sequenced = "all"

[[responses]]
file = "gi50.csv"
name = "gi50"
unit = "-log10 molar"
direction = "high-is-sensitive"
```
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sidestep.features.errors import InputError
from sidestep.features.files.contents import decode, read_bytes
from sidestep.features.files.limits import META_LIMITS
from sidestep.features.originals.given import read_given
from sidestep.features.originals.parts import ALL, DIRECTIONS, KINDS, Source

SUFFIX: Final = ".toml"
#: Mapping file of a folder.
MAPPING: Final = "study.toml"
_INFO: Final = ("id", "name", "description", "type_of_cancer", "simulated")
_FIELDS: Final = (
    "file", "unit", "samples", "name", "direction", "sequenced", "probes", "sample_column", "exact",
    "meta", "panels", "panel_of",
)  # fmt: skip
_NO_TEXT: Final = frozenset({"sequenced", "exact", "meta"})


@dataclass(frozen=True)
class Mapped:
    """What a mapping file says.

    Attributes
    ----------
    sources : tuple of Source
    info : mapping of str to str
        ``id``, ``name``, ``description``, ``type_of_cancer``, ``simulated``, as far as it has them.
    """

    sources: tuple[Source, ...]
    info: Mapping[str, str]


def read_mapping(path: Path) -> Mapped:
    """Read a mapping file; its tables' paths are relative to its folder.

    Raises
    ------
    InputError
        If it is no TOML, or says what is not known; it names the word.
    """
    data, _ = read_bytes(path, path.name, META_LIMITS)
    try:
        said = tomllib.loads(decode(data, path.name))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML ({error}); see the page of public data") from error
    info: dict[str, str] = {
        name: _text(said.pop(name), path, name) for name in _INFO if name in said
    }
    sources = []
    for kind, tables in said.items():
        if kind not in KINDS:
            known = ", ".join((*KINDS, *_INFO))
            raise InputError(f"{path}: {kind!r} is none of {known}; mend that word")
        for table in tables if isinstance(tables, list) else [tables]:
            if not isinstance(table, dict):
                raise InputError(f"{path}: {kind} is no table; write [{kind}] and file = '…'")
            sources.append(_source(kind, table, path))
    if not sources:
        raise InputError(f"{path} names no table; write for example [expression] and file = '…'")
    return Mapped(tuple(sources), info)


def _source(kind: str, table: Mapping[str, Any], path: Path) -> Source:
    for word in table:
        if word not in _FIELDS:
            raise InputError(f"{path}, [{kind}]: {word!r} is none of {', '.join(_FIELDS)}")
    if "file" not in table:
        raise InputError(f"{path}, [{kind}] has no file; write file = '…'")
    said = {
        word: _text(table[word], path, f"[{kind}] {word}")
        for word in _FIELDS
        if word in table and word not in _NO_TEXT
    }
    if (lie := said.get("samples", "")) not in ("", "columns", "rows"):
        raise InputError(f"{path}, [{kind}] samples is {lie!r}; write 'columns' or 'rows'")
    for word in ("file", "probes", "panels", "panel_of"):
        _require_inside(said.get(word, ""), path, f"[{kind}] {word}")
    folder = path.parent
    column = said.get("sample_column", "")
    return Source(
        kind,
        folder / said["file"],
        unit=said.get("unit", ""),
        lie=lie,
        name=said.get("name", ""),
        higher_is_resistant=direction_of(said.get("direction", ""), f"{path}, [{kind}] direction"),
        sequenced=_sequenced(table.get("sequenced"), path, kind),
        probes=folder / said["probes"] if "probes" in said else None,
        columns={"SAMPLE_ID": column} if column else {},
        exact=table.get("exact") is True,
        meta={
            str(key): _text(value, path, f"[{kind}.meta] {key}")
            for key, value in dict(table.get("meta", {})).items()
        },
        panels=_panels(folder / said["panels"]) if "panels" in said else {},
        panel_of=_pairs(folder / said["panel_of"]) if "panel_of" in said else {},
    )


def _panels(path: Path) -> dict[str, tuple[str, ...]]:
    """Gene panels of a table with a row a panel and gene."""
    found: dict[str, list[str]] = {}
    for panel, gene in _rows(path):
        found.setdefault(panel, []).append(gene)
    return {panel: tuple(genes) for panel, genes in found.items()}


def _pairs(path: Path) -> dict[str, str]:
    """First column -> second."""
    return dict(_rows(path))


def _rows(path: Path) -> list[tuple[str, str]]:
    given = read_given(path)
    if len(given.names) != 2:
        raise InputError(f"{path} has {len(given.names)} columns; it must have two")
    text = given.table.text(given.table.columns).dropna()
    return list(text.itertuples(index=False, name=None))


def _require_inside(named: str, path: Path, where: str) -> None:
    """Refuse a file that does not lie beside a mapping, or below: it may be somebody else's."""
    if Path(named).is_absolute() or ".." in Path(named).parts:
        raise InputError(
            f"{path}: {where} is {named!r}, which leads out of the mapping's folder; put the file "
            "beside the mapping, and give its plain name"
        )


def direction_of(word: str, where: str) -> bool | None:
    """Whether a high response is a resistant line, by a word of `DIRECTIONS`; None without one.

    Raises
    ------
    InputError
        If the word is none of them.
    """
    if not word:
        return None
    if word not in DIRECTIONS:
        raise InputError(f"{where} is {word!r}; write {' or '.join(DIRECTIONS)}")
    return DIRECTIONS[word]


def _sequenced(said: object, path: Path, kind: str) -> tuple[str, ...] | None:
    if said is None:
        return None
    if isinstance(said, list):
        return tuple(map(str, said))
    if said == "all":
        return ALL
    named = _text(said, path, f"[{kind}] sequenced")
    _require_inside(named, path, f"[{kind}] sequenced")
    return listed_samples(path.parent / named)


def listed_samples(path: Path) -> tuple[str, ...]:
    """Samples that a file lists, one a line; a header ``SAMPLE_ID`` is passed over.

    Raises
    ------
    InputError
        If it cannot be read, or lists none.
    """
    data, _ = read_bytes(path, path.name, META_LIMITS)
    names = [line.strip().strip('"') for line in decode(data, path.name).split("\n")]
    names = [name for name in names if name and name.upper() != "SAMPLE_ID"]
    if not names:
        raise InputError(f"{path} lists no sample; write one a line, or give 'all'")
    return tuple(dict.fromkeys(names))


def _text(value: object, path: Path, where: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise InputError(f"{path}: {where} is no text; put it in quotes")
