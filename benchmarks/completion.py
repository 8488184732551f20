"""Does a second blend that learns from completed responses of all screens predict better?

    python -m benchmarks.completion pancan
    python -m benchmarks.completion breast --repeats 3

Both blends have default settings and the same features of the fold. The first is fitted to the
drug's responses, as `sidestep train` does. The second is fitted, on all lines of the study that
have any response and whose donor is not held out, to responses that are half observed and half
completed by a low-rank factorisation of all drugs and screens (`completed alone`); where the line
was not tested, completed. `both` is the mean of the two. Settings of the factorisation are fixed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.accuracy import STUDIES
from benchmarks.low_rank import completed_responses, factors_of
from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.blend import Blend
from sidestep.training.validation.cross_validation import (
    Plan,
    fit_features,
    lines_of_drug,
    split_lines,
)
from sidestep.training.validation.metrics import correlation, within_folds
from sidestep.training.validation.panel import Panel, PanelDrug, choose_panel

_METHODS = ("blend", "completed alone", "both")


def main() -> None:
    """Print r within folds of each method by drug, the gain with interval, and the time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=sorted(STUDIES))
    parser.add_argument("--repeats", type=int, default=1, help="fold assignments, seeds 0, 1 ...")
    parser.add_argument("--drugs", help="comma-separated; those of benchmarks.accuracy by default")
    parser.add_argument("--out", type=Path, help="CSV that every fold's predictions are added to")
    options = parser.parse_args()
    folder, response, drugs = STUDIES[options.study]
    shared = Path(os.environ.get("SIDESTEP_SHARED", "../shared"))
    study = read_study(shared / "studies" / folder)
    chosen = options.drugs.split(",") if options.drugs else drugs
    panel = choose_panel(study, study.response(response), drugs=chosen, panel="all", min_lines=20)
    screens = all_responses(study)
    print(f"{folder}: {len(panel.values)} lines of the panel, {len(screens)} of any response to")
    print(f"{screens.shape[1]} drugs and screens", flush=True)
    parts = []
    with threadpool_limits(1):
        for part in folds(study, panel, screens, options.repeats):
            parts.append(part)
            if options.out:
                part.to_csv(options.out, mode="a", header=len(parts) == 1, index=False)
    report(pd.concat(parts, ignore_index=True))


def all_responses(study: Study) -> pd.DataFrame:
    """Lines that have any response x drugs of all response files of a study."""
    tables = {name: study.response(name).values for name in study.response_files}
    return pd.concat(tables, axis=1).reindex(study.samples).dropna(how="all")


def folds(
    study: Study, panel: Panel, screens: pd.DataFrame, repeats: int
) -> Iterator[pd.DataFrame]:
    """Held-out predictions of every drug in every fold, a table each."""
    lines = panel.values.index
    every = lines.union(screens.index, sort=False)
    for seed in range(repeats):
        plan = Plan(seed=seed)
        for fold, (train, test) in enumerate(split_lines(study, lines, plan)):
            _, features = fit_features(study, train, every, plan)
            held_out = set(study.donors.loc[test])
            known = screens[~study.donors.loc[screens.index].isin(held_out).to_numpy()]
            values = known.to_numpy(float)
            completed = pd.DataFrame(
                completed_responses(values, factors_of(*values.shape)), known.index, known.columns
            )
            for drug in panel.drugs:
                found = _drug(study, panel, drug, features, known, completed, train, test, seed)
                yield found.assign(seed=seed, fold=fold)


def _drug(
    study: Study,
    panel: Panel,
    drug: PanelDrug,
    features: pd.DataFrame,
    known: pd.DataFrame,
    completed: pd.DataFrame,
    train: pd.Index,
    test: pd.Index,
    seed: int,
) -> pd.DataFrame:
    data = lines_of_drug(study, panel, drug, features)
    first, held_out = data.among(train), data.among(test)
    began = time.process_time()
    blend = Blend(data.target_features, data.markers, seed=seed)
    blend.fit(first.X, first.y, first.donors)
    middle = time.process_time()
    column = (panel.response.stable_id, drug.name)
    target = half_completed(known[column], completed[column])
    second = Blend(data.target_features, data.markers, seed=seed)
    donors = study.donors.loc[target.index].to_numpy(dtype=object)
    second.fit(features.loc[target.index], target.to_numpy(float), donors)
    ended = time.process_time()
    alone = [blend.predict(held_out.X), second.predict(held_out.X)]
    predicted = dict(zip(_METHODS, [*alone, np.mean(alone, axis=0)], strict=True))
    took = {"first_seconds": middle - began, "second_seconds": ended - middle}
    return pd.DataFrame(
        {"drug": drug.name, "line": held_out.X.index, "observed": held_out.y, **predicted, **took}
    )


def half_completed(observed: pd.Series, completed: pd.Series) -> pd.Series:
    """Half of what was observed and half of what the factors say; the latter where untested."""
    both = (observed + completed) / 2
    return both.fillna(completed).dropna()


def report(table: pd.DataFrame) -> None:
    """Print r by drug and the mean gain, with its interval over drugs."""
    rows = {}
    for drug, of_drug in table.groupby("drug", sort=False):
        rows[drug] = pd.DataFrame([_within(part) for _, part in of_drug.groupby("seed")]).mean()
    r = pd.DataFrame(rows).T
    gain = r["both"] - r["blend"]
    print(r.assign(gain=gain).round(3).to_string(), "\n")
    drawn = gain.to_numpy()[np.random.default_rng(0).integers(0, len(gain), (2000, len(gain)))]
    low, high = np.percentile(drawn.mean(axis=1), [2.5, 97.5])
    print(r.mean().round(3).to_string())
    print(
        f"gain {gain.mean():+.3f} ({low:+.3f} to {high:+.3f} over {len(gain)} drugs), "
        f"{int((gain > 0).sum())} up"
    )
    fits = table.drop_duplicates(["drug", "seed", "fold"])[["first_seconds", "second_seconds"]]
    print(f"seconds a fit: {fits.mean().round(2).to_dict()}")


def _within(part: pd.DataFrame) -> dict[str, float]:
    once = np.ones((1, len(part)))
    observed, fold = part["observed"].to_numpy(float), part["fold"].to_numpy()
    return {
        name: float(within_folds(correlation, observed, part[name].to_numpy(float), fold, once)[0])
        for name in _METHODS
    }


if __name__ == "__main__":
    main()
