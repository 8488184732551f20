"""Paired comparison of two tracked runs, on the lines that both held out.

References
----------
Efron, Ann. Stat. 7:1 (1979), doi:10.1214/aos/1176344552: the bootstrap.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass

import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from sidestep.features.errors import InputError
from sidestep.training.validation.metrics import donor_weights
from sidestep.training.validation.yardsticks import Yardstick, kind_of, yardstick_of

FEWEST_LINES = 10
RESAMPLES = 2000
_KEY = ["drug", "sample_id", "repeat"]
_COLUMNS = [*_KEY, "donor", "fold", "observed", "blend"]
_TAIL, _ONE_SIDED = 2.5, 5.0


@dataclass(frozen=True)
class RunPredictions:
    """What a tracked run predicted for lines that it had held out.

    Attributes
    ----------
    label : str
        As the run was asked for.
    run_id, study, response : str
    predictions : DataFrame
        As `training.validation.cross_validation.CrossValidation.repeated`.
    """

    label: str
    run_id: str
    study: str
    response: str
    predictions: pd.DataFrame


@dataclass(frozen=True)
class Comparison:
    """Run B against run A; a difference is B's headline (Pearson r, or AUC) minus A's.

    Attributes
    ----------
    yardstick : Yardstick
        Of the kind of response.
    drugs : DataFrame
        Indexed by drug: `n` (shared lines), the headline of each (`pearson_a, pearson_b`, or
        `auc_a, auc_b`), `difference, lower, upper` (95 % interval).
    difference, lower, upper : float
        Mean difference over the drugs, with its 95 % interval.
    least : float
        The difference is above it with a probability of 95 %.
    probability : float
        That B is better.
    lines, donors : int
        That both runs held out.
    same_folds : bool
        Whether both runs held the same lines out together.
    """

    yardstick: Yardstick
    drugs: pd.DataFrame
    difference: float
    lower: float
    upper: float
    least: float
    probability: float
    lines: int
    donors: int
    same_folds: bool

    @property
    def verdict(self) -> str:
        """How B fares: ``better`` or ``worse`` if the interval leaves out 0, else ``tie``."""
        if self.lower > 0:
            return "better"
        return "worse" if self.upper < 0 else "tie"

    def not_worse_by(self, margin: float) -> bool:
        """Whether B is shown to be no worse than `margin` in mean r (95 %, one-sided)."""
        return self.least > -margin

    @property
    def numbers(self) -> str:
        """Difference, interval and probability in words."""
        return (
            f"mean {self.yardstick.symbol} {self.difference:+.3f} "
            f"({self.lower:+.3f} to {self.upper:+.3f}), probability of better "
            f"{self.probability:.2f}, {len(self.drugs)} drugs, {self.lines} lines"
        )


def read_run(client: MlflowClient, reference: str) -> RunPredictions:
    """Out-of-fold predictions of a run.

    Parameters
    ----------
    client : MlflowClient
    reference : str
        A run's identifier, or the registered version that it led to: ``NAME@ALIAS`` or
        ``NAME/VERSION``.

    Raises
    ------
    InputError
        If there is no such run or version, or the run keeps no such predictions.
    """
    run_id = _run_of(client, reference.removeprefix("models:/").removeprefix("runs:/"))
    try:
        tags = client.get_run(run_id).data.tags
    except MlflowException:
        raise InputError(
            f"run {reference} is not in the store; give the identifier that sidestep train "
            "printed, or a registered NAME@champion or NAME/VERSION"
        ) from None
    try:
        with tempfile.TemporaryDirectory(prefix="sidestep-compare-") as folder:
            path = client.download_artifacts(run_id, "out_of_fold.parquet", folder)
            predictions = pd.read_parquet(path, columns=_COLUMNS)
    except (MlflowException, OSError, ValueError):  # what pyarrow raises is a ValueError
        raise InputError(
            f"run {reference} keeps no readable out_of_fold.parquet; give a run that sidestep "
            "train has finished"
        ) from None
    return RunPredictions(
        reference, run_id, tags.get("study", ""), tags.get("response", ""), predictions
    )


def compare_runs(a: RunPredictions, b: RunPredictions, *, seed: int = 0) -> Comparison:
    """Compare two tracked runs, B against A; see `compare`.

    Raises
    ------
    InputError
        If they learned different responses, or share no drug with enough lines.
    """
    if a.response != b.response:
        raise InputError(
            f"{a.label} learned {a.response} and {b.label} learned {b.response}; give runs of the "
            "same response"
        )
    paired = pair(a.predictions, b.predictions)
    if paired.empty:
        raise InputError(
            f"{a.label} and {b.label} share no drug with {FEWEST_LINES} lines; give runs of the "
            "same drugs and study"
        )
    differing = paired[~np.isclose(paired["observed_a"], paired["observed_b"])]
    if len(differing):
        row = differing.iloc[0]
        raise InputError(
            f"{a.label} and {b.label} learned different responses of {row['sample_id']} to "
            f"{row['drug']} ({row['observed_a']:.4g} and {row['observed_b']:.4g}); give runs of "
            "the same data"
        )
    return compare(paired, seed=seed)


def pair(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Lines that both runs held out, of every drug with at least `FEWEST_LINES` of them.

    Parameters
    ----------
    a, b : DataFrame
        As `training.validation.cross_validation.CrossValidation.repeated`.

    Returns
    -------
    DataFrame
        One row a drug, line and assignment to folds that both have: `drug, sample_id, repeat`, and
        the other columns of each run, ending in `_a` and `_b`; in the order of A.
    """
    paired = a[_COLUMNS].merge(b[_COLUMNS], on=_KEY, suffixes=("_a", "_b"), validate="one_to_one")
    lines = paired.groupby("drug")["sample_id"].transform("nunique")
    return paired[lines >= FEWEST_LINES].reset_index(drop=True)


def compare(paired: pd.DataFrame, *, resamples: int = RESAMPLES, seed: int = 0) -> Comparison:
    """Compare the blends of two runs by Pearson r within folds, or by AUC, over the same lines.

    Intervals are of the percentile bootstrap [1]_ that draws donors, the same donors for both runs
    and all drugs. A draw in which r is not defined counts as 0.

    Parameters
    ----------
    paired : DataFrame
        As `pair` returns, not empty.
    resamples : int
        Of the bootstrap.
    seed : int

    References
    ----------
    .. [1] Efron, Ann. Stat. 7:1 (1979), doi:10.1214/aos/1176344552.
    """
    weights = donor_weights(paired["donor_a"].to_numpy(dtype=str), resamples, seed)
    yardstick = yardstick_of(kind_of(paired["observed_a"].to_numpy(float)))
    rows, drawn = [], []
    for drug, table in paired.groupby("drug", sort=False):
        among = weights[:, table.index.to_numpy()]
        r_a, r_b = (_headline(yardstick, table, run, among) for run in "ab")
        difference = r_b - r_a
        drawn.append(difference)
        n = table["sample_id"].nunique()
        rows.append((drug, n, r_a[0], r_b[0], difference[0], *_bounds(difference[1:])))
    headlines = [f"{yardstick.headline}_{run}" for run in "ab"]
    columns = ["drug", "n", *headlines, "difference", "lower", "upper"]
    mean = np.mean(drawn, axis=0)
    lower, upper = _bounds(mean[1:])
    return Comparison(
        yardstick=yardstick,
        drugs=pd.DataFrame(rows, columns=columns).set_index("drug"),
        difference=float(mean[0]),
        lower=lower,
        upper=upper,
        least=float(np.percentile(mean[1:], _ONE_SIDED)),
        probability=float(np.mean((mean[1:] > 0) + 0.5 * (mean[1:] == 0))),
        lines=int(paired["sample_id"].nunique()),
        donors=int(paired["donor_a"].nunique()),
        same_folds=_same_folds(paired),
    )


def _headline(
    yardstick: Yardstick, table: pd.DataFrame, run: str, weights: np.ndarray
) -> np.ndarray:
    """Headline of a run, within its folds, first of all lines, then of each draw."""
    folds = table.groupby(["repeat", f"fold_{run}"], sort=False).ngroup().to_numpy()
    observed, predicted = (table[f"{name}_{run}"].to_numpy(float) for name in ("observed", "blend"))
    repeats = table["repeat"].to_numpy()
    found = yardstick.compared(observed, predicted, folds, repeats, weights)
    return np.asarray(np.nan_to_num(found))


def _run_of(client: MlflowClient, reference: str) -> str:
    """Give the run of ``NAME@ALIAS`` or ``NAME/VERSION``; any other reference is a run's own."""
    match = re.fullmatch(r"(?P<name>[^@/]+)(?:@(?P<alias>[^@/]+)|/(?P<version>\d+))", reference)
    if match is None:
        return reference
    try:
        if match["alias"] is not None:
            version = client.get_model_version_by_alias(match["name"], match["alias"])
        else:
            version = client.get_model_version(match["name"], match["version"])
    except MlflowException:
        raise InputError(
            f"model version {reference} is not registered; see those that are with sidestep models"
        ) from None
    if not version.run_id:
        raise InputError(f"model version {reference} names no run; give the run's identifier")
    return str(version.run_id)


def _bounds(draws: np.ndarray) -> tuple[float, float]:
    lower, upper = np.percentile(draws, [_TAIL, 100 - _TAIL])
    return float(lower), float(upper)


def _same_folds(paired: pd.DataFrame) -> bool:
    """Whether the folds are the same sets of lines, whatever their numbers."""
    pairs = paired[["repeat", "fold_a", "fold_b"]].drop_duplicates()
    numbers = [len(paired[["repeat", fold]].drop_duplicates()) for fold in ("fold_a", "fold_b")]
    return numbers == [len(pairs)] * 2
