"""What the five papers found, shown on constructed samples: one test a finding.

Each sample is the median of the training lines in all but what the finding is about. Features are
those of `MechanismBuilder`, evidence is that of `evidence_rows`, partners are those of
`combination_rows` where a drug is taken to fail; the model has no part in any. What was measured on
plates and arrays is shown on simulated ones, whose truth is what the paper reports.
"""

from __future__ import annotations

import pandas as pd
import pytest

from sidestep.features.assays.layouts import read_plates
from sidestep.features.assays.shifts import find_shifts
from sidestep.features.perturbation.changes import find_perturbations
from sidestep.features.perturbation.treated_arrays import read_arrays
from sidestep.features.points.labels import read_labels
from sidestep.features.points.measured import PointOptions
from sidestep.features.points.patterns import measure_patterns
from sidestep.features.synergy.matrices import read_matrices
from sidestep.features.synergy.verdicts import SynergyOptions, find_synergy
from sidestep.serving.combinations.measured import read_measured
from sidestep.serving.combinations.partners import Witnesses
from sidestep.serving.combinations.rows import combination_rows
from sidestep.serving.combinations.views import DrugView
from sidestep.serving.evidence.evidence import evidence_rows
from sidestep.serving.evidence.states import SampleStates
from tests.features.assays.plates import plate, written
from tests.features.perturbation.arrays import arrays
from tests.features.points.made_up import with_free_cells
from tests.features.synergy.pairs import matrix

HER2_POSITIVE = {"ERBB2": 2.5}
STROMA = ("caf",)
STROMA_PARTNERS = "Sapanisertib;Everolimus;Navitoclax;S63845"


@pytest.fixture(scope="module")
def score(known_predictor):
    """Mechanism scores of one sample."""
    return lambda sample: known_predictor.mechanisms.builder.transform(sample).iloc[0]


@pytest.fixture(scope="module")
def facts(known_predictor):
    """Evidence on one sample and drug."""

    def tell(sample, drug: str) -> pd.DataFrame:
        return evidence_rows(sample, known_predictor, [drug], {})

    return tell


@pytest.fixture(scope="module")
def partners(known_predictor):
    """Partners of one drug in one sample that the drug is predicted to fail in."""

    def tell(sample, drug: str) -> list[str]:
        fails = DrugView(prediction=5.0, percentile=95.0, call="resistant", applicability=0.5)
        states = SampleStates(sample, known_predictor.mechanisms)
        witnesses = Witnesses(states, {drug: {"S": fails}}, at_least=75.0)
        rows = combination_rows(witnesses, [drug], "a model", simulated=False)
        return rows.loc[rows["rank"].notna(), "partner"].tolist()

    return tell


def about(evidence: pd.DataFrame, what: str, kind: str | None = None) -> pd.Series:
    """Return the only fact that begins with a name."""
    rows = evidence[evidence["fact"].str.startswith(what)]
    rows = rows if kind is None else rows[rows["kind"] == kind]
    assert len(rows) == 1, evidence[["fact", "kind", "direction"]]
    return rows.iloc[0]


def test_an_ordinary_sample_shows_nothing(construct, facts):
    for drug in ("Lapatinib", "Trastuzumab", "Trastuzumab emtansine", "Crizotinib"):
        assert facts(construct(), drug).empty


# Alexander et al., J Biol Chem 2017, PMID 27903634


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    ("receptor", "partners"),
    [
        ("IGF1R", "NVP-AEW541;BMS-754807;Linsitinib"),
        ("PDGFRB", "Sunitinib"),
        ("TYRO3", None),
    ],
)
def test_alexander_three_receptors_bypass_her2(construct, score, facts, receptor, partners):
    sample = construct(high=[receptor], copies=HER2_POSITIVE)
    bypass = ["expression:rtk_bypass_max", "expression:rtk_bypass_mean"]
    assert (score(sample)[bypass] > score(construct())[bypass] + 0.5).all()
    for drug in ("Lapatinib", "Trastuzumab"):
        fact = about(facts(sample, drug), receptor)
        assert (fact["direction"], fact["strength"]) == ("resistance", "shown")
        assert "PMID:27903634" in fact["source"]
    fact = about(facts(sample, "Lapatinib"), receptor)
    assert (None if pd.isna(fact["alternatives"]) else fact["alternatives"]) == partners


@pytest.mark.slow_but_first
@pytest.mark.parametrize("receptor", ["EPHB2", "EPHB3", "ROR2", "MST1R"])
def test_alexander_four_other_receptors_do_not(construct, score, facts, receptor):
    sample = construct(high=[receptor], copies=HER2_POSITIVE)
    bypass = ["expression:rtk_bypass_max", "expression:rtk_bypass_mean"]
    # A gene that rises in rank pushes those below it down by one place.
    assert (abs(score(sample)[bypass] - score(construct())[bypass]) < 0.05).all()
    for drug in ("Lapatinib", "Trastuzumab"):
        fact = about(facts(sample, drug), receptor)
        assert fact["direction"] == "none"
        assert pd.isna(fact["alternatives"])
        assert not (facts(sample, drug)["direction"] == "resistance").any()


def test_alexander_high_met_is_no_sign_of_resistance(construct, facts):
    fact = about(facts(construct(high=["MET"], copies=HER2_POSITIVE), "Lapatinib"), "MET")
    assert fact["direction"] == "none"
    assert "better survival" in fact["statement"]


def test_alexander_senescence_shows_in_its_markers(construct, score):
    markers = ["CDKN2A", "CDKN1A", "IGFBP3", "IGFBP5"]
    name = "expression:signature_senescence"
    assert score(construct(high=markers))[name] > score(construct())[name] + 0.1
    assert score(construct(high=["MKI67"]))[name] < score(construct())[name]


# Saatci et al., Oncogene 2018, DOI 10.1038/s41388-017-0108-9


@pytest.mark.parametrize("shown", [{"signatures": ["mitotic"]}, {"high": ["PLK1"]}])
def test_saatci_plk1_and_mitosis_resist_tdm1_and_volasertib_helps(construct, facts, shown):
    sample = construct(**shown, copies=HER2_POSITIVE)
    rows = facts(sample, "T-DM1")
    resisting = rows[rows["direction"] == "resistance"]
    assert len(resisting)
    assert set(resisting["alternatives"].str.split(";").str[0]) == {"Volasertib"}
    assert set(resisting["source"].str.split(";").str[0]) == {"DOI:10.1038/s41388-017-0108-9"}
    trastuzumab = facts(sample, "Trastuzumab")
    trastuzumab = trastuzumab[trastuzumab["direction"] == "resistance"]
    assert len(trastuzumab)
    assert trastuzumab["alternatives"].isna().all()
    assert not (facts(sample, "Lapatinib")["direction"] == "resistance").any()


def test_saatci_the_programme_is_a_feature(construct, score):
    name = "expression:signature_mitotic"
    assert score(construct(signatures=["mitotic"]))[name] > score(construct())[name] + 0.2


def test_saatci_phosphorylated_bcl2_frees_bim(construct, score):
    name = "rppa:apoptotic_priming"
    assert score(construct(high=["BCL2_pS70"]))[name] > score(construct())[name]
    assert score(construct(high=["BCL2"]))[name] < score(construct())[name]


@pytest.mark.slow
def test_saatci_measured_synergy_with_volasertib_is_told_of_the_partner(tmp_path):
    pair = matrix(0.12).replace({"Lapatinib": "T-DM1", "Dasatinib": "Volasertib"})
    alone = matrix(0.0, seed=1).replace({"Lapatinib": "T-DM1", "Dasatinib": "Paclitaxel"})
    wells = read_matrices([written(tmp_path, pair, alone)])
    table = find_synergy(wells, SynergyOptions(draws=30)).table.set_index("drug2")
    assert table["verdict"].to_dict() == {"Volasertib": "synergistic", "Paclitaxel": "additive"}
    written(tmp_path, table.reset_index(), name="synergy.csv")
    told = read_measured(tmp_path / "synergy.csv")
    said = told.sentence("BT-474", "Trastuzumab emtansine", "volasertib")
    assert said.startswith("Measured in BT-474 with Trastuzumab emtansine: synergistic")
    assert said.endswith("number 1 of 2 partners")


# Zervantonakis et al., PNAS 2020, DOI 10.1073/pnas.2000648117


@pytest.mark.parametrize("drug", ["Lapatinib", "Neratinib", "Afatinib"])
@pytest.mark.parametrize("changes", [[], ["PIK3CA p.K111N"]])
def test_zervantonakis_stroma_protects_from_kinase_inhibitors(construct, facts, drug, changes):
    sample = construct(signatures=STROMA, changes=changes, copies=HER2_POSITIVE)
    fact = about(facts(sample, drug), "caf", "signature")
    assert (fact["direction"], fact["strength"]) == ("resistance", "shown")
    assert fact["alternatives"] == STROMA_PARTNERS


@pytest.mark.parametrize("drug", ["Lapatinib", "Neratinib", "Afatinib"])
def test_zervantonakis_not_where_pik3ca_is_strong(construct, facts, drug):
    sample = construct(signatures=STROMA, changes=["PIK3CA p.H1047R"], copies=HER2_POSITIVE)
    fact = about(facts(sample, drug), "caf", "signature")
    assert fact["direction"] == "none"
    assert pd.isna(fact["alternatives"])


@pytest.mark.parametrize("drug", ["Trastuzumab emtansine", "Paclitaxel"])
def test_zervantonakis_not_from_tdm1_or_paclitaxel(construct, facts, drug):
    for changes in ([], ["PIK3CA p.K111N"], ["PIK3CA p.H1047R"]):
        sample = construct(signatures=STROMA, changes=changes, copies=HER2_POSITIVE)
        fact = about(facts(sample, drug), "caf", "signature")
        assert fact["direction"] == "none"
        assert pd.isna(fact["alternatives"])


def test_zervantonakis_strength_of_pik3ca_is_a_feature(construct, score):
    names = ["mutation:PIK3CA:strength", "state:pi3k_genotype", "state:pi3k"]
    none, weak, strong = (
        score(construct(changes=changes))[names]
        for changes in ([], ["PIK3CA p.K111N"], ["PIK3CA p.His1047Arg"])
    )
    assert (none < weak).all()
    assert (weak < strong).all()


def test_zervantonakis_bim_puma_smac_prime_and_their_opponents_do_not(construct, score):
    name = "rppa:apoptotic_priming"
    ordinary = score(construct())[name]
    for protein in ("BCL2L11", "BBC3", "DIABLO"):
        assert score(construct(low=[protein]))[name] < ordinary
    for protein in ("BCL2L1", "MCL1"):
        assert score(construct(high=[protein]))[name] < ordinary


PROTECTED_BY_FIBROBLASTS = ("EFM192", "BT474", "HCC202")
NOT_PROTECTED = ("SUM225", "HCC1419", "HCC1954")


def test_zervantonakis_measured_protection_from_lapatinib_and_not_from_tdm1(tmp_path):
    plates = []
    for seed, line in enumerate(PROTECTED_BY_FIBROBLASTS + NOT_PROTECTED):
        fivefold = 5.0 if line in PROTECTED_BY_FIBROBLASTS else 1.0
        for drug, factor in (("Lapatinib", fivefold), ("T-DM1", 1.0)):
            settings = {"sample": line, "drug": drug, "bottom": 0.3}
            plates += [
                plate(0.05, **settings, seed=2 * seed, condition="monoculture"),
                plate(0.05 * factor, **settings, seed=2 * seed + 1, condition="AR22"),
            ]
    table = find_shifts(read_plates([written(tmp_path, *plates)])).table
    table = table.set_index(["drug", "sample"])
    assert set(table["condition"]) == {"AR22"}
    lapatinib = table.loc["Lapatinib"]
    shifted = lapatinib.loc[list(PROTECTED_BY_FIBROBLASTS)]
    assert set(shifted["verdict"]) == {"protected"}
    assert ((shifted["fold_change_lower"] < 5) & (shifted["fold_change_upper"] > 5)).all()
    assert (shifted["auc_difference"] / 0.5).between(0.2, 0.4).all()
    others = pd.concat([lapatinib.loc[list(NOT_PROTECTED)], table.loc["T-DM1"]])
    assert set(others["verdict"]) == {"no change"}


def test_zervantonakis_measured_mtor_stays_on_with_myrakt(tmp_path):
    source = written(tmp_path, arrays({"control": 0.62, "myrAKT": 0.10}, replicates=6))
    found = find_perturbations(read_arrays(source, ""))
    mtor = found.pathways[found.pathways["pathway"] == "TSC/MTOR"].set_index("condition")
    for condition, percent in (("control", 62), ("myrAKT", 10)):
        row = mtor.loc[condition]
        assert row["inhibition_lower"] < percent < row["inhibition_upper"]
    rescue = found.rescue[found.rescue["pathway"] == "TSC/MTOR"].iloc[0]
    assert (rescue["condition"], rescue["verdict"]) == ("myrAKT", "rescued")


# Sasaki et al., Cancer Res 2010, PMID 21030459


def test_sasaki_f1174l_beside_eml4_alk_resists_crizotinib(construct, score, facts):
    sample = construct(fusions=[("EML4", "ALK")], changes=["ALK p.F1174L"])
    rows = facts(sample, "Crizotinib")
    shown = rows[(rows["kind"] == "variant") & (rows["strength"] == "shown")].iloc[0]
    assert shown["fact"] == "ALK F1174L with EML4-ALK"
    assert shown["direction"] == "resistance"
    assert shown["alternatives"] == "NVP-TAE684;Tanespimycin"
    assert shown["source"] == "PMID:21030459"
    assert not (rows["direction"] == "sensitivity").any()
    assert about(rows, "EML4-ALK", "fusion")["direction"] == "none"
    assert "Overruled" in about(rows, "EML4-ALK", "fusion")["statement"]
    assert score(sample)["state:fusion_ALK"] == 2


def test_sasaki_eml4_alk_alone_answers_crizotinib(construct, score, facts):
    sample = construct(fusions=[("EML4", "ALK")])
    rows = facts(sample, "Crizotinib")
    assert rows["direction"].tolist() == ["sensitivity"]
    assert rows["fact"].tolist() == ["EML4-ALK"]
    assert score(sample)["state:fusion_ALK"] == 1


def test_sasaki_concentrations_stand_beside_what_plasma_reaches(construct, facts):
    sample = construct(fusions=[("RANBP2", "ALK")], changes=["ALK p.F1174L"])
    crizotinib = facts(sample, "Crizotinib")
    stated = " ".join(crizotinib.loc[crizotinib["kind"] == "variant", "statement"])
    assert "200 nM without the change" in stated
    assert "57 nM free" in stated
    tae684 = facts(sample, "TAE684")
    shown = tae684[(tae684["kind"] == "variant") & (tae684["strength"] == "shown")].iloc[0]
    assert shown["direction"] == "sensitivity"
    assert "IC50 59 nM, 22 nM without the change, 2.7-fold" in shown["statement"]
    hsp90 = facts(sample, "Tanespimycin")
    assert set(hsp90["direction"]) == {"none"}  # works alike with and without the change


def test_sasaki_f1174l_without_a_fusion_is_told_of_neuroblastoma(construct, facts):
    rows = facts(construct(changes=["ALK p.F1174L"]), "Crizotinib")
    assert rows["statement"].str.contains("Tested in: neuroblastoma, no fusion").all()
    assert set(rows["direction"]) == {"resistance"}


@pytest.mark.parametrize("change", ["F359V", "M244V", "Q252H", "E355G"])
def test_sasaki_names_four_changes_of_abl(construct, facts, change):
    sample = construct(fusions=[("BCR", "ABL1")], changes=[f"ABL1 p.{change}"])
    rows = facts(sample, "Imatinib")
    variant = rows[rows["kind"] == "variant"]
    assert set(variant["direction"]) == {"resistance"}
    assert set(variant["strength"]) == {"shown"}


def test_sasaki_measured_f1174l_shifts_crizotinib_and_leaves_the_alternatives(tmp_path):
    # uM, of Ba/F3 cells with RANBP2-ALK: crizotinib 0.2 and TAE684 0.022, 0.059 with F1174L, as
    # published; that 17-AAG acts alike on both, and how far crizotinib shifts, is made up.
    halves = {"Crizotinib": (0.2, 1.0), "TAE684": (0.022, 0.059), "17-AAG": (0.05, 0.05)}
    plates = [
        plate(half, sample=sample, drug=drug, seed=seed, noise=0.02)
        for seed, (drug, pair) in enumerate(halves.items())
        for sample, half in zip(("RANBP2-ALK", "RANBP2-ALK F1174L"), pair, strict=True)
    ]
    readings = read_plates([written(tmp_path, *plates)])
    table = find_shifts(readings, "sample", "RANBP2-ALK").table.set_index("drug")
    assert table["verdict"].to_dict() == {
        "Crizotinib": "protected", "TAE684": "protected", "17-AAG": "no change",
    }  # fmt: skip
    crizotinib, tae684 = table.loc["Crizotinib"], table.loc["TAE684"]
    assert crizotinib["fold_change_lower"] > tae684["fold_change_upper"]
    assert (crizotinib["plasma"], crizotinib["plasma_kind"]) == (pytest.approx(0.057), "free")
    assert crizotinib["plasma_reaches"] == "neither"
    assert tae684["ic50"] < crizotinib["ic50_against"]


# Peckys et al., Sci Adv 2015, DOI 10.1126/sciadv.1500165


def test_peckys_resting_cells_without_her2_dimers_are_a_caveat(construct, facts):
    rows = facts(construct(copies=HER2_POSITIVE), "Trastuzumab")
    caveat = rows[rows["source"] == "DOI:10.1126/sciadv.1500165"].iloc[0]
    assert caveat["direction"] == "none"
    assert caveat["agreement"] == "silent"
    assert facts(construct(), "Trastuzumab").empty


# The clinician's marker, which the papers build on


def test_her2_drive_rises_with_each_of_its_signs(construct, score):
    name = "state:her2_drive"
    ordinary = score(construct())[name]
    for sample in (
        construct(high=["ERBB2"]),
        construct(high=["ERBB2_pY1248"]),
        construct(copies=HER2_POSITIVE),
    ):
        assert score(sample)[name] > ordinary
    assert (
        score(construct(high=["ERBB3"]))["state:her2_partner"]
        > score(construct())["state:her2_partner"]
    )


def test_her2_amplification_answers_lapatinib(construct, facts):
    rows = facts(construct(copies=HER2_POSITIVE), "Lapatinib")
    assert set(rows["direction"]) == {"sensitivity"}
    assert set(rows["kind"]) == {"amplification"}


@pytest.mark.slow
def test_lost_pten_resists_lapatinib(construct, score, facts):
    for sample in (
        construct(copies=HER2_POSITIVE | {"PTEN": -3.0}),
        construct(copies=HER2_POSITIVE, low=["PTEN"]),
        construct(
            copies=HER2_POSITIVE, changes=["PTEN p.K267fs"], classification="Frame_Shift_Del"
        ),
    ):
        assert score(sample)["state:pten_loss"] == 1
        fact = about(facts(sample, "Lapatinib"), "PTEN")
        assert (fact["direction"], fact["alternatives"]) == ("resistance", "Dactolisib")


# Partner drugs, of all five


@pytest.mark.parametrize(
    ("shown", "drug", "expected"),
    [
        ({"high": ["IGF1R"]}, "Lapatinib", ["NVP-AEW541", "BMS-754807", "Linsitinib"]),
        ({"high": ["PDGFRB"]}, "Lapatinib", ["Sunitinib"]),
        *(({"high": [gene]}, "Lapatinib", []) for gene in ("TYRO3", "EPHB2", "EPHB3", "MET")),
        *(({"signatures": STROMA}, drug, []) for drug in ("T-DM1", "Paclitaxel")),
    ],
)
def test_partners_are_those_of_the_papers(construct, partners, shown, drug, expected):
    assert partners(construct(**shown, copies=HER2_POSITIVE), drug) == expected


@pytest.mark.parametrize("drug", ["Lapatinib", "Neratinib", "Afatinib"])
def test_zervantonakis_partners_against_stroma_unless_pik3ca_is_strong(construct, partners, drug):
    against_stroma = set(STROMA_PARTNERS.split(";"))
    weak = construct(signatures=STROMA, changes=["PIK3CA p.K111N"], copies=HER2_POSITIVE)
    assert against_stroma <= set(partners(weak, drug))
    strong = construct(signatures=STROMA, changes=["PIK3CA p.H1047R"], copies=HER2_POSITIVE)
    assert not against_stroma & set(partners(strong, drug))


def test_saatci_volasertib_is_the_partner_of_tdm1(construct, partners):
    sample = construct(signatures=["mitotic"], copies=HER2_POSITIVE)
    assert partners(sample, "T-DM1")[0] == "Volasertib"


def test_sasaki_tae684_and_hsp90_stay_active_only_with_fusion_and_f1174l(construct, partners):
    fusion = [("EML4", "ALK")]
    both = partners(construct(fusions=fusion, changes=["ALK p.F1174L"]), "Crizotinib")
    assert {"NVP-TAE684", "Tanespimycin"} <= set(both)
    assert partners(construct(fusions=fusion), "Crizotinib") == []
    assert partners(construct(), "Crizotinib") == []


# Peckys, Korf and de Jonge, Sci Adv 2015, DOI 10.1126/sciadv.1500165


@pytest.mark.slow
def test_peckys_a_few_resting_cells_without_her2_dimers_are_seen(tmp_path):
    """Of 40 SKBR3 cells six rest; their labels stand alone, the others' in pairs at 20 nm."""
    source = written(tmp_path, with_free_cells(40, 6, 200, seed=2))
    found = measure_patterns(read_labels([source]), PointOptions(simulations=0))
    groups = found.groups.set_index("state")
    # The mean over cells, as a blot would give it, shows dimers and hides the few.
    assert groups.at["", "dimer_lower"] > 0.15
    assert groups.at["", "dimer_free_cells"] == "present"
    assert groups.at["", "dimer_free_lower"] < 6 / 40 < groups.at["", "dimer_free_upper"]
    assert groups.at["resting", "dimer_fraction"] < 0.05
    assert groups.at["resting", "dimer_free"] > 0.8
    assert groups.at["ruffled", "dimer_free"] < 0.1
    assert groups.at["ruffled", "dimer_distance"] == pytest.approx(20, abs=1)
