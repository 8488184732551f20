"""The second witness: what the literature knows of a sample and a drug.

The model learns none of it. `evidence.evidence_rows` gathers the facts that apply: of `variants`
and hotspots, of `rules`, markers and receptors, of `gene_sets`, and of `civic`. `states` reads what
a sample shows, `kinship` how near two drugs are, and `databases` a folder of larger databases. What
a user's own assays found of a sample is told in the same rows, by `measured`.
"""

__all__ = [
    "civic",
    "databases",
    "evidence",
    "facts",
    "gene_sets",
    "kinship",
    "measured",
    "rules",
    "states",
    "variants",
]
