"""What scores of known mechanisms add to a model that has the raw measurements.

    python -m benchmarks.mechanism_features breast
    python -m benchmarks.mechanism_features pancan
    python -m benchmarks.mechanism_features breast --drugs Lapatinib

The blend at default settings is tested on the same outer folds in three ways:

raw
    on the features that Sidestep trains on.
added
    the mechanism scores that are computed from one modality (`features.mechanisms.builder`),
    fitted on the training lines, are more features of that modality.
targets
    these scores are also in the drug-target view, where few features do not drown them.

Printed are Pearson r of each drug, and the mean difference to `raw` with a 95 % interval over the
held-out lines: donors are drawn again, the same for both ways.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from sidestep.features.builders.names import MODALITIES, modality_of
from sidestep.features.mechanisms.builder import MechanismBuilder
from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.blend import Blend
from sidestep.training.validation.cross_validation import (
    Plan,
    fit_features,
    lines_of_drug,
    split_lines,
)
from sidestep.training.validation.lines import DrugLines
from sidestep.training.validation.metrics import pearson
from sidestep.training.validation.panel import Panel, choose_panel

BREAST = ("Lapatinib", "BIBW2992", "Erlotinib", "Gefitinib", "Everolimus", "GSK461364")
PANCAN = ("Lapatinib", "Afatinib", "Crizotinib", "BI-2536", "MK-2206", "Linsitinib")
STUDIES = {
    "breast": ("breast_cell_lines", "gi50", BREAST),
    "pancan": ("pancan_cell_lines", "ln_ic50_gdsc2", PANCAN),
}
WAYS = ("raw", "added", "targets")
_DRAWS = 2000


def main() -> None:
    """Print r of each drug and way, and what the scores gain."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=sorted(STUDIES))
    parser.add_argument("--drugs", help="names, comma-separated; six by default")
    parser.add_argument("--repeats", type=int, default=1, help="fold assignments, seeds 0, 1 ...")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    folder, response, drugs = STUDIES[options.study]
    chosen = options.drugs.split(",") if options.drugs else drugs
    shared = Path(os.environ.get("SIDESTEP_SHARED", "../shared"))
    study = read_study(shared / "studies" / folder)
    panel = choose_panel(study, study.response(response), drugs=chosen, panel="all", min_lines=20)
    plans = [Plan(seed=seed, jobs=options.jobs) for seed in range(options.repeats)]
    tables = [out_of_fold(study, panel, plan).assign(repeat=plan.seed) for plan in plans]
    table = pd.concat(tables, ignore_index=True)
    print(f"{folder}, {response}: {len(panel.values)} lines, {len(panel.drugs)} drugs, 5 folds by")
    print(f"donor, {options.repeats} fold assignment(s); Pearson r within drug, out of fold\n")
    scores = correlations(table)
    print(scores.assign(n=panel.values.notna().sum()).round(3).to_string())
    print(f"\nmean over drugs\n{scores.mean().round(3).to_string()}\n")
    for way in WAYS[1:]:
        lower, upper = paired_interval(table, way)
        gain = (scores[way] - scores["raw"]).mean()
        better = int((scores[way] > scores["raw"]).sum())
        print(
            f"{way}: {gain:+.3f} ({lower:+.3f} to {upper:+.3f}) beside raw, "
            f"better in {better} of {len(scores)} drugs"
        )


def out_of_fold(study: Study, panel: Panel, plan: Plan) -> pd.DataFrame:
    """`drug, donor, observed` and the prediction of each way, a row a drug and held-out line."""
    parts: list[pd.DataFrame] = []
    lines = panel.values.index
    for train, test in split_lines(study, lines, plan):
        _, raw = fit_features(study, train, lines, plan)
        scores = mechanism_scores(study, train, lines)
        both = pd.concat([raw, scores], axis=1)
        data = [lines_of_drug(study, panel, drug, both) for drug in panel.drugs]
        parts += Parallel(n_jobs=plan.jobs)(
            delayed(_predict)(one.among(train), one.among(test), list(scores.columns), plan.seed)
            for one in data
        )
    return pd.concat(parts, ignore_index=True)


def mechanism_scores(study: Study, train: pd.Index, lines: pd.Index) -> pd.DataFrame:
    """Scores computed from one modality, every statistic learned from the training lines."""
    builder = MechanismBuilder().fit(study.select(list(train)))
    scores = builder.transform(study.select(list(lines)))
    return scores[[name for name in scores.columns if modality_of(name) in MODALITIES]]


def correlations(table: pd.DataFrame) -> pd.DataFrame:
    """Mean r over fold assignments, drugs x ways."""
    by_drug = {
        drug: {way: _mean_r(lines, way) for way in WAYS}
        for drug, lines in table.groupby("drug", sort=False)
    }
    return pd.DataFrame(by_drug).T


def paired_interval(table: pd.DataFrame, way: str) -> tuple[float, float]:
    """95 % interval of the mean difference in r to `raw`, over draws of donors."""
    rng = np.random.default_rng(0)
    places = [
        [np.flatnonzero((lines["donor"] == donor).to_numpy()) for donor in lines["donor"].unique()]
        for _, lines in table.groupby("drug", sort=False)
    ]
    parts = [lines.reset_index(drop=True) for _, lines in table.groupby("drug", sort=False)]
    gains = np.empty(_DRAWS)
    for draw in range(_DRAWS):
        differences = []
        for lines, of_donor in zip(parts, places, strict=True):
            drawn = rng.integers(0, len(of_donor), len(of_donor))
            rows = lines.iloc[np.concatenate([of_donor[donor] for donor in drawn])]
            differences.append(_mean_r(rows, way) - _mean_r(rows, "raw"))
        gains[draw] = np.mean(differences)
    lower, upper = np.percentile(gains, [2.5, 97.5])
    return float(lower), float(upper)


def _predict(known: DrugLines, held_out: DrugLines, scores: list[str], seed: int) -> pd.DataFrame:
    """What the blend says of the held-out lines, each way."""
    table = {"drug": known.drug.name, "donor": held_out.donors, "observed": held_out.y}
    if len(held_out.y):
        raw = known.X.drop(columns=scores)
        targets = known.target_features
        for way, X, view in (
            ("raw", raw, targets),
            ("added", known.X, targets),
            ("targets", known.X, [*targets, *scores]),
        ):
            blend = Blend(view, seed=seed).fit(X, known.y, known.donors)
            table[way] = blend.predict(held_out.X[X.columns])
    return pd.DataFrame(table, columns=["drug", "donor", "observed", *WAYS])


def _mean_r(lines: pd.DataFrame, way: str) -> float:
    """Mean over fold assignments of r between what was observed and predicted."""
    return float(
        np.mean(
            [
                pearson(part["observed"].to_numpy(float), part[way].to_numpy(float))
                for _, part in lines.groupby("repeat")
            ]
        )
    )


if __name__ == "__main__":
    main()
