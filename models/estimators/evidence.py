r"""Logistic ridge on a weighted sum of views, whose weights have the largest marginal likelihood.

.. math:: f = b + \sum_v v_v g_v, \quad g_v \sim \mathcal N(0, K_v), \quad
          P(y_i = 1) = \frac{1}{1 + e^{-f_i}}

The mode of :math:`f` is a kernel logistic ridge of penalty 1, and Laplace's approximation of the
likelihood of all weights, at that mode, weighs fit against complexity [1]_: a view that says
nothing gets a weight of zero. With hundreds of patients and a handful of views this chooses as
well as leave-one-out and varies less.

References
----------
.. [1] Rasmussen and Williams, Gaussian Processes for Machine Learning, MIT Press (2006), chapters
   3 and 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy

from sidestep.models.estimators.mixtures import MixedFit, several_of_a_donor

#: Weights that a view may have, and how often each view's is chosen anew.
WEIGHTS = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0)
_ROUNDS = 2
_FIRST_WEIGHT = 0.1
# Newton's method stops when no log-odds moves by more, or gains nothing after so many halvings.
_TOLERANCE, _ROUGH = 1e-6, 1e-2
_MOST_STEPS, _MOST_HALVINGS = 50, 20
# So that a patient whose response is certain still has a weight.
_LEAST_WEIGHT = 1e-6


def evidence_fit(kernels: Mapping[str, np.ndarray], y: np.ndarray, groups: np.ndarray) -> MixedFit:
    """Weigh the views by coordinate ascent of the marginal likelihood, and fit.

    Parameters
    ----------
    kernels : mapping of str to ndarray of shape (n_samples, n_samples)
        Centred and of a mean diagonal of about one, by view.
    y : ndarray of shape (n_samples,)
        0 or 1, both of which occur.
    groups : ndarray of shape (n_samples,)
        Donor of each sample; those of one donor are left out together.
    """
    places = dict.fromkeys(kernels, WEIGHTS.index(_FIRST_WEIGHT))
    total = sum(
        (_FIRST_WEIGHT * kernel for kernel in kernels.values()), start=np.zeros((len(y), len(y)))
    )
    best = mode(total, y, tolerance=_ROUGH)
    for _ in range(_ROUNDS):
        before = dict(places)
        for name, kernel in kernels.items():
            rest = total - WEIGHTS[places[name]] * kernel
            best, places[name] = _climbed(rest, kernel, y, best, places[name])
            total = rest + WEIGHTS[places[name]] * kernel
        if places == before:
            break
    weights = {name: WEIGHTS[place] for name, place in places.items()}
    # Summed anew, so that what rounding left of additions and subtractions is gone.
    total = sum((w * kernels[name] for name, w in weights.items()), start=np.zeros_like(total))
    found = mode(total, y, best)
    return MixedFit(
        duals={name: weight * found.dual for name, weight in weights.items()},
        intercept=found.intercept,
        view_weights=weights,
        penalty=1.0,
        left_out=left_out_log_odds(total, y, groups, found),
    )


def _climbed(
    rest: np.ndarray, kernel: np.ndarray, y: np.ndarray, best: Mode, place: int
) -> tuple[Mode, int]:
    """Go to the weight next to a view's, up or down, as long as that is more likely."""
    for step in (1, -1):
        begin = place
        while 0 <= place + step < len(WEIGHTS):
            tried = mode(rest + WEIGHTS[place + step] * kernel, y, best, tolerance=_ROUGH)
            if tried.evidence <= best.evidence:
                break
            best, place = tried, place + step
        if place != begin:
            break
    return best, place


@dataclass(frozen=True)
class Mode:
    """Where a kernel logistic ridge of penalty 1 is most likely.

    Attributes
    ----------
    dual : ndarray of shape (n_samples,)
        It sums to zero.
    intercept : float
    evidence : float
        Laplace's approximation of the log marginal likelihood; the intercept is taken as known.
    """

    dual: np.ndarray
    intercept: float
    evidence: float

    def log_odds(self, kernel: np.ndarray) -> np.ndarray:
        """Of each sample."""
        return np.asarray(self.intercept + kernel @ self.dual)


def mode(
    kernel: np.ndarray, y: np.ndarray, begin: Mode | None = None, tolerance: float = _TOLERANCE
) -> Mode:
    r"""Minimise :math:`\sum_i \log(1 + e^{f_i}) - y_i f_i + \tfrac12 \alpha^T K \alpha`.

    with :math:`f = b + K \alpha`, by Newton's method; a step that does not gain is halved.

    Parameters
    ----------
    kernel : ndarray of shape (n_samples, n_samples)
        Centred.
    y : ndarray of shape (n_samples,)
        0 or 1, both of which occur.
    begin : Mode, optional
        Where to begin, such as the mode of a similar kernel.
    tolerance : float
        Largest step in log-odds at which to stop.
    """
    n = len(y)
    dual = np.zeros(n) if begin is None else begin.dual
    intercept = float(np.log(y.mean() / (1 - y.mean()))) if begin is None else begin.intercept
    smooth = kernel @ dual
    value = _objective(smooth + intercept, y, dual @ smooth)
    for _ in range(_MOST_STEPS):
        p = scipy.special.expit(smooth + intercept)
        weight = np.maximum(p * (1.0 - p), _LEAST_WEIGHT)
        root = np.sqrt(weight)
        factor = _factor(kernel, root)
        both = np.column_stack([smooth + intercept + (y - p) / weight, np.ones(n)])
        target, unit = (scipy.linalg.cho_solve(factor, both * root[:, None], check_finite=False)
                        * root[:, None]).T  # fmt: skip
        new_intercept = float(target.sum() / unit.sum())
        new_dual = target - new_intercept * unit
        new_dual -= new_dual.mean()  # zero but for rounding, which a centred kernel does not see
        new_smooth = kernel @ new_dual
        share = 1.0
        for _ in range(_MOST_HALVINGS):
            d, s = (share * new + (1 - share) * old
                    for new, old in ((new_dual, dual), (new_smooth, smooth)))  # fmt: skip
            b = share * new_intercept + (1 - share) * intercept
            lower = _objective(s + b, y, d @ s)
            if lower <= value + 1e-12 * abs(value):
                break
            share /= 2
        moved = float(np.abs(s + b - smooth - intercept).max())
        dual, smooth, intercept, value = d, s, b, lower
        if moved < tolerance:
            break
    # Of the last step but one, from which the last one differs by less than the tolerance.
    half_determinant = float(np.log(np.diag(factor[0])).sum())
    return Mode(dual, intercept, -value - half_determinant)


def left_out_log_odds(
    kernel: np.ndarray, y: np.ndarray, groups: np.ndarray, found: Mode
) -> np.ndarray:
    r"""Log-odds of each sample by the fit without its donor, one Newton step away, (n_samples,).

    At the mode the fit is a weighted ridge with weights :math:`W = p (1 - p)` and responses
    :math:`z = f + W^{-1} (y - p)`; without the samples :math:`g` of a donor it is [1]_

    .. math:: f_{-g} = z_g - (A_{gg})^{-1} (A z)_g, \quad
              A = B - \frac{B 1 1^T B}{1^T B 1}, \quad B = (K + W^{-1})^{-1}

    Parameters
    ----------
    kernel, y
        As for `mode`.
    groups : ndarray of shape (n_samples,)
    found : Mode

    References
    ----------
    .. [1] Rad and Maleki, A scalable estimate of the out-of-sample prediction error via approximate
       leave-one-out cross-validation, J R Stat Soc B 82:965-996 (2020), doi 10.1111/rssb.12374.
    """
    f = found.log_odds(kernel)
    p = scipy.special.expit(f)
    weight = np.maximum(p * (1.0 - p), _LEAST_WEIGHT)
    root = np.sqrt(weight)
    target = f + (y - p) / weight
    inverse = root[:, None] * scipy.linalg.cho_solve(
        _factor(kernel, root), np.diag(root), check_finite=False
    )
    summed = inverse.sum(axis=0)
    centred = inverse - np.outer(summed, summed) / summed.sum()
    fitted = centred @ target
    left_out = target - fitted / np.diag(centred)
    for samples in several_of_a_donor(groups):
        own = centred[np.ix_(samples, samples)]
        left_out[samples] = target[samples] - np.linalg.solve(own, fitted[samples])
    return np.asarray(left_out)


def _objective(f: np.ndarray, y: np.ndarray, norm: float) -> float:
    return float(np.logaddexp(0.0, f).sum() - y @ f + 0.5 * norm)


def _factor(kernel: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, bool]:
    """Cholesky factor of :math:`I + W^{1/2} K W^{1/2}`, from the roots of the weights."""
    inner = root[:, None] * kernel * root
    inner.flat[:: len(root) + 1] += 1.0
    factor: tuple[np.ndarray, bool] = scipy.linalg.cho_factor(
        inner, lower=True, overwrite_a=True, check_finite=False
    )
    return factor
