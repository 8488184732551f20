"""Synergy that a user has measured, beside the partners that rules and the model name.

It is a third witness and changes no rank: where a sample and its two drugs were measured, the
partner's reason begins with what was found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.assays.columns import meanings
from sidestep.features.assays.grid import LeftOut, numbers, read_grid
from sidestep.features.errors import some, study_error
from sidestep.features.identifiers import match_key
from sidestep.serving.combinations.words import NO_SYNERGY
from sidestep.serving.evidence.facts import joined
from sidestep.serving.evidence.kinship import canonical

#: Columns that hold how much two drugs do together, above 0 more; the first that is there counts.
_SCORES: Final = ("score", "synergy_score", "synergy", "bliss", "loewe", "zip", "hsa")
_ALONE: Final = "The model predicts each drug by itself"
_BEST: Final = 4
_Pair = frozenset[str]


@dataclass(frozen=True)
class Measurement:
    """Two drugs in one sample.

    Attributes
    ----------
    drugs : tuple of str
        As the table names them.
    score : float
        Above 0 they do more together.
    words : str
        Verdict and reason, where the table tells them.
    """

    drugs: tuple[str, str]
    score: float
    words: str


@dataclass(frozen=True)
class MeasuredSynergy:
    """Measurements of one table.

    Attributes
    ----------
    name : str
        Of its file.
    column : str
        That the scores are from.
    of : mapping
        Sample -> pair of drugs -> measurement; names as they compare.
    """

    name: str
    column: str
    of: Mapping[str, Mapping[_Pair, Measurement]]

    def partners(self, sample: str, drug: str) -> list[tuple[str, Measurement]]:
        """Drugs measured with a drug in a sample, the highest score first."""
        key = canonical(drug)
        found = [
            (next(name for name in held.drugs if canonical(name) != key), held)
            for pair, held in self.of.get(match_key(sample), {}).items()
            if key in pair and len(pair) == 2
        ]
        return sorted(found, key=lambda entry: -entry[1].score)

    def sentence(self, sample: str, drug: str, partner: str) -> str:
        """What was found of two drugs in a sample; empty where they were not measured."""
        held = self.of.get(match_key(sample), {}).get(
            frozenset((canonical(drug), canonical(partner)))
        )
        if held is None:
            return ""
        order = self.partners(sample, drug)
        rank = 1 + sum(other.score > held.score for _, other in order)
        words = held.words or f"{self.column} {held.score:.1f}"
        return f"Measured in {sample} with {drug}: {words}; number {rank} of {len(order)} partners"

    def annotated(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows of partners whose reason begins with what was measured of them."""
        told = [
            self.sentence(str(row.sample_id), str(row.drug), row.partner)
            if isinstance(row.partner, str)
            else ""
            for row in rows[["sample_id", "drug", "partner"]].itertuples(index=False)
        ]
        if not any(told):
            return rows
        columns: dict[str, list[object]] = {"reason": [], "caveat": [], "source": []}
        for words, (reason, caveat, source) in zip(
            told, rows[["reason", "caveat", "source"]].itertuples(index=False), strict=True
        ):
            columns["reason"].append(joined([words, reason], ". ") if words else reason)
            columns["caveat"].append(caveat.replace(NO_SYNERGY, _ALONE) if words else caveat)
            columns["source"].append(joined([source, self.name]) if words else source)
        return rows.assign(**{name: np.array(held, object) for name, held in columns.items()})

    def lines(self, resisted: pd.DataFrame, most: int) -> Iterator[str]:
        """For drugs that fail in a measured sample, what was best with them."""
        shown = 0
        for sample, drug in resisted[["sample_id", "drug"]].itertuples(index=False):
            best = [entry for entry in self.partners(sample, drug) if entry[1].score > 0][:_BEST]
            if best and shown < most:
                shown += 1
                named = ", ".join(f"{name} ({held.score:.1f})" for name, held in best)
                yield f"Measured with {drug} in {sample} ({self.name}, {self.column}): {named}"


def read_measured(path: Path) -> MeasuredSynergy:
    """Read a table of measured synergy: ``synergy.csv`` of sidestep synergy, or published scores.

    Parameters
    ----------
    path : path
        A row a sample and pair: sample (or cell_line), drug1 and drug2 (or drug_a and drug_b), and
        a score above 0 where they do more together. A pair that stands several times in a sample
        counts with its mean.

    Raises
    ------
    StudyError
        If a column is missing or a score is no number.
    """
    grid = read_grid(path)
    table = grid.table()
    found = meanings(list(table.columns), grid.name)
    keys = {match_key(column): column for column in table.columns}
    column = next((keys[match_key(c)] for c in _SCORES if match_key(c) in keys), None)
    lacking = [name for name in ("sample", "drug1", "drug2") if name not in found]
    if column is None or lacking:
        what = lacking[0] if lacking else "score"
        raise study_error(
            f"{grid.name} has no column of {what}; a table of synergy has sample, drug1, drug2 and "
            f"score. Its columns are {some(list(table.columns), 8)}.", grid.name
        )  # fmt: skip
    scores = numbers(table[column].tolist(), list(table.index), column, grid, LeftOut())
    words: Sequence[str] = [""] * len(table)
    if {"verdict", "reason"} <= set(table.columns):
        words = [f"{v}, {r}" for v, r in zip(table["verdict"], table["reason"], strict=True)]
    held: dict[str, dict[_Pair, list[Measurement]]] = {}
    named = zip(
        *(table[found[name]] for name in ("sample", "drug1", "drug2")), scores, words, strict=True
    )
    for sample, one, two, score, told in named:
        if np.isfinite(score):
            pair = frozenset((canonical(one), canonical(two)))
            entry = Measurement((one, two), float(score), told)
            held.setdefault(match_key(sample), {}).setdefault(pair, []).append(entry)
    return MeasuredSynergy(
        grid.name,
        column,
        {
            sample: {pair: _mean(entries) for pair, entries in pairs.items()}
            for sample, pairs in held.items()
        },
    )


def _mean(entries: Sequence[Measurement]) -> Measurement:
    score = float(np.mean([entry.score for entry in entries]))
    return Measurement(entries[0].drugs, score, joined([e.words for e in entries], "; "))
