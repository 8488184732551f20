"""Gene set scores against known truth, and a sample by itself as in a batch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.features.knowledge.gene_sets import GeneSet
from sidestep.models.predictor.gene_sets import GeneSetReference
from sidestep.models.reliability.applicability import NearestLines

GENES = [f"G{number}" for number in range(40)]
PLAIN = GeneSet("own", "PLAIN", "", dict.fromkeys(GENES[:20], 1.0))
SIGNED = GeneSet("own", "SIGNED", "", {g: (2.5 if n % 2 else -1.25) for n, g in enumerate(GENES)})
SMALL = GeneSet("own", "SMALL", "", dict.fromkeys(GENES[:9], 1.0))
ELSEWHERE = GeneSet("own", "ELSEWHERE", "", dict.fromkeys([*GENES[:10], *"ABCDEFGHIJK"], 1.0))
SETS = (PLAIN, SIGNED, SMALL, ELSEWHERE)


def table(values: np.ndarray, prefix: str) -> pd.DataFrame:
    names = [f"{prefix}{number}" for number in range(len(values))]
    features = [f"expression:{gene}" for gene in GENES]
    rppa = pd.DataFrame(np.zeros((len(values), 1)), names, ["rppa:G1"])
    return pd.concat([rppa, pd.DataFrame(values, names, features)], axis=1)


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    return table(np.random.default_rng(3).normal(size=(50, 40)), "L")


@pytest.fixture(scope="module")
def reference(lines) -> GeneSetReference:
    return GeneSetReference(SETS, NearestLines().fit(lines, list(lines.index)))


def test_the_share_of_lines_below_is_that_of_the_weighted_means(lines, reference) -> None:
    samples = table(np.random.default_rng(4).normal(size=(7, 40)), "S")
    standing = reference.stand(samples)
    sd = lines.to_numpy()[:, 1:].std(axis=0)
    for place, one in enumerate((PLAIN, SIGNED)):
        weights = np.array([one.weights.get(gene, 0.0) for gene in GENES])
        of_lines, of_samples = (t.to_numpy()[:, 1:] / sd @ weights for t in (lines, samples))
        expected = (of_lines[None, :] < of_samples[:, None]).mean(axis=1)
        np.testing.assert_allclose(standing.below[:, place], expected)
        np.testing.assert_allclose(standing.above[:, place], 1 - expected)


def test_a_raised_set_is_in_the_top_decile_and_a_lowered_one_in_the_bottom(reference) -> None:
    up, down = np.zeros(40), np.zeros(40)
    up[:20], down[:20] = 1.0, -1.0
    standing = reference.stand(table(np.array([up, down, np.zeros(40)]), "S"))
    assert standing.top[:, 0].tolist() == [True, False, False]
    assert standing.bottom[:, 0].tolist() == [False, True, False]


def test_a_sample_like_a_line_has_neither_more_nor_less(lines, reference) -> None:
    standing = reference.stand(lines)
    assert (standing.below[:, :2] + standing.above[:, :2]).tolist() == [[0.98, 0.98]] * 50


def test_too_few_genes_give_no_score(reference) -> None:
    standing = reference.stand(table(np.full((1, 40), 3.0), "S"))
    assert reference.scorable.tolist() == [True, True, False, False]
    assert standing.genes.tolist() == [[20, 40, 9, 10]]  # nine genes, and ten of twenty-one
    assert np.isnan(standing.below[0]).tolist() == [False, False, True, True]
    assert not standing.top[0, 2:].any()


def test_a_sample_that_lacks_genes_is_compared_over_those_it_has(lines, reference) -> None:
    values = np.zeros((3, 40))
    values[0, :10], values[0, 10:20] = 1.0, np.nan  # the ten it has are high
    values[1, :10], values[1, 10:20] = 1.0, -1.0  # the others, measured, make up for that
    values[2, :11] = np.nan  # nine left
    standing = reference.stand(table(values, "S"))
    assert standing.genes[:, 0].tolist() == [10, 20, 9]
    assert standing.top[:, 0].tolist() == [True, False, False]
    assert np.isnan(standing.below[2, 0])


def test_a_sample_stands_the_same_alone_and_in_any_order(reference) -> None:
    values = np.random.default_rng(5).normal(size=(30, 40))
    values[np.random.default_rng(6).random((30, 40)) < 0.1] = np.nan
    samples = table(values, "S")
    together = reference.stand(samples)
    backwards = reference.stand(samples.iloc[::-1])
    np.testing.assert_array_equal(together.below, backwards.below[::-1])
    for row in range(30):
        alone = reference.stand(samples.iloc[[row]])
        for name in ("genes", "below", "above"):
            expected = getattr(together, name)[row]
            np.testing.assert_array_equal(getattr(alone, name)[0], expected)


def test_without_expression_there_is_no_score(lines) -> None:
    nothing = table(np.full((2, 40), np.nan), "S")
    rppa = lines[["rppa:G1"]]
    for reference, samples in (
        (GeneSetReference(SETS, NearestLines().fit(lines, list(lines.index))), nothing),
        (GeneSetReference(SETS, NearestLines().fit(rppa, list(rppa.index))), rppa),
    ):
        standing = reference.stand(samples)
        assert np.isnan(standing.below).all()
        assert not standing.genes.any()
        assert not (standing.top | standing.bottom).any()


def test_fewer_than_ten_lines_are_too_few_to_compare_with(lines) -> None:
    few = lines.iloc[:9]
    reference = GeneSetReference(SETS, NearestLines().fit(few, list(few.index)))
    assert np.isnan(reference.stand(lines).below).all()


def test_a_gene_is_found_under_a_previous_symbol_of_either_side(lines) -> None:
    others = dict.fromkeys(GENES[5:15], 1.0)
    named = lines.rename(
        columns={"expression:G0": "expression:MRE11A", "expression:G1": "expression:H2AX"}
    )
    sets = [GeneSet("own", "RENAMED", "", {"MRE11": 1.0, "H2AFX": 1.0, **others})]
    reference = GeneSetReference(sets, NearestLines().fit(named, list(named.index)))
    assert reference.stand(named).genes.tolist() == [[12]] * len(named)
