"""Samples that HER2 drives: what a partner of a HER2 drug presupposes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sidestep.features.cohorts import HIGH
from sidestep.features.knowledge.variants import driver_hotspots
from sidestep.serving.evidence.states import SampleStates

_GENE = "ERBB2"


def her2_drives(states: SampleStates, her2: Mapping[str, str | None]) -> np.ndarray:
    """Whether HER2 is known to drive each sample: bool, (n_samples,).

    A sample that is HER2-high as its scores call it (`features.groups.her2_calls`), that is
    HER2-positive as the evidence has it, or that carries an activating change of ERBB2. Where
    nothing of this was measured, HER2 is not known to drive.

    Parameters
    ----------
    states : SampleStates
    her2 : mapping of str to str or None
        Sample -> ``"high"``, ``"not high"``, or None.
    """
    high = np.array([her2.get(str(sample)) == HIGH for sample in states.samples], dtype=bool)
    driven = high | states.her2_positive
    for hotspot in driver_hotspots(_GENE):
        driven[states.carriers(_GENE, hotspot.change or hotspot.residue)] = True
    return np.asarray(driven, dtype=bool)
