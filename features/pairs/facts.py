"""Changes that were published of biopsies before and after treatment, and who shows them here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd

from sidestep.features.builders.names import gene_of
from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable, each
from sidestep.features.pairs.changes import (
    DIFFERENCE,
    FALLS,
    LEVEL,
    RISES,
    UNCHANGED,
    UNTOLD,
    PairChanges,
)
from sidestep.features.pairs.pairing import NO_RESPONSE, RESPONSE

#: A change of a patient counts from this many standard deviations of the first biopsies.
LEAST_SD: Final = 1.0
AGREES, CONTRADICTS = "agrees", "contradicts"
#: Modalities of a gene's level: copy number is none of its expression.
_LEVELS: Final = ("expression", "rppa", "signature")
_COLUMNS: Final = (
    "patient", "group", "gene", "feature", "shown", "change", "change_sd", "speaks_for", "known",
    "drugs", "statement", "checked", "source",
)  # fmt: skip


@dataclass(frozen=True)
class TreatmentChange:
    """A gene whose level changed under treatment in one group of patients and not in the other.

    Attributes
    ----------
    gene : str
        Hugo symbol; its protein was looked at.
    direction : str
        `RISES` or `FALLS`.
    group : str
        Who showed it: `RESPONSE` or `NO_RESPONSE`.
    drugs : str
        Under which treatment.
    statement : str
    checked : bool
    source : str
    """

    gene: str
    direction: str
    group: str
    drugs: str
    statement: str
    checked: bool
    source: str


def _fact(row: KnowledgeRow) -> TreatmentChange:
    return TreatmentChange(
        row.gene(),
        row.choice("direction", (RISES, FALLS)),
        row.choice("group", (RESPONSE, NO_RESPONSE)),
        row["drugs"],
        row["statement"],
        row.checked(),
        row["source"],
    )


TREATMENT_CHANGE_TABLE = KnowledgeTable(
    "treatment_changes.tsv",
    ("gene", "direction", "group", "drugs", "statement", "checked", "source"),
    each(_fact),
)


def fact_features(found: PairChanges) -> dict[str, TreatmentChange]:
    """Feature that is the level of a fact's gene -> the fact; phosphosites and ratios are none."""
    facts = {fact.gene: fact for fact in TREATMENT_CHANGE_TABLE.load()}
    features = found.features[found.features["kind"] == LEVEL]
    named = {}
    for feature, modality in zip(features["feature"], features["modality"], strict=True):
        gene = gene_of(feature)
        whole = modality != "rppa" or feature == f"rppa:{gene}"
        if modality in _LEVELS and whole and gene in facts:
            named[str(feature)] = facts[gene]
    return named


def patient_evidence(found: PairChanges) -> pd.DataFrame:
    """Patients who show a published change.

    A change counts from one standard deviation of the first biopsies: there is one pair a patient,
    and so no error.

    Returns
    -------
    DataFrame
        A row a patient and feature: ``speaks_for`` is the group of patients in whom the change was
        seen, ``known`` whether the patient's own group is that one (`AGREES`, `CONTRADICTS`, or
        empty).
    """
    rows = []
    for feature, fact in fact_features(found).items():
        place = int(found.features.index[found.features["feature"] == feature][0])
        change = found.changes.iloc[place].to_numpy(float)
        in_sd = change / float(found.features["sd_before"].iloc[place])
        sign = 1.0 if fact.direction == RISES else -1.0
        for at in (sign * in_sd >= LEAST_SD).nonzero()[0]:
            pair = found.pairing.table.iloc[at]
            known = {fact.group: AGREES, "": ""}.get(str(pair["group"]), CONTRADICTS)
            rows.append(
                (pair["patient"], pair["group"], fact.gene, feature, fact.direction, change[at],
                 in_sd[at], fact.group, known, fact.drugs, fact.statement, fact.checked,
                 fact.source)
            )  # fmt: skip
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    order = {str(name): place for place, name in enumerate(found.pairing.table["patient"])}
    return table.sort_values(
        "patient", key=lambda names: names.map(order), kind="stable", ignore_index=True
    )


def cohort_evidence(found: PairChanges) -> pd.DataFrame:
    """What the patients together say of each published change.

    Returns
    -------
    DataFrame
        A row a feature and test: the change in the group that showed it, and the `DIFFERENCE`
        between the groups, as the other did not. ``expected`` and ``seen`` are `RISES`, `FALLS` or,
        seen, no change; ``verdict`` is `AGREES`, `CONTRADICTS`, or `UNTOLD` where nothing was seen:
        no test shows that there is no change.
    """
    facts = fact_features(found)
    rows = []
    for row in found.tests[found.tests["feature"].isin(list(facts))].to_dict("records"):
        fact = facts[str(row["feature"])]
        if row["group"] not in (fact.group, DIFFERENCE):
            continue
        # The difference is that of response less no response.
        turned = row["group"] == DIFFERENCE and fact.group == NO_RESPONSE
        expected = {RISES: FALLS, FALLS: RISES}[fact.direction] if turned else fact.direction
        seen = str(row["verdict"])
        verdict = {expected: AGREES, UNCHANGED: UNTOLD, UNTOLD: UNTOLD}.get(seen, CONTRADICTS)
        shown = {name: row[name] for name in _SHOWN}
        judged = {"expected": expected, "seen": seen, "verdict": verdict}
        said = {"statement": fact.statement, "source": fact.source}
        rows.append({"gene": fact.gene, **shown, **judged, **said})
    columns = ["gene", *_SHOWN, "expected", "seen", "verdict", "statement", "source"]
    return pd.DataFrame(rows, columns=columns)


_SHOWN: Final = ("feature", "group", "patients", "change", "lower", "upper", "change_sd", "p", "q")
