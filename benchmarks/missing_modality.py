"""Error on samples that lack a modality: masking, modality dropout, or a sub-model.

    python -m benchmarks.missing_modality

Held-out lines that have every modality are cut down to each combination that gets a sub-model, and
predicted by the same blend (default settings), trained in three ways on the same folds and lines:

masked
    on all features; those that the sample lacks are missing values.
dropout
    on all features, every training line twice: once whole, and once with the features of a
    combination drawn at random alone.
sub-model
    on the features of the combination alone, as Sidestep does.

The drugs are not among those that docs/accuracy.md reports.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from benchmarks.accuracy import PANCAN, by_drug
from sidestep.features.builders.names import modality_of
from sidestep.features.study.study import read_study
from sidestep.models.estimators.blend import Blend
from sidestep.models.estimators.patterns import (
    Pattern,
    pattern_columns,
    patterns_to_fit,
    row_patterns,
)
from sidestep.training.validation.cross_validation import (
    Plan,
    fit_features,
    lines_of_drug,
    split_lines,
)
from sidestep.training.validation.lines import DrugLines
from sidestep.training.validation.panel import choose_panel

DRUGS = ("AZD3759", "Cediranib", "Foretinib", "GSK1904529A", "PD0325901", "Pictilisib")
WAYS = ("masked", "dropout", "sub-model")


def main() -> None:
    """Print the mean correlation of each way, for each combination of modalities."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--drugs", default=",".join(DRUGS))
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    drugs = [name for name in options.drugs.split(",") if name not in PANCAN]
    shared = Path(os.environ.get("SIDESTEP_SHARED", "../shared"))
    study = read_study(shared / "studies" / "pancan_cell_lines")
    response = study.response("ln_ic50_gdsc2")
    panel = choose_panel(study, response, drugs=drugs, panel="all", min_lines=20)
    parts = []
    for fold, (train, test) in enumerate(split_lines(study, panel.values.index, Plan())):
        _, features = fit_features(study, train, panel.values.index, Plan())
        known = [lines_of_drug(study, panel, drug, features) for drug in panel.drugs]
        parts += Parallel(n_jobs=options.jobs)(
            delayed(predicted)(lines.among(train), lines.among(test), fold) for lines in known
        )
    table = pd.concat(parts, ignore_index=True)
    found = {
        (pattern, drug): {way: by_drug(part, way).iloc[0] for way in WAYS}
        for (pattern, drug), part in table.groupby(["pattern", "drug"], sort=False)
    }
    scores = pd.DataFrame(found).T
    scores.index.names = ["pattern", "drug"]
    print(f"pancan_cell_lines: {panel.values.shape[0]} lines, {len(panel.drugs)} drugs, 5 folds by")
    print("donor; Pearson r within folds, mean over drugs, on lines cut down to the combination\n")
    print(scores.groupby("pattern", sort=False).mean().round(3).to_string())
    gain = scores["sub-model"] - scores["masked"]
    better = f"{int((gain > 0).sum())} of {len(gain)}"
    print(f"\nsub-model better than masked: {better} drugs and combinations")


def predicted(known: DrugLines, held_out: DrugLines, fold: int) -> pd.DataFrame:
    """Prediction of the whole held-out lines by each way, a row a line and combination."""
    patterns = patterns_to_fit(known.X)
    whole = [row == patterns[0] for row in row_patterns(held_out.X)]
    X, y = held_out.X[whole], held_out.y[whole]
    dropped = pd.concat([known.X, _dropped(known.X, patterns)])
    plain = _fit(known, known.X, known.y, known.donors)
    robust = _fit(known, dropped, np.tile(known.y, 2), np.tile(known.donors, 2))
    tables = []
    for pattern in patterns[1:]:
        columns = pattern_columns(list(X.columns), pattern)
        cut = _only(X, pattern)
        own = _fit(known, known.X.iloc[:, columns], known.y, known.donors)
        predictions = {
            "masked": plain.predict(cut),
            "dropout": robust.predict(cut),
            "sub-model": own.predict(X.iloc[:, columns]),
        }
        row = {"pattern": " + ".join(pattern), "drug": known.drug.name, "fold": fold}
        tables.append(pd.DataFrame(row | {"observed": y} | predictions))
    return pd.concat(tables, ignore_index=True)


def _fit(known: DrugLines, X: pd.DataFrame, y: np.ndarray, donors: np.ndarray) -> Blend:
    return Blend(known.drug.target_features(list(X.columns)), inner_folds=0).fit(X, y, donors)


def _dropped(X: pd.DataFrame, patterns: list[Pattern]) -> pd.DataFrame:
    """Each line with the features of one combination, drawn at random, alone."""
    drawn = np.random.default_rng(0).integers(1, len(patterns), len(X))
    parts = [_only(X[drawn == n], pattern) for n, pattern in enumerate(patterns)]
    return pd.concat(parts).loc[X.index]


def _only(X: pd.DataFrame, pattern: Pattern) -> pd.DataFrame:
    """The features of a combination, the others as not measured."""
    lost = [modality_of(name) not in (*pattern, "clinical") for name in X.columns]
    return X.mask(np.tile(lost, (len(X), 1)))


if __name__ == "__main__":
    main()
