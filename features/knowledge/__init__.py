"""What the literature says, as tables with a source a row.

The tables lie in ``tables/`` (its README says what each holds); every module here loads some of
them into frozen data classes, and `rows` checks their form. `conditions` is the small language in
which rules say what a sample must show.
"""

__all__ = [
    "combinations",
    "concentrations",
    "conditions",
    "drugs",
    "gene_set_facts",
    "gene_sets",
    "hotspots",
    "markers",
    "pathways",
    "rows",
    "rtk_survival",
    "rtks",
    "sensitizing_changes",
    "signatures",
    "symbols",
    "variants",
]
