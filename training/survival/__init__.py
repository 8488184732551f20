"""The survival screen: which genes' expression goes with time to an event.

From clinical columns to cohort, statistics, screen, figures and an output folder. It speaks of
prognosis, not of benefit from a drug.
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
