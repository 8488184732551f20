"""The response from which on a line counts as resistant to a drug, whether or not it was reached.

A dose-response curve that does not come down to one half within the tested range has no GI50 or
IC50; studies then report the highest concentration tested. Where many lines stand there, their
median is that end of the range, beyond which nothing lies, and the question that can be asked is
whether the response was reached at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

MEDIAN, NOT_REACHED, TUMOURS, EVENT = "median", "not reached", "tumours", "event"
#: What lies beyond each kind of threshold.
KINDS: Final = {
    MEDIAN: "the median of the training lines; beyond it lies the more resistant half",
    NOT_REACHED: "just inside the resistant end of the tested range, where 30 % or more of the "
    "training lines stand; beyond it the response was not reached",
    EVENT: "none: the response is an event that comes about or not, and resistant is not",
    TUMOURS: "the median of what the tumours of a reference cohort may respond, by the errors on "
    "held-out lines; beyond it lies the more resistant half",
}
#: From this share of the lines on, at the resistant end, resistant means "not reached".
CENSORED_SHARE = 0.3
# Responses that differ from the end by less (standard deviations) stand at the end: laboratories
# test up to slightly different concentrations, and round.
_SAME = 0.05


@dataclass(frozen=True)
class ResponseThreshold:
    """What counts as resistant to a drug.

    Attributes
    ----------
    value : float
        Response units; NaN without any line.
    kind : {"median", "not reached", "tumours"}
        See `KINDS`.
    share_at_end : float
        Share of the lines that stand at the resistant end of the tested range.
    """

    value: float
    kind: str
    share_at_end: float


def response_threshold(observed: np.ndarray, *, higher_is_resistant: bool) -> ResponseThreshold:
    """Threshold of one drug, from the responses of training lines.

    It is their median; where 30 % of them or more stand at the resistant end of the range, halfway
    between that end and the response next to it. Where all stand there, it is just inside.

    Parameters
    ----------
    observed : ndarray of shape (n_lines,)
    higher_is_resistant : bool

    Examples
    --------
    >>> response_threshold(np.array([3.0, 1.0, 2.0]), higher_is_resistant=True).value
    2.0
    >>> response_threshold(np.array([4.0, 4.0, 5.0, 7.0]), higher_is_resistant=False)
    ResponseThreshold(value=4.5, kind='not reached', share_at_end=0.5)
    """
    if not len(observed):
        return ResponseThreshold(float("nan"), MEDIAN, 0.0)
    sign = 1.0 if higher_is_resistant else -1.0
    inside = np.max(sign * observed) - sign * observed
    at_end = inside <= _SAME * np.std(observed)
    share = float(at_end.mean())
    if share < CENSORED_SHARE:
        return ResponseThreshold(float(np.median(observed)), MEDIAN, share)
    end = float(observed[at_end].max() if sign < 0 else observed[at_end].min())
    if at_end.all():
        value = end - sign * max(abs(end), 1.0) * 1e-6
        return ResponseThreshold(value, NOT_REACHED, share)
    rest = observed[~at_end]
    nearest = float(rest.min() if sign < 0 else rest.max())
    return ResponseThreshold((end + nearest) / 2, NOT_REACHED, share)
