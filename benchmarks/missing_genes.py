"""What do trees predict of lines that lack some genes? Shift of the mean, and correlation.

    python -m benchmarks.missing_genes breast
    python -m benchmarks.missing_genes pancan --drugs Lapatinib,Afatinib,Trametinib

Cell lines and drugs of `benchmarks.accuracy` (`../shared`, or ``SIDESTEP_SHARED``). Trees with
default settings learn from the training lines of five folds by donor and predict those held out:
with all that was measured, and with a share of the genes and antibodies taken away at random, the
same ones for all lines of a draw and fold, as another platform would.
Two ways to meet a gap are compared on the same trees: the way that XGBoost keeps for missing values
(``learned``), and both ways, weighted by training lines, where no training line lacked the feature
(``both ways``), which is what Sidestep does.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.accuracy import STUDIES
from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.folds import donor_folds
from sidestep.models.estimators.trees import ScreenedTrees
from sidestep.training.validation.metrics import pearson
from sidestep.training.validation.panel import choose_panel

_TAKEN = ("expression:", "rppa:")


def main() -> None:
    """Print shift (in SD of the responses) and r with and without gaps, mean over the drugs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=sorted(STUDIES))
    parser.add_argument("--drugs", help="comma-separated; those of benchmarks.accuracy by default")
    parser.add_argument("--share", type=float, default=0.2, help="of genes that are taken away")
    parser.add_argument("--draws", type=int, default=10, help="sets of genes")
    parser.add_argument("--folds", type=int, default=5)
    options = parser.parse_args()
    name, response, drugs = STUDIES[options.study]
    chosen = options.drugs.split(",") if options.drugs else drugs
    study = read_study(Path(os.environ.get("SIDESTEP_SHARED", "../shared")) / "studies" / name)
    panel = choose_panel(study, study.response(response), drugs=chosen, panel="all", min_lines=20)
    rows = [
        row
        for drug in panel.drugs
        for row in of_drug(study, panel.values[drug.name].dropna(), options)
    ]
    table = pd.DataFrame(rows, columns=["draw", "way", "shift", "r_whole", "r"])
    for way, of_way in table.groupby(["way", "draw"]).mean().groupby("way"):
        shift = of_way["shift"]
        print(
            f"{way:9s} shift {shift.mean():+.3f} SD ({shift.min():+.3f} to {shift.max():+.3f}, "
            f"{(shift > 0).sum()} of {len(shift)} positive), r {of_way['r_whole'].mean():.3f} -> "
            f"{of_way['r'].mean():.3f} ({len(panel.drugs)} drugs, {len(panel.values)} lines)"
        )


def of_drug(
    study: Study, y: pd.Series, options: argparse.Namespace
) -> Iterator[tuple[int, str, float, float, float]]:
    """Draw, way, shift in SD, r with all features and r with gaps, of one drug."""
    donors = study.donors.loc[y.index].to_numpy(dtype=object)
    parts = []
    for train, test in donor_folds(donors, options.folds, seed=0):
        joiner = FeatureJoiner().fit(study.select(list(y.index[train])))
        X = joiner.transform(study.select(list(y.index)))
        trees = ScreenedTrees().fit(X.iloc[train], y.to_numpy()[train], groups=donors[train])
        open_to_gaps = np.array([name.startswith(_TAKEN) for name in X.columns])
        parts.append((trees, X.iloc[test], y.to_numpy()[test], open_to_gaps))
    observed = np.concatenate([part[2] for part in parts])
    whole = np.concatenate([trees.predict(X) for trees, X, _, _ in parts])
    for draw in range(options.draws):
        rng = np.random.default_rng(draw)
        predicted: dict[str, list[np.ndarray]] = {"both ways": [], "learned": []}
        for trees, X, _, open_to_gaps in parts:
            gaps = X.mask(
                np.broadcast_to(open_to_gaps & (rng.random(X.shape[1]) < options.share), X.shape)
            )
            kept = gaps.to_numpy(float)[:, trees.columns_].astype(np.float32)
            learned = replace(trees.ensemble_, both_ways=np.zeros(len(trees.columns_), bool))
            predicted["both ways"].append(trees.predict(gaps))
            predicted["learned"].append(trees.offset_ + learned.predict(kept).astype(float))
        for way, found in predicted.items():
            values = np.concatenate(found)
            shift = (values - whole).mean() / observed.std()
            yield draw, way, shift, pearson(observed, whole), pearson(observed, values)


if __name__ == "__main__":
    main()
