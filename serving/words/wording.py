"""Plain words for numbers, features and places in a distribution."""

from __future__ import annotations

import math
import re
from bisect import bisect_right

from sidestep.features.builders.names import BURDEN, modality_of

_MINUS = "\N{MINUS SIGN}"
_DASH = "\N{EN DASH}"
#: What the numbers of an explanation are.
BASE_VALUE = (
    "The base value is what the model says before anything is known of a sample: what ridge "
    "predicts at the training mean of every feature, blended with the mean of the trees' leaves, "
    "each weighted by the training lines in it."
)
SHAPLEY_VALUE = (
    "A contribution is a Shapley value: for ridge the feature's coefficient times its distance "
    "from the training mean, for trees the change of the prediction when the feature becomes "
    "known, averaged over all orders in which features can become known, while those still "
    "unknown lead down both branches in proportion to the training lines that went there."
)
#: How a modality is called in running text.
MODALITY_NAMES = {
    "expression": "expression",
    "rppa": "protein (RPPA)",
    "mutation": "mutations",
    "copy_number": "copy number",
    "signature": "expression signatures",
    "clinical": "clinical",
}
#: What the number of a feature is, by modality; see `value_kind`.
_KINDS = {"expression": "sd", "rppa": "sd", "copy_number": "log2", "mutation": "flag",
          "signature": "sd", "clinical": "flag"}  # fmt: skip
#: What is smaller than four decimals moves no prediction.
_MOST_DECIMALS = 4
_MUTATION_KINDS = {"hotspot": "hotspot mutation", "truncating": "truncating mutation"}


def _first_of(power: int) -> float:
    """The smallest number that has at least that power of ten with three significant digits."""
    near = float(f"9.995e{power - 1}")
    return near if float(f"{near:.3g}") >= float(f"1e{power}") else math.nextafter(near, math.inf)


#: From each of these sizes on a number of three significant digits has a decimal less.
_FEWER_DECIMALS = [_first_of(power) for power in range(-1, 3)]


def number(value: float | None, *, signed: bool = False, beside: float | None = None) -> str:
    """A number without an exponent, with a true minus sign; a dash for a missing one.

    It has three significant digits, or as many decimals as a larger number `beside` it has.

    >>> number(-0.04512), number(5.2), number(0.5, signed=True), number(None)
    ('−0.0451', '5.20', '+0.500', '–')
    >>> number(-0.04512, beside=2.5)
    '−0.05'
    """
    if value is None or not math.isfinite(value):
        return _DASH
    size = abs(value if beside is None else beside)
    digits = _MOST_DECIMALS - bisect_right(_FEWER_DECIMALS, size) if size else 0
    return fixed(value, digits, signed=signed)


def fixed(value: float, digits: int, *, signed: bool = False) -> str:
    """A number with that many decimals; what is rounded to zero has no sign.

    >>> fixed(-1234.5, 0), fixed(0.62, 2), fixed(-0.0001, 2, signed=True)
    ('−1,234', '0.62', '0.00')
    """
    text = f"{value:+,.{digits}f}" if signed else f"{value:,.{digits}f}"
    if abs(value) <= 0.5 and not text.strip("+-0.,"):
        return text.lstrip("+-")
    return text.replace("-", _MINUS) if value < 0 else text


def probability(value: float) -> str:
    """A probability with two decimals; none is certain.

    >>> probability(0.834), probability(0.998), probability(0.002)
    ('0.83', 'over 0.99', 'under 0.01')
    """
    if value > 0.99:
        return "over 0.99"
    return "under 0.01" if value < 0.01 else fixed(value, 2)


def tumours_text(count: int | None, name: str) -> str:
    """The tumours of a reference cohort.

    >>> tumours_text(200, "clinic")
    '200 tumours of clinic'
    """
    return f"tumours of {name}" if count is None else f"{count:,} tumours of {name}"


def of_patients(text: str) -> str:
    """A text about lines that were learned from, said of a model that learned from patients.

    >>> of_patients("The sample lies farther from the training lines than held-out lines do.")
    'The sample lies farther from the training patients than held-out patients do.'
    """
    return re.sub(r"\bLine(s?)\b", r"Patient\1", re.sub(r"\bline(s?)\b", r"patient\1", text))


def percentile_place(percentile: float, lines: str, *, held_out: bool = True) -> str:
    """What a resistance percentile says: how the prediction compares with those of `lines`.

    It is no share of the lines that resist, which were observed to spread wider. Lines were
    `held_out` when they were predicted; tumours never were learned from.

    >>> percentile_place(88.4, "training lines")
    'more resistant than 88 % of the training lines are predicted, out of fold'
    >>> percentile_place(0.2, "training lines")
    'more sensitive than over 99 % of the training lines are predicted, out of fold'
    >>> percentile_place(52.0, "training lines")
    'near the middle of what the training lines are predicted, out of fold'
    >>> percentile_place(52.0, "200 tumours of clinic", held_out=False)
    'near the middle of what the 200 tumours of clinic are predicted'
    """
    out_of_fold = ", out of fold" if held_out else ""
    if 45.0 <= percentile <= 55.0:
        return f"near the middle of what the {lines} are predicted{out_of_fold}"
    end, share = (
        ("resistant", percentile) if percentile > 50.0 else ("sensitive", 100.0 - percentile)
    )
    part = f"{share:.0f} %" if round(share) < 100 else "over 99 %"
    part = "all" if share >= 100.0 else part
    return f"more {end} than {part} of the {lines} are predicted{out_of_fold}"


def listed(words: list[str]) -> str:
    """Words as a list in running text: ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def counted(count: int, what: str) -> str:
    """A number with its noun: ``1 drug``, ``2 drugs``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def modality_name(modality: str) -> str:
    """A modality as a reader calls it."""
    return MODALITY_NAMES.get(modality, modality)


def feature_label(feature: str) -> str:
    """A feature's name as a biologist would say it.

    >>> feature_label("expression:ERBB2"), feature_label("rppa:ERBB2_pY1248/ERBB2")
    ('ERBB2 RNA', 'ERBB2_pY1248/ERBB2 protein')
    >>> feature_label("mutation:PIK3CA:hotspot"), feature_label("clinical:LINEAGE=breast")
    ('PIK3CA hotspot mutation', 'LINEAGE = breast')
    """
    if feature == BURDEN:
        return "tumour mutation burden"
    modality, _, rest = feature.partition(":")
    if modality == "mutation":
        gene, _, kind = rest.partition(":")
        return f"{gene} {_MUTATION_KINDS.get(kind, f'{kind} mutation'.strip())}"
    if modality == "clinical":
        return " = ".join(rest.split("=", 1))
    noun = {
        "expression": "RNA",
        "rppa": "protein",
        "copy_number": "copy number",
        "signature": "signature",
    }.get(modality)
    return f"{rest} {noun}" if noun else feature


def value_kind(feature: str) -> str:
    """What the value of a feature is: ``sd``, ``log2``, ``flag`` (1 or 0) or ``number``."""
    return "number" if feature == BURDEN else _KINDS.get(modality_of(feature), "number")


def value_text(kind: str, value: float | None) -> str:
    """A feature's value in words, by its `value_kind`.

    >>> value_text("sd", 2.13), value_text("flag", 1.0), value_text("sd", None)
    ('+2.1 sd', 'yes', 'not measured')
    """
    if value is None or not math.isfinite(value):
        return "not measured"
    if kind == "flag":
        return "yes" if value > 0 else "no"
    if kind == "number":
        return number(value)
    unit = {"sd": "sd", "log2": "log2"}[kind]
    return f"{value:+.1f} {unit}".replace("-", _MINUS)
