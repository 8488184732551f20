"""What a user's own assays found in a sample: the third witness, in its own words.

Folders of `sidestep fit`, `shift`, `synergy`, `perturb` and `cells` are read, and what they found
is told of the samples and drugs that it was found in; what cells show of HER2, of every drug
against it. The model learns none of it, and it is in no contribution.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from sidestep.features.assays.responses import WITHHELD
from sidestep.features.assays.shifts import PROTECTED, SENSITISED, UNTOLD
from sidestep.features.assays.significance import NOT
from sidestep.features.errors import InputError, some
from sidestep.features.files.owned import LARGEST_DESCRIPTION, digest_of_file, plain_bytes
from sidestep.features.files.parquet import read_plain_table
from sidestep.features.identifiers import match_key, without_tissue
from sidestep.features.perturbation.changes import ACTIVATED, INHIBITED, UNCHANGED, drugs_in
from sidestep.features.synergy.verdicts import SYNERGISTIC
from sidestep.serving.evidence.facts import (
    MEASURED,
    MEASURED_OTHERWISE,
    NONE,
    RESISTANCE,
    SENSITIVITY,
    Fact,
    joined,
)
from sidestep.serving.evidence.kinship import is_her2_drug, same_drug

_AGAIN: Final = "name a folder that sidestep fit, shift, synergy, perturb or cells wrote"
#: In the place of a drug: all that are against HER2.
_HER2_DRUGS: Final = "drugs against HER2"
_HER2_WORDS: Final = ("HER2", "ERBB2")
#: States of cells that say something of drugs against HER2.
_STATES: Final = ("HER2LOW", "RESTING")
_Row = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """What an assay found of a drug in a sample; fields as of `Fact`."""

    sample: str
    drug: str
    shown: str
    statement: str
    direction: str = NONE
    strength: str = MEASURED
    alternatives: str = ""
    source: str = ""


@dataclass(frozen=True)
class MeasuredFindings:
    """Findings of some folders.

    Attributes
    ----------
    findings : tuple of Finding
    digests : mapping of str to str
        Folder and table -> its sha256.
    """

    findings: tuple[Finding, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)

    def facts(self, samples: Sequence[str], drug: str) -> list[Fact]:
        """Findings of a drug in some samples, as evidence.

        Parameters
        ----------
        samples : sequence of str
            Names compare without case, punctuation and the tissue that CCLE puts behind them.
        drug : str
            As the model names it; synonyms are the same drug.
        """
        wanted = [one for one in self.findings if _is_of(one, drug)]
        if not wanted:
            return []
        place = {_sample_key(name): row for row, name in enumerate(samples)}
        return [
            Fact(drug, place[_sample_key(one.sample)], one.shown, "measured", one.direction,
                 one.strength, one.statement, one.source, one.alternatives)
            for one in wanted
            if _sample_key(one.sample) in place
        ]  # fmt: skip

    def account(self, samples: Sequence[str], drugs: Sequence[str]) -> str:
        """How many of the findings are told of these samples and drugs, and what is not there."""
        known = {_sample_key(name) for name in samples}
        told = [
            one
            for one in self.findings
            if _sample_key(one.sample) in known and any(_is_of(one, drug) for drug in drugs)
        ]
        words = f"{len(told)} of {len(self.findings)} measured findings are of these samples and "
        words += "drugs"
        lacking = sorted({f.sample for f in self.findings if _sample_key(f.sample) not in known})
        without = sorted(
            {f.drug for f in self.findings if not any(_is_of(f, drug) for drug in drugs)}
        )
        for names, what in ((lacking, "samples of the study"), (without, "drugs of the model")):
            if names:
                words += f"; no {what}: {some(names)}"
        return words


def _is_of(finding: Finding, drug: str) -> bool:
    if finding.drug == _HER2_DRUGS:
        return is_her2_drug(drug)
    return same_drug(finding.drug, drug)


def _sample_key(name: str) -> str:
    return match_key(without_tissue(name))


def read_findings(folders: Sequence[Path]) -> MeasuredFindings:
    """Read what assays found.

    Parameters
    ----------
    folders : sequence of path
        Written by `sidestep fit` or `cells` (a study), `shift`, `synergy` or `perturb`.

    Raises
    ------
    InputError
        If one is none of these, or a table in it is missing or damaged.
    """
    findings: list[Finding] = []
    digests: dict[str, str] = {}
    for folder in folders:
        verb, place, facts = _verb(folder)
        source = f"sidestep {verb}: {folder.name}"
        for name, tell in _TABLES[verb].items():
            path = place / f"{name}.parquet"
            if name in _OPTIONAL and not path.exists():
                continue
            table = _table(path)
            digests[f"{folder.name}/{path.name}"] = digest_of_file(path)
            try:
                told = [one for row in _rows(table, name) for one in tell(row, facts)]
            except (KeyError, TypeError, ValueError) as error:
                message = f"{path} is not what sidestep {verb} writes ({error}); {_AGAIN}"
                raise InputError(message) from error
            findings += [Finding(**{**vars(one), "source": source}) for one in told]
    return MeasuredFindings(tuple(findings), digests)


def _verb(folder: Path) -> tuple[str, Path, Mapping[str, Any]]:
    """The verb that wrote a folder, where its tables are, and what it says of itself."""
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; {_AGAIN}")
    for verb in _TABLES:
        place = folder / verb if verb in _STUDIES else folder
        path = place / f"{verb}.json"
        if path.is_file():
            try:
                facts = json.loads(plain_bytes(path, LARGEST_DESCRIPTION))
            except (OSError, ValueError, RecursionError) as error:
                raise InputError(f"{path} cannot be read ({error}); {_AGAIN}") from None
            if isinstance(facts, dict) and facts.get("kind") == f"sidestep {verb}":
                return verb, place, facts
    raise InputError(f"{folder} holds no fitted, compared or combined assay; {_AGAIN}")


def _table(path: Path) -> pd.DataFrame:
    try:
        return read_plain_table(path)
    except InputError as error:
        raise InputError(f"{error}; {_AGAIN}") from None


def _rows(table: pd.DataFrame, name: str) -> Iterator[_Row]:
    """Rows of a table; those of pathways are one a treatment."""
    if name != "pathways":
        yield from table.to_dict("records")  # type: ignore[misc]
        return
    keys = ["sample", "drug", "dose", "condition"]
    for values, group in table.groupby(keys, sort=False, dropna=False):
        yield {**dict(zip(keys, values, strict=True)), "pathways": group.to_dict("records")}


def _of_curve(row: _Row, _: Mapping[str, Any]) -> Iterator[Finding]:
    if row["status"] in WITHHELD:
        return
    unit = _unit(row["dose_unit"])
    if row["ic50_limit"]:
        beyond = {">": "above", "<": "below"}[row["ic50_limit"]]
        dose = f"IC50 {beyond} {row['ic50']:.3g} {unit}, beyond the doses"
    else:
        dose = f"IC50 {_interval(row, 'ic50')} {unit}"
    shown = joined([dose, _condition(row)], " ")
    statement = (
        f"Curve of {row['n_points']} points from {row['lowest_dose']:.3g} to "
        f"{row['highest_dose']:.3g} {unit}: AUC {_interval(row, 'auc')} (1: no effect)"
    )
    if row.get("verdict"):
        statement += f"; effect: {row['verdict']} ({row['verdict_reason']})"
    direction = RESISTANCE if row.get("verdict") == NOT else NONE
    yield Finding(row["sample"], row["drug"], shown, f"{statement}.", direction, _strength(row))


def _of_shift(row: _Row, facts: Mapping[str, Any]) -> Iterator[Finding]:
    if row["verdict"] == UNTOLD:
        return
    direction = {PROTECTED: RESISTANCE, SENSITISED: SENSITIVITY}.get(row["verdict"], NONE)
    of_samples = facts["between"] == "sample"
    side = row["against"] or "alone"
    name = side if of_samples else f"{row['condition'] or 'alone'} against {side}"
    shown = f"{row['verdict']}{', held against ' if of_samples else ' by '}{name}"
    parts = []
    if np.isfinite(row["fold_change"]):
        limit = {">": "more than ", "<": "less than "}.get(row["fold_change_limit"], "")
        parts.append(f"IC50 {limit}{_interval(row, 'fold_change')}-fold")
    parts.append(f"AUC {row['auc_difference']:+.2f}{_ends(row, 'auc_difference')}")
    if np.isfinite(row["plasma"]):
        reached = {"both": "both IC50s", "neither": "neither IC50", "against only":
                   f"that of {side} only", "shifted only": "the shifted one only"}  # fmt: skip
        told = reached.get(row["plasma_reaches"], "")
        parts.append(
            f"plasma reaches {row['plasma']:.2g} µM ({row['plasma_kind']})"
            + (f", {told}" * bool(told))
        )
    statement = f"{'; '.join(parts)}; {row['reason']}."
    strength = MEASURED if of_samples and not row["condition"] else MEASURED_OTHERWISE
    yield Finding(row["sample"], row["drug"], shown, statement, direction, strength)


def _of_pair(row: _Row, facts: Mapping[str, Any]) -> Iterator[Finding]:
    model = str(facts["settings"]["model"])
    statement = f"{row['reason']}; {row['combinations']} combinations of doses"
    if np.isfinite(row[model]):
        name = model.capitalize() if model in ("bliss", "loewe") else model.upper()
        excess = f"{row[model]:+.1f}{_ends(row, model, '.1f')} points of percent inhibition"
        statement = f"Mean excess over {name} {excess}; {statement}"
    for drug, other in ((row["drug1"], row["drug2"]), (row["drug2"], row["drug1"])):
        shown = joined([f"{row['verdict']} with {other}", _condition(row)], " ")
        best = other if row["verdict"] == SYNERGISTIC else ""
        yield Finding(row["sample"], drug, shown, f"{statement}.", NONE, MEASURED_OTHERWISE, best)


def _of_treatment(row: _Row, _: Mapping[str, Any]) -> Iterator[Finding]:
    """What a treatment does to all pathways: what is on comes first."""
    told = {
        verdict: [p for p in row["pathways"] if p["verdict"] == verdict]
        for verdict in (UNCHANGED, ACTIVATED, INHIBITED)
    }
    if not any(told.values()):
        return
    words = {UNCHANGED: "on", ACTIVATED: "raised", INHIBITED: "inhibited"}
    shown = "; ".join(
        f"{words[verdict]}: {some([str(p['pathway']) for p in held], 6)}"
        for verdict, held in told.items() if held
    )  # fmt: skip
    statement = "; ".join(
        f"{p['pathway']} {p['percent_inhibition']:.0f}"
        f"{_between(p['inhibition_lower'], p['inhibition_upper'], '.0f')}"
        for held in told.values() for p in held
    )  # fmt: skip
    drugs = drugs_in(str(row["drug"]))
    mixed = f"under {row['drug']}" if len(drugs) > 1 else ""
    dose = f"at {row['dose']}" if row["dose"] else ""
    for drug in drugs:
        yield Finding(
            row["sample"], drug, joined([shown, mixed, dose, _condition(row)], " "),
            f"Percent inhibition against the untreated control: {statement}.",
            NONE, MEASURED_OTHERWISE,
        )  # fmt: skip


def _of_rescue(row: _Row, _: Mapping[str, Any]) -> Iterator[Finding]:
    if not row["stays_on"]:
        return
    statement = (
        f"{row['inhibition']:.0f} % inhibition against {row['inhibition_against']:.0f} % with "
        f"{row['against'] or 'nothing'}; q {row['q']:.2g}."
    )
    shown = f"{row['pathway']} stays on with {row['condition']}"
    for drug in drugs_in(str(row["drug"])):
        yield Finding(row["sample"], drug, shown, statement, RESISTANCE, MEASURED_OTHERWISE)


def _of_labels(row: _Row, _: Mapping[str, Any]) -> Iterator[Finding]:
    """Dimers of HER2, or of a label without a name; of a part of the cells nothing is told."""
    named = any(word in match_key(str(row["kind"])) for word in _HER2_WORDS)
    if not (named or row["kind"] == "") or row["state"] or row["against"]:
        return
    what = "HER2" if named else "a label that the table does not name"
    parts = [f"{row['cells']} cells, {row['labels']} labels"]
    if np.isfinite(row.get("dimer_fraction", np.nan)):
        parts.append(f"{_percent(row, 'dimer_fraction', 'dimer')} of labels in dimers")
    if not np.isfinite(row.get("dimer_free", np.nan)):
        return
    shown = f"{_percent(row, 'dimer_free', 'dimer_free')} of cells without dimers of {what}"
    statement = f"{'; '.join(parts)}; cells without dimers: {row['dimer_free_cells']}."
    yield Finding(row["sample"], _HER2_DRUGS, shown, statement)


def _of_state(row: _Row, _: Mapping[str, Any]) -> Iterator[Finding]:
    """Share of cells that have little HER2, or rest."""
    words = match_key(str(row["state"]))
    if not np.isfinite(row["share"]) or not any(word in words for word in _STATES):
        return
    shown = f"{_percent(row, 'share', '')} of cells {str(row['state']).replace('_', ' ')}"
    statement = f"{row['cells']} cells with levels; {row['definition']}".rstrip("; ") + "."
    yield Finding(row["sample"], _HER2_DRUGS, shown, statement)


def _percent(row: _Row, name: str, ends: str) -> str:
    """A share in percent with its interval."""
    low, high = (row[f"{ends}_{end}" if ends else end] for end in ("lower", "upper"))
    return f"{100 * row[name]:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


#: Verb -> tables of its folder -> what a row of them tells.
_TABLES: Final[dict[str, dict[str, Callable[[_Row, Mapping[str, Any]], Iterator[Finding]]]]] = {
    "fit": {"curves": _of_curve},
    "shift": {"shifts": _of_shift},
    "synergy": {"synergy": _of_pair},
    "perturb": {"pathways": _of_treatment, "rescue": _of_rescue},
    "cells": {"groups": _of_labels, "shares": _of_state},
}
#: Verbs whose folder is a study, with a folder of their name in it.
_STUDIES: Final = ("fit", "cells")
_OPTIONAL: Final = ("rescue", "groups", "shares")


def _unit(unit: str) -> str:
    return str(unit).replace("u", "µ", 1)


def _interval(row: Mapping[str, Any], name: str) -> str:
    return f"{row[name]:.3g}{_ends(row, name)}"


def _ends(row: Mapping[str, Any], name: str, form: str = ".2g") -> str:
    return _between(row[f"{name}_lower"], row[f"{name}_upper"], form)


def _between(lower: float, upper: float, form: str) -> str:
    """An interval in brackets; empty where there is none."""
    return f" ({lower:{form}} to {upper:{form}})" if np.isfinite([lower, upper]).all() else ""


def _condition(row: _Row) -> str:
    """Condition and time in brackets; empty where neither is told."""
    time = row.get("time", np.nan)
    told = joined([row["condition"], f"{time:g} h" if np.isfinite(time) else ""], ", ")
    return f"({told})" if told else ""


def _strength(row: _Row) -> str:
    """A condition is what the model does not know of."""
    return MEASURED_OTHERWISE if row["condition"] else MEASURED
