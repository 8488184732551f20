"""One evaluation: a model against another study's measured responses, told and written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sidestep.features.cohorts import choose_cohort, group_labels, known_of
from sidestep.features.errors import InputError, some
from sidestep.features.files.owned import described, listed, require_own
from sidestep.features.files.spreadsheets import as_plain_text
from sidestep.features.files.whole import folder_beside, put_in_place, reason_of
from sidestep.features.knowledge.drugs import both_names
from sidestep.features.study.study import Study
from sidestep.models.registry.load import LoadedModel
from sidestep.training.external.ablation import MODALITIES, ablate
from sidestep.training.external.accuracy import Judging, by_group, reliability
from sidestep.training.external.pairs import answers, paired, same_scale, shared_drugs
from sidestep.training.external.screens import agreement, ceiling
from sidestep.training.validation.panel import find_response

#: Files of the folder that an evaluation is written into.
TABLE, RECORD = "evaluation.csv", "evaluation.json"
#: What `RECORD` says it is; a folder without it is never replaced.
KIND = "sidestep evaluation"
_PERMUTATIONS = 5
_SHOWN = {
    "pearson": ".3f", "rmse": ".3f", "rmse_relative": ".2f", "covered": ".0%", "brier": ".3f",
    "brier_base": ".3f", "called": ".0%", "called_right": ".0%",
}  # fmt: skip
_HEADS = {
    "value": "", "lines": "lines", "pairs": "pairs", "interval": "95 % interval", "pearson": "r",
    "rmse": "RMSE", "rmse_relative": "of mean's", "covered": "covered", "brier": "Brier",
    "brier_base": "base", "called": "called", "called_right": "right",
}  # fmt: skip


@dataclass(frozen=True)
class EvaluationOptions:
    """The choices that a person has about an evaluation.

    Attributes
    ----------
    new_only : bool
        Leave out the lines that the model has learned from, and their siblings.
    level : float
        Of the intervals.
    call_at : float
        Probability that a call needs, over 0.5 and under 1.
    where : tuple of str
        Which samples to evaluate, as `features.cohorts.choose_cohort` takes them.
    group : str, optional
        A clinical attribute to tell results by, too.
    ablate : tuple of str
        Modalities to permute.
    bootstrap, seed : int
    """

    new_only: bool = False
    level: float = 0.8
    call_at: float = 0.75
    where: tuple[str, ...] = ()
    group: str | None = None
    ablate: tuple[str, ...] = ()
    bootstrap: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be used."""
        if not 0.5 <= self.level <= 0.99:
            raise InputError(f"level is {self.level}; give a share from 0.5 to 0.99")
        if not 0.5 < self.call_at < 1:
            raise InputError(f"call_at is {self.call_at}; give more than 0.5 and less than 1")
        if self.bootstrap < 100:
            raise InputError(f"bootstrap is {self.bootstrap}; give at least 100")
        for name in self.ablate:
            if name not in MODALITIES:
                raise InputError(
                    f"{name!r} is no modality to ablate; give one of {', '.join(MODALITIES)}"
                )


@dataclass(frozen=True, repr=False)
class Evaluation:
    """What `sidestep.evaluate` returns: it prints as tables.

    Attributes
    ----------
    record : mapping
        Study, model, response, scale, options and notes, as plain values.
    pairs : DataFrame
        A row a line and drug: what was observed and predicted (`training.external.pairs.paired`).
    groups : DataFrame
        How good the model is, by group (`training.external.accuracy.by_group`).
    calibration : DataFrame
        Tenths of `p_resistant` (`training.external.accuracy.reliability`).
    screens : DataFrame
        How well other screens of the study agree (`training.external.screens.agreement`).
    ablation : DataFrame
        What each permuted modality is worth (`training.external.ablation.ablate`).
    """

    record: dict[str, Any] = field(repr=False)
    pairs: pd.DataFrame
    groups: pd.DataFrame
    calibration: pd.DataFrame
    screens: pd.DataFrame
    ablation: pd.DataFrame

    def table(self, group: str = "drug") -> pd.DataFrame:
        """The rows of one kind of group, by its values.

        Parameters
        ----------
        group : str
            ``"all"``, ``"drug"``, ``"line"``, ``"pattern"``, ``"lineage"``, ``"her2"``, or the
            attribute that was asked for.

        Raises
        ------
        InputError
            If there is no such group.
        """
        kinds = list(dict.fromkeys(self.groups["group"]))
        if group not in kinds:
            raise InputError(f"there is no group {group!r}; it has {', '.join(kinds)}")
        rows = self.groups[self.groups["group"] == group]
        return rows.drop(columns="group").set_index("value")

    def __repr__(self) -> str:
        """The evaluation as the command prints it."""
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        """The same for notebooks."""
        return f"<pre>{escape(repr(self))}</pre>"

    def lines(self) -> Iterator[str]:
        """Lines for a person."""
        record = self.record
        if record["simulated"]:
            yield "Simulated data: no sample is real."
        model, response = record["model"], record["response"]
        version = f" version {model['version']}" if model["version"] else ""
        yield (
            f"{model['name']}{version} (trained on {model['study']}, {model['response']}) against "
            f"{record['study']['id']}, {response['stable_id']} ({response['unit']})"
        )
        yield from record["notes"]
        yield from self._accuracy()
        if len(self.calibration):
            yield from self._reliability()
        if len(self.screens):
            yield from self._ceiling()
        for row in self.ablation.itertuples():
            yield (
                f"Without {row.modality} (permuted among {row.lines} lines): mean r "
                f"{row.pearson:.3f} falls to {row.without:.3f}, a loss of {row.loss:.3f} "
                f"({row.lower:.3f} to {row.upper:.3f})."
            )

    def _accuracy(self) -> Iterator[str]:
        shown = ["lines", "pairs", "pearson", "interval"]
        if self.record["same_scale"]:
            shown += [name for name in _SHOWN if name != "pearson"]
        for kind, rows in self.groups.groupby("group", sort=False):
            table = rows[rows["pearson"].notna()] if kind not in ("all", "drug") else rows
            if not len(table):
                continue
            if kind != "all":
                yield f"By {kind}:"
            yield from _drawn(table, shown, both=kind == "drug")

    def _reliability(self) -> Iterator[str]:
        yield "Probability of resistance, and the share measured to be resistant:"
        for row in self.calibration.itertuples():
            start, end = row._1, row.to
            yield (
                f"  {start:.1f} to {end:.1f}: {row.pairs:5d} pairs, said {row.p_resistant:.2f}, "
                f"found {row.resistant:.2f} ({row.lower:.2f} to {row.upper:.2f})"
            )

    def _ceiling(self) -> Iterator[str]:
        yield (
            "Responses under other names to the same drugs, on the same lines of this study (what "
            "can be expected at best, where they are screens of their own; mean r of the best of "
            f"each drug {ceiling(self.screens):.3f}):"
        )
        for row in self.screens.itertuples():
            yield (
                f"  {both_names(str(row.drug))} and {row.screen}: r {row.pearson:.3f} "
                f"({row.lower:.3f} to {row.upper:.3f}), {row.lines} lines"
            )

    def write(self, out: str | Path) -> Path:
        """Write ``evaluation.csv`` and ``evaluation.json`` into a folder, whole or not at all.

        Parameters
        ----------
        out : path
            A new or an empty folder, or an earlier evaluation, which is replaced.

        Raises
        ------
        InputError
            If it holds other files, or cannot be written.
        """
        path = require_replaceable(out)
        try:
            with folder_beside(path, parents=True) as beside:
                new = beside / "new"
                new.mkdir()
                table = self.groups.assign(
                    value=as_plain_text(self.groups["value"].astype("str")),
                    group=as_plain_text(self.groups["group"].astype("str")),
                )
                table.to_csv(new / TABLE, index=False, encoding="utf-8", lineterminator="\n")
                facts = self.as_json() | {"files": listed(new)}
                text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)
                (new / RECORD).write_text(text + "\n", encoding="utf-8", newline="\n")
                put_in_place(new, require_replaceable(out), beside / "earlier")
        except OSError as failure:
            raise InputError(
                f"{out} cannot be written ({reason_of(failure)}); make room there, or give another "
                "folder"
            ) from failure
        return path

    def as_json(self) -> dict[str, Any]:
        """All but the pairs, as plain values; None where a number is not defined."""
        tables = {
            "groups": self.groups,
            "calibration": self.calibration,
            "screens": self.screens,
            "ablation": self.ablation,
        }
        return {"kind": KIND, **self.record} | {
            name: [
                {str(key): _plain(value) for key, value in row.items()}
                for row in table.to_dict("records")
            ]
            for name, table in tables.items()
        }


def evaluate_model(
    study: Study,
    model: LoadedModel,
    response: str | None,
    drugs: Sequence[str] | None = None,
    options: EvaluationOptions | None = None,
) -> Evaluation:
    """Judge a model by the responses that a study measured.

    Parameters
    ----------
    study : Study
    model : LoadedModel
    response : str, optional
        Of the study: stable_id, metric, or an unambiguous part of either; its only one by default.
    drugs : sequence of str, optional
        Names or synonyms; all that model and response share by default.
    options : EvaluationOptions, optional

    Raises
    ------
    InputError
        If the response, a drug or an option cannot be used, or no line is left.
    """
    options = options or EvaluationOptions()
    predictor = model.predictor
    if predictor.scale.event:
        raise InputError(
            f"model {model.name} predicts an outcome of patients ({predictor.scale.event}), and "
            "evaluate judges responses that are numbers; score the study, and hold `probability` "
            "against what became of the patients"
        )
    measured = find_response(study, response)
    shared = shared_drugs(predictor, measured, drugs)
    known = known_of(study)
    cohort = choose_cohort(known, options.where)
    groups = {"lineage": known.lineages, "her2": known.her2_status}
    if options.group is not None and options.group.casefold() not in groups:
        labels = group_labels(known, options.group)
        groups[str(labels.name)] = labels.astype("str")
    tested = measured.values.index[measured.values[list(shared.values())].notna().any(axis=1)]
    names = [str(name) for name in study.samples if name in tested and name in cohort.samples]
    part = study.select(names)
    said = answers(predictor, part, list(shared), options.level)
    pairs = paired(
        said, part, measured, shared,
        higher_is_resistant=predictor.scale.higher_is_resistant, new_only=options.new_only,
    )  # fmt: skip
    if not len(pairs):
        raise InputError(
            f"no line of study {study.study_id} has both a response in {measured.stable_id} and "
            "features that the model can use"
            + (", and is new to it; leave out --new-only" if options.new_only else "")
        )
    judging = Judging(
        same_scale=same_scale(predictor.scale, measured),
        higher_is_resistant=predictor.scale.higher_is_resistant,
        call_at=options.call_at,
        n_bootstrap=options.bootstrap,
        seed=options.seed,
    )
    drawn = {"n_bootstrap": options.bootstrap, "seed": options.seed}
    asked = part.select(list(dict.fromkeys(pairs["sample_id"])))
    return Evaluation(
        record=_record(study, model, measured, pairs, judging, options, cohort.written, shared),
        pairs=pairs,
        groups=by_group(pairs, groups, judging),
        calibration=reliability(pairs, judging),
        screens=agreement(asked, measured, shared, **drawn),
        ablation=ablate(predictor, asked, pairs, options.ablate, repeats=_PERMUTATIONS, **drawn),
    )


def require_replaceable(out: str | Path) -> Path:
    """Give back `out`, links followed, as a path where an evaluation may be put.

    Raises
    ------
    InputError
        If it is a file, or a folder that holds anything but an earlier evaluation.
    """
    path = Path(out).resolve()
    if not path.exists():
        return path
    if not path.is_dir():
        raise InputError(f"{out} is not a folder; give --out a new folder")
    if any(path.iterdir()):
        files = (described(path / RECORD, KIND) or {}).get("files")
        advice = "move it elsewhere, or give --out a new folder"
        require_own(path, files, RECORD, writer="sidestep evaluate", advice=advice)
    return path


def _record(
    study: Study,
    model: LoadedModel,
    response: Any,
    pairs: pd.DataFrame,
    judging: Judging,
    options: EvaluationOptions,
    where: list[str],
    shared: dict[str, str],
) -> dict[str, Any]:
    """What was held against what."""
    training = model.predictor.training
    known = pairs.loc[pairs["known"], "sample_id"].nunique()
    lines = pairs["sample_id"].nunique()
    absent = [name for name in model.predictor.drugs if name not in shared]
    notes = [
        f"{lines} lines, {pairs['drug'].nunique()} drugs, {len(pairs):,} pairs; {known} of the "
        "lines, or of their donors, the model has learned from: "
        + ("they are answered by the models of the folds that had not." if known else "none.")
    ]
    if not judging.same_scale:
        notes.append(
            f"The model predicts {_unit(model.predictor.scale)}, the response is "
            f"{_unit(response)}: correlations only, of resistance with predicted resistance."
        )
    if where:
        notes.append(f"Only lines where {' and '.join(where)}.")
    if absent:
        notes.append(f"Not in the response: {some([both_names(name) for name in absent], 5)}.")
    return {
        "simulated": study.simulated or bool(training.get("simulated")),
        "study": {"id": study.study_id, "digests": dict(study.digests)},
        "model": {
            "name": model.name,
            "version": model.version,
            "digest": model.digest,
            "study": str(training.get("study_id", "")),
            "response": model.predictor.scale.stable_id,
            "unit": model.predictor.scale.unit,
        },
        "response": {
            "stable_id": response.stable_id,
            "unit": response.unit,
            "higher_is_resistant": response.higher_is_resistant,
        },
        "drugs": shared,
        "same_scale": judging.same_scale,
        "options": {
            "new_only": options.new_only,
            "level": options.level,
            "call_at": options.call_at,
            "where": where,
            "group": options.group,
            "ablate": list(options.ablate),
            "bootstrap": options.bootstrap,
            "seed": options.seed,
        },
        "notes": notes,
    }


def _unit(scale: Any) -> str:
    toward = "resistant" if scale.higher_is_resistant else "sensitive"
    return f"{scale.unit} (higher is more {toward})"


def _drawn(table: pd.DataFrame, columns: list[str], *, both: bool) -> list[str]:
    """Lines of a table of groups."""
    shown = pd.DataFrame(index=table.index)
    names = table["value"].astype(str)
    shown[""] = names.map(both_names) if both else names
    for name in columns:
        if name == "interval":
            ends = zip(table["pearson_lower"], table["pearson_upper"], strict=True)
            shown[_HEADS[name]] = [_ends(low, high) for low, high in ends]
        else:
            form = _SHOWN.get(name, "d")
            shown[_HEADS[name]] = [
                "-" if pd.isna(value) else format(value, form) for value in table[name]
            ]
    return shown.to_string(index=False).splitlines()


def _ends(low: float, high: float) -> str:
    return f"{low:.3f} to {high:.3f}" if np.isfinite(low) and np.isfinite(high) else "-"


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
