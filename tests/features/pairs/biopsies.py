"""Studies of two biopsies a patient, made up, with planted changes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sidestep.features.study.study import Study

#: Gene -> mean change in patients who respond, and in those who do not, in deviations of a level.
PLANTED = {
    "MKI67": (-2.5, 0.0),
    "CDKN1A": (2.0, 0.0),
    "IGF1R": (0.0, 2.0),
    "G0": (1.5, 1.5),
}
GENES = [*PLANTED, "TYRO3", "PDGFRB", "ERBB2", *(f"G{number}" for number in range(1, 60))]


def two_biopsies(patients: int = 24, seed: int = 0, noise: float = 0.7) -> Study:
    """Expression before and after treatment; the first half of the patients respond.

    A level is 6 with a spread of 1 between patients; `noise` is that of a change.
    """
    rng = np.random.default_rng(seed)
    names = [f"P{number:02d}" for number in range(patients)]
    before = pd.DataFrame(rng.normal(6.0, 1.0, (patients, len(GENES))), names, GENES)
    change = rng.normal(0.0, noise, before.shape)
    for gene, (responding, others) in PLANTED.items():
        half = np.arange(patients) < patients // 2
        change[:, GENES.index(gene)] += np.where(half, responding, others)
    after = before + change
    levels = pd.concat([before.add_suffix("-1", axis=0), after.add_suffix("-2", axis=0)])
    clinical = pd.DataFrame(
        {
            "PATIENT_ID": names * 2,
            "TIMEPOINT": ["baseline"] * patients + ["surgery"] * patients,
            "PCR": (["pCR"] * (patients // 2) + ["RD"] * (patients - patients // 2)) * 2,
        },
        index=levels.index,
    )
    return Study.from_frames(expression=levels, clinical=clinical, simulated=True)
