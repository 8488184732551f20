"""What moves the predictions of one drug in a cohort on average, mechanism by mechanism."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd

from sidestep.features.cohorts import by_group, group_labels
from sidestep.features.errors import InputError, some
from sidestep.features.knowledge.drugs import both_names
from sidestep.serving.disk.samples import CALLS
from sidestep.serving.disk.score_folder import read_score_folder
from sidestep.serving.evidence.kinship import same_drug
from sidestep.serving.words.cohorts import HEADS, group_title
from sidestep.serving.words.layout import alike, table
from sidestep.serving.words.sentences import Scale
from sidestep.serving.words.wording import counted, number

_EVERYBODY = "all"


@dataclass(frozen=True)
class CohortAnswer:
    """Means over the samples of a cohort, or of each of its groups.

    Attributes
    ----------
    drug : str
        As the scores name it.
    where : list of str
        Filters of the cohort; none where all samples are meant.
    grouped : str
        What the groups are of; empty without groups.
    scale : Scale
        Response and direction.
    groups : mapping of str to mapping
        Group -> `samples`, `prediction`, `percentile` (means over those that have one), a count of
        each of `serving.disk.samples.CALLS`, and `mechanisms`: their mean contributions, which add
        up to the mean prediction with the mean `base_value`.
    """

    drug: str
    where: list[str]
    grouped: str
    scale: Scale
    groups: Mapping[str, Mapping[str, Any]]

    def as_json(self) -> str:
        """All of it, for a program."""
        content = {
            "drug": self.drug,
            "where": self.where,
            "group": self.grouped or None,
            "response": self.scale.response,
            "unit": self.scale.unit,
            "higher_is_resistant": self.scale.higher_is_resistant,
            "groups": self.groups,
        }
        return json.dumps(content, indent=2, ensure_ascii=False)

    def lines(self, most: int) -> Iterator[str]:
        """All of it, for a terminal, with that many mechanisms."""
        count = sum(int(of["samples"]) for of in self.groups.values())
        asked = f" with {' and '.join(self.where)}" if self.where else ""
        yield f"{both_names(self.drug)} in {counted(count, 'sample')}{asked}"
        yield f"Response: {self.scale.response}, {self.scale.unit}"
        yield ""
        yield from self._counts()
        yield ""
        side = self.scale.side(1.0)
        yield f"Mean contribution of each mechanism, in that unit (+ is towards {side}):"
        yield from self._mechanisms(most)

    def _counts(self) -> list[str]:
        head = [self.grouped or "cohort", "samples", *HEADS.values(), "mean", "percentile"]
        rows: list[Sequence[str]] = [head]
        for name, of in self.groups.items():
            counts = [f"{of[call]:,}" for call in ("samples", *CALLS)]
            percentile = "–" if of["percentile"] is None else f"{of['percentile']:.0f}"
            rows.append([name, *counts, number(of["prediction"]), percentile])
        return table(rows, "<" + ">" * (len(head) - 1))

    def _mechanisms(self, most: int) -> list[str]:
        sums = pd.DataFrame({name: of["mechanisms"] for name, of in self.groups.items()}).fillna(0)
        order = sums.abs().max(axis=1).sort_values(ascending=False, kind="stable").index[:most]
        told = alike(float(value) for value in sums.loc[order].to_numpy().ravel())
        width = sums.shape[1]
        rows: list[Sequence[str]] = [["mechanism", *map(str, sums.columns)]]
        for at, name in enumerate(order):
            rows.append([str(name), *told[at * width : (at + 1) * width]])
        return table(rows, "<" + ">" * width)


def answer_cohort(
    folder: Path, drug: str, where: Sequence[str] = (), group: str | None = None
) -> CohortAnswer:
    """What moves the predictions of a drug in a cohort of a score folder.

    Parameters
    ----------
    folder : Path
    drug : str
        Regardless of case and punctuation, or a synonym.
    where, group
        As `features.cohorts.choose_cohort` and `features.cohorts.group_labels` take them.

    Raises
    ------
    InputError
        If the folder cannot be read, or drug, filter or group is not there.
    """
    scores = read_score_folder(folder).narrowed(where)
    named = _drug(drug, [str(one["name"]) for one in scores.manifest["drugs"]])
    rows, sums = scores.of_drug(named)
    groups = {_EVERYBODY: [str(sample) for sample in rows["sample_id"]]}
    labels = None
    if group is not None:
        labels = group_labels(scores.known.select(rows["sample_id"]), group)
        groups = dict(by_group(labels))
    shown = scores.manifest.get("shown", {}).get("where", [])
    found = {name: _means(rows, sums, members) for name, members in groups.items()}
    return CohortAnswer(named, shown, group_title(labels), Scale.of(scores.manifest), found)


def _means(rows: pd.DataFrame, sums: pd.DataFrame, members: Sequence[str]) -> dict[str, Any]:
    part = rows[rows["sample_id"].isin(members)]
    moved = sums[sums["sample_id"].isin(members)]
    mechanisms = moved.groupby("mechanism", sort=False)["contribution"].sum() / len(part)
    percentile = part["resistance_percentile"].mean()
    calls = part["call"].value_counts()
    return {
        "samples": len(part),
        "prediction": float(part["prediction"].mean()),
        "base_value": float(part["base_value"].mean()),
        "percentile": None if pd.isna(percentile) else float(percentile),
        **{call: int(calls.get(call, 0)) for call in CALLS},
        "mechanisms": {str(name): float(value) for name, value in mechanisms.items()},
    }


def _drug(wanted: str, names: Sequence[str]) -> str:
    found = [name for name in names if same_drug(name, wanted)]
    if found:
        return found[0]
    by_case = {name.casefold(): name for name in names}
    near = [by_case[one] for one in get_close_matches(wanted.casefold(), by_case, n=1)]
    hint = f"did you mean {near[0]}?" if near else f"there are {some(names)}"
    raise InputError(f"{wanted} was not scored; {hint}")
