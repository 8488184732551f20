"""Accuracy of each method on held-out lines, and what each modality adds.

    python -m benchmarks.accuracy pancan
    python -m benchmarks.accuracy breast --repeats 3
    python -m benchmarks.accuracy pancan --only random_forest
    python -m benchmarks.accuracy pancan --only baselines --no-ablation

Every method is tested on the same outer folds and the same features, and learns nothing from a
test line. `blend` is tuned by Optuna inside each fold, as `sidestep train` does; the ablations
use its default settings. r is taken within folds, and beside it over all folds at once (pooled).
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import RegressorMixin
from sklearn.ensemble import RandomForestRegressor

from benchmarks.elastic_net import ScreenedElasticNet
from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.base import ResponseEstimator
from sidestep.models.estimators.baselines import GroupMean, SingleMarker
from sidestep.models.estimators.blend import Blend
from sidestep.training.validation.cross_validation import (
    METHODS,
    Plan,
    cross_validate,
    fit_features,
    lines_of_drug,
    split_lines,
)
from sidestep.training.validation.lines import DrugLines
from sidestep.training.validation.metrics import correlation, pearson, within_folds
from sidestep.training.validation.panel import Panel, choose_panel

BREAST = ("Lapatinib", "BIBW2992", "Erlotinib", "Gefitinib", "Everolimus")
PANCAN = (
    "Lapatinib", "Afatinib", "Sapitinib", "Erlotinib", "Gefitinib", "Osimertinib", "Crizotinib",
    "BI-2536", "BMS-754807", "Linsitinib", "MK-2206", "AZD8055", "Alpelisib", "Trametinib",
    "Palbociclib", "Dasatinib", "Taselisib", "Savolitinib", "AZD5363", "Selumetinib-1736",
    "Ribociclib", "Alisertib", "AZD4547",
)  # fmt: skip
STUDIES = {
    "breast": ("breast_cell_lines", "gi50", BREAST),
    "pancan": ("pancan_cell_lines", "ln_ic50_gdsc2", PANCAN),
}
MODALITIES = ("expression", "rppa", "mutation", "copy_number")


def main() -> None:
    """Print the accuracy table and the ablation table of one study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=sorted(STUDIES))
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=1, help="fold assignments, seeds 0, 1 ...")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--only", choices=["ours", "baselines", *OTHERS], help="one family of methods"
    )
    parser.add_argument("--no-ablation", action="store_true")
    options = parser.parse_args()
    folder, response, drugs = STUDIES[options.study]
    shared = Path(os.environ.get("SIDESTEP_SHARED", "../shared"))
    study = read_study(shared / "studies" / folder)
    panel = choose_panel(study, study.response(response), drugs=drugs, panel="all", min_lines=20)
    print(f"{folder}, {response}: {len(panel.values)} lines, {len(panel.drugs)} drugs, 5 folds by")
    print(f"donor, {options.repeats} fold assignment(s); Pearson r within folds, and pooled\n")
    started = time.perf_counter()
    repeats = [
        compare(
            study,
            panel,
            Plan(trials=options.trials, seed=seed, jobs=options.jobs, repeats=1),
            [options.only] if options.only else ["ours", *OTHERS],
        )
        for seed in range(options.repeats)
    ]
    table = pd.concat(repeats).groupby(level=0, sort=False).mean()
    print(table.round(3).to_string(), "\n")
    print(mean_with_interval(table).to_string())
    means = table.mean()
    if {"blend", "random_forest"} <= set(means.index):
        print(f"\nblend / random forest: {means['blend'] / means['random_forest']:.3f}")
    print(f"{time.perf_counter() - started:.0f} s\n")
    if not options.no_ablation:
        print("blend at default settings, with and without each modality (mean r over drugs)")
        print(ablation(study, panel, Plan(jobs=options.jobs)).round(3).to_string())


def compare(study: Study, panel: Panel, plan: Plan, families: Sequence[str]) -> pd.DataFrame:
    """Out-of-fold r, drugs x methods (within folds, and pooled), on one fold assignment."""
    found: dict[str, tuple[pd.DataFrame, str]] = {}
    for family in families:
        if family == "ours":
            ours = cross_validate(study, panel, plan).predictions
            found |= {name: (ours, name) for name in METHODS}
        elif family == "baselines":
            for name, make in BASELINES.items():
                found[name] = (out_of_fold(study, panel, plan, make), "predicted")
        else:
            make = partial(OTHERS[family], seed=plan.seed)
            found[family] = (out_of_fold(study, panel, plan, make), "predicted")
    within = {name: by_drug(*of_method) for name, of_method in found.items()}
    over_all = {f"{name}, pooled": pooled(*of_method) for name, of_method in found.items()}
    return pd.DataFrame(within | over_all).assign(n=panel.values.notna().sum())


def ablation(study: Study, panel: Panel, plan: Plan) -> pd.DataFrame:
    """Mean r of the blend with all modalities, without each one, and with each one alone."""
    present = [name for name in MODALITIES if name in study.profiled()]
    sets = {"all": present}
    sets |= {f"without {name}": [m for m in present if m != name] for name in present}
    sets |= {f"{name} alone": [name] for name in present}
    rows = {}
    for label, chosen in sets.items():
        limited = Plan(plan.folds, 0, plan.seed, plan.jobs, tuple(chosen))
        predicted = out_of_fold(
            study,
            panel,
            limited,
            lambda lines: Blend(lines.target_features, lines.markers, seed=plan.seed),
        )
        rows[label] = {"mean r": by_drug(predicted, "predicted").mean()}
    return pd.DataFrame(rows).T


def out_of_fold(
    study: Study, panel: Panel, plan: Plan, make: Callable[[DrugLines], RegressorMixin]
) -> pd.DataFrame:
    """`drug, fold, observed, predicted` of an estimator on the outer folds of `cross_validate`."""
    lines = panel.values.index
    tables: list[pd.DataFrame] = Parallel(n_jobs=plan.jobs)(
        delayed(_predict)(make(data), data.among(train), data.among(test), fold)
        for fold, (train, test) in enumerate(split_lines(study, lines, plan))
        for data in _data(study, panel, train, plan)
    )
    return pd.concat(tables, ignore_index=True)


def mean_with_interval(table: pd.DataFrame, n_bootstrap: int = 2000) -> pd.DataFrame:
    """Mean r over drugs with a 95 % bootstrap interval over drugs."""
    values = table.drop(columns="n")
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(values), size=(n_bootstrap, len(values)))
    drawn = values.to_numpy()[draws].mean(axis=1)
    bounds = np.percentile(drawn, [2.5, 97.5], axis=0)
    summary = pd.DataFrame({"mean r": values.mean(), "lower": bounds[0], "upper": bounds[1]})
    return summary.round(3)


def _data(study: Study, panel: Panel, train: pd.Index, plan: Plan) -> Iterator[DrugLines]:
    _, features = fit_features(study, train, panel.values.index, plan)
    for drug in panel.drugs:
        yield lines_of_drug(study, panel, drug, features)


def _elastic_net(lines: DrugLines, seed: int) -> RegressorMixin:
    return ScreenedElasticNet(lines.target_features, seed=seed)


def _random_forest(lines: DrugLines, seed: int) -> RegressorMixin:
    """Scikit-learn's 100 trees with a third of the features a split, better than 0.1 or sqrt."""
    return RandomForestRegressor(max_features=1 / 3, random_state=seed)


OTHERS: dict[str, Callable[..., RegressorMixin]] = {
    "elastic_net": _elastic_net,
    "random_forest": _random_forest,
}


BASELINES: dict[str, Callable[[DrugLines], RegressorMixin]] = {
    "lineage_mean": lambda lines: GroupMean(pd.Series(lines.lineage, index=lines.X.index)),
    "marker": lambda lines: SingleMarker(lines.markers),
}


def _predict(
    model: RegressorMixin, known: DrugLines, held_out: DrugLines, fold: int
) -> pd.DataFrame:
    if isinstance(model, ResponseEstimator):
        model.fit(known.X, known.y, known.donors)
    else:
        model.fit(known.X, known.y)
    predicted = model.predict(held_out.X) if len(held_out.y) else []
    found = {"fold": fold, "observed": held_out.y, "predicted": predicted}
    return pd.DataFrame({"drug": known.drug.name, **found})


def by_drug(predictions: pd.DataFrame, column: str) -> pd.Series:
    """Pearson r within folds of each drug, as `sidestep train` gives it."""
    found = {}
    for drug, lines in predictions.groupby("drug", sort=False):
        observed, predicted = (lines[name].to_numpy(float) for name in ("observed", column))
        once = np.ones((1, len(lines)))
        found[drug] = within_folds(
            correlation, observed, predicted, lines["fold"].to_numpy(), once
        )[0]
    return pd.Series(found)


def pooled(predictions: pd.DataFrame, column: str) -> pd.Series:
    """Pearson r of each drug over all folds at once, where training means run against lines."""
    return pd.Series(
        {
            drug: pearson(lines["observed"].to_numpy(float), lines[column].to_numpy(float))
            for drug, lines in predictions.groupby("drug", sort=False)
        }
    )


if __name__ == "__main__":
    main()
