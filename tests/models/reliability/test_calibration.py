"""What is said of a patient does not depend on who else is asked about."""

import numpy as np

from sidestep.models.reliability.calibration import BetaCalibration
from sidestep.models.reliability.probabilities import jackknife


def test_a_probability_is_the_same_to_the_last_bit_whoever_stands_beside():
    rng = np.random.default_rng(0)
    known = rng.normal(0, 2, 200)
    calibration = BetaCalibration.of(known, (rng.random(200) < 1 / (1 + np.exp(-known))) * 1.0)
    asked = rng.normal(0, 3, 400)
    alone = [calibration.probability(asked[n : n + 1])[0] for n in range(len(asked))]
    assert calibration.probability(asked).tolist() == alone


def test_a_jackknife_is_the_same_to_the_last_bit_whoever_stands_beside():
    folds = np.random.default_rng(1).normal(0, 2, (10, 300))
    alone = [jackknife(folds[:, n : n + 1], 0.8)[0] for n in range(folds.shape[1])]
    assert jackknife(folds, 0.8).tolist() == alone
    assert jackknife(np.asfortranarray(folds), 0.8).tolist() == alone
    error = np.sqrt(9 * folds.var(axis=0))
    assert np.allclose(alone, 1.3830287 * error, rtol=1e-6)  # Student's t of 9, 90 %
