"""Mutations: what was tested, what it hit, and how many there are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.builders.mutation import MutationBuilder
from sidestep.features.errors import InputError
from sidestep.features.study.measurements import study_of_measurements
from sidestep.features.study.study import Study

NOTHING = study_of_measurements(pd.DataFrame(columns=["sample_id", "modality", "feature"]))
MISSENSE, STOP, SILENT = "Missense_Mutation", "Nonsense_Mutation", "Silent"

# Six lines; each of TP53, PIK3CA and KRAS is hit in three or more, BRCA2 in two.
TRAINING = [
    ("L0", "TP53", MISSENSE, "p.R175H"),
    ("L1", "TP53", STOP, "p.R213*"),
    ("L2", "TP53", STOP, "p.R213*"),
    ("L3", "TP53", "Frame_Shift_Del", "p.P72fs"),
    ("L0", "PIK3CA", MISSENSE, "p.H1047R"),
    ("L1", "PIK3CA", MISSENSE, "p.H1047L"),
    ("L2", "PIK3CA", MISSENSE, "p.H1047R"),
    ("L3", "PIK3CA", MISSENSE, "p.A1P"),
    ("L0", "KRAS", MISSENSE, "p.A2P"),
    ("L1", "KRAS", MISSENSE, "p.A3P"),
    ("L2", "KRAS", MISSENSE, "p.A4P"),
    ("L4", "BRCA2", STOP, "p.E5*"),
    ("L5", "BRCA2", STOP, "p.E6*"),
    ("L3", "EGFR", SILENT, "p.L858L"),
    ("L4", "EGFR", SILENT, "p.L858L"),
    ("L5", "EGFR", SILENT, "p.L858L"),
]


def sequenced(
    calls: list[tuple[str, str, str, str | float]],
    lines: list[str],
    panels: dict[str, set[str]] | None = None,
    panel_of: dict[str, str] | None = None,
    others: list[str] | None = None,
) -> Study:
    """Lines that were tested, their calls and gene panels; `others` were not tested."""
    names = pd.Index(lines, dtype="str", name="sample_id")
    return replace(
        NOTHING,
        samples=names.append(pd.Index(others or [], dtype="str")),
        mutations=pd.DataFrame(
            calls, columns=["sample_id", "gene", "classification", "protein_change"]
        ).astype("str"),
        sequenced=names,
        panels={name: frozenset(genes) for name, genes in (panels or {}).items()},
        panel_of=pd.Series(panel_of or {}, dtype="str").reindex(names),
    )


@pytest.fixture(scope="module")
def builder() -> MutationBuilder:
    return MutationBuilder().fit(sequenced(TRAINING, [f"L{number}" for number in range(6)]))


def test_recurrent_alterations_become_features(builder):
    assert set(builder.get_feature_names_out()) == {
        "mutation:TP53",
        "mutation:TP53:truncating",
        "mutation:PIK3CA",
        "mutation:PIK3CA:hotspot",
        "mutation:KRAS",
        "mutation:burden",
    }


def test_calls_are_ones_and_no_call_is_zero(builder):
    new = sequenced(
        [("A", "TP53", STOP, "p.Q1*"), ("B", "PIK3CA", MISSENSE, "p.H1047Y")], ["A", "B", "C"]
    )
    features = builder.transform(new).drop(columns="mutation:burden")
    assert features.loc["A"][features.loc["A"] == 1].index.tolist() == [
        "mutation:TP53",
        "mutation:TP53:truncating",
    ]
    assert features.loc["B"][features.loc["B"] == 1].index.tolist() == [
        "mutation:PIK3CA",
        "mutation:PIK3CA:hotspot",
    ]
    assert (features.loc["C"] == 0).all()


@pytest.mark.parametrize(
    ("change", "is_hotspot"),
    [("p.H1047R", 1), ("p.His1047Arg", 1), ("p.E545K", 0), ("p.A1P", 0), (np.nan, 0)],
)
def test_a_hotspot_is_a_residue_that_training_met(builder, change, is_hotspot):
    features = builder.transform(sequenced([("A", "PIK3CA", MISSENSE, change)], ["A"]))
    assert features.loc["A", "mutation:PIK3CA"] == 1
    assert features.loc["A", "mutation:PIK3CA:hotspot"] == is_hotspot


def test_a_residue_that_three_lines_share_is_a_hotspot():
    calls = [(f"L{n}", "NEWGENE", MISSENSE, "p.K7N") for n in range(3)]
    names = MutationBuilder().fit(sequenced(calls, ["L0", "L1", "L2"])).get_feature_names_out()
    assert "mutation:NEWGENE:hotspot" in names


def test_silent_calls_are_ignored(builder):
    quiet = sequenced([("A", "TP53", SILENT, "p.R175R"), ("A", "KRAS", "Intron", "nan")], ["A"])
    none = sequenced([("Z", "OTHER", MISSENSE, "p.A1P")], ["A", "Z"])
    pd.testing.assert_series_equal(
        builder.transform(quiet).loc["A"], builder.transform(none).loc["A"]
    )


def test_a_sample_that_was_not_tested_is_missing_not_wild_type(builder):
    features = builder.transform(sequenced([("A", "TP53", STOP, "p.Q1*")], ["A"], others=["B"]))
    assert features.loc["A"].notna().all()
    assert features.loc["B"].isna().all()


def test_a_gene_outside_the_samples_panel_is_missing(builder):
    new = sequenced(
        [("A", "PIK3CA", MISSENSE, "p.H1047R"), ("B", "TP53", STOP, "p.Q1*")],
        ["A", "B"],
        panels={"small": {"PIK3CA"}},
        panel_of={"A": "small"},
    )
    features = builder.transform(new)
    assert (
        features.loc["A", ["mutation:TP53", "mutation:TP53:truncating", "mutation:KRAS"]]
        .isna()
        .all()
    )
    assert features.loc["A", "mutation:PIK3CA"] == 1
    assert features.loc["B"].notna().all()


def test_an_undescribed_panel_covers_every_gene(builder):
    new = sequenced([("A", "TP53", STOP, "p.Q1*")], ["A"], panel_of={"A": "unheard of"})
    assert builder.transform(new).loc["A"].notna().all()


def test_burden_is_calls_a_thousand_genes_of_the_training_panel(builder):
    # Training has non-silent calls in four genes; the second call in TP53 counts as well.
    calls = [
        ("A", "TP53", STOP, "p.Q1*"),
        ("A", "TP53", MISSENSE, "p.R175H"),
        ("A", "KRAS", SILENT, "p.A1A"),
    ]
    burden = builder.transform(sequenced(calls, ["A"]))["mutation:burden"]
    assert burden["A"] == pytest.approx(np.log2(1 + 1000 * 2 / 4))


def test_burden_does_not_depend_on_genes_outside_the_training_panel(builder):
    calls = [("A", "TP53", STOP, "p.Q1*")]
    exome = calls + [("A", f"OTHER{n}", MISSENSE, "p.A1P") for n in range(50)]
    small, whole = (builder.transform(sequenced(c, ["A"])) for c in (calls, exome))
    pd.testing.assert_frame_equal(small, whole)


def test_burden_on_a_smaller_panel_is_a_rate(builder):
    new = sequenced(
        [("A", "TP53", STOP, "p.Q1*"), ("B", "TP53", STOP, "p.Q1*")],
        ["A", "B", "C"],
        panels={"half": {"TP53", "KRAS"}, "none": {"OTHER"}},
        panel_of={"A": "half", "C": "none"},
    )
    burden = builder.transform(new)["mutation:burden"]
    assert burden["A"] == pytest.approx(np.log2(1 + 1000 / 2))
    assert burden["B"] == pytest.approx(np.log2(1 + 1000 / 4))
    assert np.isnan(burden["C"])


def test_burden_counts_genes_that_every_training_panel_covers():
    lines = [f"L{number}" for number in range(6)]
    study = sequenced(TRAINING, lines, panels={"p": {"TP53", "PIK3CA"}}, panel_of={"L5": "p"})
    assert MutationBuilder().fit(study).panel_ == ["PIK3CA", "TP53"]


@pytest.mark.parametrize("with_table", [True, False])
def test_a_study_without_mutations_gets_rows_of_nan(builder, with_table):
    empty = sequenced([], [], others=["A", "B"])
    study = empty if with_table else replace(empty, mutations=None, sequenced=None)
    features = builder.transform(study)
    assert features.shape == (2, 6)
    assert features.isna().all(axis=None)


def test_fitting_needs_mutations():
    study = replace(NOTHING, samples=pd.Index(["A"], dtype="str"))
    with pytest.raises(InputError, match="no sample has mutation data to fit on"):
        MutationBuilder().fit(study)
