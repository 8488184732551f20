"""Annotation tracks of the heat map: what is known of each sample, in few values a track.

HER2 and lineage come first, then clinical attributes that have few values and are known of many
samples; numbers are told in four ranges with as many samples each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from sidestep.features.cohorts import HER2, HIGH, LINEAGE, NOT_HIGH, Known
from sidestep.features.knowledge.statuses import STATUS_COLUMN_TABLE

#: Tracks that are chosen where nobody asks for others.
MOST_TRACKS = 5
#: Values that a track tells apart; the rest are one value more.
MOST_VALUES = 9
#: Share of the samples that a track must know, to be chosen.
_LEAST_KNOWN = 0.3
_RANGES = 4
_OTHER = "other"
#: Clinical attributes that say most about a response, the most telling first; then all others.
_TELLING = tuple(
    map(
        re.compile,
        (
            r"SUBTYPE|PAM50|THREEGENE",
            r"^(ER|PR|AR|TNBC)_|_(ER|PR)(_|$)",
            r"GRADE|STAGE",
            r"MENOPAUS",
        ),
    )
)
_IN_STEPS = re.compile("GRADE|STAGE", re.IGNORECASE)
#: Those that say what became of a patient, or only where a sample lies.
_NO_TRACK = re.compile(r"(^|_)(ID|COHORT|BATCH|NAME|BARCODE)$|^(OS|RFS|DFS|PFS|DSS|DMFS)_|VITAL")


@dataclass(frozen=True)
class Track:
    """One attribute of samples, in few values.

    Attributes
    ----------
    name : str
        The attribute.
    label : str
        What stands over it.
    values : list of str
        In the order in which they are shown and sorted.
    places : pandas.Series
        Sample -> place of its value (Int64); missing where none is known.
    details : pandas.Series or None
        What is to be told of a sample beside its value; None where nothing is.
    ordered : bool
        Whether the values have an order of their own, as ranges of numbers do.
    """

    name: str
    label: str
    values: list[str]
    places: pd.Series
    details: pd.Series | None = None
    ordered: bool = False


def tracks_of(known: Known, wanted: Sequence[str] = ()) -> list[Track]:
    """The tracks of a heat map.

    Parameters
    ----------
    known : Known
        Of the samples that are drawn.
    wanted : sequence of str
        Attributes to show, ``her2`` and ``lineage`` among them; those that tell most by default.

    Raises
    ------
    InputError
        If there is no such attribute.
    """
    names = [known.attributes.column(name) for name in wanted] or chosen(known)
    return [_track(known, name) for name in dict.fromkeys(names)]


def chosen(known: Known) -> list[str]:
    """Up to `MOST_TRACKS` attributes that tell the samples apart.

    HER2 and lineage, where they are known, and then those with two to `MOST_VALUES` values: what
    the clinic says of HER2 itself stands in the first already.
    """
    names = [HER2] if known.her2_status.notna().any() else []
    taken = {name.upper() for name in STATUS_COLUMN_TABLE.load()}
    if known.lineage is not None and _tells(known, known.lineage):
        names.append(LINEAGE)
        taken.add(known.lineage.upper())
    fitting = [
        str(name)
        for name in known.clinical.columns
        if str(name).upper() not in taken
        and not _NO_TRACK.search(str(name).upper())
        and _tells(known, str(name))
    ]
    # A sort is stable: what is equally telling stays in the order of the study.
    fitting.sort(key=_telling)
    return [*names, *fitting][:MOST_TRACKS]


def _telling(name: str) -> int:
    upper = name.upper()
    return next((n for n, form in enumerate(_TELLING) if form.search(upper)), len(_TELLING))


def _tells(known: Known, name: str) -> bool:
    """Whether an attribute has few values and is known of many samples."""
    values = known.clinical[name]
    return 2 <= values.nunique() <= MOST_VALUES and values.notna().mean() >= _LEAST_KNOWN


def _track(known: Known, name: str) -> Track:
    values = known.attributes.values(name)
    if name == HER2 and name not in known.clinical.columns:
        order = [HIGH, NOT_HIGH]
        decided = known.her2["assay"].where(known.her2["assay"] != "")
        return Track(name, "HER2", order, _places(values, order), decided, ordered=True)
    label = name
    if name == LINEAGE and known.lineage is not None and name not in known.clinical.columns:
        label = known.lineage
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.notna().sum() == values.notna().sum() and numbers.nunique() > MOST_VALUES:
        ranged, order = _ranges(numbers)
        return Track(name, label, order, _places(ranged, order), values, ordered=True)
    counts = values.value_counts()
    order = sorted(map(str, counts.index), key=_natural)
    if len(order) > MOST_VALUES:
        kept = set(map(str, counts.index[: MOST_VALUES - 1]))
        details = values
        other = f"{_OTHER}: {len(order) - len(kept):,} values"
        values = values.where(values.isin(kept) | values.isna(), other)
        order = [*(one for one in order if one in kept), other]
        return Track(name, label, order, _places(values, order), details)
    return Track(name, label, order, _places(values, order), ordered=bool(_IN_STEPS.search(name)))


def _ranges(numbers: pd.Series) -> tuple[pd.Series, list[str]]:
    """Numbers as ranges with about as many samples each, and the ranges in order."""
    edges = np.unique(np.nanquantile(numbers.to_numpy(float), np.linspace(0, 1, _RANGES + 1)))
    at = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    last = len(edges) - 2
    names = [
        f"{low:.4g} to {'' if n == last else 'below '}{high:.4g}"
        for n, (low, high) in enumerate(pairwise(edges))
    ]
    told = pd.Series([names[place] for place in at], numbers.index, dtype="str")
    return told.where(numbers.notna()), names


def _places(values: pd.Series, order: Sequence[str]) -> pd.Series:
    return values.map({value: place for place, value in enumerate(order)}).astype("Int64")


def _natural(text: str) -> list[tuple[int, float, str]]:
    """Order in which 2 comes before 10."""
    parts = re.split(r"(\d+(?:\.\d+)?)", text.casefold())
    return [(0, float(part), "") if at % 2 else (1, 0.0, part) for at, part in enumerate(parts)]
