"""Does training on GI50s that `sidestep fit` makes of raw plates do as well as on published ones?

`python -m benchmarks.own_gi50`: Daemen's plates are fitted, and the panel of five drugs is learned
twice with the same folds, from the published GI50s and from ours, on the lines that have both.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.accuracy import BREAST, by_drug
from sidestep.features.assays.curves import fit_curves
from sidestep.features.assays.layouts import read_plates
from sidestep.features.assays.responses import WITHHELD
from sidestep.features.identifiers import match_key
from sidestep.features.study.study import Study, read_study
from sidestep.training.validation.cross_validation import Plan, cross_validate
from sidestep.training.validation.panel import choose_panel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3, help="fold assignments, seeds 0, 1 ...")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    shared = Path(os.environ.get("SIDESTEP_SHARED", "../shared"))
    study = read_study(shared / "studies" / "breast_cell_lines")
    published = study.response("gi50").values
    ours = own_gi50(shared / "raw" / "gb-2013-14-10-r110-s9.txt", published)
    both = published.notna() & ours.notna()
    print(f"{int(both[list(BREAST)].sum().sum())} values of {len(BREAST)} drugs have both")
    agree = {d: np.corrcoef(published[d][both[d]], ours[d][both[d]])[0, 1] for d in BREAST}
    table = pd.DataFrame({"r of ours with published": agree})
    for name, values in (("published", published), ("ours", ours)):
        table[name] = learned(study, values.where(both), options)
    table.loc["mean"] = table.mean()
    print(table.round(3).to_string())


def own_gi50(plates: Path, published: pd.DataFrame) -> pd.DataFrame:
    """-log10 of GI50 in molar from the plates, shaped and named as the published values."""
    curves = fit_curves(read_plates([plates])).table
    curves = curves[~curves["status"].isin(WITHHELD)]
    named = curves.assign(
        line=curves["sample"].map(match_key),
        name=curves["drug"].map(match_key),
        value=6 - np.log10(curves["gi50"]),
    )
    wide = named.pivot_table(index="line", columns="name", values="value", aggfunc="median")
    found = wide.reindex(
        index=[match_key(line) for line in published.index],
        columns=[match_key(drug) for drug in published.columns],
    )
    return found.set_axis(published.index).set_axis(published.columns, axis=1)


def learned(study: Study, values: pd.DataFrame, options: argparse.Namespace) -> pd.Series:
    """Out-of-fold r within folds of each drug, the mean over fold assignments."""
    file = study.response_files[study.response("gi50").stable_id]
    kept = values.dropna(how="all")
    changed = {**study.response_files, file.stable_id: replace(file, held=kept)}
    study = replace(study, response_files=changed)
    panel = choose_panel(study, study.response("gi50"), drugs=BREAST, panel="all", min_lines=20)
    runs = []
    for seed in range(options.repeats):
        plan = Plan(trials=options.trials, seed=seed, jobs=options.jobs, repeats=1)
        runs.append(by_drug(cross_validate(study, panel, plan).predictions, "blend"))
    return pd.concat(runs, axis=1).mean(axis=1)


if __name__ == "__main__":
    main()
