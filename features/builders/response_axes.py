"""What signatures of a tumour say of its response, as far as it was published beforehand.

Four axes are known to go with a pathological complete response whatever the regimen: immune cells,
proliferation and the HER2 amplicon go with more of them, the luminal programme with fewer. Some
features report the state of a drug's target.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sidestep.features.builders.names import features_of_genes
from sidestep.features.identifiers import match_key
from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable, each


@dataclass(frozen=True)
class AxisMember:
    """A signature of an axis of response; `sign` is +1 where a high score goes with response."""

    axis: str
    signature: str
    sign: int
    source: str


def _member(row: KnowledgeRow) -> AxisMember:
    return AxisMember(row["axis"], row["signature"], row.sign(), row["source"])


#: Signatures of each axis.
AXIS_TABLE = KnowledgeTable(
    "response_axes.tsv", ("axis", "signature", "sign", "source"), each(_member)
)
#: Feature, as `match_key` writes it, and the gene of the drug target whose state it reports.
TARGET_REPORT_TABLE = KnowledgeTable(
    "target_reports.tsv",
    ("feature", "gene", "source"),
    each(lambda row: (match_key(row["feature"]), row.gene())),
)


def axis_features(features: Sequence[str]) -> dict[str, tuple[int, list[str]]]:
    """Axis -> its sign and those of some features that are its signatures.

    Examples
    --------
    >>> axis_features(["signature:HER2_Index", "signature:Luminal_Index"])
    {'luminal': (-1, ['signature:Luminal_Index']), 'HER2 amplicon': (1, ['signature:HER2_Index'])}
    """
    by_key = {match_key(feature): feature for feature in features}
    found: dict[str, tuple[int, list[str]]] = {}
    for member in AXIS_TABLE.load():
        feature = by_key.get(match_key(f"signature:{member.signature}"))
        if feature is not None:
            found.setdefault(member.axis, (member.sign, []))[1].append(feature)
    return found


def features_of_targets(features: Sequence[str], genes: Collection[str]) -> list[str]:
    """Those of some features, in their order, that measure one of some genes, or report its state.

    Examples
    --------
    >>> features_of_targets(["rppa:ERBB2", "signature:Mod7_ERBB2", "rppa:SRC"], ["ERBB2"])
    ['rppa:ERBB2', 'signature:Mod7_ERBB2']
    """
    wanted = set(features_of_genes(features, genes))
    reports = {key for key, gene in TARGET_REPORT_TABLE.load() if gene in set(genes)}
    return [name for name in features if name in wanted or match_key(name) in reports]
