"""Cohorts and groups: by clinical attributes, and by what is derived of the whole study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.cohorts import (
    MOST_GROUPS,
    by_group,
    choose_cohort,
    cohort_of,
    group_labels,
    known_of,
    restrict,
)
from sidestep.features.errors import InputError
from sidestep.features.files.limits import HELD_MIB
from sidestep.features.files.store import MatrixStore
from sidestep.features.groups import her2_calls
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.on_disk import StoredStudy, open_study
from sidestep.features.study.study import Study, read_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohorts") / "study"
    simulate_study(folder, SimulationPlan(kind="cohort", lines=40, genes=150, seed=2))
    return folder


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    """A cohort of which the clinic says nothing of some samples."""
    read = read_study(folder)
    clinical = read.clinical.copy()
    clinical.loc[read.samples[::3], "ERBB2_STATUS"] = np.nan
    return replace(read, clinical=clinical)


def test_no_filter_means_every_sample(study: Study) -> None:
    cohort = cohort_of(study)
    assert list(cohort.samples) == list(study.samples)
    assert restrict(study, cohort) is study
    assert cohort.written == []


def test_her2_is_decided_in_the_whole_study(study: Study) -> None:
    calls = her2_calls(study)
    expected = list(study.samples[(calls["high"] & (calls["assay"] != "")).to_numpy()])
    cohort = cohort_of(study, "her2=high")
    assert 0 < len(expected) < len(study.samples)
    assert list(cohort.samples) == expected
    # Of some samples the levels decide, which a part of the study would judge otherwise.
    part = restrict(study, cohort)
    assert list(part.samples) == expected
    both = cohort_of(study, ["her2=high", "SUBTYPE=HER2-enriched"])
    assert set(both.samples) < set(expected) | {""}
    assert cohort.record() == {"where": ["her2=high"], "of_samples": 40, "notes": []}


def test_lineage_is_the_subtype_where_there_is_one_lineage(study: Study) -> None:
    known = known_of(study)
    assert known.lineage == "SUBTYPE"
    groups = by_group(group_labels(known, "lineage"))
    assert groups == by_group(group_labels(known, "SUBTYPE"))
    assert sum(map(len, groups.values())) == 40
    sizes = list(map(len, groups.values()))
    assert sizes == sorted(sizes, reverse=True)


def test_groups_have_an_order_and_the_unknown_comes_last(study: Study) -> None:
    known = known_of(study)
    assert list(group_labels(known, "her2").cat.categories[:2]) == ["high", "not high"]
    labels = group_labels(known, "erbb2_status")
    assert labels.name == "ERBB2_STATUS"
    assert list(labels.cat.categories)[-1] == "not known"
    assert (labels == "not known").sum() == study.clinical["ERBB2_STATUS"].isna().sum()


def test_a_filter_finds_what_the_study_calls_her2_before_what_is_derived(study: Study) -> None:
    named = replace(study, clinical=study.clinical.assign(her2=["red", "blue"] * 20))
    assert len(cohort_of(named, "her2=red").samples) == 20
    with pytest.raises(InputError, match="her2=high"):
        cohort_of(named, "her2=high")


def test_too_many_groups_are_refused_and_empty_ones_too(study: Study) -> None:
    many = replace(
        study,
        clinical=study.clinical.assign(
            ID=[f"v{n % (MOST_GROUPS + 1)}" for n in range(40)],
            EMPTY=pd.Series(np.nan, study.samples, dtype="str"),
        ),
    )
    known = known_of(many)
    with pytest.raises(InputError, match=f"has {MOST_GROUPS + 1} values, more groups than"):
        group_labels(known, "ID")
    with pytest.raises(InputError, match="EMPTY is not known of any sample"):
        group_labels(known, "EMPTY")
    with pytest.raises(InputError, match="did you mean"):
        group_labels(known, "SUBTYP")
    narrowed = known.select(many.samples[:5])
    assert len(by_group(group_labels(narrowed, "ID"))) == 5


def test_a_study_without_clinical_attributes_still_has_her2(study: Study) -> None:
    bare = replace(study, clinical=study.clinical[[]])
    known = known_of(bare)
    assert len(choose_cohort(known, "her2=high").samples) > 0
    with pytest.raises(InputError, match="lineage is not known of any sample"):
        group_labels(known, "lineage")


@pytest.mark.slow
def test_a_study_on_disk_gives_the_same_cohort(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HELD_MIB, "0.000001")
    held = read_study(folder)
    with MatrixStore(tmp_path / "store") as store:
        stored = open_study(folder, store)
        if not isinstance(stored, StoredStudy):
            pytest.fail("the study is not on disk")
        # What the clinic or a sample's own genes decide; that 150 genes leave open stays so.
        for where in ("SUBTYPE=Luminal", "her2=high"):
            cohort = cohort_of(stored, where)
            part = restrict(stored, cohort)
            assert isinstance(part, StoredStudy)
            assert list(part.samples) == list(cohort_of(held, where).samples)
            first = part.select(list(part.samples[:3]))
            expected = held.select(list(part.samples[:3]))
            pd.testing.assert_frame_equal(first.expression, expected.expression)
