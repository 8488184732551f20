"""Does the score of a model of cell lines help a model of patients? By repeated cross-validation.

    python -m benchmarks.lines_as_prior
    python -m benchmarks.lines_as_prior --her2-positive --learn 30

A model of `breast_cell_lines` (GDSC2, Lapatinib and MK-2206) learns from what I-SPY2's patients
have too: signatures of the tumour cells computed from expression, and three phosphosites.
Signatures of immune cells and stroma are left out, which lines do not have. Its predictions for the
643 patients then join a logistic ridge of pathological complete response on signatures,
phosphosites, receptors and arm:

- ``feature``: both predictions as two more features, shrunk as the others are;
- ``prior``: nearly unshrunk, so that the coefficients of the signatures are shrunk towards those of
  the line model, times a factor that is learned;
- ``by arm``: the prediction for lapatinib where a drug against HER2 was given, that for MK-2206
  where that was, else 0, as a feature.

With `--her2-positive` a model learns from HER2-positive patients alone, with `--learn` from so
many, drawn anew in each fold: whether lines help where patients are few.

The choices above were made before any result was looked at, and the penalty is chosen inside each
fold. Predictions are averaged over the repeats; differences of AUC and Brier score are bootstrapped
over the patients.
"""

from __future__ import annotations

import argparse
import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold, train_test_split

import sidestep
from sidestep.features.builders.published_scores import PublishedScores
from sidestep.features.mechanisms.of_features import mechanism_of
from sidestep.features.study.antibodies import match_antibodies
from sidestep.features.study.study import Study, read_study

DRUGS: Final = ("Lapatinib", "MK-2206")
#: Drugs of an arm that the line model's drug stands for.
_GIVEN: Final = {
    "Lapatinib": ("Neratinib", "Pertuzumab", "Trastuzumab", "T-DM1"),
    "MK-2206": ("MK-2206",),
}
_NOT_IN_LINES: Final = ("immune", "stroma")
_PENALTIES: Final = np.logspace(-4, 1, 11)
#: Times that a prediction is larger than other features, so that it is hardly shrunk.
_UNSHRUNK: Final = 10.0
_DRAWS: Final = 2000


def main() -> None:
    """Print how well each model does, and the gain over the one without lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--her2-positive", action="store_true", help="no other patients")
    parser.add_argument("--learn", type=int, help="patients that each fold learns from")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    studies = Path(os.environ.get("SIDESTEP_SHARED", "../shared")) / "studies"
    patients = read_study(studies / "ispy2_patients")
    scores = line_scores(read_study(studies / "breast_cell_lines"), patients, options.seed)
    outcome = (patients.clinical["PCR"] == "pCR").to_numpy()
    positive = (patients.clinical["HER2_STATUS"] == "Positive").to_numpy()
    _print_alone(scores, patients, outcome, positive)
    rows = np.flatnonzero(positive | (not options.her2_positive))
    strata = 2 * positive + outcome
    told = {
        name: _at(rows, held_out(table[rows], outcome[rows], strata[rows], options), len(outcome))
        for name, table in tables_of(patients, scores).items()
    }
    if options.her2_positive:
        print(f"learned from {options.learn or 'all'} HER2-positive patients of each fold")
        _print_gains("HER2-positive", {k: p[rows] for k, p in told.items()}, outcome[rows], 0)
        return
    for name, rows in (("all", np.ones(len(outcome), dtype=bool)), ("HER2-positive", positive)):
        _print_gains(name, {key: p[rows] for key, p in told.items()}, outcome[rows], options.seed)


def line_scores(lines: Study, patients: Study, seed: int) -> pd.DataFrame:
    """What the model of lines predicts for each patient, high is resistant, in deviations."""
    computed = PublishedScores.of_tables().scores(lines.expression)
    kept = [n for n in computed if mechanism_of(f"signature:{n}") not in _NOT_IN_LINES]
    shared = match_antibodies(list(patients.rppa.columns), list(lines.rppa.columns))
    restricted = replace(
        lines,
        signatures=computed[kept],
        signatures_kind="z-score",
        rppa=lines.rppa[list(shared.values())],
    )
    trained = sidestep.train(
        restricted, "gdsc2_ln_ic50", list(DRUGS), trials=0, folds=5, repeats=3, seed=seed, jobs=1,
        modalities=["signature", "rppa"],
    )  # fmt: skip
    print(trained)
    found = sidestep.score(patients, trained).scores
    wide = found.pivot(index="sample_id", columns="drug", values="prediction")
    wide = wide.reindex(patients.samples)
    return (wide - wide.mean()) / wide.std()


def tables_of(patients: Study, scores: pd.DataFrame) -> dict[str, np.ndarray]:
    """Features of each model of patients."""
    clinical = patients.clinical
    arms = pd.get_dummies(clinical["ARM_CODE"]).astype(float)
    receptors = pd.get_dummies(clinical[["ER_PR_STATUS", "HER2_STATUS"]], drop_first=True)
    levels = patients.signatures.join(patients.rppa)
    standard = ((levels - levels.mean()) / levels.std()).fillna(0.0)
    plain = np.hstack([standard, receptors.astype(float), arms])
    text = clinical["TREATMENT_ARM"].fillna("")
    given = pd.DataFrame(
        {drug: text.map(lambda arm, names=names: any(n in arm for n in names)).astype(float)
         for drug, names in _GIVEN.items()},
        index=patients.samples,
    )  # fmt: skip
    both = scores[list(DRUGS)].fillna(0.0)
    return {
        "without lines": plain,
        "feature": np.hstack([plain, both]),
        "prior": np.hstack([plain, _UNSHRUNK * both]),
        "by arm": np.hstack([plain, both * given[list(DRUGS)]]),
    }


def held_out(
    table: np.ndarray, outcome: np.ndarray, strata: np.ndarray, options: argparse.Namespace
) -> np.ndarray:
    """Held-out probability of response, averaged over the repeats."""
    total = np.zeros(len(outcome))
    for repeat in range(options.repeats):
        seed = options.seed + repeat
        splits = StratifiedKFold(options.folds, shuffle=True, random_state=seed)
        for train, test in splits.split(table, strata):
            if options.learn and options.learn < len(train):
                train, _ = train_test_split(
                    train, train_size=options.learn, stratify=strata[train], random_state=seed
                )
            model = LogisticRegressionCV(Cs=_PENALTIES, cv=5, scoring="neg_log_loss", max_iter=500)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                model.fit(table[train], outcome[train])
            total[test] += model.predict_proba(table[test])[:, 1]
    return total / options.repeats


def _at(rows: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Values at their rows among `count`, NaN elsewhere."""
    found = np.full(count, np.nan)
    found[rows] = values
    return found


def _print_alone(
    scores: pd.DataFrame, patients: Study, outcome: np.ndarray, positive: np.ndarray
) -> None:
    print("The line model alone, AUC of its predicted sensitivity for pCR (95 % interval)")
    arm = patients.clinical["ARM_CODE"]
    groups = {
        "Lapatinib": {"HER2-positive": positive, "arm N": (arm == "N").to_numpy()},
        "MK-2206": {"all": np.ones(len(outcome), bool), "arm MK2206": (arm == "MK2206").to_numpy()},
    }
    for drug, rows_of in groups.items():
        for name, rows in rows_of.items():
            known = rows & scores[drug].notna().to_numpy()
            auc = _auc_interval(outcome[known], -scores[drug].to_numpy()[known])
            print(f"  {drug:<10} {name:<14} n {known.sum():>4}  {_shown(auc)}")


def _auc_interval(outcome: np.ndarray, score: np.ndarray) -> tuple[float, float, float]:
    draws = _drawn(len(outcome), 0)
    found = [
        roc_auc_score(outcome[rows], score[rows]) for rows in draws if 0 < outcome[rows].mean() < 1
    ]
    low, high = np.percentile(found, [2.5, 97.5])
    return roc_auc_score(outcome, score), low, high


def _drawn(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(count, size=(_DRAWS, count))


def _print_gains(name: str, told: dict[str, np.ndarray], outcome: np.ndarray, seed: int) -> None:
    print(f"{name}: n {len(outcome)}, pCR {int(outcome.sum())}")
    draws = _drawn(len(outcome), seed)
    base = told["without lines"]
    for key, p in told.items():
        auc, brier = roc_auc_score(outcome, p), brier_score_loss(outcome, p)
        line = f"  {key:<14} AUC {auc:.3f}  Brier {brier:.4f}"
        if key != "without lines":
            gains = [
                (roc_auc_score(outcome[r], p[r]) - roc_auc_score(outcome[r], base[r]),
                 brier_score_loss(outcome[r], p[r]) - brier_score_loss(outcome[r], base[r]))
                for r in draws
            ]  # fmt: skip
            ends = np.percentile(gains, [2.5, 97.5], axis=0)
            auc_gain = (auc - roc_auc_score(outcome, base), *ends[:, 0])
            brier_gain = (brier - brier_score_loss(outcome, base), *ends[:, 1])
            line += f"  AUC gain {_shown(auc_gain, '+')}  Brier gain {_shown(brier_gain, '+', 4)}"
        print(line)


def _shown(found: tuple[float, float, float], sign: str = "", digits: int = 3) -> str:
    value, low, high = (f"{one:{sign}.{digits}f}" for one in found)
    return f"{value} ({low} to {high})"


if __name__ == "__main__":
    main()
