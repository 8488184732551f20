"""HER2-high by the cut-offs of training lines: in any unit, any cohort, and alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.groups import RNA, her2_high
from sidestep.features.study.study import Study, read_study
from sidestep.models.predictor.her2 import Her2Reference


@pytest.fixture(scope="module")
def by_rna(shared: Path) -> Study:
    """Breast lines, of which only the RNA is known."""
    study = read_study(shared / "studies" / "breast_cell_lines")
    known = study.select(list(study.expression.index))
    return replace(known, clinical=known.clinical[[]], copy_number=None, rppa=None)


def test_real_lines_are_as_high_in_linear_units_among_positives_and_alone(by_rna: Study) -> None:
    # Fewer genes than it takes to tell by a line's own genes: the frozen cut-off decides.
    few = replace(by_rna, expression=by_rna.expression.iloc[:, ::10].copy())
    few.expression["ERBB2"] = by_rna.expression["ERBB2"]
    joiner = FeatureJoiner(["expression"]).fit(few)
    reference = Her2Reference.fit(few, joiner.transform(few))

    def high(study: Study) -> list[str]:
        calls = reference.calls(study, joiner.transform(study))
        assert set(calls["assay"]) == {RNA}
        return [str(name) for name in calls.index[calls["high"]]]

    positives = high(few)
    assert len(positives) >= 4
    assert set(positives) < set(her2_high(by_rna)[lambda shown: shown].index)
    for unit in (few.expression.rpow(2), few.expression.rpow(2) + 1):
        assert high(replace(few, expression=unit)) == positives
    assert high(few.select(positives)) == positives
    for name in (*positives[:2], *few.samples[:2]):
        assert high(few.select([name])) == [name] * (name in positives)


@pytest.mark.slow
def test_it_is_kept_as_it_is(by_rna: Study) -> None:
    features = FeatureJoiner(["expression"]).fit(by_rna).transform(by_rna)
    reference = Her2Reference.fit(by_rna, features)
    kept = Her2Reference.from_state(reference.get_state())
    assert kept.calls(by_rna, features).equals(reference.calls(by_rna, features))
    assert kept.high.tolist() == reference.high.tolist()
