"""How does a what-if read on a terminal? Before, after and the difference.

How does the answer of `sidestep explain` read on a terminal? No more than a screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from sidestep.serving.explain.answer import ABOUT, Answer, WhatIf, difference
from sidestep.serving.explain.explanation import Explanation
from sidestep.serving.explain.flip import MOST_SD, Flip, FlipSearch
from sidestep.serving.words.layout import Row, alike, by_size, labelled, table
from sidestep.serving.words.sentences import reason_text
from sidestep.serving.words.wording import (
    counted,
    feature_label,
    joined,
    modality_name,
    number,
    percentile_place,
    value_kind,
    value_text,
)


def what_if_text(answer: Answer, what_if: WhatIf) -> list[str]:
    """Lines to be printed."""
    before, after = answer.explanation, what_if.after
    asked = f"{joined(list(what_if.settings))}: {counted(what_if.n_changed, 'feature')} changed"
    lines = [*labelled("What if", asked), "", *_numbers(answer, after), *_reasons(before, after)]
    if not what_if.features:
        return lines
    return [*lines, "", *_feature_lines(what_if), "", *_mechanisms(before, after), "", ABOUT]


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


def _feature_lines(what_if: WhatIf) -> list[str]:
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


_MOST_FLIPS = 6


def as_text(answer: Answer) -> list[str]:
    """Lines to be printed."""
    told = answer.explanation
    lines = [_heading(answer), ""]
    if answer.what_if is not None:
        return lines + what_if_text(answer, answer.what_if)
    lines += [*_said(answer, told), "", *_features(told), "", *_sums(told)]
    if answer.flips is not None:
        lines += ["", "What would change the call", *_flips(answer.flips)]
    return lines


def _heading(answer: Answer) -> str:
    version = f" version {answer.model_version}" if answer.model_version else ""
    simulated = ", SIMULATED DATA" if answer.simulated else ""
    return (
        f"{answer.sample} and {answer.drug}: study {answer.study_id}, model {answer.model_name}"
        f"{version}{simulated}"
    )


def _said(answer: Answer, told: Explanation) -> list[str]:
    side = "resistant" if answer.higher_is_resistant else "sensitive"
    rows = [
        ("Prediction", f"{number(told.prediction)}  ({answer.unit}; high is {side})"),
        ("Interval", f"{_interval(told)}  (to hold {100 * told.level:g} % of samples)"),
        ("Percentile", _percentile(told, her2_context=answer.her2_context)),
        ("Call", _call(told, her2_context=answer.her2_context)),
        *(("Reason", f"{reason_text(code)} ({code})") for code in told.reasons),
        ("Base value", f"{number(told.base_value)}  (the average training line)"),
    ]
    return [line for label, text in rows for line in labelled(label, text)]


def _interval(told: Explanation) -> str:
    if told.lower is None or told.upper is None:
        return "none"
    return f"{number(told.lower)} to {number(told.upper)}"


def _percentile(told: Explanation, *, her2_context: bool) -> str:
    if told.percentile is None:
        return "none: there are no training lines to compare with"
    line = _line(her2_context=her2_context)
    return f"{told.percentile:.0f} of 100  ({percentile_place(told.percentile)} of {line}s)"


def _line(*, her2_context: bool) -> str:
    """What percentile and call refer to, one of them."""
    return "HER2-high training line" if her2_context else "training line"


def _call(told: Explanation, *, her2_context: bool) -> str:
    line = f"the median {_line(her2_context=her2_context)} ({number(told.typical)})"
    if told.call == "abstain":
        return "abstain: no call is made, for the reasons given"
    if told.call == "uncertain":
        return f"uncertain: the interval reaches to both sides of {line}"
    return f"{told.call}: the whole interval lies on the {told.call} side of {line}"


def _features(told: Explanation) -> list[str]:
    parts = alike([*(one.contribution for one in told.features), told.rest])
    rows: list[Row] = [("Feature", "value", "contribution", "mechanism")]
    for one, part in zip(told.features, parts[:-1], strict=True):
        value = value_text(value_kind(one.feature), one.value)
        rows.append((feature_label(one.feature), value, part, one.mechanism))
    return table([*rows, ("all others", "", parts[-1], "")], "<>><")


def _sums(told: Explanation) -> list[str]:
    """Modality and mechanism sums, side by side."""
    blocks = []
    for title, sums in (
        ("Modality", {modality_name(one): value for one, value in told.by_modality.items()}),
        ("Mechanism", told.by_mechanism),
    ):
        kept = by_size(sums)
        rows = list(zip(kept, alike(kept.values()), strict=True))
        blocks.append(table([(title, "contribution"), *rows], "<>"))
    width = max(map(len, blocks[0]))
    pairs = zip_longest(*blocks, fillvalue="")
    return [f"{left:<{width}}    {right}".rstrip() for left, right in pairs]


def _flips(search: FlipSearch) -> list[str]:
    why = joined(list(search.obstacles))
    if search.call == "abstain":
        return labelled("", f"No call is made ({why}), and so there is none to change.")
    lines: list[str] = []
    if search.obstacles:
        lines += labelled(
            "",
            f"Nothing: no change of the sample takes {why} away. By the interval alone the call "
            f"would be {search.call}, and of that:",
        )
    if not search.flips:
        lines += labelled(
            "",
            f"No shift of a single mechanism by up to {MOST_SD:g} SD changes the call from "
            f"{search.call} ({counted(len(search.tried), 'mechanism')} tried).",
        )
    else:
        lines += [*_smallest(search, search.flips[0]), *_flip_table(search)]
    return [*lines, *labelled("", ABOUT)]


def _smallest(search: FlipSearch, flip: Flip) -> list[str]:
    return labelled(
        "",
        f"Smallest: {flip.mechanism}, {counted(flip.n_features, 'level')} shifted by "
        f"{flip.sd:.2f} SD towards {flip.towards}, takes the call from {search.call} to "
        f"{flip.call} (prediction {number(flip.prediction)}).",
    )


def _flip_table(search: FlipSearch) -> list[str]:
    """A row a mechanism: by which shift the call becomes which."""
    by_mechanism: dict[str, list[Flip]] = {}
    for flip in search.flips:
        by_mechanism.setdefault(flip.mechanism, []).append(flip)
    calls = list(dict.fromkeys(flip.call for flip in search.flips))
    rows: list[Row] = [("Mechanism", "levels", *(f"{call} at" for call in calls))]
    for mechanism, flips in list(by_mechanism.items())[:_MOST_FLIPS]:
        at = {flip.call: f"{flip.sd:.2f} SD" for flip in flips}
        rows.append((mechanism, str(flips[0].n_features), *(at.get(call, "") for call in calls)))
    lines = [f"  {line}" for line in table(rows, "<>" + ">" * len(calls))]
    more = len(by_mechanism) - _MOST_FLIPS
    return lines if more <= 0 else [*lines, f"  and {counted(more, 'mechanism')} more, see --json"]
