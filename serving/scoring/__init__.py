"""What a model says of samples: predictions, intervals, calls, reasons, explanations.

`chunk.score_chunk` makes all tables of a few samples; the other modules make one table, or one of
its columns, each. Nothing here touches the disk.
"""

__all__ = [
    "chunk",
    "compile_ahead",
    "contribution_loops",
    "drift",
    "explanations",
    "gene_sets",
    "mechanisms",
    "names",
    "options",
    "outlook",
    "quarantine",
    "reasons",
    "reference",
    "scores",
    "stability",
]
