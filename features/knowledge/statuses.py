"""Words of clinical files for a HER2 status, and what each of them decides.

Immunohistochemistry is read as ASCO and CAP do (Wolff et al., J Clin Oncol 2018, DOI
10.1200/JCO.2018.77.8738): 3+ is positive, 2+ decides nothing, 1+ and 0 are negative. A gain of
copies is no amplification. A word that the table does not have decides nothing, and is named.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from sidestep.features.knowledge.rows import KnowledgeTable, each, keyed

POSITIVE, NEGATIVE, UNDECIDED = "positive", "negative", "undecided"
#: What a word may say. Of these `gain_only` and `missing` decide nothing either.
STATUSES = (POSITIVE, NEGATIVE, UNDECIDED, "gain_only", "missing")
# What may stand before the status itself: the protein's name, or the test's.
_BEFORE = re.compile(
    r"^(?:(?:her[- ]?2(?:/neu)?|erbb2|fish|ish|cish|sish)(?![a-z0-9])"
    r"|her2(?=pos|neg)|(?:ihc|score)(?![a-z]))[\s:_]*"
)
_GRADE = re.compile(r"^[0-3](?:\.0)?$")
_SCORES = {"0": NEGATIVE, "1": NEGATIVE, "2": UNDECIDED, "3": POSITIVE}
_YES_NO = {"0": NEGATIVE, "1": POSITIVE}
_IHC_NAME = re.compile(r"IHC|SCORE|IMMUNO")
_YES_NO_NAME = re.compile(r"AMPLIF|POSITIVE|FISH|ISH\b")
_IHC_WORDS = re.compile(r"[0-3]\+")


def status_key(word: str) -> str:
    """Word without case, blanks, the protein's and the test's name: ``"HER2+"`` is ``"+"``."""
    key = word.strip().strip("[]").casefold()
    key = key.rstrip(".") or key
    while (found := _BEFORE.match(key)) is not None and found.end() < len(key):
        key = key[found.end() :]
    key = re.sub(r"[\s_-]+(?=[a-z])|(?<=[a-z])[\s_-]+", " ", key).strip()
    return re.sub(r"(?<=[0-3]) \+$", "+", re.sub(r"\s+", " ", key))


#: Word, as `status_key` has it -> what it says, one of `STATUSES`.
STATUS_WORD_TABLE = KnowledgeTable(
    "status_words.tsv",
    ("word", "status", "source"),
    keyed("word", lambda row: row.choice("status", STATUSES), status_key),
)
#: Clinical attributes that say whether a sample is HER2-positive, the one asked first in front.
STATUS_COLUMN_TABLE = KnowledgeTable(
    "status_columns.tsv", ("column", "source"), each(lambda row: row["column"])
)


@dataclass(frozen=True)
class StatusReading:
    """A clinical attribute's HER2 statuses.

    Attributes
    ----------
    status : pandas.Series
        ``"positive"``, ``"negative"`` or ``"undecided"`` of each sample.
    unread : mapping of str to int
        Word that decides nothing because it is not known -> samples that have it.
    ambiguous : bool
        Whether the attribute reads 0 and 1, which may be scores of immunohistochemistry (both
        negative) or no and yes: it decides nothing then.
    """

    status: pd.Series
    unread: Mapping[str, int] = field(default_factory=dict)
    ambiguous: bool = False


def read_status(
    values: pd.Series, name: str, grades: Mapping[str, str] | None = None
) -> StatusReading:
    """Read the words of a clinical attribute as HER2 statuses.

    Parameters
    ----------
    values : Series of str
        NaN where there is none.
    name : str
        Name of the attribute: ``HER2_IHC_SCORE`` tells what a bare 1 means.
    grades : mapping of str to str, optional
        What bare 0, 1, 2 and 3 say; by default what `grade_meaning` makes of these values. A
        study decides it once for all of its samples, so that one of them reads the same alone.
    """
    texts = values.dropna().astype("str")
    words = list(texts.unique())
    grade_of = {word: word.strip()[0] for word in words if _GRADE.fullmatch(word.strip())}
    by_grade = grade_meaning(values, name) if grades is None else grades
    said: dict[str, str] = {}
    unread: Counter[str] = Counter()
    for word in words:
        if word in grade_of:
            said[word] = by_grade.get(grade_of[word], UNDECIDED)
            continue
        known = _status_of(word)
        said[word] = known if known in (POSITIVE, NEGATIVE) else UNDECIDED
        if known is None and word.strip():
            unread[word] = int((texts == word).sum())
    found = [UNDECIDED if pd.isna(word) else said[str(word)] for word in values.tolist()]
    status = pd.Series(found, index=values.index, dtype="str")
    return StatusReading(status, unread, ambiguous="1" in grade_of.values() and not by_grade)


def _status_of(word: str) -> str | None:
    """What a word says; None if it is not known. ``Positive (3+)`` is read by its parts."""
    table = STATUS_WORD_TABLE.load()
    key = status_key(word)
    if not key:
        return "missing"
    if key in table:
        return table[key]
    if _GRADE.fullmatch(key):  # "IHC 1": the word itself names the test
        return _SCORES[key[0]]
    parts = [part for part in re.split(r"[(),/;]", word) if part.strip()]
    found = {table.get(status_key(part)) for part in parts} if len(parts) > 1 else set()
    return found.pop() if len(found) == 1 else None


def grade_meaning(values: pd.Series, name: str) -> Mapping[str, str]:
    """What bare 0, 1, 2 and 3 say: scores of immunohistochemistry, or no and yes; else nothing.

    A 2 or 3, a word such as ``2+`` or the attribute's name tells scores; other words, or the name
    of another test, tell no and yes. Where both fit, the attribute decides nothing.
    """
    words = [str(word).strip() for word in values.dropna().unique()]
    grades = {word[0] for word in words if _GRADE.fullmatch(word)}
    others = [word for word in words if not _GRADE.fullmatch(word)]
    if not grades:
        return {}
    if grades & {"2", "3"} or _IHC_NAME.search(name.upper()) or grades == {"0"}:
        return _SCORES
    telling = [word for word in others if _status_of(word) != "missing"]
    if telling and all(_IHC_WORDS.search(word) for word in telling):
        return _SCORES
    if _YES_NO_NAME.search(name.upper()):
        return _YES_NO
    return _YES_NO if any(_status_of(word) in _YES_NO.values() for word in telling) else {}
