"""What the literature says, as tables with a source a row.

The tables lie in ``tables/`` (its README says what each holds). A `rows.KnowledgeTable` reads one
into frozen data classes and checks its form; the other modules hold the tables of one subject
each. `conditions` is the small language in which rules say what a sample must show.
"""

__all__ = [
    "conditions",
    "drugs",
    "gene_sets",
    "receptors",
    "rows",
    "rules",
    "signatures",
    "statuses",
    "study_signatures",
    "symbols",
    "tissue",
    "tumour_levels",
    "variants",
]
