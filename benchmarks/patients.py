"""How well patients' own labels teach their response, beside the rate, receptors and scores.

    python -m benchmarks.patients
    python -m benchmarks.patients --repeats 4 --folds 5 --trials 20

Patients of the I-SPY2 trial, pathological complete response, learned by regimen: nested
cross-validation by patient, 10 assignments to 10 folds at default settings, without a search
unless `--trials` asks for one. An area is the mean over the assignments, its interval DeLong's;
two areas are compared by DeLong's paired test. Nothing is chosen on the patients held out.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from sidestep.features.builders.regimen import her2_status
from sidestep.features.study.study import read_study
from sidestep.training.retrain import Request, read_panel, settled_plan
from sidestep.training.validation.binary_metrics import calibration, decision_curve
from sidestep.training.validation.cross_validation import Plan, cross_validate
from sidestep.training.validation.roc import roc_areas
from sidestep.training.validation.yardsticks import MODELS, yardstick_of

STUDY, RESPONSE, RESPONDER, REGIMEN = "ispy2_patients", "PCR", "pCR", "ARM_CODE"
_FEWEST_OF_EITHER = 5


def main() -> None:
    """Print areas, Brier scores and calibration, of all patients and of parts of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=0, help="of a search in each fold")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, help="Parquet file of the predictions to write")
    options = parser.parse_args()
    shared = Path(os.environ.get("SIDESTEP_SHARED", "../shared"))
    plan = Plan(
        trials=options.trials, folds=options.folds, repeats=options.repeats, jobs=options.jobs
    )
    predictions, parts = held_out(shared / "studies" / STUDY, plan)
    if options.out is not None:
        predictions.to_parquet(options.out, index=False)
    for line in account(predictions, parts):
        print(line)


def held_out(folder: Path, plan: Plan) -> tuple[pd.DataFrame, dict[str, pd.Series]]:
    """Out-of-fold predictions of all assignments, and the parts of the patients to look at."""
    study = read_study(folder)
    request = Request(
        study, RESPONSE, responders=(RESPONDER,), regimen=REGIMEN, panel="all", plan=plan
    )
    _, panel = read_panel(request)
    validation = cross_validate(study, panel, settled_plan(request, study, panel))
    patients = panel.values.index
    status = her2_status(study).reindex(patients)
    regimen = study.clinical[REGIMEN].reindex(patients)
    parts = {
        "all patients": pd.Series(data=True, index=patients),
        "HER2-positive": status == "positive",
        "HER2-negative": status == "negative",
        **{f"regimen {name}": regimen == name for name in sorted(regimen.dropna().unique())},
    }
    return validation.repeated, parts


def account(predictions: pd.DataFrame, parts: dict[str, pd.Series]) -> Iterator[str]:
    """Lines of the tables, part by part."""
    methods = yardstick_of("binary").methods(predictions)
    for part, members in parts.items():
        some = predictions[predictions["sample_id"].map(members).astype(bool)]
        some = some.sort_values(["repeat", "sample_id"], kind="stable")
        once = some[some["repeat"] == 0]["observed"]
        if min((once == 0).sum(), (once == 1).sum()) < _FEWEST_OF_EITHER:
            continue
        yield ""
        yield f"{part}: {len(once)} patients, {int(once.sum())} with {RESPONDER}"
        yield f"{'method':<15}{'AUC':>7}  95 % interval   Brier  slope  intercept  blend better by"
        yield from _table(some, methods)
        if part in ("all patients", "HER2-positive"):
            yield from _curve(some)


def _table(some: pd.DataFrame, methods: list[str]) -> Iterator[str]:
    observed = some["observed"].to_numpy(float)
    values = some[methods].to_numpy(float)
    donors, repeats = some["donor"].to_numpy(dtype=str), some["repeat"].to_numpy()
    areas = roc_areas(observed, values, donors, repeats)
    for place, method in enumerate(methods):
        low, high = areas.interval(place)
        brier = np.mean((observed - expit(values[:, place])) ** 2)
        each = [
            calibration(observed[rows], values[rows, place], np.ones((1, rows.sum())))
            for rows in (repeats == repeat for repeat in np.unique(repeats))
        ]
        slope, intercept = (float(np.mean([one[at][0] for one in each])) for at in (0, 1))
        versus = ""
        if method not in MODELS:
            difference, _, p = areas.difference(0, place)
            versus = f"{difference:+.3f} (p {p:.1g})"
        yield (
            f"{method:<15}{areas.areas[place]:7.3f}  {low:.3f} to {high:.3f}  {brier:.4f}  "
            f"{slope:5.2f}  {intercept:+9.2f}  {versus}"
        ).rstrip()


def _curve(some: pd.DataFrame) -> Iterator[str]:
    """Net benefit of acting on the calibrated probability, beside acting on all patients."""
    probability = expit(some["calibrated"].to_numpy(float))
    curve = decision_curve(some["observed"].to_numpy(float), probability)
    yield "net benefit at  " + "  ".join(f"{t:.2f}" for t in curve["threshold"][1::3])
    for name in ("model", "all"):
        yield f"{name:<16}" + "  ".join(f"{b:.2f}" for b in curve[name][1::3])


if __name__ == "__main__":
    main()
