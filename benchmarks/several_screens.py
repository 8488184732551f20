"""What lines that only another screen tested add to a model of one screen.

    python -m benchmarks.several_screens pancan
    python -m benchmarks.several_screens breast

`pancan_cell_lines` with GDSC2, CTRPv2 and CCLE's 24 drugs, or `breast_cell_lines` with Daemen's
GI50, Heiser's GR_AOC and GDSC2. Each screen's model is fitted on its own training lines, and on
these with the lines that the others alone tested (`training.validation.elsewhere`, as `sidestep
train --also` does). Both predict the same held-out lines, and are held against the own screen's
values of them alone. r within folds.

The way to join screens was chosen on pan-cancer lines and lapatinib, afatinib, trametinib,
erlotinib, dasatinib and crizotinib: averages of several screens on lines that they share were
tried there, too, and values put on the own scale by equal spread instead of by regression. The
pan-cancer drugs here are others, and the breast lines were not looked at.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.cross_study import SCREENS, Screens, drug_blend, read_screens, tested_lines
from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.lines import LineMatrix, TrainingLines
from sidestep.training.external.accuracy import interval_of
from sidestep.training.validation.cross_validation import Plan, fit_features, split_lines
from sidestep.training.validation.elsewhere import on_own_scale
from sidestep.training.validation.metrics import correlation, donor_weights, within_folds

STUDIES = {
    "pancan": (
        "pancan_cell_lines",
        SCREENS,
        ("Gefitinib", "MK-2206", "PLX-4720", "Selumetinib", "Nilotinib", "BMS-754807"),
    ),
    "breast": (
        "breast_cell_lines",
        {"GI50": "gi50", "GR_AOC": "gr_aoc", "GDSC2": "ln_ic50"},
        ("Lapatinib", "BIBW2992", "Erlotinib", "Gefitinib", "Everolimus"),
    ),
}
_FEWEST = 20
_DRAWS = 2000


def main() -> None:
    """Print the table a drug and screen, and the mean gain with its interval."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=sorted(STUDIES))
    parser.add_argument("--drugs", nargs="+")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.perf_counter()
    shared = Path(os.environ.get("SIDESTEP_SHARED", "../shared"))
    folder, names, drugs = STUDIES[options.study]
    study = read_study(shared / "studies" / folder)
    screens = read_screens(study, options.drugs or drugs, names)
    plan = Plan(folds=options.folds, seed=options.seed, jobs=1)
    table = gains(study, screens, plan)
    print(table.round(3).to_string(index=False), "\n")
    mean, low, high = mean_gain(table, options.seed)
    better = int((table["gain"] > 0).sum())
    print(f"mean r {table['own'].mean():.3f} alone, {table['with_others'].mean():.3f} with others;")
    print(f"gain {mean:+.3f} ({low:+.3f} to {high:+.3f}, 95 %, bootstrap over drugs), better in")
    print(f"{better} of {len(table)}; {time.perf_counter() - started:.0f} s")


def gains(study: Study, screens: Screens, plan: Plan) -> pd.DataFrame:
    """A row a drug and screen: lines, those added in training, r of both models, the gain."""
    lines = tested_lines(study, screens)
    answers = []
    for fold, (train, test) in enumerate(split_lines(study, lines, plan)):
        _, features = fit_features(study, train, lines, plan)
        matrix = TrainingLines.all_of(LineMatrix.of(features.loc[train]).complete())
        for screen, values in screens.items():
            for drug in values.columns:
                own = values[drug].reindex(train).dropna()
                elsewhere = pd.DataFrame(
                    {
                        name: other[drug].reindex(train)
                        for name, other in screens.items()
                        if name != screen and drug in other
                    }
                )
                added = on_own_scale(own, elsewhere)
                held = test[values[drug].reindex(test).notna().to_numpy()]
                if len(own) < _FEWEST or not len(added) or not len(held):
                    continue
                table = {"drug": drug, "screen": screen, "sample_id": held, "fold": fold}
                table |= {"observed": values[drug].loc[held].to_numpy(), "added": len(added)}
                for name, y in (("own", own), ("with_others", pd.concat([own, added]))):
                    model = drug_blend(str(drug), list(features.columns), plan.seed + fold)
                    donors = study.donors.loc[y.index].to_numpy(dtype=object)
                    model.fit(matrix.among(train.get_indexer(y.index)), y.to_numpy(float), donors)
                    table[name] = model.predict(features.loc[held])
                answers.append(pd.DataFrame(table))
    return _table(study, pd.concat(answers, ignore_index=True), plan.seed)


def _table(study: Study, answers: pd.DataFrame, seed: int) -> pd.DataFrame:
    rows = []
    for (drug, screen), part in answers.groupby(["drug", "screen"], sort=False):
        weights = donor_weights(study.donors.loc[part["sample_id"]].to_numpy(str), 1000, seed)
        observed, folds = part["observed"].to_numpy(float), part["fold"].to_numpy()
        own, other = (
            within_folds(correlation, observed, part[name].to_numpy(float), folds, weights)
            for name in ("own", "with_others")
        )
        low, high = interval_of(other - own)
        added = round(part.groupby("fold")["added"].first().mean())
        gain = float(other[0] - own[0])
        rows.append((drug, screen, len(part), added, own[0], other[0], gain, low, high))
    columns = ["drug", "screen", "lines", "added", "own", "with_others", "gain", "lower", "upper"]
    return pd.DataFrame(rows, columns=columns)


def mean_gain(table: pd.DataFrame, seed: int) -> tuple[float, float, float]:
    """Mean gain, and its 95 % interval by a bootstrap over drugs, whose screens stay together."""
    per_drug = table.groupby("drug", sort=False)["gain"].agg(["sum", "size"]).to_numpy(float)
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(per_drug), size=(_DRAWS, len(per_drug)))
    sums = per_drug[draws].sum(axis=1)
    low, high = np.percentile(sums[:, 0] / sums[:, 1], [2.5, 97.5])
    return float(table["gain"].mean()), float(low), float(high)


if __name__ == "__main__":
    main()
