"""Which held-out lines calibrate a sample's interval: those of its own group, or all (Mondrian)."""

from __future__ import annotations

import numpy as np

from sidestep.models.reliability.intervals import corrected_rank

#: Lines that a drug has to be tested on in a group, for the group to calibrate its own intervals.
#: It is meant for groups of 30, of which a retrain without a fifth of the lines has 24.
FEWEST_GROUP_LINES = 20
#: A line or sample that is in no group.
NO_GROUP = ""


def large_groups(groups: np.ndarray, tested: np.ndarray) -> np.ndarray:
    """Groups of the training lines that have lines enough, the others as `NO_GROUP`.

    Parameters
    ----------
    groups : ndarray of str, shape (n_training_lines, n_ways)
        Group of each training line for each way to group lines; `NO_GROUP` where it is not known.
    tested : ndarray of int, shape (n_tested,)
        Rows of the lines that a drug was tested on.
    """
    kept = np.full(groups.shape, NO_GROUP, dtype=object)
    for way in range(groups.shape[1]):
        names, counts = np.unique(groups[tested, way].astype(str), return_counts=True)
        large = np.isin(groups[:, way].astype(str), names[counts >= FEWEST_GROUP_LINES])
        kept[large, way] = groups[large, way]
    return kept


def calibrating_groups(of_lines: np.ndarray, of_samples: np.ndarray, level: float) -> np.ndarray:
    """Group whose lines alone calibrate each sample's interval, `NO_GROUP` for all lines.

    The first of the sample's groups that has held-out lines enough for an interval of this level
    (`reliability.intervals.corrected_rank`).

    Parameters
    ----------
    of_lines : ndarray of str, shape (n_held_out, n_ways)
        Group of each held-out line, as `large_groups` returns; of the ways to group lines that
        which goes before the others first.
    of_samples : ndarray of str, shape (n_samples, n_ways)
    level : float
        Of the interval, such as 0.9.

    Returns
    -------
    ndarray of str, shape (n_samples,)
    """
    found = np.full(len(of_samples), NO_GROUP, dtype=object)
    for way in reversed(range(of_samples.shape[1])):
        names, counts = np.unique(of_lines[:, way].astype(str), return_counts=True)
        enough = [corrected_rank(count, level) is not None for count in counts.tolist()]
        known = np.isin(of_samples[:, way].astype(str), names[np.array(enough, bool)])
        known &= of_samples[:, way] != NO_GROUP
        found[known] = of_samples[known, way]
    return found


def members(of_lines: np.ndarray, group: str) -> np.ndarray:
    """Whether each line is in a group: bool, (n_lines,); all are in `NO_GROUP`."""
    if group == NO_GROUP:
        return np.full(len(of_lines), True)
    return np.asarray((of_lines == group).any(axis=1))
