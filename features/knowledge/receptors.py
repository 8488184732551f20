"""Human receptor tyrosine kinases: which rescue a HER2-inhibited cell, which go with survival.

Both tables are of Alexander et al., J Biol Chem 2017 (PMID 27903634).
"""

from __future__ import annotations

from dataclasses import dataclass

from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable, keyed

RTK_ROLES = (
    "rescues",
    "rescues in some lines",
    "no effect",
    "better outcome",
    "drug target",
    "not tested",
)
OUTCOMES = ("worse", "better")


@dataclass(frozen=True)
class Rtk:
    """One of the 58 human receptor tyrosine kinases and its role in resistance to HER2 drugs.

    Attributes
    ----------
    gene : str
        Hugo symbol.
    family : str
        Family of the kinase, such as ``"InsR"``.
    role : str
        One of `RTK_ROLES`. ``"no effect"`` is a negative finding (tried, nothing seen);
        ``"not tested"`` is none at all.
    lines : tuple of str
        Cell lines in which it was tried: those that it rescued, for a role that begins with
        ``"rescues"``; those in which it did nothing, for ``"no effect"``.
    induced_in : tuple of str
        Resistant lines in which treatment raised it.
    partners : tuple of str
        Drugs that, added to a HER2 drug, broke the resistance.
    statement : str
        What was found.
    source : str
        ``PMID:...`` or ``DOI:...``.
    """

    gene: str
    family: str
    role: str
    lines: tuple[str, ...]
    induced_in: tuple[str, ...]
    partners: tuple[str, ...]
    statement: str
    source: str

    @property
    def rescues(self) -> bool:
        """Whether it rescued HER2-inhibited cells in at least one line."""
        return self.role.startswith("rescues")


@dataclass(frozen=True)
class RtkSurvival:
    """What high expression of a receptor went with.

    Attributes
    ----------
    gene : str
        Hugo symbol.
    outcome : str
        ``"worse"`` or ``"better"``: of the patients with high expression.
    statement : str
        What was found, and in whom.
    source : str
        ``PMID:...`` or ``DOI:...``.
    """

    gene: str
    outcome: str
    statement: str
    source: str


def _rtk(row: KnowledgeRow) -> Rtk:
    rtk = Rtk(
        gene=row.gene(),
        family=row["family"],
        role=row.choice("role", RTK_ROLES),
        lines=row.parts("lines"),
        induced_in=row.parts("induced_in"),
        partners=row.parts("partners"),
        statement=row["statement"],
        source=row["source"],
    )
    if rtk.rescues and not rtk.lines:
        raise row.problem("lines", "names no line that the kinase rescued")
    if rtk.partners and not rtk.rescues:
        raise row.problem("partners", "stands by a kinase that rescues nothing")
    return rtk


def _rtk_survival(row: KnowledgeRow) -> RtkSurvival:
    outcome = row.choice("outcome", OUTCOMES)
    return RtkSurvival(row.gene(), outcome, row["statement"], row["source"])


#: Hugo symbol -> the receptor.
RTK_TABLE = KnowledgeTable(
    "rtks.tsv",
    ("gene", "family", "role", "lines", "induced_in", "partners", "statement", "source"),
    keyed("gene", _rtk),
    may_be_blank=frozenset({"lines", "induced_in", "partners"}),
)
#: Hugo symbol -> what its expression went with. A receptor that is not in it was not singled out,
#: which is no finding either way.
RTK_SURVIVAL_TABLE = KnowledgeTable(
    "rtk_survival.tsv", ("gene", "outcome", "statement", "source"), keyed("gene", _rtk_survival)
)
