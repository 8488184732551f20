"""Calls, probabilities of resistance and intervals on held-out lines, and error by applicability.

    python -m benchmarks.calibration breast --diagram breast.png
    python -m benchmarks.calibration pancan
    python -m benchmarks.calibration pancan --all-drugs

Each outer fold is a whole retrain on its training lines (features, cross-validation, intervals,
thresholds, applicability), at default settings; its test lines are then scored as new samples, once
with all that they have, and once for each combination of modalities as if they had only those.
Resistant is what lies beyond the threshold of the training lines. An interval of a share is a 95 %
bootstrap over lines.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.accuracy import STUDIES
from sidestep.features.builders.names import modality_of
from sidestep.features.groups import her2_high, lineage_labels
from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.patterns import row_patterns
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.training.retrain import Request, retrain_study
from sidestep.training.validation.cross_validation import Plan, split_lines
from sidestep.training.validation.panel import Panel, choose_panel

LEVELS, CALL_AT = (0.8, 0.9), (0.75, 0.8)
_LEAST_APPLICABILITY = 0.05
DRUGS = {
    "breast": ("Lapatinib", "BIBW2992", "Erlotinib", "Gefitinib", "Everolimus"),
    "pancan": ("Lapatinib", "Afatinib", "Gefitinib", "Crizotinib", "Linsitinib", "Trametinib"),
}
_FEWEST = 20


def main() -> None:
    """Print coverage overall, by lineage and by modality pattern, and the applicability curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=sorted(STUDIES))
    parser.add_argument("--all-drugs", action="store_true", help="all of benchmarks.accuracy")
    parser.add_argument("--diagram", type=Path, help="PNG of the reliability diagram to write")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    folder, response, every = STUDIES[options.study]
    shared = Path(os.environ.get("SIDESTEP_SHARED", "../shared"))
    study = read_study(shared / "studies" / folder)
    drugs = every if options.all_drugs else DRUGS[options.study]
    panel = choose_panel(study, study.response(response), drugs=drugs, panel="all", min_lines=20)
    # Verdicts alone rest on more assignments to folds, and each costs as much as the first.
    plan = Plan(trials=0, jobs=options.jobs, repeats=1)
    scores = score_held_out(study, panel, plan)
    report(scores, study, f"{folder}, {response}")
    if options.diagram is not None:
        draw_reliability(scores, options.diagram)


def report(scores: pd.DataFrame, study: Study, title: str) -> None:
    """Print the tables of held-out scores."""
    scores["lineage"] = scores["sample_id"].map(lineage_labels(study))
    scores["HER2"] = np.where(scores["sample_id"].map(her2_high(study)), "high", "not high")
    own = scores[scores["pattern"] == "own"]
    print(f"{title}: {own['sample_id'].nunique()} lines, {own['drug'].nunique()} drugs")
    print("\ncalls of all pairs of line and drug, and the share of them that are right")
    print(_calls(own).to_string())
    print("\nprobability of resistance, by tenth")
    print(_reliability(own).to_string())
    print("\nby drug: Brier score (0.25 of p = 0.5; that of the share resistant)")
    print(_by_drug(own).to_string())
    print("\ncoverage and mean width (response units) of the intervals, with all a line has")
    print(_coverage(own.assign(all="all"), "all").to_string())
    print(f"\nby HER2, and by lineage or subtype (at least {_FEWEST} line-drug pairs)")
    print(_coverage(own, "HER2").to_string())
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
    own, groups = row_patterns(features), predictor.interval_groups(study, features)
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
        places = features.index.get_indexer(lines)
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
            predictive = predictor.predictive(seen, cut, drug, groups[places])
            threshold = predictor.threshold(drug).value
            sign = 1.0 if predictor.scale.higher_is_resistant else -1.0
            row["p"] = predictive.p_resistant(threshold)
            row["marker_p"] = predictive.marker_p_resistant(threshold)
            row["resistant"] = sign * (observed - threshold) > 0
            row["worse"] = drug.gain.verdict == "worse"
            for level in LEVELS:
                lower, upper = predictive.interval(level)
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


def _calls(scores: pd.DataFrame) -> pd.DataFrame:
    """Share of the pairs that are called at a level, and of the calls that are right.

    The model abstains as it does for a user: where its drug's model is worse than a baseline, and
    outside of its domain.
    """
    trusted = ~scores["worse"] & (scores["applicability"] >= _LEAST_APPLICABILITY)
    rows = {}
    for level in CALL_AT:
        rows[f"model, {level}"] = _called(scores, "p", level, trusted)
        rows[f"marker alone, {level}"] = _called(scores, "marker_p", level, trusted | True)
    return pd.DataFrame(rows).T


def _called(scores: pd.DataFrame, column: str, level: float, trusted: pd.Series) -> dict[str, Any]:
    resistant, sensitive = scores[column] >= level, scores[column] <= 1 - level
    called = (resistant | sensitive) & trusted
    right = called & (resistant == scores["resistant"])
    counts = pd.DataFrame({"right": right, "called": called})[called.to_numpy()]
    by_line = counts.groupby(scores["sample_id"][called.to_numpy()]).sum()
    shown = "–"
    if called.any():
        low, high = _bootstrap(by_line["right"].to_numpy(), by_line["called"].to_numpy())
        shown = f"{right.sum() / called.sum():.3f} ({low:.2f} to {high:.2f})"
    return {
        "pairs": len(scores),
        "called": f"{called.mean():.3f}",
        "right": shown,
        "resistant": int((called & resistant).sum()),
        "sensitive": int((called & sensitive).sum()),
    }


def _reliability(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean probability and share resistant, by tenth of the probability."""
    tenths = pd.cut(scores["p"], np.linspace(0, 1, 11))
    grouped = scores.groupby(tenths, observed=True)
    return pd.DataFrame(
        {
            "n": grouped.size(),
            "mean p": grouped["p"].mean().round(3),
            "resistant": grouped["resistant"].mean().round(3),
        }
    )


def _by_drug(scores: pd.DataFrame) -> pd.DataFrame:
    """Brier score of model, marker and the drug's own share, by drug and overall."""
    share = scores.groupby("drug")["resistant"].transform("mean")
    truth = scores["resistant"].astype(float)
    squares = pd.DataFrame(
        {
            "model": (scores["p"] - truth) ** 2,
            "marker alone": (scores["marker_p"] - truth) ** 2,
            "share resistant": (share - truth) ** 2,
        }
    )
    grouped = squares.groupby(scores["drug"])
    table = grouped.mean()
    table.loc["all"] = squares.mean()
    table.insert(0, "n", [*grouped.size(), len(scores)])
    return table.round(3)


def draw_reliability(scores: pd.DataFrame, path: Path) -> None:
    """Write the reliability diagram of the model's probabilities as PNG."""
    table = _reliability(scores[scores["pattern"] == "own"])
    figure = Figure(figsize=(4.6, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#8a95a1", lw=1)
    error = np.sqrt(table["resistant"] * (1 - table["resistant"]) / table["n"])
    axes.errorbar(table["mean p"], table["resistant"], 1.96 * error, fmt="o", color="#18222d")
    for p, share, n in zip(table["mean p"], table["resistant"], table["n"], strict=True):
        axes.annotate(f"{n}", (p, share), (6, -10), textcoords="offset points", fontsize=7)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of resistance",
             ylabel="share resistant, held out", aspect="equal")  # fmt: skip
    figure.savefig(path, dpi=150)


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
