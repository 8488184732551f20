"""What do all chunks of a scoring job add up to? Counts, which no order or size of chunks changes.

It grows with the number of samples that could not be scored, and with nothing else.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np

from serving.chunks import ScoredChunk


@dataclass
class Tally:
    """Sums over chunks.

    Attributes
    ----------
    samples : int
    shares : dict of str to Counter
        Modality -> share of its features that a sample has -> samples; without those whose
        features could not be built.
    quarantined : dict of str to str
        Sample -> why it has no scores.
    calls : Counter
        Call -> rows that have it.
    modalities : set of str
        Combinations that scored samples have.
    """

    samples: int = 0
    shares: defaultdict[str, Counter[float]] = field(default_factory=lambda: defaultdict(Counter))
    quarantined: dict[str, str] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    modalities: set[str] = field(default_factory=set)

    def add(self, part: ScoredChunk) -> None:
        """Count one more chunk."""
        self.samples += len(part.coverage)
        for name, shares in part.coverage.items():
            known = shares.to_numpy(float)
            self.shares[str(name)].update(known[np.isfinite(known)].tolist())
        self.quarantined |= part.quarantined
        scores = part.rows["scores"]
        self.calls.update(scores["call"].drop_null().to_pylist())
        self.modalities.update(scores["modalities"].unique().to_pylist())
