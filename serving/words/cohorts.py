"""Counts of calls over a cohort, by drug and by group, as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from sidestep.features.cohorts import HER2, group_labels
from sidestep.features.knowledge.drugs import both_names
from sidestep.serving.disk.samples import CALLS
from sidestep.serving.disk.score_folder import ScoreFolder
from sidestep.serving.words.layout import table

#: What a call is named where it stands over a column.
HEADS = {call: "no call" if call == "abstain" else call for call in CALLS}


def call_lines(folder: ScoreFolder, group: str | None = None) -> Iterator[str]:
    """Samples by drug and call, a line each; by group where there are groups.

    Parameters
    ----------
    folder : ScoreFolder
    group : str, optional
        As `features.cohorts.group_labels` takes it.

    Raises
    ------
    InputError
        If there are no such groups.
    """
    labels = None if group is None else group_labels(folder.known, group)
    counts = folder.calls(groups_of(labels))
    grouped = group_title(labels)
    yield f"Calls, samples by drug{' and ' if grouped else ''}{grouped}"
    yield from count_lines(counts, grouped)


def group_title(labels: pd.Series | None) -> str:
    """What samples are grouped by, as it stands over a table; empty without groups."""
    if labels is None:
        return ""
    return "HER2" if labels.name == HER2 else str(labels.name)


def groups_of(labels: pd.Series | None) -> dict[str, str] | None:
    """Sample -> its group, those of the first group first; None without groups."""
    if labels is None:
        return None
    ordered = labels.sort_values(kind="stable")
    return {str(sample): str(group) for sample, group in ordered.items()}


def count_lines(counts: pd.DataFrame, grouped: str) -> list[str]:
    """Counts of `ScoreFolder.calls` as aligned lines; a drug is named once.

    Parameters
    ----------
    counts : DataFrame
    grouped : str
        What the groups are of; empty without groups.
    """
    rows = [("drug", *([grouped] if grouped else []), *HEADS.values())]
    named = ""
    for row in counts.to_dict("records"):
        drug = both_names(str(row["drug"]))
        cells = [str(row["group"])] if grouped else []
        rows.append(("" if drug == named else drug, *cells, *(f"{row[call]:,}" for call in CALLS)))
        named = drug
    return table(rows, "<" * (2 if grouped else 1) + ">" * len(CALLS))
