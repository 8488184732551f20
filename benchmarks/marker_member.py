"""What the single marker adds to the blend: on simulated lines with known truth, and on real ones.

    python -m benchmarks.marker_member simulated
    python -m benchmarks.marker_member breast --repeats 3
    python -m benchmarks.marker_member pancan

On simulated lines the rule that weighs the members was chosen: drugs with planted mechanisms, of
some of which the marker shows nothing, one that is noise, and made-up responses that are the marker
and noise, which a marker's straight line predicts best. On real lines nothing is chosen: the blend
with the marker stands beside the one without, both of the same fitted members, at default settings.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from benchmarks.accuracy import STUDIES
from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.simulation.drugs import NULL_DRUG
from sidestep.features.simulation.plan import SimulationPlan
from sidestep.features.simulation.simulate import simulate_study
from sidestep.features.study.study import read_study
from sidestep.models.estimators.blend import (
    Blend,
    blend_weights,
    blended,
    prior_weights,
    pulled_weights,
)
from sidestep.models.estimators.folds import donor_folds
from sidestep.training.validation.cross_validation import (
    Plan,
    fit_features,
    lines_of_drug,
    responses_to,
    split_lines,
)
from sidestep.training.validation.lines import DrugLines
from sidestep.training.validation.metrics import pearson
from sidestep.training.validation.panel import PanelDrug, choose_panel

_SHRINKAGE = 100.0
#: Training lines of a simulated study, by its kind; the rest of the lines are predicted.
_SIZES = {"breast": (30, 45, 80), "pancan": (150, 400)}
_SEEDS = {"breast": range(11, 17), "pancan": range(11, 13)}
_LINES = {"breast": 500, "pancan": 700}
_HELD_OUT = 250
#: Marker of a made-up response, and a drug of which the ridge sees the targets.
_TRUE_MARKERS = {"ERBB2": "Lapatinib", "EGFR": "Erlotinib", "MET": "Crizotinib"}
#: Correlation of a made-up response with its marker.
_TRUE_R = (0.8, 0.6)

#: Drugs whose planted mechanisms their markers' RNA does not show.
_UNMARKED = ("Alpelisib", "Everolimus", "Trametinib")

Rule = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _with_prior(
    held_out: np.ndarray, y: np.ndarray, odds: tuple[float, ...], sharpness: float
) -> np.ndarray:
    deviations, response = held_out - y.mean(), y - y.mean()
    prior = prior_weights(deviations, response, odds, sharpness)
    return pulled_weights(deviations, response, prior, _SHRINKAGE)


def _without_marker(held_out: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.append(blend_weights(held_out[:, :2], y, _SHRINKAGE), 0.0)


def _with_marker(held_out: np.ndarray, y: np.ndarray) -> np.ndarray:
    return blend_weights(held_out, y, _SHRINKAGE)


def _marker_alone(held_out: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.array([0.0, 0.0, 1.0])


_OF_BOTH: dict[str, Rule] = {
    "without marker": _without_marker,
    "with marker": _with_marker,
    "marker alone": _marker_alone,
}
#: Odds of halves, thirds and the marker alone, and sharpness.
_PRIORS = (
    ((1.0, 0.0, 0.0), 0.0),
    ((0.0, 1.0, 0.0), 0.0),
    ((1.0, 1.0, 1.0), 0.5),
    ((4.0, 2.0, 1.0), 0.25),
    ((4.0, 2.0, 1.0), 0.5),
    ((8.0, 2.0, 1.0), 0.5),
    ((10.0, 1.0, 1.0), 0.25),
    ((10.0, 1.0, 1.0), 0.5),
    ((10.0, 1.0, 1.0), 1.0),
)
_CANDIDATES: dict[str, Rule] = {
    f"odds {odds[0]:g}:{odds[1]:g}:{odds[2]:g}, sharpness {sharpness:g}": partial(
        _with_prior, odds=odds, sharpness=sharpness
    )
    for odds, sharpness in _PRIORS
}


@dataclass(frozen=True)
class Members:
    """What the members say of one drug's training lines out of fold, and of lines held out.

    Attributes
    ----------
    drug : str
    training, held_out : ndarray of shape (n_lines, 3)
        Predictions of ridge, trees and marker.
    y, observed : ndarray of shape (n_lines,)
        Responses of the same lines.
    has_marker : bool
        Whether the lines have the marker; without it it has no weight.
    """

    drug: str
    training: np.ndarray
    held_out: np.ndarray
    y: np.ndarray
    observed: np.ndarray
    has_marker: bool

    @classmethod
    def of(cls, known: DrugLines, held_out: DrugLines, seed: int) -> Members:
        """Fit the members to known lines."""
        with threadpool_limits(1):
            blend = Blend(known.target_features, known.markers, seed=seed, inner_folds=0)
            blend.fit(known.lines, known.y, known.donors)
            folds = donor_folds(known.donors, 4, seed)
            ridge, trees, marker = blend.members()
            training = [
                ridge.out_of_fold(known.lines, known.y, known.donors, folds),
                trees.out_of_fold(known.lines, known.y, folds),
                marker.out_of_fold(known.lines, known.y, folds),
            ]
            return cls(
                known.drug.name,
                np.column_stack(training),
                blend.member_predictions(held_out.X),
                known.y,
                held_out.y,
                blend.marker_.informative,
            )

    def predicted(self, rule: Rule) -> tuple[np.ndarray, float]:
        """Prediction of the held-out lines, and the marker's share of the weights."""
        weights = (rule if self.has_marker else _without_marker)(self.training, self.y)
        share = weights[2] / (weights.sum() or 1.0)
        return blended(self.held_out, weights, self.y.mean()), float(share)


def main() -> None:
    """Print the table of the simulated lines, or of one real study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lines", choices=["simulated", *sorted(STUDIES)])
    parser.add_argument("--repeats", type=int, default=1, help="fold assignments, seeds 0, 1 ...")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    started = time.perf_counter()
    if options.lines == "simulated":
        print(simulated(options.jobs).T.round(3).to_string())
    else:
        table = real(options.lines, options.repeats, options.jobs)
        print(table.round(3).to_string(), "\n")
        print(gain(table))
    print(f"{time.perf_counter() - started:.0f} s")


def simulated(jobs: int) -> pd.DataFrame:
    """Mean r on held-out lines, rules x (kind, lines, response), and the worst loss of a drug."""
    tasks = [(kind, seed, n) for kind in _SIZES for seed in _SEEDS[kind] for n in _SIZES[kind]]
    found = Parallel(n_jobs=jobs)(delayed(_simulated_members)(*task) for task in tasks)
    rows = []
    for (kind, seed, n), members in zip(tasks, found, strict=True):
        for one in members:
            for name, rule in (_OF_BOTH | _CANDIDATES).items():
                predicted, share = one.predicted(rule)
                rows.append(
                    (name, kind, n, seed, one.drug, pearson(one.observed, predicted), share)
                )
    columns = ["rule", "kind", "lines", "seed", "drug", "r", "share"]
    table = pd.DataFrame(rows, columns=columns)
    table["response"] = table["drug"].map(_kind_of_response)
    order = list(_OF_BOTH | _CANDIDATES)
    keys = ["kind", "lines", "response"]
    mean = table.pivot_table(index="rule", columns=keys, values="r").loc[order]
    planted = table["response"].isin(["planted", "beside the marker"])
    by_drug = table[planted].pivot_table(
        index="rule", columns=["kind", "lines", "drug"], values="r"
    )
    worst = (by_drug - by_drug.loc["without marker"]).T.groupby(["kind", "lines"]).min().T
    worst.columns = pd.MultiIndex.from_tuples([(*key, "worst drug") for key in worst.columns])
    return pd.concat([mean, worst.loc[order]], axis=1).sort_index(axis=1)


def _kind_of_response(drug: str) -> str:
    if drug == NULL_DRUG:
        return "noise"
    if drug.startswith("marker"):
        return drug
    return "beside the marker" if drug in _UNMARKED else "planted"


def _simulated_members(kind: str, seed: int, n: int) -> list[Members]:
    """Members fitted to `n` simulated lines, of every drug and made-up response."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        plan = SimulationPlan(kind=kind, lines=_LINES[kind], genes=2000, seed=seed)
        simulate_study(Path(folder) / "study", plan)
        study = read_study(Path(folder) / "study")
        response = study.response(next(iter(study.response_files)))
        panel = choose_panel(study, response, drugs=None, panel="all", min_lines=10)
    lines = panel.values.index
    order = rng.permutation(len(lines))
    train, test = (lines[np.sort(part)] for part in (order[:n], order[n : n + _HELD_OUT]))
    features = FeatureJoiner().fit(study.select(list(train))).transform(study.select(list(lines)))
    drugs = {drug.name: drug for drug in panel.drugs}
    # The noise has a marker too: what is it to cost to look at one that says nothing?
    drugs[NULL_DRUG] = replace(drugs[NULL_DRUG], marker="ERBB2")
    responses = {name: responses_to(study, panel, drug) for name, drug in drugs.items()}
    every = [replace(known, drug=drugs[name]) for name, known in responses.items()]
    for gene, like in _TRUE_MARKERS.items():
        values = features[f"expression:{gene}"].dropna()
        for r in _TRUE_R:
            noise = rng.normal(size=len(values)) * values.std() * np.sqrt(1 / r**2 - 1)
            drug = PanelDrug(f"marker and noise, r {r:g}", drugs[like].genes, gene)
            of_all = responses_to(
                study,
                replace(panel, values=(values + noise).reindex(lines).to_frame(drug.name)),
                drug,
            )
            every.append(of_all)
    return [Members.of(one.on(features.loc[train]), one.on(features.loc[test]), 0) for one in every]


def real(name: str, repeats: int, jobs: int) -> pd.DataFrame:
    """Out-of-fold r of each rule, the marker's mean share, and its gain with interval, by drug."""
    folder, stable_id, drugs = STUDIES[name]
    shared = Path(os.environ.get("SIDESTEP_SHARED", "../shared"))
    study = read_study(shared / "studies" / folder)
    panel = choose_panel(study, study.response(stable_id), drugs=drugs, panel="all", min_lines=20)

    def tasks() -> Iterator[tuple[int, DrugLines, DrugLines]]:
        for seed in range(repeats):
            plan = Plan(seed=seed)
            for train, test in split_lines(study, panel.values.index, plan):
                _, features = fit_features(study, train, panel.values.index, plan)
                for drug in panel.drugs:
                    data = lines_of_drug(study, panel, drug, features)
                    yield seed, data.among(train), data.among(test)

    found = Parallel(n_jobs=jobs, pre_dispatch="2*n_jobs")(
        delayed(_fold)(seed, known, held_out) for seed, known, held_out in tasks()
    )
    folds = pd.concat(found, ignore_index=True)
    by_drug = folds.groupby("drug", sort=False)
    table = pd.DataFrame({str(drug): _mean_r(part) for drug, part in by_drug}).T
    table["share"] = by_drug["share"].mean()
    ends = {str(drug): _gain_interval(part) for drug, part in by_drug}
    table["gain"] = table["with marker"] - table["without marker"]
    table["lower"], table["upper"] = (
        pd.Series({d: e[at] for d, e in ends.items()}) for at in (0, 1)
    )
    table.loc[~by_drug["has_marker"].any(), "marker alone"] = np.nan
    return table.assign(n=panel.values.notna().sum())


def _mean_r(folds: pd.DataFrame) -> dict[str, float]:
    """Mean over fold assignments of each rule's r, of one drug."""
    assignments = [part for _, part in folds.groupby("seed")]
    return {
        rule: float(
            np.mean([pearson(*part[["observed", rule]].to_numpy().T) for part in assignments])
        )
        for rule in _OF_BOTH
    }


def _gain_interval(folds: pd.DataFrame, n_bootstrap: int = 500) -> tuple[float, float]:
    """95 % bootstrap interval over lines of the gain by the marker, of one drug."""
    lines = dict(folds.reset_index(drop=True).groupby("line").indices)
    names, rng = list(lines), np.random.default_rng(0)
    gains = []
    for _ in range(n_bootstrap):
        drawn = rng.integers(0, len(names), len(names))
        r = _mean_r(folds.iloc[np.concatenate([lines[names[at]] for at in drawn])])
        gains.append(r["with marker"] - r["without marker"])
    low, high = np.percentile(gains, [2.5, 97.5])
    return float(low), float(high)


def _fold(seed: int, known: DrugLines, held_out: DrugLines) -> pd.DataFrame:
    members = Members.of(known, held_out, seed)
    predicted = {name: members.predicted(rule)[0] for name, rule in _OF_BOTH.items()}
    share = members.predicted(_with_marker)[1]
    return pd.DataFrame(
        {
            "drug": members.drug,
            "seed": seed,
            "line": held_out.X.index,
            "observed": members.observed,
            **predicted,
            "share": share,
            "has_marker": members.has_marker,
        }
    )


def gain(table: pd.DataFrame, n_bootstrap: int = 2000) -> str:
    """Mean gain in r by the marker with a 95 % bootstrap interval over drugs."""
    gains = table["gain"].to_numpy(float)
    rng = np.random.default_rng(0)
    drawn = gains[rng.integers(0, len(gains), size=(n_bootstrap, len(gains)))].mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    means = table[list(_OF_BOTH)].mean().round(3).to_dict()
    return (
        f"mean r over {len(gains)} drugs: {means}\n"
        f"gain by the marker {gains.mean():+.3f} ({low:+.3f} to {high:+.3f}), "
        f"{int((gains > 0).sum())} drugs up, largest loss {gains.min():+.3f}"
    )


if __name__ == "__main__":
    main()
