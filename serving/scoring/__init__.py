"""What a model predicts of samples: intervals, calls, reasons and what each prediction rests on.

`chunk.score_chunk` makes all tables of a few samples. Each table has a module (`scores`,
`explanations`, `gene_sets`, `reference`), put together by `drug_tables`, under each of the
`regimens` that a model of patients knows, and built on `samples` (features), `explained`
(prediction and `contributions`), their `stability` and `outlook` (interval and call);
`quarantine` sets apart what cannot be scored, and `drift` compares a study as a whole with the
training lines. Nothing here touches the disk.
"""

__all__ = [
    "chunk",
    "compile_ahead",
    "contribution_loops",
    "contributions",
    "drift",
    "drug_tables",
    "explained",
    "explanations",
    "gene_sets",
    "options",
    "outlook",
    "quarantine",
    "reasons",
    "reference",
    "regimens",
    "samples",
    "scores",
    "stability",
    "tumours",
]
