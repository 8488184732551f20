"""Time to learn a panel, beside a random search over boosted trees a drug.

    python -m benchmarks.train --drugs 3
    python -m benchmarks.train --seconds 3600

Ours is the full nested cross-validation of `cross_validation` with its search, sub-models
and final models, on a panel of 20 drugs of the pan-cancer lines. The other is scikit-learn's
RandomizedSearchCV over XGBRegressor, for every drug and outer fold: the same outer folds, features,
number of trials, inner folds by donor, ranges of the trees' settings, seed and processes; all
features, and no final model. It takes hours on 20 drugs, so it is run on `--drugs` of them, drawn
by `--seed`, or for `--seconds` (the drug that is then at work is finished). Its time on 20 is
extrapolated from the drugs that it did, all of a kind; a number marked ~ is. r is Pearson's within
a drug, out of fold, on the drugs that both did; the interval of the difference draws donors.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import loguniform, randint, uniform
from sklearn.model_selection import RandomizedSearchCV
from xgboost import XGBRegressor

from benchmarks.accuracy import PANCAN, STUDIES
from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.folds import donor_folds
from sidestep.training.validation.comparison import compare, pair
from sidestep.training.validation.cross_validation import (
    Plan,
    cross_validate,
    fit_features,
    responses_to,
    split_lines,
)
from sidestep.training.validation.lines import DrugLines
from sidestep.training.validation.panel import Panel, choose_panel

PANEL = PANCAN[:20]
INNER_FOLDS = 3
# The ranges of `training.validation.search`; the number of features has no counterpart.
RANGES = {
    "n_estimators": np.geomspace(60, 400, 100).astype(int).tolist(),
    "learning_rate": loguniform(0.02, 0.15),
    "max_depth": randint(2, 6),
    "min_child_weight": loguniform(1, 10),
    "subsample": uniform(0.5, 0.5),
    "colsample_bynode": loguniform(0.05, 0.5),
    "reg_lambda": loguniform(0.1, 10),
}


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--drugs", type=int, default=len(PANEL), help="of the random search")
    parser.add_argument("--seconds", type=float, default=np.inf, help="of the random search")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder, response, _ = STUDIES["pancan"]
    shared = Path(os.environ.get("SIDESTEP_SHARED", "../shared"))
    study = read_study(shared / "studies" / folder)
    panel = choose_panel(study, study.response(response), drugs=PANEL, panel="all", min_lines=20)
    plan = Plan(options.folds, options.trials, options.seed, options.jobs)
    print(f"{folder}, {response}: {len(panel.values)} lines, {len(panel.drugs)} drugs,")
    print(f"{plan.folds} outer folds, {plan.trials} trials, {plan.jobs} processes\n", flush=True)
    started = time.perf_counter()
    ours = cross_validate(study, panel, plan).predictions
    our_seconds = time.perf_counter() - started
    print(f"ours: {our_seconds:.0f} s for {len(panel.drugs)} drugs", flush=True)
    order = np.random.default_rng(plan.seed).permutation(len(panel.drugs))[: options.drugs]
    done, seconds = [], []
    for name, predictions, took in searched(study, panel, plan, order):
        done.append(predictions)
        seconds.append(took)
        print(f"random search: {took:.0f} s for {name}", flush=True)
        if sum(seconds) > options.seconds:
            break
    print("\n" + summary(ours, our_seconds, pd.concat(done), seconds, len(panel.drugs)))


def searched(
    study: Study, panel: Panel, plan: Plan, order: np.ndarray
) -> Iterator[tuple[str, pd.DataFrame, float]]:
    """Name, out-of-fold predictions and seconds of each drug by random search.

    A drug's share of the time that all drugs' features take is in its seconds.
    """
    lines = panel.values.index
    started = time.perf_counter()
    splits = split_lines(study, lines, plan)
    features = [fit_features(study, train, lines, plan)[1] for train, _ in splits]
    shared = (time.perf_counter() - started) / len(panel.drugs)
    for number in order:
        drug = panel.drugs[number]
        responses = responses_to(study, panel, drug)
        started = time.perf_counter()
        tables = [
            _test(responses.on(X.loc[train]), responses.on(X.loc[test]), fold, plan)
            for fold, ((train, test), X) in enumerate(zip(splits, features, strict=True))
        ]
        yield drug.name, pd.concat(tables), shared + time.perf_counter() - started


def _test(known: DrugLines, held_out: DrugLines, fold: int, plan: Plan) -> pd.DataFrame:
    """Search on the training lines, refit, and predict the test lines."""
    search = RandomizedSearchCV(
        XGBRegressor(tree_method="hist", n_jobs=1, random_state=plan.seed),
        RANGES,
        n_iter=plan.trials,
        scoring="neg_mean_squared_error",
        cv=donor_folds(known.donors, INNER_FOLDS, plan.seed),
        n_jobs=plan.jobs,
        random_state=plan.seed,
    )
    search.fit(known.X.to_numpy(np.float32), known.y)
    return pd.DataFrame(
        {
            "drug": known.drug.name,
            "sample_id": held_out.X.index,
            "donor": held_out.donors,
            "fold": fold,
            "observed": held_out.y,
            "train_mean": known.y.mean(),
            "blend": search.predict(held_out.X.to_numpy(np.float32)).astype(float),
        }
    )


def summary(
    ours: pd.DataFrame, our_seconds: float, theirs: pd.DataFrame, seconds: list[float], n: int
) -> str:
    """Times, their ratio, and both mean r."""
    total = float(np.mean(seconds)) * n
    about = "" if len(seconds) == n else "~"
    result = compare(pair(theirs, ours))
    means = result.drugs[["pearson_a", "pearson_b"]].mean()
    spread = f"{np.min(seconds):.0f} to {np.max(seconds):.0f}"
    return "\n".join(
        [
            f"{'':<16}{'s a drug':>18}{f's for {n} drugs':>18}{'mean r':>10}",
            f"{'random search':<16}{f'{np.median(seconds):.0f} ({spread})':>18}"
            f"{f'{about}{total:.0f}':>18}{means['pearson_a']:>10.3f}",
            f"{'ours':<16}{our_seconds / n:>18.1f}{our_seconds:>18.0f}{means['pearson_b']:>10.3f}",
            f"\nours is {about}{total / our_seconds:.1f} times as fast; {result.numbers}",
            result.drugs.round(3).to_string(),
        ]
    )


if __name__ == "__main__":
    main()
