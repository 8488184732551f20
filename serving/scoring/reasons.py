"""Reasons to take a score with care: every code, what it means, and whether it forbids a call."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One reason code.

    Attributes
    ----------
    code : str
        As in the `reasons` column; ``OFF_SCALE``, ``MODALITY_MISSING`` and
        ``MODALITY_UNUSED`` are followed by ``:`` and the modality.
    meaning : str
    abstains : bool
        Whether the call is ``abstain`` because of it.
    """

    code: str
    meaning: str
    abstains: bool


NO_INTERVAL = Reason(
    "NO_INTERVAL",
    "Too few training lines have the sample's modalities to give an interval at this level.",
    True,
)
OUT_OF_DOMAIN = Reason(
    "OUT_OF_DOMAIN",
    "The sample lies farther from the training lines, in what the model looks at, than 95 in 100 "
    "held-out lines (applicability below 0.05), or than all of them where there are fewer than "
    "20; of a tumour that is answered among tumours, than 95 in 100 of these, after the shift that "
    "they share was taken away.",
    True,
)
LOW_COVERAGE = Reason(
    "LOW_COVERAGE",
    "Less than half of the weight of the model that predicts the sample rests on features that "
    "the sample has.",
    True,
)
OFF_SCALE = Reason(
    "OFF_SCALE",
    "The sample's numbers are not on the scale of the training lines (range, sign, spacing, or "
    "share of one and the same number): they may be in another unit, or of a failed measurement. "
    "No fact is drawn from them.",
    True,
)
WORSE = Reason(
    "DRUG_WORSE_THAN_BASELINE",
    "In cross-validation the drug's model is shown to be worse than its best baseline, or to err "
    "no less than the mean of the training lines does.",
    True,
)
AS_GOOD_AS_MARKER = Reason(
    "AS_GOOD_AS_MARKER",
    "In cross-validation the drug's model is as good as the clinician's marker alone, and not "
    "shown to be better.",
    False,
)
AS_GOOD_AS_MEAN = Reason(
    "AS_GOOD_AS_MEAN",
    "In cross-validation the drug's model is as good as the mean of the lineage or of all lines, "
    "and not shown to be better.",
    False,
)
WIDE_INTERVAL = Reason(
    "WIDE_INTERVAL",
    "The interval is no narrower than the same share of the training lines' own responses: the "
    "prediction says little more than the drug's distribution does.",
    False,
)
IN_TRAINING = Reason(
    "IN_TRAINING",
    "The sample is a line that the model was trained on, or of the same donor as one; a model of "
    "the cross-validation that has seen no line of the donor predicts it.",
    False,
)
MISSING = Reason(
    "MODALITY_MISSING",
    "The sample lacks a modality that the model uses; a sub-model without it predicts the sample.",
    False,
)
UNUSED = Reason(
    "MODALITY_UNUSED",
    "The sample has a modality that the sub-model which predicts it does not use: too few training "
    "lines have the sample's combination of modalities.",
    False,
)

REGIMEN_UNSEEN = Reason(
    "REGIMEN_UNSEEN",
    "No training patient had the regimen: what all regimens share predicts the sample.",
    False,
)
REGIMEN_NOT_GIVEN = Reason(
    "REGIMEN_NOT_GIVEN",
    "No training patient of the sample's HER2 status had the regimen, so that nothing was learned "
    "of it there.",
    True,
)
NOT_PREDICTED = Reason(
    "NOT_PREDICTED",
    "Served models only: the sample cannot be predicted, for want of a modality of the model or "
    "because of what its file holds; a score folder names it in the manifest instead.",
    True,
)

#: In the order in which the `reasons` column lists them.
REASONS = (
    NO_INTERVAL,
    OUT_OF_DOMAIN,
    LOW_COVERAGE,
    OFF_SCALE,
    WORSE,
    AS_GOOD_AS_MARKER,
    AS_GOOD_AS_MEAN,
    WIDE_INTERVAL,
    IN_TRAINING,
    MISSING,
    UNUSED,
    REGIMEN_UNSEEN,
    REGIMEN_NOT_GIVEN,
    NOT_PREDICTED,
)


def reasons_table() -> str:
    """The codes as a Markdown table, as docs/output.md has it."""
    rows = [
        f"| `{reason.code}` | {reason.meaning} | {'abstain' if reason.abstains else ''} |"
        for reason in REASONS
    ]
    return "\n".join(["| reason | meaning | call |", "|---|---|---|", *rows])
