"""Planted mechanisms: visible in the measured data, with the sign and size that the truth says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.features.simulation.simulate import SimulationPlan, Truth, simulate, simulate_study
from sidestep.features.study.study import Study, read_study

METRICS = {"breast_sim": "gi50", "pancan_sim": "ln_ic50"}
STUDIES = ("breast_sim", "pancan_sim", "cohort_sim")


@pytest.fixture(scope="module")
def simulated(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, Study], dict[str, Truth]]:
    """The three default studies as read back, and their truth."""
    out = tmp_path_factory.mktemp("simulated")
    truths = simulate(out, seed=3)
    return {name: read_study(out / name) for name in STUDIES}, truths


def correlation(one: pd.Series, other: pd.Series) -> float:
    """Pearson r over the samples that have both."""
    return float(one.corr(other.reindex(one.index)))


@pytest.mark.parametrize(("name", "sign"), [("breast_sim", 1), ("pancan_sim", -1)])
def test_measured_features_move_responses_the_planted_way(simulated, name, sign) -> None:
    study = simulated[0][name]
    measured = study.response(METRICS[name]).values
    expression, akt = study.expression, study.rppa["AKT1_pS473"]
    for drug, values, least in [
        ("Lapatinib", expression["ERBB2"], 0.4),
        ("Afatinib", expression["ERBB2"], 0.25),
        ("BI-2536", expression["PLK1"], 0.3),
        ("Linsitinib", expression["IGF1R"], 0.3),
        ("Erlotinib", expression["EGFR"], 0.3),
        ("Everolimus", akt, 0.3),
        ("Alpelisib", akt, 0.3),
        ("Trametinib", expression["DUSP6"], 0.3),
    ]:
        assert sign * correlation(measured[drug], values) > least, drug


def test_modalities_agree_on_the_erbb2_amplicon(simulated) -> None:
    study = simulated[0]["breast_sim"]
    rna, dna, protein = study.expression, study.copy_number, study.rppa
    for values in (dna["ERBB2"], dna["GRB7"], rna["GRB7"], protein["ERBB2"]):
        assert correlation(rna["ERBB2"], values) > 0.8
    positive = study.clinical["ERBB2_STATUS"].reindex(dna.index) == "Positive"
    assert dna.loc[positive, "ERBB2"].min() > dna.loc[~positive, "ERBB2"].max()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_bypass_makes_her2_driven_lines_resistant(tmp_path, seed) -> None:
    truth = simulate_study(tmp_path / "s", SimulationPlan(genes=120, seed=seed))
    driven = truth.mechanisms["erbb2_amplified"] > 0
    for mechanism in ("pi3k_bypass", "igf1r_bypass"):
        lapatinib = truth.responses.loc[driven, "Lapatinib"]
        assert correlation(lapatinib, truth.mechanisms.loc[driven, mechanism]) < 0
    mitotic = truth.mechanisms.loc[driven, "mitotic_programme"]
    assert correlation(truth.responses.loc[driven, "Trastuzumab emtansine"], mitotic) < 0


def test_f1174l_makes_alk_driven_lines_resistant_to_crizotinib(simulated) -> None:
    studies, truths = simulated
    mechanisms = truths["pancan_sim"].mechanisms
    fused, mutant = mechanisms["alk_fusion"] > 0, mechanisms["alk_f1174l"] > 0
    assert 0.05 < fused.mean() < 0.11
    assert mutant.sum() >= 3
    assert not (mutant & ~fused).any()
    ic50 = truths["pancan_sim"].responses["Crizotinib"]
    assert ic50[fused & ~mutant].mean() < ic50[~fused].mean() - 2
    assert ic50[mutant].mean() > ic50[fused & ~mutant].mean() + 2

    study = studies["pancan_sim"]
    alk = study.fusions[study.fusions["gene_b"] == "ALK"]
    assert set(alk["gene_a"]) == {"EML4"}
    assert set(alk["sample_id"]) == set(mechanisms.index[fused]) & set(study.sequenced)
    calls = study.mutations
    carriers = calls.loc[calls["protein_change"] == "p.F1174L", "sample_id"]
    assert set(carriers) == set(mechanisms.index[mutant]) & set(study.sequenced)


@pytest.mark.parametrize("name", METRICS)
def test_noise_leaves_the_ceiling_that_the_plan_says(simulated, name) -> None:
    studies, truths = simulated
    measured = studies[name].response(METRICS[name]).values
    clean = truths[name].responses
    ceilings = [
        correlation(measured[drug], clean[drug]) for drug in measured if drug != "SIMNULL-1"
    ]
    assert np.mean(ceilings) == pytest.approx(0.8, abs=0.05)
    assert clean["SIMNULL-1"].nunique() == 1
    assert measured["SIMNULL-1"].std() > 0.2


def test_without_noise_the_measured_response_is_the_truth(tmp_path) -> None:
    plan = SimulationPlan(kind="pancan", lines=40, genes=120, noise=0.0, missing=0.0)
    truth = simulate_study(tmp_path / "s", plan)
    measured = read_study(tmp_path / "s").response("ln_ic50").values
    drugs = [drug for drug in measured if drug != "SIMNULL-1"]
    np.testing.assert_allclose(measured[drugs], truth.responses[drugs], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", STUDIES)
def test_drivers_and_mechanisms_add_up_to_the_responses(simulated, name) -> None:
    tables = {
        table: pd.read_csv(simulated[0][name].path / "truth" / f"{table}.tsv", sep="\t")
        for table in ("mechanisms", "drivers", "responses")
    }
    latent = tables["mechanisms"].pivot(index="sample_id", columns="mechanism", values="value")
    clean = tables["responses"].pivot(index="sample_id", columns="drug", values="response")
    planted = pd.DataFrame(0.0, index=clean.index, columns=clean.columns)
    for row in tables["drivers"].itertuples():
        activity = latent[row.mechanism]
        if isinstance(row.only_with, str):
            activity = activity * latent[row.only_with]
        planted[row.drug] += row.effect * activity
        assert row.sign == ("+" if row.effect > 0 else "-")
    base = clean - planted
    assert (base.max() - base.min()).max() < 1e-3


@pytest.mark.parametrize("name", STUDIES)
def test_driver_features_are_measured(simulated, name) -> None:
    study, drivers = simulated[0][name], simulated[1][name].drivers
    there = {
        "expression": set(study.expression.columns),
        "copy_number": set(study.copy_number.columns),
        "rppa": set(study.rppa.columns),
        "mutation": set(study.mutations["gene"]),
        "clinical": set(study.clinical.columns),
    }
    features = {feature for joined in drivers["features"] for feature in joined.split(";")}
    assert {feature.split(":")[0] for feature in features} == set(there)
    for feature in features:
        modality, rest = feature.split(":", 1)
        parts = rest.split("/") if modality == "rppa" else [rest.split("=")[0].split(":")[0]]
        assert set(parts) <= there[modality], feature
    assert not (drivers["drug"] == "SIMNULL-1").any()


def test_breast_lines_and_the_cohort_share_their_biology(simulated) -> None:
    _, truths = simulated
    key = ["drug", "mechanism", "only_with"]
    effects = [
        truths[name].drivers.fillna({"only_with": ""}).set_index(key)["effect"]
        for name in ("breast_sim", "cohort_sim")
    ]
    pd.testing.assert_series_equal(*effects)
