"""How does a what-if read on a terminal? Before, after and the difference."""

from __future__ import annotations

from collections.abc import Sequence

from serving.explain_answer import ABOUT, Answer, WhatIf, difference
from serving.explained import Explanation
from serving.report.sentences import reason_text
from serving.report.wording import counted, feature_label, joined, number, value_kind, value_text
from serving.text_layout import Row, alike, by_size, labelled, table


def what_if_text(answer: Answer, what_if: WhatIf) -> list[str]:
    """Lines to be printed."""
    before, after = answer.explanation, what_if.after
    asked = f"{joined(list(what_if.settings))}: {counted(what_if.n_changed, 'feature')} changed"
    lines = [*labelled("What if", asked), "", *_numbers(answer, after), *_reasons(before, after)]
    if not what_if.features:
        return lines
    return [*lines, "", *_features(what_if), "", *_mechanisms(before, after), "", ABOUT]


def _numbers(answer: Answer, after: Explanation) -> list[str]:
    before = answer.explanation
    delta = difference(before, after)
    rows: list[Row] = [(answer.unit, "before", "after", "difference")]
    for name, field in (
        ("Prediction", "prediction"),
        ("Lower end", "lower"),
        ("Upper end", "upper"),
        ("Percentile", "percentile"),
        ("Applicability", "applicability"),
    ):
        ends = [number(getattr(one, field)) for one in (before, after)]
        rows.append((name, *ends, number(delta[field], signed=True)))
    same = "unchanged" if before.call == after.call else "changed"
    return table([*rows, ("Call", before.call, after.call, same)], "<>>>")


def _reasons(before: Explanation, after: Explanation) -> list[str]:
    """Reasons that come and go."""
    return [
        line
        for label, of_one, of_other in (
            ("New reason", after.reasons, before.reasons),
            ("No longer", before.reasons, after.reasons),
        )
        for code in of_one
        if code not in of_other
        for line in labelled(label, f"{reason_text(code)} ({code})")
    ]


def _features(what_if: WhatIf) -> list[str]:
    columns = _before_after(
        [one.contribution_before for one in what_if.features],
        [one.contribution_after for one in what_if.features],
    )
    rows: list[Row] = [("Feature", "value", "before", "after", "difference")]
    for one, parts in zip(what_if.features, columns, strict=True):
        kind = value_kind(one.feature)
        value = value_text(kind, one.value_before)
        if one.value_after != one.value_before:
            value += f" to {value_text(kind, one.value_after)}"
        rows.append((feature_label(one.feature), value, *parts))
    return table(rows, "<<>>>")


def _mechanisms(before: Explanation, after: Explanation) -> list[str]:
    moved = by_size(difference(before, after)["by_mechanism"])
    columns = _before_after(
        *([of[name] for name in moved] for of in (before.by_mechanism, after.by_mechanism))
    )
    rows = [(name, *parts) for name, parts in zip(moved, columns, strict=True)]
    return table([("Mechanism", "before", "after", "difference"), *rows], "<>>>")


def _before_after(before: Sequence[float], after: Sequence[float]) -> list[Row]:
    """Before, after and difference of each pair, with as many decimals everywhere."""
    changes = [now - then for then, now in zip(before, after, strict=True)]
    told = alike([*before, *after, *changes])
    n = len(before)
    return list(zip(told[:n], told[n : 2 * n], told[2 * n :], strict=True))
