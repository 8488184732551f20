"""Coverage of the intervals on held-out lines, and the error by applicability.

    python -m benchmarks.calibration breast
    python -m benchmarks.calibration pancan

Each outer fold is a whole retrain on its training lines (features, cross-validation, intervals,
applicability), at default settings; its test lines are then scored as new samples, once with all
that they have, and once for each combination of modalities as if they had only those.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.accuracy import STUDIES
from sidestep.features.builders.names import modality_of
from sidestep.features.groups import lineage_labels
from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.patterns import row_patterns
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.training.retrain import Request, retrain_study
from sidestep.training.validation.cross_validation import Plan, split_lines
from sidestep.training.validation.panel import Panel, choose_panel

LEVELS = (0.8, 0.9)
DRUGS = {
    "breast": ("Lapatinib", "BIBW2992", "Erlotinib", "Gefitinib", "Everolimus"),
    "pancan": ("Lapatinib", "Afatinib", "Gefitinib", "Crizotinib", "Linsitinib", "Trametinib"),
}
_FEWEST = 20


def main() -> None:
    """Print coverage overall, by lineage and by modality pattern, and the applicability curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=sorted(STUDIES))
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    folder, response, _ = STUDIES[options.study]
    shared = Path(os.environ.get("SIDESTEP_SHARED", "../shared"))
    study = read_study(shared / "studies" / folder)
    drugs = DRUGS[options.study]
    panel = choose_panel(study, study.response(response), drugs=drugs, panel="all", min_lines=20)
    scores = score_held_out(study, panel, Plan(trials=0, jobs=options.jobs))
    scores["lineage"] = scores["sample_id"].map(lineage_labels(study))
    own = scores[scores["pattern"] == "own"]
    print(f"{folder}, {response}: {own['sample_id'].nunique()} lines, {len(panel.drugs)} drugs")
    print("\ncoverage and mean width (response units) of the intervals, with all a line has")
    print(_coverage(own.assign(all="all"), "all").to_string())
    print(f"\nby lineage or subtype (at least {_FEWEST} line-drug pairs)")
    print(_coverage(own, "lineage").to_string())
    print("\nby modality pattern, lines cut down to it")
    print(_coverage(scores[scores["pattern"] != "own"], "pattern").to_string())
    print("\nabsolute error, in standard deviations of the drug's responses, by applicability")
    print(_curve(scores).to_string())


def score_held_out(study: Study, panel: Panel, plan: Plan) -> pd.DataFrame:
    """One row a drug, test line and pattern: observed, interval ends, error, applicability."""
    tables = []
    for train, test in split_lines(study, panel.values.index, plan):
        request = Request(Path(), panel.response.stable_id, plan=plan)
        known = retrain_study(request, study.select(list(train)), panel.among(train))
        tables.append(_scored(known.predictor, study.select(list(test)), panel.among(test)))
    return pd.concat(tables, ignore_index=True)


def _scored(predictor: PanelPredictor, study: Study, panel: Panel) -> pd.DataFrame:
    features, folds = predictor.features(study), predictor.fold_features(study)
    own = row_patterns(features)
    tables = []
    patterns = predictor.choose(None)[0].blend.patterns
    for pattern in [None, *patterns]:
        lines = [
            line
            for line, has in zip(features.index, own, strict=True)
            if has and set(pattern or has) <= set(has)
        ]
        if not lines:
            continue
        cut = {n: _only(table.loc[lines], pattern) for n, table in folds.items()}
        seen = _only(features.loc[lines], pattern)
        for drug in predictor.choose(None):
            observed = panel.values.reindex(lines)[drug.name].to_numpy(float)
            predicted = predictor.predict(seen, drug)
            row = {
                "drug": drug.name,
                "sample_id": lines,
                "pattern": "own" if pattern is None else ";".join(pattern),
                "applicability": predictor.applicability(seen, drug),
                "error": np.abs(observed - predicted) / drug.observed.std(),
            }
            for level in LEVELS:
                lower, upper = predictor.interval(seen, cut, drug, level)
                row[f"covered {level:.0%}"] = (lower <= observed) & (observed <= upper)
                row[f"width {level:.0%}"] = upper - lower
            tested = np.isfinite(observed) & np.isfinite(upper)
            tables.append(pd.DataFrame(row)[tested])
    return pd.concat(tables, ignore_index=True)


def _only(features: pd.DataFrame, pattern: tuple[str, ...] | None) -> pd.DataFrame:
    """Features of a pattern's modalities, the others as not measured."""
    if pattern is None:
        return features
    lost = [modality_of(name) not in pattern for name in features.columns]
    return features.mask(np.tile(lost, (len(features), 1)))


def _coverage(scores: pd.DataFrame, by: str) -> pd.DataFrame:
    """Coverage and width by a column; the interval is a 95 % bootstrap over lines."""
    rows = {}
    for name, part in scores.groupby(by):
        if len(part) >= _FEWEST:
            rows[name] = {"n": len(part)}
            for level in LEVELS:
                covered = part.groupby("sample_id")[f"covered {level:.0%}"].agg(["sum", "size"])
                low, high = _bootstrap(covered["sum"].to_numpy(), covered["size"].to_numpy())
                share = covered["sum"].sum() / covered["size"].sum()
                rows[name][f"{level:.0%}"] = f"{share:.3f} ({low:.2f} to {high:.2f})"
                rows[name][f"width {level:.0%}"] = round(part[f"width {level:.0%}"].mean(), 2)
    return pd.DataFrame(rows).T


def _bootstrap(hits: np.ndarray, sizes: np.ndarray, n: int = 1000) -> tuple[float, float]:
    draws = np.random.default_rng(0).integers(0, len(hits), size=(n, len(hits)))
    low, high = np.percentile(hits[draws].sum(axis=1) / sizes[draws].sum(axis=1), [2.5, 97.5])
    return float(low), float(high)


def _curve(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean absolute error by fifths of applicability, over lines with all that they have."""
    own = scores[scores["pattern"] == "own"]
    bins = pd.cut(own["applicability"], [0, 0.05, 0.2, 0.4, 0.6, 0.8, 1.0])
    grouped = own.groupby(bins, observed=True)["error"]
    return pd.DataFrame({"n": grouped.size(), "mean error": grouped.mean().round(3)})


if __name__ == "__main__":
    main()
