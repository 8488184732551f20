"""The second witness: what the literature knows of a sample and a drug.

The model learns none of it. `evidence.evidence_rows` gathers the facts that apply: of `variants`
and hotspots, of `rules`, markers and receptors, of `gene_sets`, and of `civic`. `states` reads what
a sample shows, `kinship` how near two drugs are, and `databases` a folder of larger databases.
"""

__all__ = [
    "civic",
    "databases",
    "evidence",
    "facts",
    "gene_sets",
    "kinship",
    "rules",
    "states",
    "variants",
]
