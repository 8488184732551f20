"""Evidence from gene sets of larger databases: which facts a sample raises, under whose name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sidestep.features.knowledge.gene_sets import GeneSet
from sidestep.serving.disk.output import as_table
from sidestep.serving.evidence.databases import OutsideKnowledge
from sidestep.serving.evidence.evidence import evidence_rows
from sidestep.serving.evidence.facts import STRENGTHS
from sidestep.serving.scoring.gene_sets import GENE_SETS, gene_set_rows

HER2_POSITIVE = {"ERBB2": 2.5}
EMT, G2M, OWN = "HALLMARK_EPITHELIAL_MESENCHYMAL_TRANSITION", "HALLMARK_G2M_CHECKPOINT", "OUR SET"


@pytest.fixture(scope="module")
def predictor(known_lines, fit_predictor):
    return fit_predictor(known_lines, "gi50", ["Lapatinib"], ["expression"])


@pytest.fixture(scope="module")
def genes(predictor) -> list[str]:
    """Twelve genes that the model has and no table of Sidestep's own asks for."""
    names = [name.removeprefix("expression:") for name in predictor.nearest.features_]
    return [name for name in names if name.startswith("SIMG")][:12]


@pytest.fixture(scope="module")
def knowledge(genes) -> OutsideKnowledge:
    plain = dict.fromkeys(genes, 1.0)
    return OutsideKnowledge(
        gene_sets=(
            GeneSet("Hallmark", EMT, "", plain),
            GeneSet("Hallmark", G2M, "", plain),
            GeneSet("PROGENy", "MAPK", "", dict.fromkeys(genes, 2.5)),
            GeneSet("PROGENy", "TGFb", "", dict.fromkeys(genes, -2.5)),
            GeneSet("Reactome", "PLK events", "R-HSA-156711", plain),
            GeneSet("ours", OWN, "", plain),
        )
    )


@pytest.fixture(scope="module")
def tell(predictor, knowledge):
    """Evidence of databases on one sample and drug."""

    def tell(sample, drug: str) -> pd.DataFrame:
        standing = knowledge.stand(predictor.features(sample), predictor.nearest)
        rows = evidence_rows(sample, predictor, [drug], {}, None, standing)
        own = evidence_rows(sample, predictor, [drug], {})
        named = rows["strength"].str.startswith(("Hallmark", "PROGENy", "Reactome"))
        pd.testing.assert_frame_equal(rows[~named].reset_index(drop=True), own)
        assert set(rows["strength"]) <= set(STRENGTHS)
        return rows[named].reset_index(drop=True)

    return tell


def of_tissue(sample, column: str, tissue: str):
    return replace(sample, clinical=sample.clinical.assign(**{column: tissue}))


def test_a_set_in_the_top_decile_raises_its_fact_under_the_databases_name(construct, genes, tell):
    lung = of_tissue(construct(high=genes), "CANCER_TYPE", "Non-Small Cell Lung Cancer")
    (fact,) = tell(lung, "Erlotinib").to_dict("records")
    assert fact["fact"] == f"{EMT} above 100 % of the training lines"
    assert (fact["kind"], fact["direction"]) == ("signature", "resistance")
    assert fact["strength"] == "Hallmark shown"
    assert "Read here from the 12 genes of the Hallmark set" in fact["statement"]
    assert fact["source"] == "PMID:23091115;PMID:26771021"


def test_another_drug_of_the_target_is_told_so(construct, genes, tell):
    lung = of_tissue(construct(high=genes), "LINEAGE", "lung")
    (fact,) = tell(lung, "Zorifertinib").to_dict("records")
    assert fact["strength"] == "Hallmark same target"
    assert "Tested with Erlotinib" in fact["statement"]


@pytest.mark.parametrize("column", ["CANCER_TYPE", "SITE"])
def test_a_finding_of_another_tissue_is_one_of_another_context(construct, genes, tell, column):
    breast = of_tissue(construct(high=genes), column, "Breast Cancer")
    for sample in (breast, construct(high=genes)):
        assert tell(sample, "Erlotinib")["strength"].tolist() == ["Hallmark other context"]


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    ("shown", "drug", "strength"),
    [
        ({"fusions": [("EML4", "ALK")]}, "Crizotinib", "PROGENy shown"),
        ({"fusions": [("EML4", "ALK")]}, "Ceritinib", "PROGENy same target"),
        ({"fusions": [("NCOA4", "RET")]}, "Ceritinib", "PROGENy other context"),
        ({"fusions": [("NCOA4", "RET")]}, "Crizotinib", "PROGENy other context"),
        ({"changes": ["EGFR p.L858R"]}, "Gefitinib", "PROGENy shown"),
        ({"changes": ["KRAS p.G12D"]}, "Gefitinib", "PROGENy other context"),
    ],
)
def test_a_finding_in_cells_with_a_change_needs_the_change(
    construct, genes, tell, shown, drug, strength
):
    lung = of_tissue(construct(low=genes, **shown), "LINEAGE", "lung")
    rows = tell(lung, drug)
    facts = rows[rows["fact"].str.startswith("TGFb")]
    assert facts["strength"].tolist() == [strength]
    assert tell(lung, "Capmatinib").empty  # of MET only, and crizotinib is one too


def test_a_set_in_the_bottom_decile_raises_only_what_is_known_of_that(construct, genes, tell):
    rows = tell(construct(low=genes), "Erlotinib")
    rows = rows[rows["kind"] == "signature"]  # TGFb, with weights below zero, is high
    assert rows["fact"].tolist() == [f"{EMT} below 100 % of the training lines"]
    assert rows["direction"].tolist() == ["sensitivity"]
    assert tell(construct(low=genes), "T-DM1").empty


def test_weights_have_signs(construct, genes, tell):
    up, down = (tell(construct(**{which: genes}), "Selumetinib") for which in ("high", "low"))
    assert up[["kind", "direction"]].to_numpy().tolist() == [["pathway", "sensitivity"]]
    assert up["strength"].tolist() == ["PROGENy shown"]
    assert down["fact"].str.startswith("TGFb above").tolist() == [True]
    assert down["direction"].tolist() == ["resistance"]


def test_what_was_found_in_her2_positive_cells_is_another_context_elsewhere(construct, genes, tell):
    for copies, strength in ((HER2_POSITIVE, "shown"), (None, "other context")):
        rows = tell(construct(high=genes, copies=copies), "T-DM1")
        assert rows["strength"].tolist() == [f"Hallmark {strength}", f"Reactome {strength}"]
        assert rows["kind"].tolist() == ["signature", "pathway"]
        assert set(rows["direction"]) == {"resistance"}


def test_an_ordinary_sample_shows_nothing(construct, tell):
    for drug in ("Erlotinib", "T-DM1", "Selumetinib"):
        assert tell(construct(), drug).empty


def test_a_set_without_a_fact_is_described_but_no_evidence(construct, genes, tell, predictor):
    unknown = OutsideKnowledge(gene_sets=(GeneSet("ours", OWN, "", dict.fromkeys(genes, 1.0)),))
    sample = construct(high=genes)
    standing = unknown.stand(predictor.features(sample), predictor.nearest)
    rows = evidence_rows(sample, predictor, ["Erlotinib"], {}, None, standing)
    pd.testing.assert_frame_equal(rows, evidence_rows(sample, predictor, ["Erlotinib"], {}))
    assert gene_set_rows(sample.samples, standing).to_dict("records") == [
        {
            "sample_id": "S",
            "database": "ours",
            "gene_set": OWN,
            "decile": "top",
            "percentile": 100.0,
            "genes": 12,
            "genes_of_set": 12,
        }
    ]


def test_rows_of_sets_are_in_the_extreme_deciles_only(known_lines, predictor, knowledge):
    features = predictor.features(known_lines)
    standing = knowledge.stand(features, predictor.nearest)
    rows = gene_set_rows(features.index, standing)
    table = as_table(rows, GENE_SETS)
    assert table.num_rows
    top = rows["decile"] == "top"
    assert (rows.loc[top, "percentile"] >= 90).all()
    assert (rows.loc[~top, "percentile"] < 10).all()
    counted = rows[top].groupby("gene_set").size()
    assert (counted == np.floor(0.1 * len(features))).all()
    found = [sample for sample in features.index if sample in set(rows["sample_id"])]
    assert rows["sample_id"].unique().tolist() == found


def test_without_databases_there_are_no_rows(known_lines):
    assert as_table(gene_set_rows(known_lines.samples, None), GENE_SETS).num_rows == 0
