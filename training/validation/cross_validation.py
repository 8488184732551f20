"""Nested cross-validation: every number here comes from lines that the model had not seen.

Settings are chosen by an inner cross-validation on the training lines of each outer fold, since
an error that was minimised over settings is no estimate of the error on new lines: Varma and
Simon, BMC Bioinformatics 7:91 (2006), doi:10.1186/1471-2105-7-91.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.builders.regimen import her2_status
from sidestep.features.groups import lineage_labels, receptor_columns
from sidestep.features.study.responses import BINARY
from sidestep.features.study.study import Study
from sidestep.models.engines.local import Engine, LocalEngine
from sidestep.models.estimators.folds import donor_folds, lineage_folds
from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.estimators.patterns import Pattern
from sidestep.models.estimators.trees import CPU
from sidestep.models.reliability.applicability import NearestLines
from sidestep.models.reliability.calibration import BetaCalibration
from sidestep.models.reliability.intervals import HeldOutErrors, held_out_errors
from sidestep.training.validation.elsewhere import Elsewhere
from sidestep.training.validation.lines import DrugLines, DrugResponses, FoldLines, in_one_thread
from sidestep.training.validation.panel import Panel, PanelDrug
from sidestep.training.validation.rivals import baselines_of
from sidestep.training.validation.search import SearchResult, drawn_drugs, search_settings
from sidestep.training.validation.shared_search import SharedSearch, SharedSearches
from sidestep.training.validation.yardsticks import BASELINES

#: Methods of a continuous response, in the order of tables.
METHODS = ("blend", "ridge", "trees", *BASELINES)
#: What a search on every line of the panel is called.
# Assignments to folds are drawn by seeds far apart, so that no seed of a fold's trees comes twice.
_APART = 10_000
# Metrics of fewer lines than this depend on which lines are held out together.
_FEW_LINES = 100
ALL_LINES = "all lines"
#: What is held out together: the lines of a donor, or of a lineage.
DONOR, LINEAGE = "donor", "lineage"
SPLITS = (DONOR, LINEAGE)
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
    repeats : int, optional
        Assignments to folds, one after the other; metrics are their mean. 3 by default for a panel
        of fewer than 100 lines, of which another assignment gives other numbers, else 1. Models,
        intervals and explanations are those of the first. 1 by default where lineages are split.
    split : {"donor", "lineage"}
        What the outer folds hold out together; lines of one donor are never parted.
    regimen : tuple of (str, str), optional
        Clinical attributes that tell a patient's regimen, and the drugs given (may be empty).
    """

    folds: int = 5
    trials: int = 20
    seed: int = 0
    jobs: int = 2
    modalities: tuple[str, ...] | None = None
    clinical: tuple[str, ...] = ()
    device: str = CPU
    repeats: int | None = None
    split: str = DONOR
    regimen: tuple[str, str] | None = None

    @property
    def held_out(self) -> str:
        """What is held out, in words."""
        return "lineage, each held out whole" if self.split == LINEAGE else "donor"

    def assignments(self, n_lines: int) -> int:
        """How often a panel of so many lines is assigned to folds."""
        return self.repeats or (3 if n_lines < _FEW_LINES and self.split == DONOR else 1)


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold predictions, and the models that learned from all lines and without each fold.

    Attributes
    ----------
    predictions : DataFrame
        One row a drug and line: `drug, sample_id, donor, lineage, fold, observed, train_mean`
        and one column a method (`Yardstick.methods`); of the first assignment to folds. Methods of
        a binary response are on the log-odds, and `train_mean` is the training rate.
    repeated : DataFrame
        The same of all assignments to folds; `repeat` numbers them from 0.
    search : SearchResult
        The search on all lines, for the final models.
    fold_searches : mapping of int to SearchResult
        Fold -> the search on the other folds' lines.
    joiner : FeatureJoiner
        Fitted on all lines.
    fold_joiners : mapping of int to FeatureJoiner
        Fold -> fitted without its lines.
    features : DataFrame
        All lines x features, by the final joiner.
    folds : ndarray of int, shape (n_lines,)
        Fold that held out each of these lines, whatever the drug.
    blends : mapping of str to PatternBlend
        Drug -> final model.
    fold_blends : mapping of str to mapping of int to PatternBlend
        Drug -> fold -> model fitted without its lines. A fold that holds no line of the drug is
        left out.
    errors : mapping of str to list
        Drug -> errors of every sub-model on the held-out lines, a fold each.
    """

    predictions: pd.DataFrame
    repeated: pd.DataFrame
    search: SearchResult
    fold_searches: dict[int, SearchResult]
    joiner: FeatureJoiner
    fold_joiners: dict[int, FeatureJoiner]
    features: pd.DataFrame
    folds: np.ndarray
    blends: dict[str, PatternBlend]
    fold_blends: dict[str, dict[int, PatternBlend]]
    errors: dict[str, list[dict[Pattern, HeldOutErrors]]]

    def trials(self) -> pd.DataFrame:
        """Every trial of every search; the column `search` says which lines the search saw."""
        searches = {ALL_LINES: self.search} | {
            lines_without(fold): search for fold, search in self.fold_searches.items()
        }
        tables = [result.trials.assign(search=lines) for lines, result in searches.items()]
        filled = [table for table in tables if len(table)]
        return pd.concat(filled or tables[:1], ignore_index=True)


def split_lines(
    study: Study,
    lines: pd.Index,
    plan: Plan,
    repeat: int = 0,
    strata: pd.Series | None = None,
) -> list[tuple[pd.Index, pd.Index]]:
    """Outer folds (training lines, test lines), one split for all drugs.

    By donor, stratified by lineage or subtype (or by `strata`), or by whole lineages as the plan
    says; every `repeat` is another assignment.

    Raises
    ------
    InputError
        If the lines cannot be split so.
    """
    lineages = lineage_labels(study).reindex(lines)
    donors = study.donors.reindex(lines).to_numpy(dtype=object)
    seed = plan.seed + _APART * repeat
    if plan.split == LINEAGE:
        known = lineages.fillna("").to_numpy(dtype=object)
        folds = lineage_folds(donors, known, plan.folds, seed)
    else:
        told = lineages if strata is None else strata.reindex(lines)
        folds = donor_folds(donors, plan.folds, seed, told.fillna("unknown").to_numpy(dtype=object))
    return [(lines[train], lines[test]) for train, test in folds]


def outcome_strata(study: Study, panel: Panel, plan: Plan) -> pd.Series | None:
    """What folds of a panel are stratified by in the place of lineages; None for lineages.

    Of a binary response it is the outcome with the HER2 status and the regimen, so that each fold
    has its share of the few responders of each; where they are fewer than folds, without regimen.
    """
    if panel.response.kind != BINARY:
        return None
    lines = panel.values.index
    outcome = panel.values.iloc[:, 0].map({0.0: "none", 1.0: "response"}).fillna("unknown")
    strata: pd.Series = outcome + " " + her2_status(study).reindex(lines).astype(str)
    if plan.regimen is None:
        return strata
    finer = strata + " " + study.clinical.loc[lines, plan.regimen[0]].astype(str)
    enough = finer.map(finer.value_counts()) >= plan.folds
    strata = finer.where(enough, strata)
    return strata


def _folds_of(lines: pd.Index, splits: Sequence[_Split]) -> np.ndarray:
    """Fold of the first assignment that holds each line out, (n_lines,)."""
    folds = np.full(len(lines), -1)
    for split in splits:
        if split.repeat == 0:
            folds[lines.get_indexer(split.test)] = split.number
    return folds


def fit_features(
    study: Study, train: pd.Index, lines: pd.Index, plan: Plan
) -> tuple[FeatureJoiner, pd.DataFrame]:
    """Features of `lines`, every statistic of them learned from the lines `train` alone."""
    joiner = FeatureJoiner(plan.modalities, plan.clinical, regimen=plan.regimen)
    joiner.fit(study.select(list(train)))
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
        Called with a stage's name, the steps of it that ended, and how many it has.
    engine : Engine, optional
        Open; processes of this machine by default, as many as the plan has jobs.
    shared : SharedSearches, optional
        Where other workers do some of the searches' trials.
    """
    if engine is None:
        with LocalEngine(plan.jobs) as processes:
            return cross_validate(study, panel, plan, progress, processes, shared)
    lines = panel.values.index
    strata = outcome_strata(study, panel, plan)
    splits = [
        _Split(repeat, number, *split)
        for repeat in range(plan.assignments(len(lines)))
        for number, split in enumerate(split_lines(study, lines, plan, repeat, strata))
    ]
    joiner, features = fit_features(study, lines, lines, plan)
    all_lines = engine.share(FoldLines.of(features, lines, lines[:0]))
    _report(progress, "features", 1, 1 + len(splits))
    fold_joiners: dict[int, FeatureJoiner] = {}
    folds: list[_Fold] = []
    for split in splits:
        fold_joiner, fold_features = fit_features(study, split.train, lines, plan)
        if split.repeat == 0:
            fold_joiners[split.number] = fold_joiner
        shared_lines = engine.share(FoldLines.of(fold_features, split.train, split.test))
        folds.append(_Fold(split.repeat, split.number, shared_lines))
        _report(progress, "features", 1 + len(folds), 1 + len(splits))
    responses = [responses_to(study, panel, drug, plan) for drug in panel.drugs]
    work = _Work(engine, plan, responses, progress)
    search, *fold_searches = work.search(all_lines, folds, shared)
    tests = work.test(folds, fold_searches)
    blends = work.fit(all_lines, search)
    names = [drug.name for drug in panel.drugs]
    repeated = pd.concat([test.predictions for test in tests], ignore_index=True)
    first = repeated["repeat"] == 0
    return CrossValidation(
        predictions=repeated[first].drop(columns="repeat").reset_index(drop=True),
        repeated=repeated,
        search=search,
        fold_searches=dict(enumerate(fold_searches[: len(fold_joiners)])),
        joiner=joiner,
        fold_joiners=fold_joiners,
        features=features,
        folds=_folds_of(lines, splits),
        blends=dict(zip(names, blends, strict=True)),
        fold_blends={
            name: {
                test.fold: test.blend
                for test in tests
                if test.drug == name and test.blend is not None
            }
            for name in names
        },
        errors={
            name: [test.errors for test in tests if test.drug == name and test.errors]
            for name in names
        },
    )


def lines_without(fold: int, repeat: int = 0) -> str:
    """The lines outside a fold, in words."""
    return f"without fold {fold}" + (f" of assignment {repeat + 1}" if repeat else "")


def lines_of_drug(study: Study, panel: Panel, drug: PanelDrug, features: pd.DataFrame) -> DrugLines:
    """Lines, features and responses of one drug of the panel."""
    return responses_to(study, panel, drug).on(features)


def responses_to(
    study: Study, panel: Panel, drug: PanelDrug, plan: Plan | None = None
) -> DrugResponses:
    """Responses to one drug of the panel, of all lines that have one.

    The regimens are those that the plan tells.
    """
    y = panel.values[drug.name].dropna()
    clinical = study.clinical.loc[y.index]
    regimen = pd.Series("", index=y.index, dtype=object)
    if plan is not None and plan.regimen is not None:
        regimen = clinical[plan.regimen[0]].astype(object).fillna("")
    receptors = pd.Series("", index=y.index, dtype=object)
    if drug.kind == BINARY:
        for name in receptor_columns(study):
            receptors = receptors + clinical[name].astype(object).fillna("unknown") + " "
    return DrugResponses(
        drug=drug,
        names=y.index,
        y=y.to_numpy(float),
        numbers=panel.values.index.get_indexer(y.index),
        donors=study.donors.loc[y.index].to_numpy(dtype=object),
        lineage=lineage_labels(study).loc[y.index].to_numpy(dtype=object),
        errors=panel.errors_of(drug.name, y.index),
        elsewhere=_elsewhere(study, panel, drug),
        regimen=regimen.to_numpy(dtype=str),
        receptors=receptors.to_numpy(dtype=str),
    )


def _elsewhere(study: Study, panel: Panel, drug: PanelDrug) -> Elsewhere | None:
    """What other screens measured of a drug."""
    values = panel.elsewhere.get(drug.name)
    if values is None:
        return None
    return Elsewhere(
        values=values,
        numbers=panel.values.index.get_indexer(values.index),
        donors=study.donors.loc[values.index].to_numpy(dtype=object),
        lineage=lineage_labels(study).loc[values.index].to_numpy(dtype=object),
    )


@dataclass(frozen=True)
class _FoldTest:
    """Predictions for one drug's lines of one fold, by models that had not seen the fold."""

    drug: str
    fold: int
    predictions: pd.DataFrame
    blend: PatternBlend | None
    errors: dict[Pattern, HeldOutErrors]


@dataclass(frozen=True)
class _Split:
    """Training and test lines of one fold of one assignment to folds."""

    repeat: int
    number: int
    train: pd.Index
    test: pd.Index


@dataclass(frozen=True)
class _Fold:
    """The lines of one fold of one assignment, as processes share them."""

    repeat: int
    number: int
    lines: FoldLines


@dataclass(frozen=True)
class _Work:
    """The independent tasks of a cross-validation: searches, tests, and final fits.

    `responses` are those to each drug of the panel.
    """

    engine: Engine
    plan: Plan
    responses: Sequence[DrugResponses]
    progress: Progress | None

    def search(
        self, all_lines: FoldLines, folds: Sequence[_Fold], shared: SharedSearches | None
    ) -> list[SearchResult]:
        """Settings chosen on all lines, then on the training lines of each fold."""
        drugs = drawn_drugs([responses.drug for responses in self.responses], self.plan.seed)
        drawn = [responses for responses in self.responses if responses.drug in drugs]
        named = {ALL_LINES: all_lines} | {
            lines_without(fold.number, fold.repeat): fold.lines for fold in folds
        }
        # All workers of a shared search come to the same result.
        workers = 1 if shared is None else shared.workers
        results = self.engine.map(
            _search,
            (
                (lines, drawn, self.plan, None if shared is None else shared.of(name))
                for name, lines in named.items()
                for _ in range(workers)
            ),
        )
        return list(self._counted(results, "search", len(named) * workers))[::workers]

    def test(self, folds: Sequence[_Fold], searches: Sequence[SearchResult]) -> list[_FoldTest]:
        """Every drug in every fold that holds a line of it, fold by fold."""
        parameters = [search.settings.blend_parameters(self.plan.device) for search in searches]
        results = self.engine.map(
            _test_methods,
            (
                # A fold's trees have a seed of their own: where the folds' explanations agree, it
                # is not by the seed.
                (
                    fold.lines,
                    fold.repeat,
                    fold.number,
                    responses,
                    chosen,
                    self.plan.seed + 1 + fold.number + _APART * fold.repeat,
                )
                for fold, chosen in zip(folds, parameters, strict=True)
                for responses in self.responses
            ),
        )
        total = len(folds) * len(self.responses)
        return [test for test in self._counted(results, "test", total) if test is not None]

    def fit(self, all_lines: FoldLines, search: SearchResult) -> list[PatternBlend]:
        """The final model of every drug."""
        parameters = search.settings.blend_parameters(self.plan.device)
        results = self.engine.map(
            _fit_final,
            ((all_lines, responses, parameters, self.plan.seed) for responses in self.responses),
        )
        return list(self._counted(results, "fit", len(self.responses)))

    def _counted(self, results: Iterable[_Result], stage: str, total: int) -> Iterator[_Result]:
        for done, result in enumerate(results, start=1):
            _report(self.progress, stage, done, total)
            yield result


@in_one_thread
def _search(
    fold: FoldLines, drugs: Sequence[DrugResponses], plan: Plan, shared: SharedSearch | None
) -> SearchResult:
    """Choose settings on the training lines."""
    training = [fold.training_lines(drug) for drug in drugs]
    return search_settings(training, plan.trials, plan.seed, shared, plan.device)


@in_one_thread
def _test_methods(
    fold: FoldLines,
    repeat: int,
    number: int,
    responses: DrugResponses,
    parameters: dict[str, Any],
    seed: int,
) -> _FoldTest | None:
    """Fit every method on the training lines and predict the test lines; None without any.

    Of the first assignment to folds the model and its errors are kept.
    """
    training, held_out = fold.training_lines(responses), fold.test_lines(responses)
    if not len(held_out.y):
        return None
    blend = _fit_blend(training, parameters, seed)
    baselines = baselines_of(training, responses)
    predicted = {
        "blend": blend.predict(held_out.X),
        **dict(zip(("ridge", "trees"), blend.member_predictions(held_out.X).T[:2], strict=True)),
    }
    calibrator = inner_calibration(blend, training.y)
    if calibrator is not None:
        predicted["calibrated"] = calibrator.calibrated(predicted["blend"])
    for name, baseline in baselines.items():
        predicted[name] = baseline.fit(training.X, training.y, training.donors).predict(held_out.X)
    table = pd.DataFrame(
        {
            "drug": responses.drug.name,
            "sample_id": held_out.X.index,
            "donor": held_out.donors,
            "lineage": held_out.lineage,
            "repeat": repeat,
            "fold": number,
            "observed": held_out.y,
            "train_mean": training.y.mean(),
            **predicted,
        }
    )
    if repeat:
        return _FoldTest(responses.drug.name, number, table, None, {})
    nearest = NearestLines().fit(training.X, list(training.donors))
    errors = held_out_errors(blend, number, nearest, held_out.X, held_out.y, held_out.numbers)
    return _FoldTest(responses.drug.name, number, table, blend, errors)


@in_one_thread
def _fit_final(
    fold: FoldLines, responses: DrugResponses, parameters: dict[str, Any], seed: int
) -> PatternBlend:
    """Fit the blend on all lines of a drug."""
    return _fit_blend(fold.training_lines(responses), parameters, seed)


def _fit_blend(training: DrugLines, parameters: dict[str, Any], seed: int) -> PatternBlend:
    blend = PatternBlend(
        training.target_features,
        training.markers,
        gates=training.gates or None,
        axes=training.axes or None,
        kind=training.drug.kind,
        seed=seed,
        **parameters,
    )
    return blend.fit(training.lines, training.y, training.donors)


def inner_calibration(blend: PatternBlend, y: np.ndarray) -> BetaCalibration | None:
    """Calibration of a binary response by the training patients alone, out of inner folds.

    None of a continuous response.
    """
    full = blend.blends_[blend.patterns[0]]
    if blend.kind != BINARY or not hasattr(full, "held_out_"):
        return None
    return BetaCalibration.of(full.held_out_, y)


def _report(progress: Progress | None, stage: str, done: int, total: int) -> None:
    if progress is not None:
        progress(stage, done, total)
