"""Ranks of any choice of genes from one sorting."""

import numpy as np
import pytest
from scipy.stats import rankdata

from sidestep.features.builders.ranks import GeneOrder

_RNG = np.random.default_rng(5)
_UNTIED = _RNG.normal(size=(7, 40))
_TIED = np.maximum(_UNTIED, 0.2).round(1)
_HOLES = np.where(_RNG.random(_TIED.shape) < 0.2, _RNG.choice([np.nan, np.inf, -np.inf]), _TIED)
_HOLES[3] = np.nan
_ZEROS = np.array([[0.0, -0.0, 1.0], [0.0, 0.0, 0.0]])


@pytest.mark.parametrize("values", [_UNTIED, _TIED, _HOLES, _UNTIED[:0], _ZEROS])
@pytest.mark.parametrize("share", [1.0, 0.6, 0.0])
def test_ranks_are_those_of_the_chosen_genes_that_are_measured(values: np.ndarray, share: float):
    genes = _RNG.permutation(values.shape[1])[: int(share * values.shape[1])]
    known = np.where(np.isfinite(values), values, np.nan)[:, genes]
    expected = rankdata(known, axis=1, nan_policy="omit") if known.size else known
    halves = GeneOrder.of(values).halves(np.append(genes, -1))
    np.testing.assert_array_equal(halves[:, :-1] / 2, np.nan_to_num(expected))
    assert not halves[:, -1].any()
