"""The second witness: what the literature knows of a sample and a drug.

`evidence.evidence_rows` gathers facts by variants, rules, markers, receptors, gene sets and CIViC.
The model learns none of it.
"""

__all__ = [
    "civic",
    "context",
    "databases",
    "evidence",
    "facts",
    "gene_sets",
    "kinship",
    "rules",
    "states",
    "variants",
]
