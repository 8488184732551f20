"""The partners of `sidestep combine` as lines for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

import pandas as pd

from sidestep.features.cohorts import by_group
from sidestep.features.errors import some
from sidestep.features.knowledge.conditions import parse_condition
from sidestep.features.knowledge.drugs import both_names
from sidestep.serving.combinations.folder import Combined
from sidestep.serving.combinations.partners import MODEL_ONLY
from sidestep.serving.combinations.words import NO_SYNERGY, condition_words, partner_view
from sidestep.serving.evidence.facts import STRENGTHS
from sidestep.serving.words.cohorts import group_title
from sidestep.serving.words.layout import table
from sidestep.serving.words.wording import counted

_MECHANISM_WIDTH = 60


def as_text(
    found: Combined, most: int, *, simulated: bool, groups: pd.Series | None = None
) -> Iterator[str]:
    """The first partners and some counts, in a few lines.

    Parameters
    ----------
    found : Combined
    most : int
        Lines of the table of suggestions.
    simulated : bool
    groups : Series, optional
        Groups of the samples to count by, as `features.cohorts.group_labels` returns.
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
    if len(found.without_target):
        lacking = found.without_target
        yield (
            f"Of these, {counted(len(lacking), 'pair')} of {lacking['sample_id'].nunique():,} "
            "sample(s) have none because HER2 is not known to drive the sample: "
            "a HER2 drug fails there for want of its target"
        )
    if groups is not None:
        yield ""
        yield from _by_group(found, groups)
    if most and len(found.first):
        yield ""
        yield from _suggestions(found.first, most)
        yield ""
    if found.not_measured:
        yield from _gaps(found)
    yield f"{NO_SYNERGY}."


def _by_group(found: Combined, groups: pd.Series) -> list[str]:
    """Pairs of sample and drug that is predicted to fail, and their first partners, by group."""
    rows: list[Sequence[str]] = [
        (group_title(groups), "samples", "pairs", "by a rule", "by the model", "none")
    ]
    for group, samples in by_group(groups).items():
        pairs = found.resisted["sample_id"].isin(samples).sum()
        first = found.first[found.first["sample_id"].isin(samples)]
        ruled = (first["rule_evidence"] != MODEL_ONLY).sum()
        counts = (len(samples), pairs, ruled, len(first) - ruled, pairs - len(first))
        rows.append((group, *(f"{count:,}" for count in counts)))
    return table(rows, "<>>>>>")


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
            partner_view(dict(row)),
            textwrap.shorten(str(row["matched_mechanism"]), _MECHANISM_WIDTH, placeholder=" …")
            if isinstance(row["matched_mechanism"], str)
            else "",
        )
        for _, row in shown.iterrows()
    ]
    yield from table(rows, "<<<<<<")
    if len(first) > len(shown):
        yield f"… and {counted(len(first) - len(shown), 'pair')} more, and further partners of each"


def _gaps(found: Combined) -> list[str]:
    """Rules whose condition was not measured in some samples."""
    shown = [
        f"{condition_words(parse_condition(condition))} ({counted(samples, 'sample')})"
        for condition, samples in found.not_measured.items()
    ]
    text = f"Not measured, so that the rule does not apply: {some(shown)}"
    return textwrap.wrap(text, 96, subsequent_indent="  ", break_on_hyphens=False)
