"""The answer of `sidestep explain` as lines for a terminal, no more than a screen.

Either the explanation and what would change the call; or, of a changed sample, the numbers before
and after.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from sidestep.features.knowledge.drugs import both_names
from sidestep.models.predictor.cohort import LINES
from sidestep.serving.explain.answer import ABOUT, Answer
from sidestep.serving.explain.explanation import Explanation
from sidestep.serving.explain.flip import MOST_SD, Flip, FlipSearch
from sidestep.serving.explain.what_if import WhatIf, difference
from sidestep.serving.words.layout import Row, alike, by_size, labelled, table
from sidestep.serving.words.sentences import (
    call_text,
    her2_text,
    marker_sentence,
    reason_text,
    side_text,
    unmeasured_text,
)
from sidestep.serving.words.wording import (
    BASE_VALUE,
    SHAPLEY_VALUE,
    counted,
    feature_label,
    listed,
    modality_name,
    number,
    of_patients,
    percentile_place,
    probability,
    tumours_text,
    value_kind,
    value_text,
)

_MOST_FLIPS = 6


def as_text(answer: Answer) -> list[str]:
    """Lines of an answer, to be printed.

    Parameters
    ----------
    answer : Answer
    """
    explanation = answer.explanation
    lines = [_heading(answer), ""]
    if answer.what_if is not None:
        return lines + _what_if(answer, answer.what_if)
    lines += [*_outlook(answer), "", *_features(explanation), "", *_sums(explanation)]
    said = f"{BASE_VALUE} {SHAPLEY_VALUE}"
    lines += ["", *labelled("", of_patients(said) if answer.event else said)]
    if answer.flips is not None:
        lines += ["", "What would change the call", *_flips(answer.flips)]
    return lines


def _heading(answer: Answer) -> str:
    version = f" version {answer.model_version}" if answer.model_version else ""
    simulated = ", SIMULATED DATA" if answer.simulated else ""
    return (
        f"{answer.sample} and {both_names(answer.drug)}: study {answer.study_id}, "
        f"model {answer.model_name}{version}{simulated}"
    )


def _outlook(answer: Answer) -> list[str]:
    """Prediction, interval, percentile, call and its reasons."""
    explanation = answer.explanation
    side = "resistant" if answer.higher_is_resistant else "sensitive"
    among_lines = explanation.reference == LINES
    held = "samples" if among_lines else "lines, on which it was calibrated"
    rows = [
        ("Prediction", f"{number(explanation.prediction)}  ({answer.unit}; high is {side})"),
        (
            "Interval",
            f"{_interval(explanation)}  ({_kept(answer, explanation, held)})",
        ),
        *_observed(explanation),
        ("Percentile", _percentile(explanation, answer.event, her2_context=answer.her2_context)),
        ("Resistance", _resistance(explanation, answer.event, her2_context=answer.her2_context)),
        ("Call", call_text(explanation.call, explanation.call_at)),
        *(
            ("Reason", f"{reason_text(code, answer.event)} ({code})")
            for code in explanation.reasons
        ),
        ("Base value", f"{number(explanation.base_value)}  (before anything is known of it)"),
        *_unmeasured(explanation),
        *_her2(answer),
        ("Marker", marker_sentence(explanation.marker, explanation.reference, answer.event)),
    ]
    return [line for label, text in rows for line in labelled(label, text)]


def _kept(answer: Answer, explanation: Explanation, held: str) -> str:
    """What the interval is to hold."""
    level = f"{100 * explanation.level:g} %"
    return f"{level}, of the log-odds" if answer.event else f"to hold {level} of {held}"


def _observed(explanation: Explanation) -> list[tuple[str, str]]:
    if explanation.observed is None:
        return []
    return [("Observed", f"{number(explanation.observed)}  (in the training study)")]


def _unmeasured(explanation: Explanation) -> list[tuple[str, str]]:
    text = unmeasured_text(explanation.unmeasured, explanation.unmeasured_share)
    return [("Unmeasured", f"{text}; none of them is named below")] if text else []


def _her2(answer: Answer) -> list[tuple[str, str]]:
    if answer.her2 is None or answer.her2_assay is None:
        return []
    return [("HER2", her2_text(answer.her2, answer.her2_assay))]


def _interval(explanation: Explanation) -> str:
    if explanation.lower is None or explanation.upper is None:
        return "none"
    return f"{number(explanation.lower)} to {number(explanation.upper)}"


def _percentile(explanation: Explanation, event: str, *, her2_context: bool) -> str:
    if explanation.percentile is None:
        return f"none: there are no {_learned_from(event)} to compare with"
    lines = _compared(explanation, event, her2_context=her2_context)
    place = percentile_place(explanation.percentile, lines, held_out=explanation.reference == LINES)
    return f"{explanation.percentile:.0f} of 100  ({place})"


def _compared(explanation: Explanation, event: str, *, her2_context: bool) -> str:
    """What percentile and threshold refer to, in plural."""
    if explanation.reference != LINES:
        return tumours_text(explanation.tumours, explanation.reference)
    return f"HER2-high {_learned_from(event)}" if her2_context else _learned_from(event)


def _learned_from(event: str) -> str:
    return "training patients" if event else "training lines"


def _resistance(explanation: Explanation, event: str, *, her2_context: bool) -> str:
    if explanation.p_resistant is None:
        return "probability not known"
    lines = _compared(explanation, event, her2_context=her2_context)
    side = side_text(explanation.threshold, lines, event)
    return f"probability {probability(explanation.p_resistant)}, that {side}"


def _features(explanation: Explanation) -> list[str]:
    parts = alike([*(one.contribution for one in explanation.features), explanation.rest])
    rows: list[Row] = [("Feature", "value", "contribution", "mechanism")]
    for one, part in zip(explanation.features, parts[:-1], strict=True):
        value = value_text(value_kind(one.feature), one.value)
        rows.append((feature_label(one.feature), value, part, one.mechanism))
    return table([*rows, ("all others", "", parts[-1], "")], "<>><")


def _sums(explanation: Explanation) -> list[str]:
    """Modality and mechanism sums, side by side."""
    blocks = []
    for title, sums in (
        ("Modality", {modality_name(one): value for one, value in explanation.by_modality.items()}),
        ("Mechanism", explanation.by_mechanism),
    ):
        kept = by_size(sums)
        rows = list(zip(kept, alike(kept.values()), strict=True))
        blocks.append(table([(title, "contribution"), *rows], "<>"))
    width = max(map(len, blocks[0]))
    pairs = zip_longest(*blocks, fillvalue="")
    return [f"{left:<{width}}    {right}".rstrip() for left, right in pairs]


def _flips(search: FlipSearch) -> list[str]:
    why = listed(list(search.obstacles))
    if search.call == "abstain":
        return labelled("", f"No call is made ({why}), and so there is none to change.")
    lines: list[str] = []
    if search.obstacles:
        lines += labelled(
            "",
            f"Nothing: no change of the sample takes {why} away. By the probability alone the "
            f"call would be {search.call}, and of that:",
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


def _what_if(answer: Answer, what_if: WhatIf) -> list[str]:
    """Numbers, reasons, features and mechanisms, before and after the change."""
    before, after = answer.explanation, what_if.after
    change = f"{listed(list(what_if.settings))}: {counted(what_if.n_changed, 'feature')} changed"
    lines = [
        *labelled("What if", change),
        "",
        *_changed_numbers(answer, after),
        *_changed_reasons(before, after, answer.event),
    ]
    if not what_if.features:
        return lines
    return [
        *lines,
        "",
        *_changed_features(what_if),
        "",
        *_changed_mechanisms(before, after),
        "",
        ABOUT,
    ]


def _changed_numbers(answer: Answer, after: Explanation) -> list[str]:
    before = answer.explanation
    delta = difference(before, after)
    rows: list[Row] = [(answer.unit, "before", "after", "difference")]
    for name, field in (
        ("Prediction", "prediction"),
        ("Lower end", "lower"),
        ("Upper end", "upper"),
        ("Percentile", "percentile"),
        ("Probability", "p_resistant"),
        ("Applicability", "applicability"),
    ):
        ends = [number(getattr(one, field)) for one in (before, after)]
        rows.append((name, *ends, number(delta[field], signed=True)))
    same = "unchanged" if before.call == after.call else "changed"
    return table([*rows, ("Call", before.call, after.call, same)], "<>>>")


def _changed_reasons(before: Explanation, after: Explanation, event: str) -> list[str]:
    """Reasons that come and go."""
    return [
        line
        for label, of_one, of_other in (
            ("New reason", after.reasons, before.reasons),
            ("No longer", before.reasons, after.reasons),
        )
        for code in of_one
        if code not in of_other
        for line in labelled(label, f"{reason_text(code, event)} ({code})")
    ]


def _changed_features(what_if: WhatIf) -> list[str]:
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


def _changed_mechanisms(before: Explanation, after: Explanation) -> list[str]:
    moved = by_size(difference(before, after)["by_mechanism"])
    columns = _before_after(
        *([of[name] for name in moved] for of in (before.by_mechanism, after.by_mechanism))
    )
    rows = [(name, *parts) for name, parts in zip(moved, columns, strict=True)]
    return table([("Mechanism", "before", "after", "difference"), *rows], "<>>>")


def _before_after(before: Sequence[float], after: Sequence[float]) -> list[Row]:
    """Before, after and difference of each pair, with as many decimals everywhere."""
    changes = [new - old for old, new in zip(before, after, strict=True)]
    cells = alike([*before, *after, *changes])
    n = len(before)
    return list(zip(cells[:n], cells[n : 2 * n], cells[2 * n :], strict=True))
