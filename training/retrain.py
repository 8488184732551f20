"""One retrain, from a study folder to a predictor with its evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from sidestep.features.builders.regimen import drugs_attribute, her2_status
from sidestep.features.errors import InputError
from sidestep.features.groups import lineage_column, lineage_labels, receptor_columns
from sidestep.features.study.responses import BINARY
from sidestep.features.study.study import Study, read_study
from sidestep.models.engines.local import Engine
from sidestep.models.estimators.patterns import row_patterns
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.her2 import Her2Reference
from sidestep.models.predictor.known_lines import KnownLines
from sidestep.models.predictor.line_groups import LineGroups
from sidestep.models.predictor.predictor import PanelPredictor, ResponseScale
from sidestep.models.predictor.references import MechanismReference
from sidestep.models.reliability.applicability import NearestLines
from sidestep.models.reliability.intervals import join_errors
from sidestep.models.versions import software_versions
from sidestep.training.validation.coverage import held_out_coverage
from sidestep.training.validation.cross_validation import (
    LINEAGE,
    CrossValidation,
    Plan,
    Progress,
    cross_validate,
    outcome_strata,
    split_lines,
)
from sidestep.training.validation.evaluation import evaluate, evaluate_folds
from sidestep.training.validation.gate import Verdict, judge
from sidestep.training.validation.panel import Panel, choose_panel, find_others, find_response
from sidestep.training.validation.shared_search import SharedSearches, search_name
from sidestep.training.validation.yardsticks import Yardstick, yardstick_of

_PACKAGES = (
    "sidestep", "numpy", "pandas", "scipy", "scikit-learn", "numba", "optuna", "mlflow", "xgboost"
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What a person asked to retrain.

    Attributes
    ----------
    study : Path or Study
        Study folder, or a study that was read.
    response : str, optional
        stable_id, metric, or an unambiguous part of either; the study's only one by default. Or a
        clinical attribute, such as ``PCR``.
    drugs : tuple of str, optional
        Names; the whole `panel` where not given.
    panel : {"her2", "kinase", "all"}
    min_lines : int
        Lines that a drug needs.
    plan : Plan
    study_storage : str, optional
        Database where the trials are shared with whoever has the same request.
    search_workers : int
        Workers a search, where trials are shared.
    error_weights : bool
        Whether training lines weigh by the standard errors of their responses, where the study has
        them.
    profiles : mapping of str to str
        Which profiles of a study folder to read, as `features.study.study.read_study` takes them.
    also : tuple of str
        Other responses of the study, whose lines help to learn
        (`training.validation.elsewhere`).
    responders : tuple of str
        Words of the attribute that `response` names that mean response.
    regimen, regimen_drugs : str, optional
        Clinical attributes that tell a patient's regimen, and the drugs given; the latter is found
        by the drug table where it is not given.
    """

    study: Path | Study
    response: str | None = None
    drugs: tuple[str, ...] | None = None
    panel: str = "all"
    min_lines: int = 20
    plan: Plan = field(default_factory=Plan)
    study_storage: str | None = None
    search_workers: int = 1
    error_weights: bool = True
    profiles: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    responders: tuple[str, ...] = ()
    regimen: str | None = None
    regimen_drugs: str | None = None


@dataclass(frozen=True)
class Retrain:
    """A finished retrain.

    Attributes
    ----------
    request : Request
    study : Study
    panel : Panel
    validation : CrossValidation
    her2 : DataFrame
        Training lines x `high` and `assay`: which are HER2-high, and what decided.
    metrics : DataFrame
        As `training.validation.evaluation.evaluate` returns.
    fold_metrics : DataFrame
        As `training.validation.evaluation.evaluate_folds` returns.
    coverage : DataFrame
        Of the intervals, as `training.validation.coverage.held_out_coverage` returns.
    verdict : Verdict
    predictor : PanelPredictor
        Fitted on all lines.
    """

    request: Request
    study: Study
    panel: Panel
    validation: CrossValidation
    her2: pd.DataFrame
    metrics: pd.DataFrame
    fold_metrics: pd.DataFrame
    coverage: pd.DataFrame
    verdict: Verdict
    predictor: PanelPredictor

    @property
    def yardstick(self) -> Yardstick:
        """By what the kind of response is judged."""
        return yardstick_of(self.panel.response.kind)

    @property
    def baselines(self) -> list[str]:
        """Baselines that there are."""
        return self.yardstick.rivals(self.metrics["method"].unique().tolist())


def retrain(
    request: Request, progress: Progress | None = None, engine: Engine | None = None
) -> Retrain:
    """Read the study, cross-validate, judge, and assemble the predictor.

    `progress` and `engine` are those of `training.validation.cross_validation.cross_validate`.

    Raises
    ------
    InputError
        If the study, the response or a drug cannot be used.
    """
    study, panel = read_panel(request)
    return retrain_study(request, study, panel, progress, engine)


def read_panel(request: Request) -> tuple[Study, Panel]:
    """Study of a request, read if it is a folder, and the panel to learn from it.

    Raises
    ------
    InputError
        If the study, the response or a drug cannot be used.
    """
    study = request.study
    if not isinstance(study, Study):
        study = read_study(study, request.profiles)
    response = find_response(study, request.response, request.responders)
    panel = choose_panel(
        study,
        response,
        drugs=request.drugs,
        panel=request.panel,
        min_lines=request.min_lines,
        also=find_others(study, response, request.also),
    )
    plan = settled_plan(request, study, panel)
    # It refuses what cannot be split.
    split_lines(study, panel.values.index, plan, strata=outcome_strata(study, panel, plan))
    return study, panel if request.error_weights else panel.unweighted()


def settled_plan(request: Request, study: Study, panel: Panel) -> Plan:
    """The plan with what a study of patients adds: receptors as covariates, and regimens.

    Receptors are learned from where no clinical attribute is named, and the response is of
    patients.

    Raises
    ------
    InputError
        If the response is a covariate, or regimens are told of a continuous response or by an
        attribute that the study has not.
    """
    plan, response = request.plan, panel.response
    if response.stable_id in (*plan.clinical, request.regimen, request.regimen_drugs):
        raise InputError(
            f"{response.stable_id} is what is to be learned; leave it out of --clinical and "
            "--regimen"
        )
    if response.kind == BINARY and request.also:
        raise InputError(
            f"--also joins numbers of other screens, and {response.stable_id} is an event; leave "
            "it out"
        )
    if response.kind == BINARY and response.grouping and not plan.clinical:
        plan = replace(plan, clinical=tuple(receptor_columns(study)))
    if request.regimen is None:
        return plan
    if response.kind != BINARY:
        raise InputError(
            f"--regimen is for a response of patients, and {response.stable_id} is a number; leave "
            "it out"
        )
    by_case = {str(name).casefold(): str(name) for name in study.clinical.columns}
    named = {}
    for option, name in (("regimen", request.regimen), ("regimen-drugs", request.regimen_drugs)):
        if name and name.casefold() not in by_case:
            raise InputError(
                f"--{option} {name} is no clinical attribute of study {study.study_id}; it has "
                f"{', '.join(by_case.values()) or 'none'}"
            )
        named[option] = by_case.get((name or "").casefold(), "")
    told = study.clinical.loc[panel.values.index, named["regimen"]].notna()
    if not told.any():
        raise InputError(
            f"no patient with a response has a value of {named['regimen']}; leave --regimen out"
        )
    drugs = named["regimen-drugs"]
    if request.regimen_drugs is None:
        drugs = drugs_attribute(study, named["regimen"])
    return replace(plan, regimen=(named["regimen"], drugs))


def retrain_study(
    request: Request,
    study: Study,
    panel: Panel,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Retrain:
    """Cross-validate a panel of a study that was read, judge, and assemble the predictor."""
    request = replace(request, plan=settled_plan(request, study, panel))
    kind = panel.response.kind
    shared = _shared_searches(request, study, panel)
    validation = cross_validate(study, panel, request.plan, progress, engine, shared)
    her2 = Her2Reference.fit(study, validation.features)
    calls = her2.calls(study, validation.features)
    evaluation = evaluate(
        validation.repeated,
        calls["high"],
        seed=request.plan.seed,
        kind=kind,
        subsets=_subsets(request, study, panel),
    )
    metrics, verdict = evaluation.metrics, judge(evaluation)
    if request.plan.split == LINEAGE:
        verdict = replace(verdict, reason=f"{verdict.reason}, by {request.plan.held_out}")
    predictor = _assemble(request, study, panel, validation, metrics, verdict, her2)
    lineage = lineage_labels(study).loc[validation.features.index].to_numpy(dtype=object)
    return Retrain(
        request=request,
        study=study,
        panel=panel,
        validation=validation,
        her2=calls,
        metrics=metrics,
        fold_metrics=evaluate_folds(validation.predictions, kind),
        coverage=held_out_coverage(
            {} if kind == BINARY else predictor.drugs,  # an outcome has no interval
            lineage,
            row_patterns(validation.features),
            predictor.line_groups,
        ),
        verdict=verdict,
        predictor=predictor,
    )


def _subsets(request: Request, study: Study, panel: Panel) -> dict[str, pd.Series]:
    """Parts of the patients that metrics are given of: by receptor status, and by regimen."""
    if panel.response.kind != BINARY:
        return {}
    patients = panel.values.index
    status = her2_status(study).reindex(patients)
    found = {"her2_negative": status == "negative"}
    hormone = [name for name in receptor_columns(study) if "HER2" not in name.upper()]
    for name in hormone[:1]:
        for word in sorted(study.clinical[name].dropna().unique()):
            found[f"{name}={word}"] = study.clinical[name].reindex(patients) == word
    if request.plan.regimen is not None:
        regimen = study.clinical[request.plan.regimen[0]].reindex(patients)
        found |= {f"regimen={word}": regimen == word for word in sorted(regimen.dropna().unique())}
    return found


def training_software() -> dict[str, str]:
    """Versions of Python and of the packages that make a model's numbers."""
    return software_versions(*_PACKAGES)


def study_digest(digests: Mapping[str, str]) -> str:
    """Digest (sha256, hexadecimal) over the names and digests of a study's files.

    Parameters
    ----------
    digests : mapping of str to str
        File name -> sha256 of its bytes, as `features.study.study.Study.digests`.
    """
    lines = (f"{name}\0{digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _shared_searches(request: Request, study: Study, panel: Panel) -> SharedSearches | None:
    """Where the trials of this request are shared, if they are."""
    if request.study_storage is None:
        return None
    response = panel.response.stable_id
    what = {
        "study": dict(study.digests),
        "response": response,
        "drugs": [drug.name for drug in panel.drugs],
        "lines": list(panel.values.index),
        "also": list(request.also),
        "plan": _plan(request),
        "error_weights": panel.errors is not None,
        "software": training_software(),
    }
    name = search_name(what, f"{study.study_id} {response}")
    return SharedSearches(request.study_storage, name, request.search_workers)


def _plan(request: Request) -> dict[str, Any]:
    """The plan without the number of processes, which changes no number of a model."""
    plan = asdict(request.plan)
    del plan["jobs"]
    return plan


def _assemble(
    request: Request,
    study: Study,
    panel: Panel,
    validation: CrossValidation,
    metrics: pd.DataFrame,
    verdict: Verdict,
    her2: Her2Reference,
) -> PanelPredictor:
    drugs = {}
    for drug in panel.drugs:
        lines = validation.predictions[validation.predictions["drug"] == drug.name]
        drugs[drug.name] = DrugModel(
            name=drug.name,
            blend=validation.blends[drug.name],
            fold_blends=validation.fold_blends[drug.name],
            errors=join_errors(validation.errors[drug.name]),
            lines=validation.features.index.get_indexer(pd.Index(lines["sample_id"])),
            observed=lines["observed"].to_numpy(float),
            metrics=_nested(metrics[(metrics["drug"] == drug.name) & (metrics["subset"] == "all")]),
            gain=verdict.gains[drug.name],
        )
    response = panel.response
    scale = ResponseScale(
        response.stable_id,
        response.metric,
        response.unit,
        response.higher_is_resistant,
        response.kind,
        response.event,
        response.grouping,
    )
    training = {
        "study_id": study.study_id,
        "study_name": study.name,
        "simulated": study.simulated,
        "digests": dict(study.digests),
        "lineage_attribute": lineage_column(study),
        "n_lines": len(panel.values),
        "also": sorted({str(one) for values in panel.elsewhere.values() for one in values}),
        "plan": _plan(request),
        "error_weights": panel.errors is not None,
        "software": training_software(),
    }
    names = validation.features.index
    nearest = NearestLines().fit(validation.features, list(study.donors.loc[names]))
    return PanelPredictor(
        joiner=validation.joiner,
        fold_joiners=validation.fold_joiners,
        drugs=drugs,
        nearest=nearest,
        her2=her2,
        groups=LineGroups.fit(study, names),
        mechanisms=MechanismReference.fit(study.select(list(names))),
        scale=scale,
        training=training,
        known=KnownLines.of(study, nearest, names, validation.folds),
    )


def _nested(metrics: pd.DataFrame) -> dict[str, dict[str, Sequence[float]]]:
    nested: dict[str, dict[str, Sequence[float]]] = {}
    estimates = metrics[["value", "lower", "upper"]].to_numpy(float)
    for method, metric, estimate in zip(
        metrics["method"], metrics["metric"], estimates, strict=True
    ):
        nested.setdefault(method, {})[metric] = [float(number) for number in estimate]
    return nested
