"""The table of partner drugs that a score folder gets, made from its scores, study and model."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sidestep.features.errors import InputError, some
from sidestep.features.files.whole import folder_beside, put_in_place, reason_of
from sidestep.features.knowledge.rules import COMBINATION_TABLE
from sidestep.features.study.study import Study
from sidestep.serving.combinations.drive import her2_drives
from sidestep.serving.combinations.measured import MeasuredSynergy
from sidestep.serving.combinations.partners import Witnesses, panel_name
from sidestep.serving.combinations.rows import COMBINATIONS, combination_rows
from sidestep.serving.combinations.rules import not_measured
from sidestep.serving.combinations.views import predicted_views, scored_views
from sidestep.serving.disk.output import ADDED_KEY, TableWriter, as_table, own_file
from sidestep.serving.disk.score_folder import ScoreFolder
from sidestep.serving.evidence.kinship import is_her2_drug, kinship
from sidestep.serving.evidence.states import SampleStates
from sidestep.serving.scoring.samples import answered, by_sample
from sidestep.serving.source import Source

#: The table in a score folder.
FILES = ("combinations.parquet", "combinations.csv")
_SHORT = COMBINATIONS.names[: COMBINATIONS.names.index("reason")]
#: Samples looked at at once.
_CHUNK = 256
_LONGEST_HEADER = 4096


@dataclass(frozen=True)
class Combined:
    """The partners of a score folder, in short.

    Attributes
    ----------
    resisted : DataFrame
        Every sample and drug that is predicted to fail in it: `sample_id, drug, basis`.
    first : DataFrame
        The rows of rank 1, without reason, caveat and source.
    not_measured : dict of str to int
        Condition of a rule -> resisting samples in which it was not measured.
    without_target : DataFrame
        Those of `resisted` that have no partner because HER2 is not known to drive the sample and
        the drug is one against HER2.
    """

    resisted: pd.DataFrame
    first: pd.DataFrame
    not_measured: dict[str, int]
    without_target: pd.DataFrame


@dataclass(frozen=True)
class Wanted:
    """Samples and drugs that partners are looked for of; all where it is None.

    Attributes
    ----------
    samples, drugs : frozenset of str or None
        As the scores name them.
    """

    samples: frozenset[str] | None = None
    drugs: frozenset[str] | None = None

    @property
    def is_part(self) -> bool:
        """Whether anything is left out."""
        return self.samples is not None or self.drugs is not None

    def of(self, resisted: pd.DataFrame) -> pd.DataFrame:
        """The rows that are wanted, by their `sample_id` and `drug`."""
        kept = np.ones(len(resisted), dtype=bool)
        for column, names in (("sample_id", self.samples), ("drug", self.drugs)):
            if names is not None:
                kept &= resisted[column].isin(names).to_numpy()
        return resisted[kept]


EVERYTHING = Wanted()


def combine(
    folder: ScoreFolder,
    source: Source,
    at_least: float,
    out: Path | None = None,
    wanted: Wanted = EVERYTHING,
    measured: MeasuredSynergy | None = None,
) -> tuple[Combined, list[Path]]:
    """Write the partner table of a score folder.

    The files appear whole or not at all. The manifest lists them, and nothing else in their folder
    is touched. The same scores, study and model give the same bytes.

    Parameters
    ----------
    folder : ScoreFolder
    source : Source
        The study and the model of these scores.
    at_least : float
        As for `serving.combinations.views.DrugView.basis`.
    out : Path, optional
        A ``.parquet`` or ``.csv`` file to write instead of both into the folder.
    wanted : Wanted
        Of a part of the samples and drugs nothing is written into the folder.
    measured : MeasuredSynergy, optional
        Said of the partners that it holds.

    Returns
    -------
    tuple of Combined and list of Path
        The partners in short, and the files that were written.

    Raises
    ------
    InputError
        If they cannot be written, or a file is there that is no partner table of Sidestep, or
        was changed since.
    """
    if out is None and wanted.is_part:
        found = find_partners(folder.scores, source, at_least, lambda rows: None, wanted, measured)
        return found, []
    files = [folder.path / name for name in FILES] if out is None else [out]
    try:
        if out is not None:
            _require_table(out)
        with folder_beside(files[0]) as work:
            new = {".parquet": work / FILES[0], ".csv": work / FILES[1]}
            with TableWriter(new[".parquet"], COMBINATIONS, new[".csv"]) as writer:
                found = find_partners(
                    folder.scores, source, at_least, writer.append, wanted, measured
                )
            if out is not None:
                put_in_place(new[out.suffix], out)
            else:
                for path in files:
                    with own_file(folder.path, path.name, ADDED_KEY) as place:
                        os.replace(new[path.suffix], place)
    except OSError as failure:
        raise InputError(
            f"{files[0]} cannot be written ({reason_of(failure)}); make room, or name a file in a "
            "place that you can write to with --out"
        ) from failure
    return found, files


def wanted_of(
    folder: ScoreFolder,
    source: Source,
    samples: Sequence[str] = (),
    drugs: Sequence[str] = (),
    where: Sequence[str] = (),
) -> Wanted:
    """What is asked for of a score folder.

    Parameters
    ----------
    folder : ScoreFolder
    source : Source
    samples, drugs : sequence of str
        Regardless of case and punctuation; drugs also by a synonym.
    where : sequence of str
        Filters of the samples, as `features.cohorts.choose_cohort` takes them.

    Raises
    ------
    InputError
        If there is no such sample, drug, attribute or value.
    """
    names: frozenset[str] | None = None
    if where:
        narrowed = folder.narrowed(where).only
        names = narrowed
    if samples:
        asked = frozenset(folder.sample_called(name) for name in samples)
        lacking = asked - names if names is not None else frozenset()
        if lacking:
            raise InputError(
                f"sample {min(lacking)} does not meet {' and '.join(where)}; leave --where or "
                "--sample out"
            )
        names = asked
    return Wanted(names, scored_drugs(folder.scores, source, drugs) if drugs else None)


def scored_drugs(scores: pd.DataFrame, source: Source, drugs: Sequence[str]) -> frozenset[str]:
    """Drugs as the scores name them.

    Raises
    ------
    InputError
        If the model has no such drug, or it was not scored.
    """
    found = frozenset(drug.name for drug in source.model.predictor.choose(drugs))
    there = [str(drug) for drug in scores["drug"].unique()]
    missing = sorted(found - set(there))
    if missing:
        raise InputError(
            f"{some(missing)} was not scored, only {some(there)}; score it too, or choose another "
            "drug"
        )
    return found


def _require_table(out: Path) -> None:
    """Refuse to replace a file that is no partner table."""
    if not os.path.lexists(out):
        return
    names: list[str] = []
    if out.is_file():
        with suppress(pa.ArrowException):
            if out.suffix == ".parquet":
                names = pq.read_schema(out).names
            else:
                with out.open("rb") as file:
                    names = (
                        file.readline(_LONGEST_HEADER).decode(errors="replace").strip().split(",")
                    )
    if names != COMBINATIONS.names:
        raise InputError(
            f"{out} is there already, and is no table of sidestep combine; give --out another file"
        )


def find_partners(
    scores: pd.DataFrame,
    source: Source,
    at_least: float,
    append: Callable[[pa.Table], None],
    wanted: Wanted = EVERYTHING,
    measured: MeasuredSynergy | None = None,
) -> Combined:
    """Find the partners of all scored samples, some samples after the other.

    Parameters
    ----------
    scores : DataFrame
        As ``scores.parquet`` has them.
    source, at_least
        As for `combine`.
    append : callable
        Takes the rows of some samples, with the columns of `COMBINATIONS`.
    wanted : Wanted
    measured : MeasuredSynergy, optional
    """
    resisted = wanted.of(_resisted(scores, at_least))
    her2 = dict(scores[["sample_id", "her2"]].drop_duplicates("sample_id").to_numpy())
    drugs = [str(drug) for drug in scores["drug"].unique()]
    unscored = _unscored_partners(source, drugs)
    model = source.model
    named = f"model {model.name} {model.version}".rstrip()
    resisting = {drug: set(part["sample_id"]) for drug, part in resisted.groupby("drug")}
    failing = set(resisted["sample_id"])
    samples = [str(sample) for sample in scores["sample_id"].unique() if sample in failing]
    undriven: set[str] = set()
    first = [pd.DataFrame(columns=_SHORT)]
    unknown: dict[str, set[str]] = {}
    for at in range(0, len(samples), _CHUNK):
        chunk = source.study.select(samples[at : at + _CHUNK])
        scored = scored_views(scores[scores["sample_id"].isin(list(chunk.samples))])
        views = {**scored, **predicted_views(source, chunk, unscored)}
        tables = []
        for states in _states(source, chunk):
            witnesses = Witnesses(states, views, at_least)
            driven = her2_drives(states, her2)
            undriven.update(map(str, states.samples[~driven]))
            rows = combination_rows(
                witnesses, drugs, named, simulated=source.simulated, driven=driven
            )
            tables.append(wanted.of(rows))
            for drug in drugs:
                asked = resisting.get(drug, set()) - (undriven if is_her2_drug(drug) else set())
                for condition, those in not_measured(states, drug).items():
                    unknown.setdefault(condition, set()).update(those & asked)
        rows = by_sample(tables, chunk.samples)
        if measured is not None:
            rows = measured.annotated(rows)
        append(as_table(rows, COMBINATIONS))
        first.append(rows.loc[rows["rank"] == 1, _SHORT])
    counted = {condition: len(those) for condition, those in unknown.items() if those}
    against_her2 = [drug for drug in drugs if is_her2_drug(drug)]
    lacking = resisted["drug"].isin(against_her2) & resisted["sample_id"].isin(undriven)
    return Combined(resisted, pd.concat(first, ignore_index=True), counted, resisted[lacking])


def _states(source: Source, part: Study) -> Iterator[SampleStates]:
    """What samples show against lines that are not their own or their siblings."""
    predictor = source.model.predictor
    for group in answered(predictor, part, predictor.features(part)):
        names = list(group.samples.features.index)
        yield SampleStates(part.select(names), group.predictor.mechanisms)


def _resisted(scores: pd.DataFrame, at_least: float) -> pd.DataFrame:
    """Samples and drugs that are predicted to fail in them, and by what."""
    rows = [
        (sample, drug, basis)
        for drug, by_sample in scored_views(scores).items()
        for sample, view in by_sample.items()
        if (basis := view.basis(at_least))
    ]
    return pd.DataFrame(rows, columns=["sample_id", "drug", "basis"]).astype("str")


def _unscored_partners(source: Source, scored: Sequence[str]) -> list[str]:
    """Partners that the model has and that were not scored, as it names them."""
    panel = tuple(source.model.predictor.drugs)
    named = {
        name
        for rule in COMBINATION_TABLE.load()
        if rule.partner
        and any(kinship(drug, rule.resisted) for drug in scored)
        and (name := panel_name(rule.partner, panel)) is not None
    }
    return [name for name in panel if name in named and name not in scored]
