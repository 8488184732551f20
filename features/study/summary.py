"""What a study holds, in few words: a line, or a row of a small table, a modality and response."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from sidestep.features.study.study import Study


def as_text(study: Study) -> str:
    """A title, and a line a modality and response."""
    rows = [f"  {what:<12} {samples}, {content}" for what, samples, content in _held(study)]
    return "\n".join([_title(study), *rows])


def as_html(study: Study) -> str:
    """The same as a small table, for notebooks."""
    rows = "".join(
        f"<tr><th>{escape(row[0])}</th><td>{row[1]}</td><td>{escape(row[2])}</td></tr>"
        for row in _held(study)
    )
    return f"<p><b>{escape(_title(study))}</b></p><table>{rows}</table>"


def _title(study: Study) -> str:
    made_up = " (simulated data)" if study.simulated else ""
    samples, donors = len(study.samples), study.donors.nunique()
    return (
        f"Study {study.study_id}{made_up}: {_counted(samples, 'sample')} of "
        f"{_counted(donors, 'donor')}"
    )


def _held(study: Study) -> list[tuple[str, str, str]]:
    """Modality or response, its samples, and what is known of them."""
    calls = 0 if study.mutations is None else len(study.mutations)
    contents = {
        "expression": _counted(_width(study.expression), "gene"),
        "rppa": _counted(_width(study.rppa), "antibody", "antibodies"),
        "mutation": _counted(calls, "call"),
        "copy_number": _counted(_width(study.copy_number), "gene"),
        "signature": _counted(_width(study.signatures), "signature"),
        "clinical": _counted(_width(study.clinical), "attribute"),
    }
    held = [
        (what, _counted(len(having), "sample"), contents[what])
        for what, having in study.profiled().items()
    ]
    return held + [
        (file.metric, _counted(len(file.columns), "sample"), f"drug response ({file.unit})")
        for file in study.response_files.values()
    ]


def _width(table: pd.DataFrame | None) -> int:
    return 0 if table is None else table.shape[1]


def _counted(number: int, what: str, several: str = "") -> str:
    return f"{number:,} {what if number == 1 else several or what + 's'}"
