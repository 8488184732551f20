"""What the words of files mean: effects, protein changes, genes and units, however they are spelt.

Each module reads one kind of word by tables with sources (``features/knowledge/tables``), and
names what it does not understand. `account.FileAccount` is the record of it: what a file was taken
for, by what its names were matched, and which words were not understood.
"""

__all__ = [
    "account",
    "cell_lines",
    "cellosaurus",
    "effects",
    "gene_names",
    "lineages",
    "protein_changes",
    "response_units",
    "response_words",
    "sample_types",
]
