"""The choices that a person has about the scores."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ScoreOptions:
    """Choices that change what is written.

    Attributes
    ----------
    top_k : int
        Features named in each explanation.
    level : float
        Share of samples whose response the intervals are to hold, such as 0.8.
    her2_context : bool
        Whether percentiles and calls refer to the HER2-high training lines alone.
    """

    top_k: int = 20
    level: float = 0.8
    her2_context: bool = False


DEFAULT_OPTIONS = ScoreOptions()
