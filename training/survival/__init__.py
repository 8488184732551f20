"""The survival screen: which genes' expression goes with time to an event.

`follow_up` reads the clinical columns, `cohort` and `genes` choose who and what is compared,
`screen` tests each gene with `statistics`, and `output` writes the folder with its `figures`. It is
about prognosis, not about the benefit from a drug.
"""

__all__ = [
    "cohort",
    "figures",
    "follow_up",
    "genes",
    "output",
    "screen",
    "statistics",
]
