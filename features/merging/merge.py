"""How do several studies become one? Modalities side by side, screens as responses of their own.

Of each modality a sample has the values of the first study that has them. Levels of two studies are
put into one table only if that is asked for (`stack`): laboratories differ by more than lines do.
Calls need no such care, and are taken together. Whatever two studies say differently of one sample
is a conflict: the first study is believed, and the conflict is written down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from sidestep.features.errors import Findings, InputError, some
from sidestep.features.files.by_sample import calls_of, in_order
from sidestep.features.identifiers import match_key
from sidestep.features.merging.lines import (
    NEW,
    SAME,
    Matching,
    is_name,
    join_donors,
    match_samples,
    samples_table,
)
from sidestep.features.merging.words import (
    antibody_rows,
    drug_rows,
    is_lineage,
    lineage_rows,
    lineage_words,
    replicates,
    same_drugs,
    with_lineages,
)
from sidestep.features.study.responses import ResponseFile, held_in_memory, read_values
from sidestep.features.study.study import Study
from sidestep.features.vocabulary.cellosaurus import Cellosaurus

#: Values of two copies of one screen that differ by no more are the same, but for rounding.
_ROUNDING: Final = 1e-3
#: So many values that two copies have, of which so few differ, tell that a unit has two names.
_ENOUGH_TWICE: Final = 20
_MOST_DIFFERENT: Final = 0.05
#: Field of a study -> its words, and the field of its kind of scale.
_MATRICES: Final = {
    "expression": ("expression", "expression_kind"),
    "rppa": ("RPPA", "rppa_kind"),
    "copy_number": ("copy number", "copy_number_kind"),
    "signatures": ("expression signatures", "signatures_kind"),
}
#: What becomes of replicates.
KEEP, AVERAGE = REPLICATES = ("keep", "average")
_CONFLICT_COLUMNS: Final = ("what", "sample_id", "item", "kept", "study", "left_out", "of_study")


@dataclass(frozen=True)
class Merged:
    """Several studies as one.

    Attributes
    ----------
    study : Study
        In memory; its responses are held.
    samples : DataFrame
        Who is who, a row a sample and study: `sample_id, donor, study, name, matched_by`.
    conflicts : DataFrame
        What studies say differently: `what, sample_id, item, kept, study, left_out, of_study`.
    told : tuple of str
        What was done, a sentence each.
    words : dict of str to DataFrame
        What was matched and how, and what was not known: `drugs`, `antibodies`, `lineages`, and
        the `donors` of lines that no study knew to be of one person.
    """

    study: Study
    samples: pd.DataFrame
    conflicts: pd.DataFrame
    told: tuple[str, ...]
    words: dict[str, pd.DataFrame]


def merge_studies(
    studies: Sequence[Study],
    study_id: str,
    name: str = "",
    *,
    stack: bool = False,
    replicates: str = KEEP,
    cellosaurus: Cellosaurus | None = None,
) -> Merged:
    """Join studies by their samples.

    Parameters
    ----------
    studies : sequence of Study
        Two or more; where they contradict, an earlier one is believed.
    study_id, name : str
        Of the joined study.
    stack : bool
        Whether a table of levels takes samples of several studies, if they are on one scale.
    replicates : {"keep", "average"}
        What becomes of a drug that one screen has in several columns (a compound screened under
        two identifiers, two batches), and of values that two copies of a screen have differently:
        columns stay and the first study's values do, or their mean is taken.
    cellosaurus : Cellosaurus, optional
        More names and relations of lines.

    Returns
    -------
    Merged

    Raises
    ------
    InputError
        If there are fewer than two studies, or two with the same identifier.
    """
    if replicates not in REPLICATES:
        raise InputError(f"replicates {replicates!r} is neither {' nor '.join(REPLICATES)}")
    ids = [study.study_id for study in studies]
    if len(ids) < 2:
        raise InputError("merging takes two studies or more; name another one")
    if twice := [one for one in dict.fromkeys(ids) if ids.count(one) > 1]:
        raise InputError(
            f"two of the studies call themselves {twice[0]}; change cancer_study_identifier in the "
            "meta_study.txt of one of them"
        )
    return _Merge(studies, stack, replicates, cellosaurus).run(study_id, name)


class _Merge:
    """Studies on their way into one."""

    def __init__(
        self,
        studies: Sequence[Study],
        stack: bool,
        replicates: str,
        cellosaurus: Cellosaurus | None,
    ) -> None:
        self._studies = studies
        self._stack = stack
        self._average = replicates == AVERAGE
        self._cellosaurus = cellosaurus
        self._matching: Matching = match_samples(studies, cellosaurus)
        self._drugs: list[pd.DataFrame] = []
        self._index = pd.Index(self._matching.samples, dtype="str", name="sample_id")
        self._told: list[str] = []
        self._conflicts: list[pd.DataFrame] = []

    def run(self, study_id: str, name: str) -> Merged:
        """Join everything."""
        self._tell_samples()
        donors, siblings = join_donors(self._studies, self._matching, self._cellosaurus)
        for found in siblings:
            self._told.append(f"One donor: {' and '.join(found.samples)} ({found.why})")
        matrices, kinds = self._matrices()
        responses = self._responses()
        first = self._studies[0]
        joined = replace(
            first,
            path=None,
            study_id=study_id,
            name=name or study_id,
            simulated=any(study.simulated for study in self._studies),
            samples=self._index,
            donors=pd.Series(donors, dtype="str", name="donor").reindex(self._index),
            clinical=self._clinical(),
            antibodies=self._antibodies(matrices["rppa"]),
            fusions=self._fusions(),
            entrez=self._entrez(),
            response_files=responses,
            problems=(),
            digests={},
            account=(),
            profiles={},
            grades={},
            failed={},
            **matrices,
            **kinds,
            **self._mutations(),
        )
        conflicts = (
            pd.concat(self._conflicts, ignore_index=True)
            if self._conflicts
            else pd.DataFrame(columns=list(_CONFLICT_COLUMNS))
        )
        table = samples_table(self._studies, self._matching, donors)
        words = {
            "drugs": pd.concat(self._drugs, ignore_index=True) if self._drugs else pd.DataFrame(),
            "antibodies": antibody_rows(self._studies, list(joined.antibodies.index)),
            "lineages": lineage_rows(self._studies),
            "donors": pd.DataFrame(
                [(donors[one.samples[0]], ";".join(one.samples), one.why) for one in siblings],
                columns=["donor", "samples", "known_by"],
            ),
        }
        return Merged(joined, table, conflicts, tuple(self._told), words)

    def _tell_samples(self) -> None:
        for place, study in enumerate(self._studies):
            own = self._matching.ways[place]
            counts = pd.Series(own, dtype="str").value_counts(sort=False)
            ways = "; ".join(f"{count:,} by {way}" for way, count in counts.items() if way != NEW)
            new = f"{int(counts.get(NEW, 0)):,} of its own"
            earlier = f", {ways}" if ways else ""
            self._told.append(f"{study.study_id}: {len(own):,} samples, {new}{earlier}")
            if place and not ways:
                self._told.append(
                    f"{study.study_id} shares no sample with the studies before it; if it should, "
                    "name samples alike"
                )
        if doubts := self._matching.doubts:
            self._told.append(f"Not joined, for in doubt: {some(doubts)}")
        other = [
            f"{own} as {sample}"
            for names, ways in zip(self._matching.names, self._matching.ways, strict=True)
            for own, sample in names.items()
            if ways[own] not in (NEW, SAME)
        ]
        if other:
            self._told.append(f"Joined under another name: {some(other)}")

    def _own_names(self, frame: pd.DataFrame, place: int) -> pd.DataFrame:
        """A frame of one study under the names of the joined one."""
        names = self._matching.names[place]
        return frame.set_axis([names[str(sample)] for sample in frame.index], axis=0)

    def _matrices(self) -> tuple[dict[str, Any], dict[str, Any]]:
        matrices: dict[str, Any] = {}
        kinds: dict[str, Any] = {}
        for field, (words, kind_field) in _MATRICES.items():
            having = [p for p, one in enumerate(self._studies) if getattr(one, field) is not None]
            kind = getattr(self._studies[having[0] if having else 0], kind_field)
            kinds[kind_field] = kind
            joined: pd.DataFrame | None = None
            for place in having:
                study = self._studies[place]
                frame = self._own_names(getattr(study, field), place)
                if joined is None:
                    joined = frame
                    self._told.append(f"{words}: {len(frame):,} samples of {study.study_id}")
                else:
                    own_kind = getattr(study, kind_field)
                    joined = self._stacked(joined, frame, words, study, (kind, own_kind))
            matrices[field] = None if joined is None else self._in_order(joined)
        return matrices, kinds

    def _stacked(
        self,
        joined: pd.DataFrame,
        frame: pd.DataFrame,
        words: str,
        study: Study,
        kinds: tuple[str, str],
    ) -> pd.DataFrame:
        """A table of levels with the samples of one more study, if that is asked for."""
        kind, own_kind = kinds
        new = frame.loc[~frame.index.isin(joined.index)]
        kept = len(frame) - len(new)
        why = ""
        if not self._stack:
            why = "other laboratories' levels are no levels of these; --stack takes them together"
        elif own_kind != kind:
            why = f"it is {own_kind}, and the table is {kind}"
        if why:
            self._told.append(
                f"{words}: {len(frame):,} samples of {study.study_id} left out, {len(new):,} of "
                f"which no other study has ({why})"
            )
            return joined
        shared = len(joined.columns.intersection(new.columns))
        self._told.append(
            f"{words}: {len(new):,} samples of {study.study_id} put below, on {shared:,} shared "
            f"features of {len(new.columns):,}; {kept:,} that are there already left out"
        )
        return pd.concat([joined, new])

    def _in_order(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.loc[in_order(frame.index, self._index)].rename_axis("sample_id")

    def _antibodies(self, rppa: pd.DataFrame | None) -> pd.DataFrame:
        tables = pd.concat([study.antibodies for study in self._studies])
        tables = tables[~tables.index.duplicated()]
        return tables.loc[[] if rppa is None else list(rppa.columns)]

    def _clinical(self) -> pd.DataFrame:
        joined = pd.DataFrame(index=self._index)
        of_study = pd.DataFrame(index=self._index)
        for place, study in enumerate(self._studies):
            frame = self._own_names(study.clinical, place).reindex(self._index)
            for attribute in frame.columns:
                new = frame[attribute]
                if attribute not in joined:
                    joined[attribute] = new
                    of_study[attribute] = study.study_id
                    of_study[attribute] = of_study[attribute].where(new.notna(), "")
                    continue
                old = joined[attribute]
                differs = (
                    old.notna() & new.notna() & (_words(old, attribute) != _words(new, attribute))
                )
                self._note("clinical", attribute, old[differs], new[differs],
                           of_study[attribute][differs], study.study_id)  # fmt: skip
                filled = old.isna() & new.notna()
                joined[attribute] = old.where(~filled, new)
                of_study[attribute] = of_study[attribute].where(~filled, study.study_id)
        joined, filled_in = with_lineages(joined)
        if filled_in:
            self._told.append(
                f"LINEAGE of {filled_in:,} samples taken from what else is said of them"
            )
        return joined

    def _note(
        self, what: str, item: str, kept: pd.Series, left: pd.Series, of: pd.Series | str, by: str
    ) -> None:
        """Write conflicts down."""
        if kept.empty:
            return
        cells = (what, kept.index, item, kept.to_numpy(), of, left.to_numpy(), by)
        rows = pd.DataFrame(
            {
                name: cell.to_numpy() if isinstance(cell, pd.Series) else cell
                for name, cell in zip(_CONFLICT_COLUMNS, cells, strict=True)
            }
        )
        self._conflicts.append(rows.astype("str"))

    def _mutations(self) -> dict[str, Any]:
        """Calls, of each sample from the first study that tested it, and what that covered."""
        calls: list[pd.DataFrame] = []
        panels: dict[str, frozenset[str]] = {}
        panel_of: dict[str, str] = {}
        sequenced: dict[str, None] = {}
        for place, study in enumerate(self._studies):
            if study.sequenced is None:
                continue
            names = self._matching.names[place]
            new = {names[str(own)]: str(own) for own in study.sequenced}
            new = {sample: own for sample, own in new.items() if sample not in sequenced}
            renamed = _free_panels(study, panels)
            panels |= {renamed[panel]: genes for panel, genes in study.panels.items()}
            for sample, own in new.items():
                panel = study.panel_of.get(own)
                panel_of[sample] = renamed.get(panel, panel) if isinstance(panel, str) else ""
            sequenced |= dict.fromkeys(new)
            if study.mutations is not None:
                own_calls = study.mutations.assign(
                    sample_id=study.mutations["sample_id"].astype("str").map(names)
                )
                calls.append(own_calls[own_calls["sample_id"].isin(new)].astype("str"))
            left = len(study.sequenced) - len(new)
            also = f"; {left:,} that an earlier study tested left out" if left else ""
            self._told.append(f"mutations: {len(new):,} samples of {study.study_id}{also}")
        if not sequenced:
            return {"mutations": None, "sequenced": None, "panels": {},
                    "panel_of": pd.Series(dtype="str")}  # fmt: skip
        order = in_order(pd.Index(list(sequenced), dtype="str", name="sample_id"), self._index)
        cover = pd.Series({sample: panel_of[sample] or None for sample in order}, dtype="str")
        empty = pd.DataFrame(columns=["sample_id", "gene", "classification", "protein_change"])
        return {
            "mutations": calls_of(pd.concat(calls) if calls else empty.astype("str"), order),
            "sequenced": order,
            "panels": panels,
            "panel_of": cover.reindex(order),
        }

    def _fusions(self) -> pd.DataFrame | None:
        parts = [
            study.fusions.assign(
                sample_id=study.fusions["sample_id"].astype("str").map(self._matching.names[place])
            )
            for place, study in enumerate(self._studies)
            if study.fusions is not None
        ]
        return calls_of(pd.concat(parts).drop_duplicates(), self._index) if parts else None

    def _entrez(self) -> pd.Series:
        found: pd.Series = pd.concat([study.entrez for study in self._studies])
        return found.loc[~found.index.duplicated()]

    def _responses(self) -> dict[str, ResponseFile]:
        """Screens, each its own response; two copies of one screen become one."""
        joined: dict[str, ResponseFile] = {}
        origin: dict[str, str] = {}
        for place, study in enumerate(self._studies):
            for file in study.response_files.values():
                values = read_values(file, Findings())
                # A study that is part of another still names the other's file.
                values = values.loc[in_order(values.index, study.samples)]
                values = self._own_names(values, place)
                stable_id = file.stable_id
                self._drugs.append(drug_rows(stable_id, study.study_id, list(values.columns)))
                if self._average:
                    values = self._averaged(values, stable_id, study.study_id)
                earlier = joined.get(stable_id)
                if earlier is not None and not _is_same(earlier, file, values):
                    self._told.append(
                        f"response {stable_id} of {study.study_id} has another unit or direction "
                        f"than that of {origin[stable_id]}, and becomes {stable_id}_"
                        f"{study.study_id}"
                    )
                    stable_id, earlier = f"{stable_id}_{study.study_id}", None
                if earlier is not None and earlier.held is not None:
                    values = self._one_screen(
                        earlier.held, values, stable_id, origin[stable_id], study.study_id
                    )
                else:
                    origin[stable_id] = study.study_id
                    self._told.append(
                        f"response {stable_id}: {values.shape[1]:,} drugs x {len(values):,} "
                        f"samples of {study.study_id}"
                    )
                joined[stable_id] = replace(
                    file if earlier is None else earlier,
                    stable_id=stable_id,
                    columns={sample: sample for sample in values.index},
                    held=self._in_order(values),
                    errors=self._errors(file, values, place) if earlier is None else None,
                )
        return joined

    def _errors(self, file: ResponseFile, values: pd.DataFrame, place: int) -> ResponseFile | None:
        """Errors of a screen that stands in one study; of an average none is told."""
        errors = held_in_memory(file).errors
        if errors is None or errors.held is None:
            return None
        own = errors.held.loc[in_order(errors.held.index, self._studies[place].samples)]
        named = self._own_names(own, place).reindex_like(values)
        return replace(errors, held=self._in_order(named))

    def _averaged(self, values: pd.DataFrame, stable_id: str, study_id: str) -> pd.DataFrame:
        """A screen with one column a drug: the mean of those that a line has."""
        several = replicates(list(values.columns))
        for drug, names in several.items():
            mean = values[names].mean(axis=1)
            values = values.drop(columns=names).assign(**{drug: mean})
        if several:
            words = [f"{drug} of {' and '.join(names)}" for drug, names in several.items()]
            self._told.append(
                f"response {stable_id} of {study_id}: {len(several)} drugs averaged over their "
                f"columns: {some(words)}"
            )
        return values

    def _one_screen(
        self, old: pd.DataFrame, new: pd.DataFrame, stable_id: str, first: str, study_id: str
    ) -> pd.DataFrame:
        renamed = same_drugs(list(old.columns), list(new.columns))
        new = new.rename(columns=renamed)
        if renamed:
            pairs = [f"{own} as {drug}" for own, drug in renamed.items()]
            self._told.append(f"response {stable_id}: drugs under another name: {some(pairs)}")
        rows = old.index.intersection(new.index)
        drugs = old.columns.intersection(new.columns)
        before, after = old.loc[rows, drugs], new.loc[rows, drugs]
        differs = _differ(before, after)
        for drug in drugs[differs.any()]:
            at = differs[drug]
            self._note(
                "response", f"{stable_id}: {drug}", before.loc[at, drug], after.loc[at, drug],
                first, study_id,
            )  # fmt: skip
        twice = int((before.notna() & after.notna()).to_numpy().sum())
        values = old.combine_first(new)
        if self._average:
            values.loc[rows, drugs] = ((before + after) / 2).combine_first(values.loc[rows, drugs])
        kept = "their mean is taken" if self._average else "the first study's are kept"
        self._told.append(
            f"response {stable_id}: {study_id} has it, too; {twice:,} values are there twice, "
            f"{int(differs.to_numpy().sum()):,} of them differ ({kept}), "
            f"{int(values.notna().to_numpy().sum() - old.notna().to_numpy().sum()):,} are added"
        )
        return values


def _words(column: pd.Series, attribute: str) -> pd.Series:
    """An attribute's values as they are compared: without case, and names as names."""
    if is_lineage(attribute):
        return lineage_words(column)
    text = column.astype("str").str.strip().str.casefold()
    return text.map(match_key, na_action="ignore") if is_name(attribute) else text


def _is_same(one: ResponseFile, other: ResponseFile, values: pd.DataFrame) -> bool:
    """Whether two responses of one identifier are one: same unit, or the same values if both."""
    if one.higher_is_resistant != other.higher_is_resistant or one.held is None:
        return False
    if one.unit == other.unit:
        return True
    rows, drugs = one.held.index.intersection(values.index), values.columns
    drugs = one.held.columns.intersection(drugs)
    before, after = one.held.loc[rows, drugs], values.loc[rows, drugs]
    twice = int((before.notna() & after.notna()).to_numpy().sum())
    differing = int(_differ(before, after).to_numpy().sum())
    return twice >= _ENOUGH_TWICE and differing <= _MOST_DIFFERENT * twice


def _differ(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Where two tables of the same lines and drugs differ by more than rounding."""
    size = np.maximum(one.abs(), other.abs())
    return (one - other).abs() > _ROUNDING * size + _ROUNDING


def _free_panels(study: Study, taken: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """Panel of a study -> its name beside those that other studies have."""
    return {
        panel: panel if taken.get(panel, genes) == genes else f"{panel}_{study.study_id}"
        for panel, genes in study.panels.items()
    }
