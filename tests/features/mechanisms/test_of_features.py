"""Which mechanism a feature speaks of: its own row, its gene's row, or none."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from sidestep.features.builders.names import gene_of
from sidestep.features.builders.rppa import RppaBuilder
from sidestep.features.mechanisms.of_features import (
    MECHANISM_TABLE,
    MECHANISMS,
    OTHER,
    MappedEntity,
    mechanism_of,
    mechanisms_of,
)


@pytest.mark.parametrize(
    ("feature", "mechanism"),
    [
        ("expression:ERBB2", "HER2 drive"),
        ("expression:GRB7", "HER2 drive"),
        ("copy_number:STARD3", "HER2 drive"),
        ("rppa:ERBB2_pY1248", "HER2 drive"),
        ("rppa:ERBB3_pY1289", "HER2 drive"),
        ("rppa:EGFR_pY1068", "other RTK bypass"),
        ("expression:IGF1R", "other RTK bypass"),
        ("expression:TYRO3", "other RTK bypass"),
        ("rppa:PDGFRB", "other RTK bypass"),
        ("expression:HGF", "other RTK bypass"),
        ("mutation:PIK3CA", "PI3K/AKT/MTOR"),
        ("mutation:PIK3CA:hotspot", "PI3K/AKT/MTOR"),
        ("mutation:PTEN:truncating", "PI3K/AKT/MTOR"),
        ("rppa:EIF4EBP1_pT37_T46", "PI3K/AKT/MTOR"),
        ("expression:DUSP6", "RAS/MAPK"),
        ("mutation:KRAS:hotspot", "RAS/MAPK"),
        ("expression:PLK1", "cell cycle and mitosis"),
        ("rppa:RB1_pS807_S811", "cell cycle and mitosis"),
        ("expression:BBC3", "apoptosis"),
        ("rppa:CASP7_cleavedD198", "apoptosis"),
        ("copy_number:CDKN2A", "senescence"),
        ("expression:IGFBP5", "senescence"),
        ("expression:VIM", "EMT"),
        ("rppa:CDH1", "EMT"),
        ("mutation:TP53", "DNA damage"),
        ("rppa:CHEK1_pS345", "DNA damage"),
        ("rppa:ESR1_pS118", "hormone"),
        ("expression:GATA3", "hormone"),
        ("expression:FAP", "stroma"),
        ("rppa:COL6A1", "stroma"),
    ],
)
def test_a_well_known_feature_has_its_mechanism(feature: str, mechanism: str) -> None:
    assert mechanism_of(feature) == mechanism


@pytest.mark.parametrize(
    "feature",
    [
        "expression:GAPDH",
        "rppa:GAPDH",
        "mutation:burden",
        "clinical:LINEAGE=breast",
        "clinical:ERBB2",
        "expression:NO_SUCH_GENE",
        "rppa:My favourite antibody",
        "rppa:",
        "expression:",
        ":",
        "",
        "ERBB2",
        "rppa:|",
    ],
)
def test_what_has_no_row_is_other(feature: str) -> None:
    assert mechanism_of(feature) == OTHER


@pytest.mark.parametrize(
    ("feature", "mechanism", "of_its_gene"),
    [
        ("rppa:CDKN1B_pT157", "PI3K/AKT/MTOR", "cell cycle and mitosis"),
        ("rppa:MDM2_pS166", "PI3K/AKT/MTOR", "DNA damage"),
        ("rppa:YBX1_pS102", "RAS/MAPK", "EMT"),
        ("rppa:PARP1_cleaved", "apoptosis", "DNA damage"),
        ("rppa:NDRG1_pT346", "PI3K/AKT/MTOR", OTHER),
        ("copy_number:THRA", "HER2 drive", OTHER),
    ],
)
def test_the_row_of_a_feature_wins_over_the_row_of_its_gene(
    feature: str, mechanism: str, of_its_gene: str
) -> None:
    gene = gene_of(feature)
    assert mechanism_of(feature) == mechanism
    assert mechanism_of(f"expression:{gene}") == of_its_gene


def test_every_row_of_a_feature_differs_from_the_row_of_its_gene() -> None:
    table = MECHANISM_TABLE.load()
    genes = {entity: gene_of(entity) or "" for entity in table if ":" in entity}
    same = [e for e, g in genes.items() if g in table and table[g].mechanism == table[e].mechanism]
    assert same == []


@pytest.mark.parametrize(
    ("ratio", "mechanism"),
    [
        ("rppa:ERBB2_pY1248/ERBB2", "HER2 drive"),
        ("rppa:AKT1_pS473/AKT1", "PI3K/AKT/MTOR"),
        ("rppa:CDKN1B_pT198/CDKN1B", "PI3K/AKT/MTOR"),
    ],
)
def test_a_ratio_counts_as_its_phosphoprotein(ratio: str, mechanism: str) -> None:
    assert mechanism_of(ratio) == mechanism


@pytest.mark.parametrize(
    ("antibody", "mechanism"),
    [
        ("AKT1_pS473", "PI3K/AKT/MTOR"),  # AKT1 AKT2 AKT3
        ("MAPK1_pT202_Y204", "RAS/MAPK"),  # MAPK1 MAPK3
        ("SRC_pY416", "other RTK bypass"),  # SRC and five of its family, two of them not mapped
        ("PRKCA_pS660", "RAS/MAPK"),  # PRKCA and others; PRKCD alone is apoptosis
    ],
)
def test_the_lead_gene_decides_for_an_antibody_of_many_genes(antibody: str, mechanism: str) -> None:
    assert mechanism_of(f"rppa:{antibody}") == mechanism


@pytest.mark.parametrize(
    ("own_name", "mechanism"),
    [("HER2_pY1248", "HER2 drive"), ("Akt_pS473", "PI3K/AKT/MTOR"), ("p27_pT157", "PI3K/AKT/MTOR")],
)
def test_an_antibody_under_its_own_name_is_known(own_name: str, mechanism: str) -> None:
    assert mechanism_of(f"rppa:{own_name}") == mechanism


def test_many_features_at_once_give_an_object_array_in_their_order() -> None:
    features = ["expression:ERBB2", "mutation:burden", "rppa:BCL2"]
    found = mechanisms_of(iter(features))
    assert found.dtype == object
    assert found.tolist() == ["HER2 drive", "other", "apoptosis"]
    assert mechanisms_of([]).shape == (0,)


def test_each_mechanism_but_other_has_genes() -> None:
    counts = Counter(row.mechanism for row in MECHANISM_TABLE.load().values())
    assert set(counts) == set(MECHANISMS) - {OTHER, "immune"}  # signatures speak for that one
    assert min(counts.values()) >= 30


def test_a_row_says_where_it_comes_from() -> None:
    assert MECHANISM_TABLE.load()["TYRO3"] == MappedEntity(
        "TYRO3", "other RTK bypass", "PMID:27903634"
    )


@pytest.mark.parametrize(
    ("study", "share"), [("breast_cell_lines", 0.80), ("tcga_brca_rppa", 0.88)]
)
def test_most_antibodies_of_a_real_study_have_a_mechanism(real_study, study, share) -> None:
    antibodies = RppaBuilder().fit(real_study(study)).feature_names_
    mapped = mechanisms_of(antibodies) != OTHER
    assert np.mean(mapped) >= share, sorted(np.array(antibodies)[~mapped])
