"""Samples chosen by what is known of them: ``HER2_STATUS=Positive``, ``AGE<50``, ``STAGE!=IV``.

A filter holds only where a value is known: a sample without one meets neither ``=`` nor ``!=``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError, some

#: How filters may compare.
SIGNS = ("!=", "<=", ">=", "=", "<", ">")
#: The word for "no value is known", as cBioPortal writes it.
MISSING = "NA"
_FORM = re.compile(rf"\s*([^=!<>]*?)\s*({'|'.join(SIGNS)})\s*(.*?)\s*", re.DOTALL)
_USAGE = "write ATTRIBUTE=VALUE, ATTRIBUTE!=VALUE or, for numbers, ATTRIBUTE<VALUE"
_MOST_SHOWN, _LONGEST = 8, 60


@dataclass(frozen=True)
class Filter:
    """One condition on an attribute of samples.

    Attributes
    ----------
    attribute : str
        As a person wrote it.
    sign : str
        One of `SIGNS`.
    value : str
        One value, or several with commas between them.
    """

    attribute: str
    sign: str
    value: str

    def __str__(self) -> str:
        """The filter as it is written on the command line."""
        return f"{self.attribute}{self.sign}{self.value}"


@dataclass(frozen=True)
class Attributes:
    """What is known of each sample in words, and whose samples they are.

    Attributes
    ----------
    table : pandas.DataFrame
        Samples x attributes as text, NaN where no value is known.
    owner : str
        Whose they are, for errors: ``"study tcga"``.
    """

    table: pd.DataFrame
    owner: str

    def column(self, name: str) -> str:
        """The attribute of that name, regardless of case where no other is spelled exactly so.

        Raises
        ------
        InputError
            If there is none; it suggests the nearest.
        """
        names = [str(column) for column in self.table.columns]
        if name in names:
            return name
        by_case = {column.casefold(): column for column in reversed(names)}
        if name.casefold() in by_case:
            return by_case[name.casefold()]
        similar = get_close_matches(name.casefold(), by_case, n=3, cutoff=0.5)
        near = [by_case[one] for one in similar]
        if near:
            hint = f"did you mean {' or '.join(near)}?"
        else:
            hint = f"it has {some(names, _MOST_SHOWN)}" if names else "it has none at all"
        raise InputError(f"{self.owner} has no clinical attribute {_short(name)!r}; {hint}")

    def values(self, name: str) -> pd.Series:
        """Values of an attribute, NaN where none is known.

        Without blanks around them, and those that differ in case alone spelled as most are.
        """
        values = self.table[self.column(name)]
        text = values.astype("str").str.strip()
        text = text.mask(values.isna() | (text == ""))
        spellings: dict[str, str] = {}
        for value in text.value_counts().index:
            spellings.setdefault(_key(str(value)), str(value))
        return text.map(lambda value: spellings[_key(value)], na_action="ignore").astype("str")


@dataclass(frozen=True)
class Chosen:
    """Samples that meet all filters.

    Attributes
    ----------
    samples : pandas.Index
        In the order of the table; never empty.
    filters : tuple of Filter
        As the attributes and values are spelled in the table.
    notes : tuple of str
        Which samples were left out because nothing is known of them.
    """

    samples: pd.Index
    filters: tuple[Filter, ...]
    notes: tuple[str, ...]


def parse_filters(written: str | Iterable[str]) -> tuple[Filter, ...]:
    """Filters as they are written on the command line.

    Raises
    ------
    InputError
        If one lacks attribute, sign or value.

    Examples
    --------
    >>> [str(one) for one in parse_filters(["HER2_STATUS=Positive", "AGE <= 50"])]
    ['HER2_STATUS=Positive', 'AGE<=50']
    """
    filters = []
    for text in [written] if isinstance(written, str) else written:
        found = _FORM.fullmatch(text)
        if found is None or not found[1] or not found[3]:
            raise InputError(f"the filter {_short(text)!r} cannot be read; {_USAGE}")
        filters.append(Filter(*found.groups()))
    return tuple(filters)


def choose(attributes: Attributes, filters: Sequence[Filter]) -> Chosen:
    """Samples that meet every filter.

    Parameters
    ----------
    attributes : Attributes
    filters : sequence of Filter
        ``=`` and ``!=`` take words, several with commas between them (in quotes where a value has
        a comma itself); case does not count, and numbers are compared as numbers. ``NA`` stands
        for no value. ``<``, ``<=``, ``>`` and ``>=`` take a number.

    Raises
    ------
    InputError
        If there is no such attribute, no sample has such a value, or none meets all filters.
    """
    table = attributes.table
    kept = np.ones(len(table), dtype=bool)
    spelled, notes, counts = [], [], []
    for one in filters:
        read, met, unknown = _apply(attributes, one)
        spelled.append(read)
        counts.append(f"{read} {int(met.sum()):,}")
        kept &= met
        if unknown:
            notes.append(
                f"{unknown:,} of {len(table):,} samples have no {read.attribute} that says whether "
                f"{read} holds, and are left out"
            )
    if not kept.any():
        alone = f"; of samples there are {', '.join(counts)}" if len(counts) > 1 else ""
        asked = " and ".join(map(str, spelled))
        raise InputError(f"no sample of {attributes.owner} meets {asked}{alone}; ask for less")
    return Chosen(table.index[kept], tuple(spelled), tuple(notes))


def _apply(attributes: Attributes, asked: Filter) -> tuple[Filter, np.ndarray, int]:
    """The filter as the table spells it, who meets it, and of how many nothing is known."""
    column = attributes.column(asked.attribute)
    values = attributes.values(column)
    if asked.sign not in ("=", "!="):
        return _compare(attributes.owner, values, Filter(column, asked.sign, asked.value))
    keys = _keys(values)
    known = keys.notna().to_numpy()
    wanted: set[str] = set()
    spelled: list[str] = []
    missing = False
    for word in _words(asked.value, set(keys.dropna())):
        if word == MISSING and _key(MISSING) not in set(keys.dropna()):
            missing = True
            spelled.append(MISSING)
            continue
        found = (keys == _key(word)).to_numpy(bool)
        if not found.any():
            raise InputError(_no_such_value(attributes.owner, column, values, word))
        wanted.add(_key(word))
        spelled.append(_quoted(str(values[found].iloc[0])))
    member = keys.isin(wanted).to_numpy() | (missing & ~known)
    read = Filter(column, asked.sign, ",".join(dict.fromkeys(spelled)))
    met = member if asked.sign == "=" else ~member & known
    return read, met, 0 if missing else int((~known).sum())


def _compare(owner: str, values: pd.Series, asked: Filter) -> tuple[Filter, np.ndarray, int]:
    """Who meets a filter on numbers."""
    try:
        bound = float(asked.value)
    except ValueError:
        bound = np.nan
    if not np.isfinite(bound):
        raise InputError(
            f"the filter {_short(str(asked))!r} compares with {_short(asked.value)!r}, which is no "
            "number; give one"
        )
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(float)
    known = np.isfinite(numbers)
    if not known.any():
        raise InputError(
            f"{asked.attribute} of {owner} has no numbers to compare with {asked.sign}: it reads "
            f"{_most_frequent(values)}; use = or !="
        )
    with np.errstate(invalid="ignore"):
        met = {
            "<": numbers < bound,
            "<=": numbers <= bound,
            ">": numbers > bound,
            ">=": numbers >= bound,
        }[asked.sign]
    return asked, met & known, int((~known).sum())


def _words(text: str, known: set[str]) -> list[str]:
    """The values that a filter names; one that has a comma itself may stand by itself."""
    if _key(text) in known:
        return [text]
    cells = next(csv.reader([text], skipinitialspace=True))
    return [cell.strip() for cell in cells if cell.strip()] or [text]


def _quoted(value: str) -> str:
    return '"{}"'.format(value.replace('"', '""')) if "," in value or '"' in value else value


def _key(value: str) -> str:
    """What two spellings of one value share: case does not count, 3 and 3.0 are one number."""
    text = value.strip().casefold()
    try:
        number = float(text)
    except ValueError:
        return text
    return repr(number) if np.isfinite(number) else text


def _keys(values: pd.Series) -> pd.Series:
    distinct: Mapping[str, str] = {value: _key(value) for value in values.dropna().unique()}
    return values.map(distinct)


def _no_such_value(owner: str, column: str, values: pd.Series, word: str) -> str:
    """One sentence on a value that no sample has."""
    by_key = {value.casefold(): value for value in map(str, values.dropna().unique())}
    near = [by_key[one] for one in get_close_matches(word.casefold(), by_key, n=3)]
    hint = f"did you mean {' or '.join(map(_short, near))}? " if near else ""
    return (
        f"no sample of {owner} has {column}={_short(word)}; {hint}{column} reads "
        f"{_most_frequent(values)}"
    )


def _most_frequent(values: pd.Series) -> str:
    """The commonest values with their counts; NA where there are none."""
    counts = values.value_counts()
    return some([f"{_short(str(value))} ({n})" for value, n in counts.items()], _MOST_SHOWN) or (
        f"{MISSING} throughout"
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
