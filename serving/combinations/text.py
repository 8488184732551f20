"""The partners of `sidestep combine` as lines for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import pandas as pd

from sidestep.features.errors import some
from sidestep.features.knowledge.conditions import parse_condition
from sidestep.features.knowledge.drugs import both_names
from sidestep.serving.combinations.folder import Combined
from sidestep.serving.combinations.partners import MODEL_ONLY
from sidestep.serving.combinations.words import NO_SYNERGY, condition_words
from sidestep.serving.evidence.facts import STRENGTHS
from sidestep.serving.words.layout import table
from sidestep.serving.words.wording import counted

_MECHANISM_WIDTH = 60


def as_text(found: Combined, most: int, *, simulated: bool) -> Iterator[str]:
    """The first partners and some counts, in a few lines.

    Parameters
    ----------
    found : Combined
    most : int
        Lines of the table of suggestions.
    simulated : bool
    """
    if simulated:
        yield "Simulated data: no sample is real."
    if found.resisted.empty:
        yield "No sample is predicted resistant to a drug: there is nothing to combine."
        return
    pairs, called = found.resisted, (found.resisted["basis"] == "called resistant").sum()
    yield (
        f"Predicted resistant: {counted(pairs['sample_id'].nunique(), 'sample')}, "
        f"{counted(len(pairs), 'pair')} of sample and drug; {called:,} called, the others by "
        "percentile"
    )
    by_rule = (found.first["rule_evidence"] != MODEL_ONLY).sum()
    by_model = len(found.first) - by_rule
    yield (
        f"Partner by a rule: {counted(by_rule, 'pair')}; by the model only: {by_model:,}; none: "
        f"{len(pairs) - len(found.first):,}"
    )
    if most and len(found.first):
        yield ""
        yield from _suggestions(found.first, most)
        yield ""
    if found.not_measured:
        yield from _gaps(found)
    yield f"{NO_SYNERGY}."


def _suggestions(first: pd.DataFrame, most: int) -> Iterator[str]:
    """The first partner of each pair, those with the nearest evidence first."""
    evidence = first["rule_evidence"].map([*STRENGTHS, MODEL_ONLY].index)
    shown = first.iloc[evidence.argsort(kind="stable")[:most]]
    rows = [("sample", "fails", "partner", "evidence", "model says", "mechanism")]
    rows += [
        (
            str(row["sample_id"]),
            both_names(str(row["drug"])),
            both_names(str(row["partner"])),
            str(row["rule_evidence"]),
            _model_view(row),
            textwrap.shorten(str(row["matched_mechanism"]), _MECHANISM_WIDTH, placeholder=" …")
            if isinstance(row["matched_mechanism"], str)
            else "",
        )
        for _, row in shown.iterrows()
    ]
    yield from table(rows, "<<<<<<")
    if len(first) > len(shown):
        yield f"… and {counted(len(first) - len(shown), 'pair')} more, and further partners of each"


def _model_view(row: pd.Series) -> str:
    """The call on the partner, and its percentile where there is a call."""
    if not row["partner_in_panel"]:
        return "not in the panel"
    if row["partner_call"] == "abstain" or pd.isna(row["partner_percentile"]):
        return str(row["partner_call"])
    return f"{row['partner_call']}, percentile {row['partner_percentile']:.0f}"


def _gaps(found: Combined) -> list[str]:
    """Rules whose condition was not measured in some samples."""
    shown = [
        f"{condition_words(parse_condition(condition))} ({counted(samples, 'sample')})"
        for condition, samples in found.not_measured.items()
    ]
    text = f"Not measured, so that the rule does not apply: {some(shown)}"
    return textwrap.wrap(text, 96, subsequent_indent="  ", break_on_hyphens=False)
