"""What to simulate: the size, noise and gaps of a study, within their limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sidestep.features.errors import InputError
from sidestep.features.simulation.assays import ANTIBODIES
from sidestep.features.simulation.biology import ENTREZ

#: Study kind -> fewest samples with which every planted mechanism still has carriers.
FEWEST_LINES: Final[Mapping[str, int]] = {"breast": 20, "pancan": 40, "cohort": 6}
#: Fewest genes: the named ones and some fillers.
FEWEST_GENES: Final = 120
_MOST_MISSING: Final = 0.6


@dataclass(frozen=True, kw_only=True)
class SimulationPlan:
    """What to simulate.

    Parameters
    ----------
    kind : {"breast", "pancan", "cohort"}
        Breast lines with GI50 (-log10 molar), lines of many lineages with ln IC50 (ln
        micromolar), or new breast tumours to score, without responses.
    lines : int
        Samples.
    genes : int
        Genes with expression and copy number, the named ones among them.
    antibodies : int
        Antibodies of the largest panel (the breast one); the others lack a few.
    seed : int
        Plans of one seed share their gene, lineage and drug properties, so that what a model
        learns in one of them holds in the others.
    noise : float
        Spread of the response's noise over the spread of its signal, within a drug: with 0.75 a
        perfect prediction correlates with the measured response at ``1/sqrt(1 + 0.75**2)`` = 0.8.
    missing : float
        Part of the lines that is not sequenced; other gaps follow in proportion (at 0.25: a
        tenth without RPPA, an eighth without copy number, 5 % of the responses).

    Raises
    ------
    InputError
        If a value is out of its range.
    """

    kind: str = "breast"
    lines: int = 60
    genes: int = 800
    antibodies: int = 60
    seed: int = 0
    noise: float = 0.75
    missing: float = 0.25

    def __post_init__(self) -> None:
        if self.kind not in FEWEST_LINES:
            known = ", ".join(FEWEST_LINES)
            raise InputError(
                f"cannot simulate a study of kind {self.kind!r}: choose one of {known}"
            )
        fewest = {
            "lines": FEWEST_LINES[self.kind],
            "genes": FEWEST_GENES,
            "antibodies": len(ANTIBODIES),
            "seed": 0,
        }
        for name, least in fewest.items():
            value = getattr(self, name)
            if not value >= least:
                raise InputError(
                    f"cannot simulate a {self.kind} study with {name}={value}: "
                    f"give {name} of at least {least}"
                )
        most_antibodies = len(ANTIBODIES) + self.genes - len(ENTREZ)
        if self.antibodies > most_antibodies:
            raise InputError(
                f"cannot simulate a {self.kind} study with antibodies={self.antibodies} and "
                f"genes={self.genes}: give at most {most_antibodies} antibodies, or more genes"
            )
        for name, most in (("noise", math.inf), ("missing", _MOST_MISSING)):
            value = getattr(self, name)
            if not (0 <= value <= most and math.isfinite(value)):
                bounds = "a number of at least 0" if most == math.inf else f"0 to {most}"
                raise InputError(
                    f"cannot simulate a {self.kind} study with {name}={value}: "
                    f"{name} must be {bounds}"
                )

    @property
    def study_id(self) -> str:
        """The simulated study's ``cancer_study_identifier``."""
        return f"{self.kind}_sim"
