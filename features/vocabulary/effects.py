"""Effects of mutations: what the words of mutation files mean, by a table, and how they combine.

The words are those of GDC and MAF, ANNOVAR, the Sequence Ontology (VEP), SnpEff, COSMIC and GDSC
(``features/knowledge/tables/effect_words.tsv``). A word that the table does not have says nothing,
which is not the same as a silent call.
"""

from __future__ import annotations

import functools
import re

import pandas as pd

from sidestep.features.knowledge.rows import KnowledgeTable, keyed
from sidestep.features.vocabulary.protein_changes import effect_of_change

#: Effects, the one that counts first where a call has several. A call whose words say nothing is
#: not silent, so `unknown` stands before it.
EFFECTS = ("truncating", "splice", "start_stop", "inframe", "missense", "unknown", "silent")
#: Effects that change the protein.
NONSILENT = frozenset(EFFECTS[:5])
#: Effects that cut it short.
CUTTING = frozenset({"truncating", "splice"})
UNKNOWN = "unknown"
# VEP joins the consequences of one call by '&' or ',', ANNOVAR by ';', SnpEff by '&' or '+'.
_JOINED = re.compile(r"[&,;|+]")


def word_key(word: str) -> str:
    """Word without case and punctuation: ``"3'UTR"`` is ``"3utr"``."""
    bare = re.sub("['\u2019\u2032`]", "", word.casefold())
    return re.sub(r"[^a-z0-9]+", "_", bare).strip("_")


#: Word, as `word_key` has it -> its effect, one of `EFFECTS`.
EFFECT_TABLE = KnowledgeTable(
    "effect_words.tsv",
    ("word", "effect", "source"),
    keyed("word", lambda row: row.choice("effect", EFFECTS), word_key),
)


@functools.lru_cache(maxsize=2**12)
def effect_of_word(words: str) -> str:
    """Effect that a call's words say; ``"unknown"`` where they say none.

    Examples
    --------
    >>> effect_of_word("Missense_Mutation"), effect_of_word("splice_region_variant&stop_gained")
    ('missense', 'truncating')
    >>> effect_of_word("frameshift substitution"), effect_of_word("SNV")
    ('truncating', 'unknown')
    """
    whole = _effect(words)
    if whole != UNKNOWN:
        return whole
    found = {_effect(word) for word in _JOINED.split(words) if word.strip()}
    return next((effect for effect in EFFECTS if effect in found), UNKNOWN)


def _effect(word: str) -> str:
    """Effect of one word, with or without what parts it: ``"Inframe_Del"``, ``"In_Frame_Del"``."""
    key = word_key(word)
    return EFFECT_TABLE.load().get(key) or _unparted().get(key.replace("_", ""), UNKNOWN)


@functools.cache
def _unparted() -> dict[str, str]:
    """Words without what parts them -> effect; those left out that then mean two things."""
    meanings: dict[str, set[str]] = {}
    for word, effect in EFFECT_TABLE.load().items():
        meanings.setdefault(word.replace("_", ""), set()).add(effect)
    return {word: found.pop() for word, found in meanings.items() if len(found) == 1}


def effects(classification: pd.Series, protein_change: pd.Series) -> pd.Series:
    """Effect of each call, one of `EFFECTS`: by its words, else by its protein change.

    Parameters
    ----------
    classification : Series of str
        `Variant_Classification` or another column's words; NaN where there are none.
    protein_change : Series of str
        On the same index; asked only where the words say nothing.
    """
    found = [
        UNKNOWN if pd.isna(words) else effect_of_word(str(words))
        for words in classification.tolist()
    ]
    found = [
        effect_of_change(str(text)) if effect == UNKNOWN and not pd.isna(text) else effect
        for effect, text in zip(found, protein_change.tolist(), strict=True)
    ]
    return pd.Series(found, index=classification.index, dtype="str", name="effect")
