"""Expression of made-up tumours, so many deviations from the mean of real ones."""

from __future__ import annotations

import pandas as pd

from sidestep.features.knowledge.tumour_levels import ANCHOR, TUMOUR_LEVEL_TABLE

LEVELS = TUMOUR_LEVEL_TABLE.load()
ANCHORS = [name for name, level in LEVELS.items() if level.role == ANCHOR]
HER2 = ["ERBB2", "GRB7", "STARD3", "PGAP3"]
GENES = [*HER2, "ESR1", "STMN1"]


def tumours(deviations: dict[str, list[float]], centre: float = 6.0) -> pd.DataFrame:
    """log2 levels so many tumour deviations from the mean, the anchors at their means."""
    number = len(next(iter(deviations.values())))
    columns = {gene: [centre + LEVELS[gene].mean] * number for gene in [*ANCHORS, *GENES]}
    for gene, steps in deviations.items():
        level = LEVELS[gene]
        columns[gene] = [centre + level.mean + level.sd * step for step in steps]
    return pd.DataFrame(columns, index=[f"T{place}" for place in range(number)])
