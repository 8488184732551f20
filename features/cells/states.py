"""Which states do markers tell of a cell? Resting, proliferating, HER2-low, each with a source."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sidestep.features.identifiers import match_key
from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable
from sidestep.features.knowledge.symbols import current_symbol
from sidestep.features.study.antibodies import match_antibodies, parse_antibody

LOW, HIGH = "low", "high"


@dataclass(frozen=True)
class StateMarker:
    """What a marker must be in a state; one that is not `needed` counts where it is measured."""

    gene: str
    names: tuple[str, ...]
    side: str
    needed: bool
    source: str


def _states(rows: Sequence[KnowledgeRow]) -> Mapping[str, tuple[StateMarker, ...]]:
    found: dict[str, tuple[StateMarker, ...]] = {}
    for row in rows:
        marker = StateMarker(
            row["gene"], row.parts("names", "|"), row.choice("side", (LOW, HIGH)),
            row.choice("needed", ("yes", "no")) == "yes", row["source"],
        )  # fmt: skip
        found[row["state"]] = (*found.get(row["state"], ()), marker)
    return found


#: State -> its markers.
STATE_TABLE = KnowledgeTable(
    "cell_states.tsv", ("state", "gene", "names", "side", "needed", "source"), _states
)
#: Words of instruments around the name of a marker: compartments and statistics.
_AROUND: Final = frozenset(
    """C N M CELL CYTO CYTOPLASM NUC NUCLEUS NUCLEI NUCLEAR MEMBRANE RING MEAN MEDIAN INTENSITY
    CELLMASK NUCLEIRINGMASK LEVEL LEVELS LOG LOG2 RAW""".split()
)


def column_of(gene: str, columns: Sequence[str], names: Sequence[str] = ()) -> str | None:
    """Column that measures a gene's product or, as ``RB1_pS807_S811``, a site of it; None if none.

    Examples
    --------
    >>> column_of("MKI67", ["C_ki67", "C_DNA"], ["Ki67"])
    'C_ki67'
    >>> column_of("ERBB2", ["HER2_pY1248", "HER2"])
    'HER2'
    """
    wanted = {match_key(name) for name in (gene, *names)}
    for column in columns:
        if match_key(column) in wanted or match_key(_bare(column)) in wanted:
            return column
    canonical = {canonical_marker(column): column for column in reversed(columns)}
    found = match_antibodies([gene], list(canonical))
    return canonical[found[gene]] if gene in found else None


def _bare(column: str) -> str:
    """A column's name without an instrument's words around it."""
    words = [word for word in re.split(r"[_\s]+(?![^(]*\))", column.strip()) if word]
    while len(words) > 1 and words[0].upper() in _AROUND:
        words = words[1:]
    while len(words) > 1 and words[-1].upper() in _AROUND:
        words = words[:-1]
    return "_".join(words)


def canonical_marker(column: str) -> str:
    """Canonical antibody (``RPS6_pS235_S236``) or gene of a column's name.

    Examples
    --------
    >>> canonical_marker("C_S6 (p-S235/S236)"), canonical_marker("HER2 mean")
    ('RPS6_pS235_S236', 'ERBB2')
    """
    name, sites = _bare(column), ""
    bracket = re.search(r"_?\((?:p-?)?([STY]\d[^)]*)\)", name)
    if bracket:
        first, *more = re.findall(r"[STY]?\d+", bracket[1])
        more = [site if site[0].isalpha() else first[0] + site for site in more]
        sites = "_p" + "_".join([first, *more])
        name = name[: bracket.start()]
    canonical = parse_antibody(re.sub(r"_?\([^)]*\)$", "", name) + sites).canonical
    gene, _, rest = canonical.partition("_")
    symbol = current_symbol(gene.upper())
    return f"{symbol}_{rest}" if rest else symbol
