"""Paired comparison of two tracked runs, on the lines that both held out.

References
----------
Efron, Ann. Stat. 7:1 (1979), doi:10.1214/aos/1176344552: the bootstrap.
Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9:39 (2010), doi:10.2202/1544-6115.1585: the data
as they are count among the random swaps, so that p is never 0.
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
from sidestep.training.validation.metrics import constant_within_folds

FEWEST_LINES = 10
RESAMPLES = 2000
_KEY = ["drug", "sample_id"]
_COLUMNS = [*_KEY, "donor", "fold", "observed", "train_mean", "blend"]
_TAIL = 2.5


@dataclass(frozen=True)
class RunPredictions:
    """What a tracked run predicted for lines that it had held out.

    Attributes
    ----------
    label : str
        As the run was asked for.
    run_id, study, response : str
    predictions : DataFrame
        As `training.validation.cross_validation.CrossValidation.predictions`.
    """

    label: str
    run_id: str
    study: str
    response: str
    predictions: pd.DataFrame


@dataclass(frozen=True)
class Comparison:
    """Run B against run A; a difference is B's Pearson r minus A's.

    Attributes
    ----------
    drugs : DataFrame
        Indexed by drug: `n` (shared lines), `pearson_a, pearson_b, difference, lower, upper`
        (95 % interval).
    difference, lower, upper : float
        Mean difference over the drugs, with its 95 % interval.
    p_value : float
        Two-sided, of no difference over the panel.
    lines, donors : int
        That both runs held out.
    same_folds : bool
        Whether both runs held the same lines out together.
    """

    drugs: pd.DataFrame
    difference: float
    lower: float
    upper: float
    p_value: float
    lines: int
    donors: int
    same_folds: bool

    @property
    def verdict(self) -> str:
        """How B fares: ``better`` or ``worse`` if the interval leaves out 0, else ``tie``."""
        if self.lower > 0:
            return "better"
        return "worse" if self.upper < 0 else "tie"

    @property
    def numbers(self) -> str:
        """Difference, interval and p in words."""
        return (
            f"mean r {self.difference:+.3f} ({self.lower:+.3f} to {self.upper:+.3f}), "
            f"p = {self.p_value:.2g}, {len(self.drugs)} drugs, {self.lines} lines"
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
        As `training.validation.cross_validation.CrossValidation.predictions`.

    Returns
    -------
    DataFrame
        One row a drug and line: `drug, sample_id`, and the other columns of each run, ending
        in `_a` and `_b`; in the order of A.
    """
    paired = a[_COLUMNS].merge(b[_COLUMNS], on=_KEY, suffixes=("_a", "_b"), validate="one_to_one")
    lines = paired.groupby("drug")["sample_id"].transform("size")
    return paired[lines >= FEWEST_LINES].reset_index(drop=True)


def compare(paired: pd.DataFrame, *, resamples: int = RESAMPLES, seed: int = 0) -> Comparison:
    """Compare the blends of two runs by Pearson r over the same lines.

    Intervals are the 95 % percentile bootstrap that draws donors, the same donors for both runs
    and all drugs. The p-value is of a randomisation test: if the runs are equally good, then A's
    and B's predictions for a donor (all its lines, all drugs) can be swapped; p is the share of
    random swaps, the data as they are counted in, whose mean difference is as far from 0.
    Predictions are first brought to mean 0 and variance 1 a drug, so that a mere difference in
    scale, which r does not see, is none for the test either.

    A run that predicts one number within every fold ranks nobody and has r = 0, as in
    `training.validation.metrics.score`; so has a draw in which r is not defined.

    Parameters
    ----------
    paired : DataFrame
        As `pair` returns, not empty.
    resamples : int
        Of the bootstrap, and swaps of the test.
    seed : int
    """
    rng = np.random.default_rng(seed)
    donor_of_row, donors = pd.factorize(paired["donor_a"])
    count = len(donors)
    draws = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
    swaps = rng.random((resamples, count)) < 0.5
    rows, by_draw, by_swap = [], [], []
    for drug, table in paired.groupby("drug", sort=False):
        donor = donor_of_row[table.index.to_numpy()]
        weights = np.vstack([np.ones(len(donor)), draws[:, donor]])
        a, b = _products(table, "a"), _products(table, "b")
        r_a, r_b = _correlation(weights @ a), _correlation(weights @ b)
        exchange = swaps[:, donor].astype(float) @ (b - a)
        by_swap.append(
            _correlation(b.sum(axis=0) - exchange) - _correlation(a.sum(axis=0) + exchange)
        )
        difference = r_b - r_a
        by_draw.append(difference)
        rows.append((drug, len(donor), r_a[0], r_b[0], difference[0], *_bounds(difference[1:])))
    columns = ["drug", "n", "pearson_a", "pearson_b", "difference", "lower", "upper"]
    mean = np.mean(by_draw, axis=0)
    lower, upper = _bounds(mean[1:])
    as_far = np.abs(np.mean(by_swap, axis=0)) >= abs(mean[0]) - 1e-12
    return Comparison(
        pd.DataFrame(rows, columns=columns).set_index("drug"),
        float(mean[0]),
        lower,
        upper,
        float((1 + as_far.sum()) / (1 + resamples)),
        int(paired["sample_id"].nunique()),
        count,
        _same_folds(paired),
    )


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
            f"model version {reference} is not registered; see those that are with sidestep ui"
        ) from None
    if not version.run_id:
        raise InputError(f"model version {reference} names no run; give the run's identifier")
    return str(version.run_id)


def _products(table: pd.DataFrame, run: str) -> np.ndarray:
    """Observed o and predicted p, standardised, as lines x (1, o, p, o², p², op)."""
    predicted = table[f"blend_{run}"].to_numpy(float)
    reference = table[f"train_mean_{run}"].to_numpy(float)
    if constant_within_folds(predicted, reference, table[f"fold_{run}"].to_numpy()):
        predicted = np.zeros(len(table))
    o, p = _standardised(table["observed_a"].to_numpy(float)), _standardised(predicted)
    return np.column_stack([np.ones(len(table)), o, p, o**2, p**2, o * p])


def _standardised(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean()
    spread = centred.std()
    return centred / spread if spread > 1e-12 else np.zeros(len(values))


def _correlation(sums: np.ndarray) -> np.ndarray:
    """Pearson r from weighted sums of `_products`; 0 where it is not defined."""
    means = sums / sums[..., :1].clip(1)
    _, o, p, oo, pp, op = np.moveaxis(means, -1, 0)
    product = (oo - o**2) * (pp - p**2)
    defined = product > 1e-12
    return np.where(defined, (op - o * p) / np.sqrt(np.where(defined, product, 1)), 0.0)


def _bounds(draws: np.ndarray) -> tuple[float, float]:
    lower, upper = np.percentile(draws, [_TAIL, 100 - _TAIL])
    return float(lower), float(upper)


def _same_folds(paired: pd.DataFrame) -> bool:
    """Whether the folds are the same sets of lines, whatever their numbers."""
    pairs = paired[["fold_a", "fold_b"]].drop_duplicates()
    return len(pairs) == paired["fold_a"].nunique() == paired["fold_b"].nunique()
