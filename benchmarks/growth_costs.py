"""What verbs cost at the sizes where they were measured, and what follows for other sizes.

Two things are said of how a cost grows. The slope is that of a line through the logarithms of size
and cost: 1 is proportional; start-up hides in it at small sizes, so that the slope between the two
largest ones stands beside it. For sizes that were not measured, a cost is taken to be

    start + a per drug + b per sample + c per sample and drug,

none of them below 0, fitted by least squares of the relative errors. That is only as good as the
slopes are near 1 or below, which is why both are printed, with the largest error at what was
measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import nnls


@dataclass(frozen=True)
class Cell:
    """One measurement.

    Attributes
    ----------
    verb : str
    samples : int
        To score, or lines to learn from.
    drugs, features : int
    seconds, cpu : float
        From the start of the process to its end, and of the processor, all of its processes.
    peak : float
        MiB that the largest of its processes had resident.
    files : dict of str to int
        File that was written -> bytes.
    disk : int
        Most bytes that results and unfinished work took at once.
    workers_cpu, workers_peak : float
        The same of the workers of a cluster, all of them and the largest; 0 without a cluster.
    """

    verb: str
    samples: int
    drugs: int
    features: int
    seconds: float
    cpu: float
    peak: float
    files: dict[str, int] = field(default_factory=dict)
    disk: int = 0
    workers_cpu: float = 0.0
    workers_peak: float = 0.0

    @property
    def rows(self) -> int:
        """Samples times drugs."""
        return self.samples * self.drugs

    def size(self, of: str) -> int:
        """Its samples, drugs or features."""
        return int(getattr(self, of))


#: Reads one cost of a cell.
Cost = Callable[[Cell], float]


def slopes(cells: Sequence[Cell], of: str, cost: Cost) -> tuple[float, float]:
    """Slope of log cost against log size, over all cells and between the two largest.

    Parameters
    ----------
    cells : sequence of Cell
        Of at least two sizes, in increasing order.
    of : {"samples", "drugs", "features"}
        What the cells differ in.
    cost : callable
    """
    logs = np.log([[cell.size(of), cost(cell)] for cell in cells])
    whole = float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0])
    last = float(np.diff(logs[-2:, 1])[0] / np.diff(logs[-2:, 0])[0])
    return whole, last


@dataclass(frozen=True)
class CostModel:
    """A cost as a function of samples and drugs.

    Attributes
    ----------
    start, per_drug, per_sample, per_row : float
        What they add, none of them below 0.
    error : float
        Largest relative error at what was measured.
    most_rows : int
        Samples times drugs of the largest measurement.
    """

    start: float
    per_drug: float
    per_sample: float
    per_row: float
    error: float
    most_rows: int

    @classmethod
    def of(cls, cells: Sequence[Cell], cost: Cost) -> CostModel:
        """The cost model of cells of one number of features.

        What no two cells differ in is taken to cost nothing by itself.
        """
        samples = np.array([cell.samples for cell in cells], float)
        drugs = np.array([cell.drugs for cell in cells], float)
        by_samples, by_drugs = np.ptp(samples) > 0, np.ptp(drugs) > 0
        terms = np.column_stack(
            [
                np.ones(len(cells)),
                drugs * by_drugs,
                samples * by_samples,
                samples * drugs * (by_samples and by_drugs),
            ]
        )
        costs = np.array([cost(cell) for cell in cells], float)
        weights = 1 / np.maximum(costs, np.finfo(float).tiny)
        # Columns of like length, since their units differ by up to a billion.
        lengths = np.maximum(np.abs(terms * weights[:, None]).max(axis=0), np.finfo(float).tiny)
        found, _ = nnls(terms * weights[:, None] / lengths, costs * weights)
        parts = found / lengths
        error = np.abs(terms @ parts * weights - 1).max()
        start, per_drug, per_sample, per_row = map(float, parts)
        most_rows = max(cell.rows for cell in cells)
        return cls(start, per_drug, per_sample, per_row, float(error), most_rows)

    def at(self, samples: int, drugs: int) -> float:
        """The cost of so many samples and drugs."""
        rows = samples * drugs
        return self.start + self.per_drug * drugs + self.per_sample * samples + self.per_row * rows

    def beyond(self, samples: int, drugs: int) -> float:
        """How many times as many rows these are as the most that were measured."""
        return samples * drugs / self.most_rows


def cluster_seconds(client: float, workers: float, count: int) -> tuple[float, float]:
    """Least and most seconds that a job takes on a cluster.

    Parameters
    ----------
    client : float
        Processor seconds of the process that reads, sends, fetches and writes, in one thread.
    workers : float
        Processor seconds of all workers together.
    count : int
        Workers, each on a core of its own.

    Returns
    -------
    tuple of float
        If all that the client does is done while workers work, and if none of it is.
    """
    share = workers / count
    return max(client, share), client + share
