"""Which drug may be added, or given instead, where a mechanism makes one fail?"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from sidestep.features.knowledge.conditions import Condition
from sidestep.features.knowledge.rows import KnowledgeRow, read_rows

COLUMNS = (
    "resisted", "condition", "partner", "direction", "evidence", "statement", "caveat", "source",
)  # fmt: skip
MAY_BE_BLANK = frozenset({"partner"})
WITHOUT_PARTNER = ("no partner known", "no effect")
DIRECTIONS = ("restores", "stays active", *WITHOUT_PARTNER)
EVIDENCE = ("shown", "same target")


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


@functools.cache
def load_combinations() -> tuple[Combination, ...]:
    """Read the rule table, in its order.

    Raises
    ------
    ValueError
        If the table is malformed; the message names the line, the column and the value.
    """
    return build_combinations(read_rows("combinations.tsv", COLUMNS, MAY_BE_BLANK))


def build_combinations(rows: Iterable[KnowledgeRow]) -> tuple[Combination, ...]:
    """Check the rows of the table and give each its type; see `load_combinations`."""
    return tuple(_combination(row) for row in rows)


def _combination(row: KnowledgeRow) -> Combination:
    direction = row.choice("direction", DIRECTIONS)
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
