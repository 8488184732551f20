"""Pairs of drugs: dose matrices, what the drugs would do without each other, and a verdict.

`matrices` reads the wells of pairs and of the single agents beside them, `interactions` tells what
Bliss, HSA, Loewe and ZIP expect and Chou and Talalay's index, and `verdicts` judges the excess
with its interval.
"""

__all__ = ["interactions", "matrices", "verdicts"]
