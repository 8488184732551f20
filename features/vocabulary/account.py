"""The account of a study: of every file that was read, what was understood of it and what was not.

`Account` gathers it while files are read; `FileAccount` is what is kept, printed by ``sidestep
check`` and written into manifests and runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

#: Words not understood that a line of text names; a record keeps all of them.
_MOST_WORDS = 8
#: Words not understood that a record keeps by name; the others are counted together.
_MOST_KEPT = 200
#: What stands for the words beyond `_MOST_KEPT`.
OTHER_WORDS = "(other)"


@dataclass(frozen=True)
class FileAccount:
    """What was understood of one file.

    Attributes
    ----------
    file : str
        File name, relative to the study folder.
    kind : str
        `genetic_alteration_type` of its meta file (``"MRNA_EXPRESSION"``), or what else it is
        (``"CASE_LIST"``).
    understood : str
        What it is, in a sentence without its full stop.
    unit : str
        Unit or scale of its values as they are used; empty where it has none.
    decided_by : str
        How the unit or scale was decided.
    matched : mapping of str to int
        By what names were matched -> how many (``{"symbol": 1200, "previous symbol": 3}``).
    not_understood : mapping of str to int
        Word that has no known meaning -> rows that have it.
    set_aside : mapping of str to int
        Why rows or samples are not used -> how many.
    """

    file: str
    kind: str
    understood: str
    unit: str = ""
    decided_by: str = ""
    matched: Mapping[str, int] = field(default_factory=dict)
    not_understood: Mapping[str, int] = field(default_factory=dict)
    set_aside: Mapping[str, int] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Plain values, for JSON; what is empty is left out."""
        counts = {
            "matched": dict(self.matched),
            "not_understood": dict(self.not_understood),
            "set_aside": dict(self.set_aside),
        }
        words = {"unit": self.unit, "decided_by": self.decided_by}
        said = {name: value for name, value in {**words, **counts}.items() if value}
        return {"file": self.file, "kind": self.kind, "understood": self.understood, **said}

    def lines(self) -> list[str]:
        """The same for a reader: a heading, and a line for each thing to say."""
        scale = f"{self.unit}; {self.decided_by}" if self.decided_by else self.unit
        said = {
            "scale": scale,
            "matched by": _counted(self.matched),
            "not understood": _counted(self.not_understood, shown=repr),
            "set aside": _counted(self.set_aside),
        }
        return [
            f"{self.file}: {self.understood}",
            *(f"  {name}: {text}" for name, text in said.items() if text),
        ]


@dataclass
class Account:
    """Accounts of a study's files, in the order in which they were read.

    Files are added by `add`; what is learnt of one later, by `match`, `puzzle` and `set_aside`.
    """

    _files: dict[str, FileAccount] = field(default_factory=dict)

    def add(
        self, file: str, kind: str, understood: str, *, unit: str = "", decided_by: str = ""
    ) -> None:
        """Say what a file is; what was counted of it before stays."""
        known = self._files.get(file, FileAccount(file, kind, understood))
        self._files[file] = replace(
            known, kind=kind, understood=understood, unit=unit, decided_by=decided_by
        )

    def match(self, file: str, counts: Mapping[str, int]) -> None:
        """Count names of a file that were matched, by what they were matched."""
        known = self._of(file)
        self._files[file] = replace(known, matched=_sum(known.matched, counts))

    def puzzle(self, file: str, words: Mapping[str, int]) -> None:
        """Count words of a file that have no known meaning, by how many rows have them."""
        known = self._of(file)
        self._files[file] = replace(known, not_understood=_most(_sum(known.not_understood, words)))

    def set_aside(self, file: str, why: str, rows: int) -> None:
        """Count rows or samples of a file that are not used."""
        if rows:
            known = self._of(file)
            self._files[file] = replace(known, set_aside=_sum(known.set_aside, {why: rows}))

    def files(self) -> tuple[FileAccount, ...]:
        """Every file's account."""
        return tuple(self._files.values())

    def _of(self, file: str) -> FileAccount:
        return self._files.get(file, FileAccount(file, "", "read"))


def plain_account(files: Iterable[FileAccount]) -> list[dict[str, Any]]:
    """Accounts as plain values, for JSON."""
    return [file.plain() for file in files]


def account_of(plain: Iterable[Mapping[str, Any]]) -> tuple[FileAccount, ...]:
    """Accounts of what `plain_account` gave."""
    return tuple(FileAccount(**one) for one in plain)


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Counts of both."""
    total = dict(one)
    for name, count in other.items():
        if count:
            total[name] = total.get(name, 0) + int(count)
    return total


def _most(words: Mapping[str, int]) -> dict[str, int]:
    """The most frequent words, the others counted together: a file may have a million of them."""
    if len(words) <= _MOST_KEPT:
        return dict(words)
    rest = words.get(OTHER_WORDS, 0)
    named = sorted(
        ((word, n) for word, n in words.items() if word != OTHER_WORDS),
        key=lambda pair: (-pair[1], pair[0]),
    )
    rest += sum(count for _, count in named[_MOST_KEPT - 1 :])
    return {**dict(named[: _MOST_KEPT - 1]), OTHER_WORDS: rest}


def _counted(counts: Mapping[str, int], shown: Any = str) -> str:
    """Counts as text, the largest first: ``"symbol 1,200, alias 3"``."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    text = ", ".join(f"{shown(name)} {count:,}" for name, count in ordered[:_MOST_WORDS])
    more = len(ordered) - _MOST_WORDS
    return f"{text} and {more:,} more" if more > 0 else text
