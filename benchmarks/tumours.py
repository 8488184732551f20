"""Tumours answered among tumours: how many get an answer, and whether its order is right.

    python -m benchmarks.tumours models:/her2-breast@champion --tracking-uri sqlite:///mlflow.db

No tumour has a measured response. What can be asked is how many get a graded answer, and whether
anti-HER2 drugs are ranked as the clinical HER2 status says: AUC for HER2-positive against negative
tumours, of the probability of resistance and of the marker's level alone, with their difference
(95 %, bootstrap over tumours). A random half of each cohort is the reference, and the other half is
scored; then the halves change places, so that every tumour is scored once. That a tumour's
features are aligned before the model looks was settled after these AUCs of both ways had been seen
on the same two cohorts, so that the table is no independent test of that choice.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd

import sidestep
from sidestep.features.groups import her2_columns
from sidestep.features.knowledge.drugs import find_drug
from sidestep.features.knowledge.statuses import NEGATIVE, POSITIVE, read_status
from sidestep.features.study.study import Study, read_study
from sidestep.models.registry.load import LoadedModel, load_model

COHORTS = ("scanb_breast", "tcga_brca_rppa")
_DRAWS = 2000


def main() -> None:
    """Print a table a model and cohort."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--tracking-uri")
    parser.add_argument("--cohorts", nargs="+", default=COHORTS, choices=COHORTS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    shared = Path(os.environ.get("SIDESTEP_SHARED", "../shared"))
    for uri in options.models:
        model = load_model(uri, options.tracking_uri)
        for name in options.cohorts:
            study = read_study(shared / "studies" / name)
            measure(model, study, options.seed)


def measure(model: LoadedModel, study: Study, seed: int) -> None:
    """Score both halves of a cohort, each among the other, and print what came of it."""
    order = np.random.default_rng(seed).permutation(len(study.samples))
    middle = len(order) // 2
    halves = [
        study.select([study.samples[at] for at in sorted(part)])
        for part in (order[:middle], order[middle:])
    ]
    drugs = [name for name in model.predictor.drugs if _is_against_her2(name)]
    scored = []
    for half, (reference, rest) in enumerate((halves, halves[::-1])):
        among = sidestep.reference(model, reference, "half")
        scored.append(_scores(rest, among, drugs).assign(half=half))
    table = pd.concat(scored)
    lines = _scores(study, model, drugs)
    status = read_status(study.clinical[her2_columns(study)[0]], her2_columns(study)[0]).status
    marker = _marker(study)
    said = f"{model.name} {model.version}".strip()
    print(f"\n{said} on {study.study_id}: {len(study.samples)} tumours, seed {seed}")
    print(f"taken for tumours: {(table['reference'] == 'half').mean():.1%} of the rows")
    for name in drugs:
        rows, alone = (one[one["drug"] == name].set_index("sample_id") for one in (table, lines))
        print(_line(name, rows, alone, status, marker, seed))


def _line(
    name: str,
    rows: pd.DataFrame,
    alone: pd.DataFrame,
    status: pd.Series,
    marker: pd.Series,
    seed: int,
) -> str:
    """What came of one drug."""
    first = rows[rows["half"] == 0]
    graded = {
        "among lines": alone,
        "of the other half": first,
        "of both": rows,
    }
    shares = ", ".join(
        f"{where} {(one['call'] != 'abstain').mean():.1%}" for where, one in graded.items()
    )
    told = [f"{name}: graded {shares}"]
    for where, one in {"other half": first, "both halves": rows}.items():
        known = [sample for sample in one.index if status.get(sample) in (POSITIVE, NEGATIVE)]
        positive = (status.loc[known] == POSITIVE).to_numpy()
        score = 1.0 - one.loc[known, "p_resistant"].to_numpy(float)
        level = marker.loc[known].to_numpy(float)
        has = np.isfinite(score) & np.isfinite(level)
        own, other, low, high = _compared(positive[has], score[has], level[has], seed)
        told.append(
            f"  {where}: AUC {own:.3f}, marker alone {other:.3f}, difference {own - other:+.3f} "
            f"({low:+.3f} to {high:+.3f}), {int(positive[has].sum())} positive, "
            f"{int((~positive[has]).sum())} negative"
        )
    return "\n".join(told)


def _scores(study: Study, model: LoadedModel, drugs: list[str]) -> pd.DataFrame:
    return sidestep.score(study, model, drugs).scores


def _is_against_her2(name: str) -> bool:
    drug = find_drug(name)
    return drug is not None and drug.marker == "ERBB2"


def _marker(study: Study) -> pd.Series:
    """ERBB2's RNA, or HER2's total protein where there is no RNA."""
    table = study.expression if study.expression is not None else study.rppa
    if table is None:
        raise SystemExit(f"{study.study_id} has neither RNA nor RPPA")
    return table["ERBB2"].reindex(study.samples)


def _compared(
    positive: np.ndarray, score: np.ndarray, level: np.ndarray, seed: int
) -> tuple[float, float, float, float]:
    """AUC of both, and the interval of their difference."""
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(_DRAWS):
        at = rng.integers(len(positive), size=len(positive))
        if 0 < positive[at].sum() < len(at):
            draws.append(_auc(positive[at], score[at]) - _auc(positive[at], level[at]))
    low, high = np.quantile(draws, [0.025, 0.975])
    return _auc(positive, score), _auc(positive, level), float(low), float(high)


def _auc(positive: np.ndarray, score: np.ndarray) -> float:
    """Probability that a positive tumour's score is the higher one; ties count half."""
    ranks = pd.Series(score).rank().to_numpy()
    n = int(positive.sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(positive) - n)))


if __name__ == "__main__":
    main()
