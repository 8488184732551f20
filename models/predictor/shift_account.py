"""What the shift between tumours and cell lines consists of, by modality and mechanism.

A tumour is a mixture: what stroma, immune cells and vessels express rises as its purity falls.
Lines divide faster, in plastic and serum. What no table names is platform, culture and the
difference between the cancers that were compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sidestep.features.builders.names import gene_of, modality_of
from sidestep.features.knowledge.symbols import current_symbol
from sidestep.features.knowledge.tissue import TISSUE_TABLE
from sidestep.features.mechanisms.of_features import OTHER, mechanisms_of

#: What `shift_account` calls the features that no table names.
UNNAMED = "platform, culture and what no table names"
_DIGITS = 4


def shift_account(features: Sequence[str], shift: np.ndarray) -> list[dict[str, Any]]:
    """Sum a shift up by modality and mechanism, the largest share of each modality first.

    Parameters
    ----------
    features : sequence of str
    shift : ndarray of shape (n_features,)
        In training standard deviations; NaN where it is not known. Features without any, as
        mutations, are left out.

    Returns
    -------
    list of dict
        ``modality``; ``part``, a mechanism, immune cells, vessels, or `UNNAMED`; ``features``;
        ``mean``, the mean shift of these features with its sign; ``size``, the root of their mean
        squared shift; and ``share`` of the modality's squared shift that they hold.
    """
    names = np.array(features, dtype=object)
    known = np.flatnonzero(np.isfinite(shift) & (shift != 0.0))
    modality = np.array([modality_of(name) for name in names[known]], dtype=object)
    part = _parts(names[known])
    rows: list[dict[str, Any]] = []
    for one in dict.fromkeys(modality.tolist()):
        own = modality == one
        total = float(np.sum(shift[known[own]] ** 2))
        found = []
        for name in sorted(set(part[own].tolist())):
            values = shift[known[own & (part == name)]]
            found.append(
                {
                    "modality": one,
                    "part": name,
                    "features": len(values),
                    "mean": round(float(values.mean()), _DIGITS),
                    "size": round(float(np.sqrt(np.mean(values**2))), _DIGITS),
                    "share": round(float(np.sum(values**2)) / total, _DIGITS),
                }
            )
        rows += sorted(found, key=lambda row: (-row["share"], row["part"]))
    return rows


def _parts(names: np.ndarray) -> np.ndarray:
    """What each feature speaks of: other cells of the tissue before a mechanism."""
    table = TISSUE_TABLE.load()
    parts = mechanisms_of(names)
    for at, name in enumerate(names):
        gene = gene_of(name)
        if gene is not None and parts[at] == OTHER:
            parts[at] = table.get(current_symbol(gene), UNNAMED)
        elif parts[at] == OTHER:
            parts[at] = UNNAMED
    return parts
