"""Cellosaurus' file of cell lines: names, identifiers elsewhere, parents and mix-ups.

The format is that of ``cellosaurus.txt``: a line code of two letters, its value, ``//`` behind each
entry (Bairoch, J Biomol Tech 29:25-38 (2018), doi:10.7171/jbt.18-2902-002).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sidestep.features.errors import InputError
from sidestep.features.identifiers import match_key, without_tissue

#: File name under which `sidestep data fetch cellosaurus` saves it.
FILE_NAME: Final = "cellosaurus.txt"
_SOURCE: Final = "Cellosaurus"
_HUMAN: Final = "NCBI_TaxID=9606"
#: Database of a cross-reference -> what its identifiers are names in (`features.merging.lines`).
_ELSEWHERE: Final = {
    "Cosmic": "COSMIC",
    "DepMap": "DepMap",
    "Cell_Model_Passport": "Sanger",
}
_SHOWN_TO_BE = re.compile(r"Shown to be an? (.+?) derivative")


@dataclass
class Cellosaurus:
    """Human lines of a Cellosaurus file.

    Attributes
    ----------
    names : dict of tuple to set of str
        What a name is a name in (empty for lines), and its key -> accessions.
    parents : dict of str to dict
        Accession -> accession of a parent or of a line of the same person, and how they relate.
    labels : dict of str to str
        Accession -> the line's name.
    """

    names: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    parents: dict[str, dict[str, str]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    _roots: dict[str, str] = field(default_factory=dict)

    def identity(self, space: str, name: str) -> str | None:
        """Accession of the one line that a name or identifier means; None for none or several."""
        found = self.names.get((space, match_key(name if space else without_tissue(name))), set())
        return next(iter(found)) if len(found) == 1 else None

    def relative(self, name: str, lineage: str = "") -> tuple[str, str] | None:
        """Donor of a line, and how the line stands to it; as `cell_lines.known_relative`."""
        accession = self.identity("", name)
        if accession is None or accession not in self._roots:
            return None
        near = self.parents.get(accession, {})
        how = "; ".join(f"{why} {self.labels.get(one, one)}" for one, why in near.items())
        return self._roots[accession], f"{how} ({_SOURCE})" if how else "itself"

    def join(self) -> None:
        """Find the donor of every line that has a relative."""
        parent: dict[str, str] = {}

        def root(one: str) -> str:
            while parent.setdefault(one, one) != one:
                parent[one] = parent[parent[one]]
                one = parent[one]
            return one

        for accession, others in self.parents.items():
            for other in others:
                one, two = sorted((root(accession), root(other)))
                parent[two] = one
        self._roots = {accession: root(accession) for accession in parent}


def read_cellosaurus(path: Path) -> Cellosaurus:
    """Human lines of ``cellosaurus.txt``.

    Raises
    ------
    InputError
        If the file cannot be read, or is in another format.
    """
    found = Cellosaurus()
    mixed_up: list[tuple[str, str]] = []
    try:
        for entry in _entries(path):
            _take(entry, found, mixed_up)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}); fetch cellosaurus anew") from error
    if not found.labels:
        raise InputError(
            f"{path} has no human line in Cellosaurus' format (lines that begin with ID, AC, OX); "
            "give the cellosaurus.txt that sidestep data fetch cellosaurus brings"
        )
    for accession, name in mixed_up:
        taken = found.identity("", name)
        if taken is not None and taken != accession:
            found.parents.setdefault(accession, {})[taken] = "taken for another, is"
    found.join()
    return found


def _entries(path: Path) -> Iterator[Mapping[str, list[str]]]:
    entry: dict[str, list[str]] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            code, value = line[:2], line[5:].rstrip()
            if code == "//":
                yield entry
                entry = {}
            elif value and line[2:5] == "   ":
                entry.setdefault(code, []).append(value)


def _take(
    entry: Mapping[str, list[str]], found: Cellosaurus, mixed_up: list[tuple[str, str]]
) -> None:
    if "ID" not in entry or "AC" not in entry:
        return
    if not any(value.startswith(_HUMAN) for value in entry.get("OX", ())):
        return
    accession, name = entry["AC"][0], entry["ID"][0]
    found.labels[accession] = name
    spellings = [name, *(one for line in entry.get("SY", ()) for one in line.split("; "))]
    keys = {("", match_key(one)) for one in spellings} | {(_SOURCE, match_key(accession))}
    for reference in entry.get("DR", ()):
        database, _, identifier = reference.partition("; ")
        if database in _ELSEWHERE:
            keys.add((_ELSEWHERE[database], match_key(identifier)))
    for key in keys:
        found.names.setdefault(key, set()).add(accession)
    for code, why in (("HI", "derived from"), ("OI", "of the same person as")):
        for value in entry.get(code, ()):
            found.parents.setdefault(accession, {})[value.partition(" ! ")[0]] = why
    for comment in entry.get("CC", ()):
        if comment.startswith("Problematic cell line") and (as_ := _SHOWN_TO_BE.search(comment)):
            mixed_up.append((accession, as_[1]))
