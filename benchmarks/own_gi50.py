"""Does training on GI50s that `sidestep fit` makes of raw plates do as well as on published ones?

`python -m benchmarks.own_gi50`: Daemen's plates are fitted, and the panel of five drugs is learned
with the same folds from the published GI50s, from ours, and from ours with the lines weighed by the
errors of their curves, on the lines that have both values.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.accuracy import BREAST
from sidestep.features.assays.curves import fit_curves
from sidestep.features.assays.layouts import read_plates
from sidestep.features.assays.responses import WITHHELD
from sidestep.features.identifiers import match_key
from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.weights import response_weights
from sidestep.training.validation.comparison import compare, pair
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
    ours, errors = own_gi50(shared / "raw" / "gb-2013-14-10-r110-s9.txt", published)
    both = published.notna() & ours.notna()
    print(f"{int(both[list(BREAST)].sum().sum())} values of {len(BREAST)} drugs have both")
    agree = {d: np.corrcoef(published[d][both[d]], ours[d][both[d]])[0, 1] for d in BREAST}
    table = pd.DataFrame({"r of ours with published": agree})
    for drug in BREAST:
        weights = response_weights(ours[drug][both[drug]].to_numpy(), errors[drug][both[drug]])
        ends = np.quantile(weights, (0.1, 0.9)) if weights is not None else (1.0, 1.0)
        table.loc[drug, "weights"] = f"{ends[0]:.2f} to {ends[1]:.2f}"
    runs = {
        "published": learned(study, published.where(both), None, options),
        "ours": learned(study, ours.where(both), None, options),
        "ours, weighed": learned(study, ours.where(both), errors, options),
    }
    pairs = [("published", "ours"), ("ours", "ours, weighed")]
    compared = {names: compare(pair(runs[names[0]], runs[names[1]])) for names in pairs}
    for (one, other), found in compared.items():
        table[one], table[other] = found.drugs["pearson_a"], found.drugs["pearson_b"]
    print(table.round(3).to_string())
    for (one, other), found in compared.items():
        print(
            f"mean r of {other} less that of {one}: {found.difference:+.3f} "
            f"({found.lower:+.3f} to {found.upper:+.3f}), {found.lines} lines"
        )


def own_gi50(plates: Path, published: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """-log10 of GI50 in molar and its errors, shaped and named as the published values."""
    curves = fit_curves(read_plates([plates])).table
    curves = curves[~curves["status"].isin(WITHHELD)]
    named = curves.assign(
        line=curves["sample"].map(match_key),
        name=curves["drug"].map(match_key),
        value=6 - np.log10(curves["gi50"]),
    )
    lines, drugs = (
        [match_key(name) for name in names] for names in (published.index, published.columns)
    )
    return tuple(
        named.pivot_table(index="line", columns="name", values=column, aggfunc="median")
        .reindex(index=lines, columns=drugs)
        .set_axis(published.index)
        .set_axis(published.columns, axis=1)
        for column in ("value", "gi50_se")
    )


def learned(
    study: Study, values: pd.DataFrame, errors: pd.DataFrame | None, options: argparse.Namespace
) -> pd.DataFrame:
    """Out-of-fold predictions of all fold assignments."""
    file = study.response_files[study.response("gi50").stable_id]
    kept = values.dropna(how="all")
    changed = {**study.response_files, file.stable_id: replace(file, held=kept)}
    study = replace(study, response_files=changed)
    panel = choose_panel(study, study.response("gi50"), drugs=BREAST, panel="all", min_lines=20)
    if errors is not None:
        panel = replace(panel, errors=errors.reindex_like(panel.values))
    plan = Plan(trials=options.trials, jobs=options.jobs, repeats=options.repeats)
    return cross_validate(study, panel, plan).repeated


if __name__ == "__main__":
    main()
