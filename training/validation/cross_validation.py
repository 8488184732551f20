"""Nested cross-validation: every number here comes from lines that the model had not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import pandas as pd

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.groups import lineage_labels
from sidestep.features.study.study import Study
from sidestep.models.engines.local import Engine, LocalEngine
from sidestep.models.estimators.baselines import DrugMean, GroupMean, SingleMarker
from sidestep.models.estimators.folds import donor_folds
from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.estimators.patterns import Pattern
from sidestep.models.estimators.trees import CPU
from sidestep.models.reliability.applicability import NearestLines
from sidestep.models.reliability.intervals import HeldOutErrors, held_out_errors
from sidestep.training.validation.lines import DrugLines, DrugResponses, FoldLines, in_one_thread
from sidestep.training.validation.panel import Panel, PanelDrug
from sidestep.training.validation.search import SearchResult, drawn_drugs, search_settings
from sidestep.training.validation.shared_search import SharedSearch, SharedSearches

BASELINES = ("drug_mean", "lineage_mean", "marker")
METHODS = ("blend", "ridge", "trees", *BASELINES)
ALL_LINES = -1
Progress = Callable[[str, int, int], None]
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Plan:
    """How to learn and test.

    Attributes
    ----------
    folds : int
        Outer folds, by donor.
    trials : int
        Optuna trials a search; there is one search a fold, and one on all lines.
    seed : int
    jobs : int
        Processes.
    modalities : tuple of str, optional
        Modalities to use; all that the study has by default.
    clinical : tuple of str
        Clinical attributes to use as covariates.
    device : {"cpu", "cuda"}
        Where trees are grown (`models.estimators.trees`).
    """

    folds: int = 5
    trials: int = 20
    seed: int = 0
    jobs: int = 2
    modalities: tuple[str, ...] | None = None
    clinical: tuple[str, ...] = ()
    device: str = CPU


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold predictions, and the final models.

    Attributes
    ----------
    predictions : DataFrame
        One row a drug and line: `drug, sample_id, donor, lineage, fold, observed, train_mean`
        and one column a method of `METHODS`.
    searches : mapping of int to SearchResult
        Of every fold; `ALL_LINES` is the search for the final models.
    joiners : mapping of int to FeatureJoiner
        Fitted without the lines of that fold; `ALL_LINES` is the final one.
    features : DataFrame
        All lines x features, by the final joiner.
    blends : mapping of str to mapping of int to PatternBlend
        Drug -> fold -> model fitted without the lines of that fold; `ALL_LINES` is the final
        model. A fold that holds no line of the drug is left out.
    errors : mapping of str to list
        Drug -> errors of every sub-model on the held-out lines, a fold each.
    """

    predictions: pd.DataFrame
    searches: dict[int, SearchResult]
    joiners: dict[int, FeatureJoiner]
    features: pd.DataFrame
    blends: dict[str, dict[int, PatternBlend]]
    errors: dict[str, list[dict[Pattern, HeldOutErrors]]]


def split_lines(study: Study, lines: pd.Index, plan: Plan) -> list[tuple[pd.Index, pd.Index]]:
    """Outer folds (training lines, test lines), one split for all drugs.

    By donor, stratified by lineage or subtype.
    """
    strata = lineage_labels(study).reindex(lines).fillna("unknown").to_numpy(dtype=object)
    donors = study.donors.reindex(lines).to_numpy(dtype=object)
    folds = donor_folds(donors, plan.folds, plan.seed, strata)
    return [(lines[train], lines[test]) for train, test in folds]


def fit_features(
    study: Study, train: pd.Index, lines: pd.Index, plan: Plan
) -> tuple[FeatureJoiner, pd.DataFrame]:
    """Features of `lines`, every statistic of them learned from the lines `train` alone."""
    joiner = FeatureJoiner(plan.modalities, plan.clinical).fit(study.select(list(train)))
    return joiner, joiner.transform(study.select(list(lines)))


def cross_validate(
    study: Study,
    panel: Panel,
    plan: Plan,
    progress: Progress | None = None,
    engine: Engine | None = None,
    shared: SharedSearches | None = None,
) -> CrossValidation:
    """Test every method by nested cross-validation, then fit the blend on all lines.

    Each outer fold fits features, screens, tunes, weighs and fits on its own training lines.

    Parameters
    ----------
    study : Study
    panel : Panel
    plan : Plan
    progress : callable, optional
        Told a stage's name, the steps of it that ended, and how many it has.
    engine : Engine, optional
        Open; processes of this machine by default, as many as the plan has jobs.
    shared : SharedSearches, optional
        Where other workers do some of the searches' trials.
    """
    if engine is None:
        with LocalEngine(plan.jobs) as processes:
            return cross_validate(study, panel, plan, progress, processes, shared)
    lines = panel.values.index
    splits = {ALL_LINES: (lines, lines[:0])} | dict(enumerate(split_lines(study, lines, plan)))
    joiners: dict[int, FeatureJoiner] = {}
    folds: dict[int, FoldLines] = {}
    for number, split in splits.items():
        joiners[number], features = fit_features(study, split[0], lines, plan)
        folds[number] = engine.share(FoldLines.of(number, features, *split))
        if number == ALL_LINES:
            final_features = features
        _tell(progress, "features", len(folds), len(splits))
    responses = {drug: responses_to(study, panel, drug) for drug in panel.drugs}

    # A fold's trees have a seed of their own: where the folds' explanations agree, it is not by
    # the seed.
    drawn = [responses[drug] for drug in drawn_drugs(panel.drugs, plan.seed)]
    # All workers of a shared search come to the same result.
    workers = 1 if shared is None else shared.workers
    found = engine.map(
        _search,
        (
            (fold, drawn, plan, None if shared is None else shared.of(lines_of_search(number)))
            for number, fold in folds.items()
            for _ in range(workers)
        ),
    )
    told = _counted(found, "search", len(folds) * workers, progress)
    searches = dict(zip(folds, islice(told, 0, None, workers), strict=True))
    chosen = {n: found.settings.blend_parameters(plan.device) for n, found in searches.items()}
    outer = [(n, drug) for n in splits if n != ALL_LINES for drug in panel.drugs]
    tested = engine.map(
        _test_methods,
        ((folds[n], responses[drug], chosen[n], plan.seed + 1 + n) for n, drug in outer),
    )
    held_out = [test for test in _counted(tested, "test", len(outer), progress) if test is not None]
    fitted = engine.map(
        _fit_final,
        ((folds[ALL_LINES], responses[drug], chosen[ALL_LINES], plan.seed) for drug in panel.drugs),
    )
    final_blends = list(_counted(fitted, "fit", len(panel.drugs), progress))
    blends: dict[str, dict[int, PatternBlend]] = {drug.name: {} for drug in panel.drugs}
    errors: dict[str, list[dict[Pattern, HeldOutErrors]]] = {drug.name: [] for drug in panel.drugs}
    for test in held_out:
        blends[test.drug][test.fold] = test.blend
        errors[test.drug].append(test.errors)
    for drug, blend in zip(panel.drugs, final_blends, strict=True):
        blends[drug.name][ALL_LINES] = blend
    return CrossValidation(
        predictions=pd.concat([test.predictions for test in held_out], ignore_index=True),
        searches=searches,
        joiners=joiners,
        features=final_features,
        blends=blends,
        errors=errors,
    )


def lines_of_search(fold: int) -> str:
    """The lines that a fold's search sees, in words."""
    return "all lines" if fold == ALL_LINES else f"without fold {fold}"


def lines_of_drug(study: Study, panel: Panel, drug: PanelDrug, features: pd.DataFrame) -> DrugLines:
    """Lines, features and responses of one drug of the panel."""
    return responses_to(study, panel, drug).on(features)


def responses_to(study: Study, panel: Panel, drug: PanelDrug) -> DrugResponses:
    """Responses to one drug of the panel, of all lines that have one."""
    y = panel.values[drug.name].dropna()
    return DrugResponses(
        drug=drug,
        names=y.index,
        y=y.to_numpy(float),
        numbers=panel.values.index.get_indexer(y.index),
        donors=study.donors.loc[y.index].to_numpy(dtype=object),
        lineage=lineage_labels(study).loc[y.index].to_numpy(dtype=object),
    )


@dataclass(frozen=True)
class _FoldTest:
    """What one fold said of one drug."""

    drug: str
    fold: int
    predictions: pd.DataFrame
    blend: PatternBlend
    errors: dict[Pattern, HeldOutErrors]


@in_one_thread
def _search(
    fold: FoldLines, drugs: Sequence[DrugResponses], plan: Plan, shared: SharedSearch | None
) -> SearchResult:
    """Choose settings on the training lines."""
    known = [fold.training_lines(drug) for drug in drugs]
    return search_settings(known, plan.trials, plan.seed, shared, plan.device)


@in_one_thread
def _test_methods(
    fold: FoldLines, responses: DrugResponses, parameters: dict[str, Any], seed: int
) -> _FoldTest | None:
    """Fit every method on the training lines and predict the test lines; None without any."""
    known, held_out = fold.training_lines(responses), fold.test_lines(responses)
    if not len(held_out.y):
        return None
    blend = _fit_blend(known, parameters, seed)
    marker = responses.drug.marker
    baselines = {
        "drug_mean": DrugMean(),
        "lineage_mean": GroupMean(pd.Series(responses.lineage, index=responses.names)),
        "marker": SingleMarker((f"expression:{marker}", f"rppa:{marker}")),
    }
    predicted = {
        "blend": blend.predict(held_out.X),
        **dict(zip(("ridge", "trees"), blend.member_predictions(held_out.X).T, strict=True)),
    }
    for name, baseline in baselines.items():
        predicted[name] = baseline.fit(known.X, known.y, known.donors).predict(held_out.X)
    table = pd.DataFrame(
        {
            "drug": responses.drug.name,
            "sample_id": held_out.X.index,
            "donor": held_out.donors,
            "lineage": held_out.lineage,
            "fold": fold.number,
            "observed": held_out.y,
            "train_mean": known.y.mean(),
            **predicted,
        }
    )
    nearest = NearestLines().fit(known.X, list(known.donors))
    errors = held_out_errors(blend, fold.number, nearest, held_out.X, held_out.y, held_out.numbers)
    return _FoldTest(responses.drug.name, fold.number, table, blend, errors)


@in_one_thread
def _fit_final(
    fold: FoldLines, responses: DrugResponses, parameters: dict[str, Any], seed: int
) -> PatternBlend:
    """Fit the blend on all lines of a drug."""
    return _fit_blend(fold.training_lines(responses), parameters, seed)


def _fit_blend(known: DrugLines, parameters: dict[str, Any], seed: int) -> PatternBlend:
    blend = PatternBlend(known.target_features, seed=seed, **parameters)
    return blend.fit(known.lines, known.y, known.donors)


def _counted(
    results: Iterable[_Result], stage: str, total: int, progress: Progress | None
) -> Iterator[_Result]:
    for done, result in enumerate(results, start=1):
        _tell(progress, stage, done, total)
        yield result


def _tell(progress: Progress | None, stage: str, done: int, total: int) -> None:
    if progress is not None:
        progress(stage, done, total)
