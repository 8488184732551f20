"""Follow-up of each sample's patient: months, and whether the event came, from clinical columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError, some
from sidestep.features.study.study import Study

#: Endpoint to its name, in the order in which a default is looked for. An endpoint's columns are
#: its code in capitals with ``_MONTHS`` and ``_STATUS``, as cBioPortal has them.
ENDPOINTS: Mapping[str, str] = MappingProxyType(
    {
        "os": "overall survival",
        "rfs": "relapse-free survival",
        "dfs": "disease-free survival",
        "pfs": "progression-free survival",
        "dss": "disease-specific survival",
        "dmfs": "distant-metastasis-free survival",
    }
)
# Older files have the words alone, newer ones `0:` or `1:` before them.
_EVENT = frozenset(
    "1|dead|deceased|dead with tumor|event|progressed|progression|recurred|recurred/progressed|"
    "relapsed".split("|")
)
_NO_EVENT = frozenset(
    "0|alive|alive or dead tumor free|censored|disease free|diseasefree|living|no event|"
    "not progressed|not recurred|progression free".split("|")
)


@dataclass(frozen=True)
class Survival:
    """Follow-up of the samples of which it is known.

    Attributes
    ----------
    endpoint : str
        One of `ENDPOINTS`.
    months : pandas.Series
        Sample -> months until the event, or until the patient was last seen without it; >= 0.
    event : pandas.Series
        Sample -> whether the event came; same index.
    notes : tuple of str
        What was left out, and why.
    """

    endpoint: str
    months: pd.Series
    event: pd.Series
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The endpoint in words."""
        return ENDPOINTS[self.endpoint]


def read_survival(study: Study, endpoint: str | None = None) -> Survival:
    """Survival of a study's samples, from its clinical files.

    A sample without months or without a status is left out, and one whose months are below 0,
    with a note.

    Parameters
    ----------
    study : Study
    endpoint : str, optional
        One of `ENDPOINTS`; the first that the study has by default.

    Raises
    ------
    InputError
        If the study does not have the endpoint, or a cell can be read neither as months nor as
        a status; the message names sample, column and value.
    """
    code = _choose(study, endpoint)
    months_column, status_column = _columns(code)
    months = _read_months(study.clinical[months_column])
    event = _read_status(study.clinical[status_column])
    known = months.notna() & event.notna()
    negative = known & (months < 0)
    notes = []
    if negative.any():
        notes.append(
            f"{negative.sum()} sample(s) with {months_column} below 0 are left out: "
            f"{some(list(negative.index[negative]))}."
        )
    kept = known & ~negative
    return Survival(code, months[kept], event[kept].astype(bool), tuple(notes))


def _columns(endpoint: str) -> tuple[str, str]:
    return f"{endpoint.upper()}_MONTHS", f"{endpoint.upper()}_STATUS"


def _choose(study: Study, endpoint: str | None) -> str:
    available = [code for code in ENDPOINTS if set(_columns(code)) <= set(study.clinical.columns)]
    if endpoint is None:
        if not available:
            raise InputError(
                f"study {study.study_id} has no survival; its clinical files need a pair of "
                f"columns such as {' and '.join(_columns('os'))} "
                f"(or, instead of OS, one of {', '.join(c.upper() for c in list(ENDPOINTS)[1:])})"
            )
        return available[0]
    if endpoint not in ENDPOINTS:
        raise InputError(f"there is no endpoint {endpoint!r}; choose one of {', '.join(ENDPOINTS)}")
    if endpoint not in available:
        others = f"; it has {', '.join(available)}" if available else ", and no other endpoint"
        raise InputError(
            f"study {study.study_id} has no {ENDPOINTS[endpoint]}, which needs the clinical "
            f"columns {' and '.join(_columns(endpoint))}{others}"
        )
    return endpoint


def _read_months(cells: pd.Series) -> pd.Series:
    """Months as numbers, NaN where missing."""
    months = pd.to_numeric(cells, errors="coerce").astype("float64")
    bad = cells.notna() & ~np.isfinite(months)
    if bad.any():
        raise _unreadable(cells, bad, "is not a number of months; write one, such as 12.5, or NA")
    return months


def _read_status(cells: pd.Series) -> pd.Series:
    """Whether the event came (1.0) or not (0.0), NaN where missing."""
    words = cells.str.strip().str.casefold()
    flag = words.str.extract(r"^([01])\s*:", expand=False)
    event = pd.to_numeric(flag, errors="coerce").astype("float64")
    event = event.mask(event.isna() & words.isin(_EVENT), 1.0)
    event = event.mask(event.isna() & words.isin(_NO_EVENT), 0.0)
    bad = cells.notna() & event.isna()
    if bad.any():
        raise _unreadable(
            cells,
            bad,
            "does not say whether the event came; write 1:… if it did, 0:… if not, or NA",
        )
    return event


def _unreadable(cells: pd.Series, bad: pd.Series, why: str) -> InputError:
    sample = str(cells.index[int(bad.to_numpy().argmax())])
    others = f" ({bad.sum()} cells like that)" if bad.sum() > 1 else ""
    return InputError(
        f"clinical data, sample {sample}, column {cells.name}: {cells[sample]!r} {why}{others}"
    )
