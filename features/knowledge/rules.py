"""What follows from what a sample shows: markers of response, and partners where a drug fails.

A marker says of some drugs that they work, or do not, where a sample meets a condition. A
combination says which drug to add, or to give instead, where a mechanism makes one fail.
"""

from __future__ import annotations

from dataclasses import dataclass

from sidestep.features.knowledge.conditions import Condition
from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable, each

MARKER_DIRECTIONS = ("sensitivity", "resistance", "none")
WITHOUT_PARTNER = ("no partner known", "no effect")
PARTNER_DIRECTIONS = ("restores", "stays active", *WITHOUT_PARTNER)
EVIDENCE = ("shown", "same target")


@dataclass(frozen=True)
class Marker:
    """What one publication shows of these drugs where a sample meets a condition.

    Attributes
    ----------
    drugs : tuple of str
        As the drug table names them where it has them.
    condition : Condition
        What the sample must show.
    direction : str
        ``"sensitivity"``, ``"resistance"``, or ``"none"``: the condition changes nothing, or is
        a caveat that points neither way.
    statement : str
        What was found, and in whom.
    source : str
        ``PMID:...`` or ``DOI:...``.
    """

    drugs: tuple[str, ...]
    condition: Condition
    direction: str
    statement: str
    source: str


@dataclass(frozen=True)
class Combination:
    """One rule: for these drugs and this mechanism, this partner.

    Attributes
    ----------
    resisted : tuple of str
        Drugs that fail, as the drug table names them where it has them.
    condition : Condition
        What the sample must show.
    partner : str
        Drug, as the drug table names it where it has it; empty where `direction` is one of
        `WITHOUT_PARTNER`.
    direction : str
        ``"restores"``: added to the resisted drug, it brought the response back.
        ``"stays active"``: by itself it works on such cells although the resisted drug does not.
        ``"no partner known"``: the mechanism goes with failure, and nothing was tried against it.
        ``"no effect"``: the mechanism was tried and does not make these drugs fail, so that no
        partner follows from it.
    evidence : str
        ``"shown"``: with these very drugs. ``"same target"``: with another drug of the same
        target as the resisted one or the partner.
    statement : str
        What was found.
    caveat : str
        What the finding does not say.
    source : str
        ``PMID:...`` or ``DOI:...``.
    """

    resisted: tuple[str, ...]
    condition: Condition
    partner: str
    direction: str
    evidence: str
    statement: str
    caveat: str
    source: str


def _marker(row: KnowledgeRow) -> Marker:
    return Marker(
        drugs=row.parts("drugs"),
        condition=row.condition(),
        direction=row.choice("direction", MARKER_DIRECTIONS),
        statement=row["statement"],
        source=row["source"],
    )


def _combination(row: KnowledgeRow) -> Combination:
    direction = row.choice("direction", PARTNER_DIRECTIONS)
    if bool(row["partner"]) == (direction in WITHOUT_PARTNER):
        raise row.problem("partner", f"does not go with the direction {direction!r}")
    resisted = row.parts("resisted")
    if row["partner"] in resisted:
        raise row.problem("partner", "is a drug that the rule calls resisted")
    return Combination(
        resisted=resisted,
        condition=row.condition(),
        partner=row["partner"],
        direction=direction,
        evidence=row.choice("evidence", EVIDENCE),
        statement=row["statement"],
        caveat=row["caveat"],
        source=row["source"],
    )


#: Markers of response, a publication a row.
MARKER_TABLE = KnowledgeTable(
    "markers.tsv", ("drugs", "condition", "direction", "statement", "source"), each(_marker)
)
#: Partners of drugs that fail, a rule a row.
COMBINATION_TABLE = KnowledgeTable(
    "combinations.tsv",
    (
        "resisted", "condition", "partner", "direction", "evidence", "statement", "caveat",
        "source",
    ),
    each(_combination),
    may_be_blank=frozenset({"partner"}),
)  # fmt: skip
