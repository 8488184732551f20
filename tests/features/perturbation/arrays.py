"""Made-up protein arrays whose truth is known. Simulated: nothing was ever measured."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

#: All of TSC/MTOR but one, and two of PI3K/AKT's.
ANTIBODIES = (
    "mTOR_pS2448", "p70S6K_pT389", "S6_pS235_S236", "S6_pS240_S244", "4EBP1_pS65",
    "4EBP1_pT37_T46", "Rb_pS807_S811", "Akt_pS473", "HER2_pY1248",
)  # fmt: skip
MTOR = ANTIBODIES[:7]


def arrays(
    inhibition: Mapping[str, float],
    *,
    samples: int = 1,
    replicates: int = 4,
    noise: float = 0.2,
    paired: bool = False,
    stimuli: tuple[str, ...] = ("",),
    spread: float = 0.0,
    drug: str = "Lapatinib",
    seed: int = 0,
) -> pd.DataFrame:
    """Linear levels; condition -> fraction by which the drug lowers the members of TSC/MTOR.

    Replicates share a level of their own by `spread` (log2), which pairs take out.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for sample in range(samples):
        for condition, fraction in inhibition.items():
            for stimulus in stimuli:
                level = rng.normal(0, 1, len(ANTIBODIES))
                plates = rng.normal(0, spread, (replicates, len(ANTIBODIES)))
                for given in ("DMSO", drug):
                    for replicate in range(replicates):
                        log2 = level + plates[replicate] + rng.normal(0, noise, len(ANTIBODIES))
                        if given != "DMSO":
                            log2[: len(MTOR)] += np.log2(1 - fraction)
                        told = {"cell_line": f"S{sample}", "drug": given, "condition": condition,
                                "stimulus": stimulus,
                                "replicate": replicate + 1 if paired else ""}  # fmt: skip
                        rows.append({**told, **dict(zip(ANTIBODIES, 2**log2, strict=True))})
    return pd.DataFrame(rows)
