"""The choices that a person has about the scores."""

from __future__ import annotations

from dataclasses import dataclass

from sidestep.features.errors import InputError


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
    call_at : float
        Probability from which on a sample is called resistant, or sensitive; over 0.5, under 1.
    reference : str
        Name of the model's reference cohort that tumours are answered among; ``"lines"`` for none,
        and empty for the one that has their modalities.

    Raises
    ------
    InputError
        If `call_at` is not between 0.5 and 1.
    """

    top_k: int = 20
    level: float = 0.8
    her2_context: bool = False
    call_at: float = 0.75
    reference: str = ""

    def __post_init__(self) -> None:
        """Refuse a probability at which both calls, or none, would be made."""
        if not 0.5 < self.call_at < 1.0:
            raise InputError(
                f"call_at is {self.call_at}; give a probability over 0.5 and under 1, such as 0.75"
            )


DEFAULT_OPTIONS = ScoreOptions()
