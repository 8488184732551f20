"""Words of clinical files for a response, and which of them say that nothing was assessed.

A word that means response is named by whoever asks. Every other word means that there was none, but
for those that say nothing: a category of no known scheme beside categories of one (``NE`` beside
``CR`` and ``PR``), or a word such as ``Not evaluable``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.identifiers import match_key
from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable, each

RESPONSE, NONE, UNASSESSED = "response", "none", "unassessed"


@dataclass(frozen=True)
class ResponseWord:
    """A word of a scheme, as `match_key` writes it, and what it says."""

    scheme: str
    key: str
    meaning: str


def _word(row: KnowledgeRow) -> ResponseWord:
    meaning = row.choice("meaning", (RESPONSE, NONE, UNASSESSED))
    return ResponseWord(row["scheme"], match_key(row["word"]), meaning)


#: Words of published schemes.
RESPONSE_WORD_TABLE = KnowledgeTable(
    "response_words.tsv", ("scheme", "word", "meaning", "source"), each(_word)
)


@dataclass(frozen=True)
class Grouping:
    """How the words of an attribute were grouped.

    Attributes
    ----------
    values : pandas.Series
        Sample -> 1.0 for response, 0.0 for none; samples of which nothing is known are left out.
    words : mapping of str to str
        Word -> ``response``, ``none`` or ``unassessed``.
    counts : mapping of str to int
        Word -> samples that have it.
    """

    values: pd.Series
    words: Mapping[str, str]
    counts: Mapping[str, int]

    def listed(self, meaning: str) -> str:
        """Words of one meaning with their counts, such as ``CR (3), PR (12)``."""
        found = [f"{w} ({self.counts[w]})" for w, said in self.words.items() if said == meaning]
        return ", ".join(found)


def group_words(attribute: str, column: pd.Series, responders: Sequence[str]) -> Grouping:
    """Group the words of a clinical attribute into response and none.

    Parameters
    ----------
    attribute : str
        Its name, for messages.
    column : Series of str
        Sample -> word, NaN where missing.
    responders : sequence of str
        Words that mean response; case and punctuation do not count.

    Raises
    ------
    InputError
        If none is given, one is not among the words, or either outcome has no sample.
    """
    texts = column.dropna().astype(str)
    counts = {str(word): int(count) for word, count in texts.value_counts().items()}
    there = ", ".join(f"{word} ({count})" for word, count in list(counts.items())[:8]) or "no word"
    if not responders:
        raise InputError(
            f"{attribute} is a clinical attribute ({there}); say which of its words mean response "
            "with --responder"
        )
    known = {match_key(word): word for word in counts}
    unknown = [word for word in responders if match_key(word) not in known]
    if unknown:
        raise InputError(
            f"--responder {unknown[0]} is no word of the attribute {attribute}; it has {there}"
        )
    keys = {match_key(word) for word in responders}
    words = {word: _meaning(match_key(word), keys) for word in counts}
    if NONE not in words.values():
        raise InputError(
            f"no sample is without response in {attribute} ({there}); leave out of --responder "
            "what does not mean response"
        )
    meaning = texts.map(words)
    values = meaning.map({RESPONSE: 1.0, NONE: 0.0}).astype(float).dropna()
    return Grouping(values, words, counts)


def _meaning(key: str, responders: set[str]) -> str:
    """What a word says, given those that mean response."""
    if key in responders:
        return RESPONSE
    table = RESPONSE_WORD_TABLE.load()
    if any(word.key == key and word.meaning == UNASSESSED for word in table):
        return UNASSESSED
    schemes = {word.scheme for word in table if word.key in responders}
    named = [
        scheme
        for scheme in schemes
        if responders <= {word.key for word in table if word.scheme == scheme}
    ]
    if not named:
        return NONE
    of_scheme = {word.key for word in table if word.scheme in named}
    return NONE if key in of_scheme else UNASSESSED


def describe_grouping(attribute: str, grouping: Grouping) -> str:
    """The grouping in one sentence, as manifest, card and report state it."""
    parts = [f"{attribute}: response is {grouping.listed(RESPONSE)}"]
    parts.append(f"none is {grouping.listed(NONE)}")
    if unassessed := grouping.listed(UNASSESSED):
        parts.append(f"not assessed, and so missing, is {unassessed}")
    return "; ".join(parts)


def require_words(responders: Sequence[str]) -> tuple[str, ...]:
    """Words of an option, between commas; blank ones left out.

    Examples
    --------
    >>> require_words(["CR, PR"])
    ('CR', 'PR')
    """
    found = [part.strip() for text in responders for part in text.split(",")]
    return tuple(dict.fromkeys(part for part in found if part))
