"""Platform shift: whether the samples of a study, together, lie where the training lines lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.builders.names import modality_of
from sidestep.features.errors import InputError
from sidestep.models.estimators.patterns import LEAST_SHARE
from sidestep.models.reliability.applicability import NearestLines

#: Fewer samples than this are too few to tell a shift from chance.
FEWEST_SAMPLES = 5
#: A shift counts as more than chance at this p-value or below.
ALPHA = 0.01
#: Above this median difference of feature means, in training standard deviations, and above this
#: ratio of spreads (or below its inverse), a shift is strong: "large" by Cohen's convention.
STRONG_DIFFERENCE = 0.8
STRONG_SPREAD = 2.0

NONE, SHIFTED, STRONG = "none", "shifted", "strong"
TOO_FEW, TOO_FEW_LINES, NOT_MEASURED = "too few samples", "too few lines", "not measured"
#: What each verdict means, in the order from harmless to harmful, then those of no test.
VERDICTS: Final = {
    NONE: f"no shift beyond chance (p above {ALPHA})",
    SHIFTED: f"a shift beyond chance (p at most {ALPHA}), but not a strong one",
    STRONG: f"beyond chance, and half of the features' means lie {STRONG_DIFFERENCE} training "
    f"standard deviations off or more, or the spread differs {STRONG_SPREAD:g}-fold or more",
    TOO_FEW: f"fewer than {FEWEST_SAMPLES} donors of the study have the modality",
    TOO_FEW_LINES: f"fewer than {FEWEST_SAMPLES} donors of the training lines have the modality",
    NOT_MEASURED: f"no sample of the study has {LEAST_SHARE:.0%} of the modality's features",
}

_PERMUTATIONS = 999
# Features worked on at a time; it bounds memory.
_BLOCK = 2000
# Of a statistic whose scale is one: equal arrangements count as equal in spite of rounding.
_TIE = 1e-9


@dataclass(frozen=True)
class ModalityShift:
    """How the samples of a study differ, as a whole, from the training lines in one modality.

    Attributes
    ----------
    modality : str
    n_samples : int
        Samples compared: those with the modality, one a donor.
    n_features : int
        Features compared.
    share_measured : float
        Share of the model's features of the modality that these samples have, on average.
    statistic : float
        Mean over features of the squared difference of means, in training standard deviations,
        less what chance alone adds to it; about zero, and maybe below, where nothing shifted.
    median_difference : float
        Median over features of the absolute difference of means, in training standard deviations.
    spread_ratio : float
        Spread of the samples over that of the training lines: root of the ratio of their
        variances, averaged over features.
    p_value : float
        That the samples come from where the training lines come from.
    verdict : str
        One of `VERDICTS`. Numbers are NaN where nothing was compared.
    """

    modality: str
    n_samples: int
    n_features: int
    share_measured: float
    statistic: float
    median_difference: float
    spread_ratio: float
    p_value: float
    verdict: str


def platform_shift(
    nearest: NearestLines,
    features: pd.DataFrame,
    seed: int = 0,
    donors: Sequence[str] | None = None,
) -> list[ModalityShift]:
    r"""Test each molecular modality of a study against the training lines.

    The test is the kernel two-sample test [1]_: the unbiased estimate of the squared maximum mean
    discrepancy

    .. math:: \frac{\sum_{i \ne j} k(x_i, x_j)}{n(n-1)} + \frac{\sum_{i \ne j} k(y_i, y_j)}{m(m-1)}
              - \frac{2 \sum_{ij} k(x_i, y_j)}{nm}

    of samples :math:`x` and lines :math:`y`, with a Gaussian kernel whose width is the median
    distance, against 999 random relabellings of samples and lines, the true one counted among them
    [2]_. It sees shifts of level and of scale alike. One sample and one line a donor count, because
    two of one donor are no independent witnesses. Features are standardised over samples and lines
    together, so that relabelling changes nothing but the labels; a missing value is the mean. A
    feature is compared where a fifth of the samples and of the lines have it.

    Parameters
    ----------
    nearest : NearestLines
        The training lines.
    features : DataFrame of shape (n_samples, n_features)
        Columns as `nearest` was fitted on.
    seed : int
        Of the relabellings.
    donors : sequence of str, optional
        Donor of each sample; each is its own by default.

    Returns
    -------
    list of ModalityShift
        One a modality of the model, clinical covariates aside, in the model's order.

    Raises
    ------
    InputError
        If the columns are not those of the training lines.

    References
    ----------
    .. [1] Gretton et al., A kernel two-sample test, J Mach Learn Res 13:723-773 (2012),
       https://jmlr.org/papers/v13/gretton12a.html (the journal gives no DOI).
    .. [2] Phipson and Smyth, Permutation p-values should never be zero, Stat Appl Genet Mol Biol
       9:39 (2010), doi 10.2202/1544-6115.1585.
    """
    if features.columns.tolist() != nearest.features_:
        raise InputError(
            f"the {features.shape[1]} features to compare are not the {len(nearest.features_)} of "
            "the training lines; build them with the model's own joiner"
        )
    modality = np.array([modality_of(name) for name in nearest.features_])
    of_sample = np.arange(len(features)) if donors is None else np.asarray(donors)
    shifts = []
    for name in dict.fromkeys(modality[modality != "clinical"].tolist()):
        columns = np.flatnonzero(modality == name)
        with np.errstate(over="ignore"):
            # Rounded as the lines are, so that a sample like a line is the line.
            values = features.iloc[:, columns].to_numpy(float) / nearest.sd_[columns]
            values = values.astype(np.float32)
        samples = _one_a_donor(np.where(np.isfinite(values), values, np.nan), of_sample)
        lines = _one_a_donor(nearest.lines_[:, columns], np.array(nearest.donors_))
        shifts.append(_modality_shift(name, samples, lines, seed))
    return shifts


def _one_a_donor(values: np.ndarray, donors: np.ndarray) -> np.ndarray:
    """Rows that have the modality, the first of each donor."""
    rows = np.flatnonzero(np.isfinite(values).mean(axis=1) >= LEAST_SHARE)
    _, first = np.unique(donors[rows], return_index=True)
    return np.asarray(values[rows[np.sort(first)]])


def _modality_shift(
    modality: str, samples: np.ndarray, lines: np.ndarray, seed: int
) -> ModalityShift:
    """Compare samples and lines that have the modality, in training standard deviations."""
    measured = np.isfinite(samples)
    share = float(measured.mean()) if len(samples) else 0.0
    shared = np.flatnonzero(_often(samples) & _often(lines))
    untested = _untested(len(samples), len(lines), len(shared))
    if untested:
        nan = float("nan")
        return ModalityShift(modality, len(samples), 0, share, nan, nan, nan, nan, untested)
    difference, chance, variances, distances = _compared(samples, lines, shared)
    median = float(np.median(np.abs(difference)))
    # The mean of variances and not of ratios: rare mutations are wild type in most small studies.
    ours, theirs = variances.mean(axis=1)
    spread = float(np.sqrt(ours / theirs)) if theirs > 0 else float("nan")
    p_value = _permutation_p(distances, len(samples), seed)
    return ModalityShift(
        modality=modality,
        n_samples=len(samples),
        n_features=len(shared),
        share_measured=share,
        statistic=float(np.mean(difference**2 - chance)),
        median_difference=median,
        spread_ratio=spread,
        p_value=p_value,
        verdict=_verdict(p_value, median, spread),
    )


def _untested(n_samples: int, n_lines: int, n_shared: int) -> str:
    """Verdict where there is too little to compare; empty where there is enough."""
    if n_samples == 0:
        return NOT_MEASURED
    if n_samples < FEWEST_SAMPLES:
        return TOO_FEW
    if n_lines < FEWEST_SAMPLES:
        return TOO_FEW_LINES
    return "" if n_shared else NOT_MEASURED


def _verdict(p_value: float, median_difference: float, spread_ratio: float) -> str:
    if p_value > ALPHA:
        return NONE
    unlike = spread_ratio >= STRONG_SPREAD or spread_ratio <= 1 / STRONG_SPREAD
    return STRONG if median_difference >= STRONG_DIFFERENCE or unlike else SHIFTED


def _often(values: np.ndarray) -> np.ndarray:
    """Features that a fifth of the rows have, and two at least."""
    return np.asarray(np.isfinite(values).sum(axis=0) >= max(2.0, LEAST_SHARE * len(values)))


def _compared(
    samples: np.ndarray, lines: np.ndarray, shared: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Compare group with group by feature, and row with row over all features.

    Returns
    -------
    difference, chance : ndarray of shape (n_shared,)
        Difference of means, and its expected square if there is none.
    variances : ndarray of shape (2, n_shared)
        Of the samples and of the lines.
    distances : ndarray of shape (n_rows, n_rows)
        Squared, of samples and then lines.
    """
    n_rows = len(samples) + len(lines)
    gram = np.zeros((n_rows, n_rows))
    parts = []
    for start in range(0, len(shared), _BLOCK):
        block = shared[start : start + _BLOCK]
        groups = [samples[:, block].astype(float), lines[:, block].astype(float)]
        mean, variance, count = np.stack([_moments(group) for group in groups], axis=1)
        parts.append([mean[0] - mean[1], (variance / count).sum(axis=0), *variance])
        standard = _standardised(np.concatenate(groups))
        gram += standard @ standard.T
    difference, chance, ours, theirs = np.concatenate(parts, axis=1)
    length = np.diag(gram)
    distances = np.maximum(length[:, None] + length[None, :] - 2.0 * gram, 0.0)
    return difference, chance, np.stack([ours, theirs]), distances


def _moments(values: np.ndarray) -> np.ndarray:
    """Mean, unbiased variance and number of the measured values of each column."""
    count = np.isfinite(values).sum(axis=0)
    return np.stack([np.nanmean(values, axis=0), np.nanvar(values, axis=0, ddof=1), count])


def _standardised(values: np.ndarray) -> np.ndarray:
    """Columns with mean zero and deviation one; zero where missing or constant."""
    centred = values - np.nanmean(values, axis=0)
    sd = np.nanstd(values, axis=0)
    return np.asarray(np.nan_to_num(centred / np.where(sd > 1e-6, sd, np.inf)))


def _permutation_p(distances: np.ndarray, n_samples: int, seed: int) -> float:
    """Share of labellings, the true one among them, that set samples and lines as far apart.

    Parameters
    ----------
    distances : ndarray of shape (n_rows, n_rows)
        Squared distances of all rows, samples first.
    n_samples : int
    seed : int
    """
    n_rows = len(distances)
    n, m = n_samples, n_rows - n_samples
    above = distances[np.triu_indices(n_rows, k=1)]
    width = float(np.median(above)) or float(above.mean()) or 1.0
    kernel = np.exp(-distances / (2.0 * width))
    np.fill_diagonal(kernel, 0.0)
    true = np.arange(n_rows) < n_samples
    random = np.random.default_rng(seed).permuted(np.tile(true, (_PERMUTATIONS, 1)), axis=1)
    labels = np.vstack([true, random]).astype(float)
    to_samples = labels @ kernel
    within = (to_samples * labels).sum(axis=1)
    between = to_samples.sum(axis=1) - within
    within_lines = kernel.sum() - within - 2.0 * between
    apart = within / (n * (n - 1)) + within_lines / (m * (m - 1)) - 2.0 * between / (n * m)
    return float(np.mean(apart >= apart[0] - _TIE))
