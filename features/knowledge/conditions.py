"""The conditions under which a rule applies: what a sample must show, and what it must not."""

from __future__ import annotations

import re
from dataclasses import dataclass

STATES = ("high", "mutation", "fusion", "amplified", "loss")
MEASURES = ("gene", "signature", "pathway")

_AND = " + "
_NOT = "not:"
_GENE = re.compile(r"[A-Z][A-Z0-9]+(-[A-Z0-9]+)?")
_CHANGE = re.compile(r"[A-Z][1-9]\d*[A-Z]")
_STRENGTHS = ("strong", "weak")


@dataclass(frozen=True)
class Term:
    """One requirement of a condition.

    Attributes
    ----------
    state : str
        One of `STATES`.
    measure : str
        One of `MEASURES`: what `name` names; a signature or pathway can only be high.
    name : str
        Hugo symbol, signature or pathway (`features.knowledge.signatures`).
    change : str
        For a mutation, the protein change (``"F1174L"``) or, for PIK3CA, its strength
        (`features.knowledge.variants.pik3ca_strength`); empty for any non-silent mutation.
    holds : bool
        False where the sample must not show it.
    """

    state: str
    measure: str
    name: str
    change: str = ""
    holds: bool = True


@dataclass(frozen=True)
class Condition:
    """Requirements that must all be met.

    Attributes
    ----------
    text : str
        As written in the table.
    terms : tuple of Term
        In the order of the text.
    """

    text: str
    terms: tuple[Term, ...]


def parse_condition(text: str) -> Condition:
    """Read a condition such as ``high:signature:caf + not:mutation:PIK3CA:strong``.

    Parameters
    ----------
    text : str
        Terms joined by ``" + "``: ``high:GENE``, ``high:signature:NAME``, ``high:pathway:NAME``,
        ``mutation:GENE``, ``mutation:GENE:CHANGE``, ``mutation:PIK3CA:strong`` (or ``weak``),
        ``fusion:GENE``, ``amplified:GENE``, ``loss:GENE``, each with ``not:`` before it where the
        sample must not show it.

    Raises
    ------
    ValueError
        If a term is none of these.

    Examples
    --------
    >>> parse_condition("fusion:ALK + mutation:ALK:F1174L").terms[1]
    Term(state='mutation', measure='gene', name='ALK', change='F1174L', holds=True)
    """
    return Condition(text, tuple(_parse_term(term) for term in text.split(_AND)))


def _parse_term(text: str) -> Term:
    state, *rest = text.removeprefix(_NOT).split(":")
    holds = not text.startswith(_NOT)
    if state == "high" and len(rest) == 2 and rest[0] in MEASURES[1:] and rest[1]:
        return Term(state, rest[0], rest[1], holds=holds)
    if state in STATES and len(rest) == 1 and _GENE.fullmatch(rest[0]):
        return Term(state, "gene", rest[0], holds=holds)
    if state == "mutation" and len(rest) == 2 and _is_change(*rest):
        return Term(state, "gene", rest[0], rest[1], holds)
    raise ValueError(
        f"condition term {text!r} is none of high:GENE, high:signature:NAME, high:pathway:NAME, "
        "mutation:GENE, mutation:GENE:CHANGE, fusion:GENE, amplified:GENE, loss:GENE, with or "
        "without not: before it"
    )


def _is_change(gene: str, change: str) -> bool:
    known_by_strength = gene == "PIK3CA" and change in _STRENGTHS
    return known_by_strength or bool(_GENE.fullmatch(gene) and _CHANGE.fullmatch(change))
