"""Tumours that share a shift: strange among lines, answered among tumours, and frozen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sidestep
from sidestep.features.errors import InputError
from sidestep.features.study.study import Study
from sidestep.models.predictor.cohort import TumourCohort, along
from sidestep.models.predictor.cohort_files import read_cohorts, write_cohort
from sidestep.models.registry.load import LoadedModel, load_model

Run = Callable[..., tuple[int, str, str]]
DRUG = "Lapatinib"
NUMBERS = ["prediction", "resistance_percentile", "applicability", "lower", "upper", "call"]


def shifted(study: Study, seed: int = 1, size: float = 2.5) -> Study:
    """The samples as another tissue and platform would show them: all moved alike."""
    rng = np.random.default_rng(seed)
    genes = rng.normal(0.0, size, study.expression.shape[1])
    antibodies = rng.normal(0.0, size / 2, study.rppa.shape[1])
    # Whether a sample is a tumour is not said, so that its levels must tell.
    clinical = study.clinical.drop(columns=["SAMPLE_TYPE"])
    return replace(
        study,
        expression=study.expression + genes,
        rppa=study.rppa + antibodies,
        clinical=clinical,
    )


@pytest.fixture(scope="module")
def tumours() -> Study:
    return shifted(sidestep.simulate(kind="cohort", lines=90, genes=200, missing=0.0))


@pytest.fixture(scope="module")
def halves(tumours: Study) -> tuple[Study, Study]:
    order = np.random.default_rng(0).permutation(90)
    one, other = (sorted(order[part].tolist()) for part in (slice(45), slice(45, None)))
    return tuple(tumours.select([tumours.samples[at] for at in part]) for part in (one, other))


@pytest.fixture(scope="module")
def among(model: LoadedModel, halves: tuple[Study, Study]) -> LoadedModel:
    return sidestep.reference(model, halves[0], "clinic")


@pytest.fixture(scope="module")
def scored(among: LoadedModel, halves: tuple[Study, Study]) -> pd.DataFrame:
    return sidestep.score(halves[1], among, [DRUG]).scores.set_index("sample_id")


def test_a_shared_shift_is_strange_among_lines_and_usual_among_tumours(
    model: LoadedModel, halves: tuple[Study, Study], scored: pd.DataFrame
) -> None:
    alone = sidestep.score(halves[1], model, [DRUG]).scores
    assert set(alone["reference"]) == {"lines"}
    assert alone["reasons"].str.contains("OUT_OF_DOMAIN").mean() > 0.6
    assert set(scored["reference"]) == {"clinic"}
    assert scored["reasons"].str.contains("OUT_OF_DOMAIN").mean() < 0.15
    # Percentiles among tumours of the same kind are even; 45 of them.
    assert scored["resistance_percentile"].mean() == pytest.approx(50, abs=13)


@pytest.mark.slow
def test_without_the_shift_the_model_sees_what_was_planted(
    model: LoadedModel, halves: tuple[Study, Study], scored: pd.DataFrame
) -> None:
    plain = sidestep.simulate(kind="cohort", lines=90, genes=200, missing=0.0)
    unmoved = sidestep.score(plain.select(list(halves[1].samples)), model, [DRUG]).scores
    before = unmoved.set_index("sample_id")["prediction"].loc[scored.index]
    moved = sidestep.score(halves[1], model, [DRUG]).scores.set_index("sample_id")["prediction"]
    alike, raw = (before.corr(one) for one in (scored["prediction"], moved))
    assert alike > max(0.95, raw)


@pytest.mark.slow
def test_a_tumour_scores_the_same_alone_and_in_a_batch(
    among: LoadedModel, halves: tuple[Study, Study], scored: pd.DataFrame
) -> None:
    for sample in halves[1].samples[:3]:
        alone = sidestep.score(halves[1].select([sample]), among, [DRUG]).scores
        pd.testing.assert_series_equal(
            alone.set_index("sample_id").loc[sample], scored.loc[sample], check_exact=True
        )


def test_contributions_add_up_among_tumours(
    among: LoadedModel, halves: tuple[Study, Study]
) -> None:
    scores = sidestep.score(halves[1], among, [DRUG])
    rows = scores.scores.set_index("sample_id")
    parts = scores.explanations.groupby("sample_id")["contribution"].sum()
    np.testing.assert_allclose(
        rows["base_value"] + parts.loc[rows.index], rows["prediction"], atol=1e-4
    )


def test_what_is_strange_among_tumours_abstains(
    among: LoadedModel, halves: tuple[Study, Study]
) -> None:
    strange = shifted(_with_types(halves[1].select(list(halves[1].samples[:4]))), 9, size=6.0)
    rows = sidestep.score(strange, among, [DRUG], reference="clinic").scores
    assert set(rows["reference"]) == {"clinic"}
    assert rows["reasons"].str.contains("OUT_OF_DOMAIN").all()
    assert set(rows["call"]) == {"abstain"}


def _with_types(study: Study) -> Study:
    return replace(study, clinical=study.clinical.assign(SAMPLE_TYPE="Primary"))


@pytest.mark.slow
def test_lines_stay_among_lines(among: LoadedModel, model: LoadedModel, simulated: Path) -> None:
    lines = sidestep.read_study(simulated / "breast_sim")
    for reference in ("", "clinic"):
        rows = sidestep.score(lines, among, [DRUG], reference=reference).scores
        assert set(rows["reference"]) == {"lines"}
    pd.testing.assert_frame_equal(rows, sidestep.score(lines, model, [DRUG]).scores)


@pytest.mark.slow
def test_a_study_says_which_samples_are_tumours(
    among: LoadedModel, model: LoadedModel, halves: tuple[Study, Study]
) -> None:
    # By its levels a sample that no shift moved is a line; by its SAMPLE_TYPE it is a tumour.
    plain = sidestep.simulate(kind="cohort", lines=6, genes=200, missing=0.0)
    assert set(sidestep.score(plain, among, [DRUG]).scores["reference"]) == {"clinic"}
    unsaid = replace(plain, clinical=plain.clinical.drop(columns=["SAMPLE_TYPE"]))
    assert set(sidestep.score(unsaid, among, [DRUG]).scores["reference"]) == {"lines"}
    cohort, predictor = among.references["clinic"], among.predictor
    ways = [
        along(predictor.nearest, cohort.shift, predictor.features(study))
        for study in (unsaid, halves[1])
    ]
    assert max(ways[0]) < 0.5 < min(ways[1])
    normal = replace(halves[1], clinical=halves[1].clinical.assign(SAMPLE_TYPE="Normal"))
    assert set(sidestep.score(normal, among, [DRUG]).scores["reference"]) == {"lines"}


@pytest.mark.slow
def test_lines_can_be_asked_for(
    among: LoadedModel, model: LoadedModel, halves: tuple[Study, Study]
) -> None:
    forced = sidestep.score(halves[1], among, [DRUG], reference="lines").scores
    pd.testing.assert_frame_equal(forced, sidestep.score(halves[1], model, [DRUG]).scores)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"reference": "nobody"}, "has no reference 'nobody' (it has clinic)"),
        ({"reference": "clinic", "her2_context": True}, "cannot both"),
    ],
)
def test_a_wrong_choice_is_refused(
    among: LoadedModel, halves: tuple[Study, Study], asked: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said.replace("(", r"\(").replace(")", r"\)")):
        sidestep.score(halves[1], among, [DRUG], **asked)


@pytest.mark.slow
def test_modalities_that_no_tumour_has_are_refused_or_left_to_the_lines(
    model: LoadedModel, halves: tuple[Study, Study]
) -> None:
    rna = replace(halves[0], rppa=None, copy_number=None, sequenced=None, mutations=None)
    only_rna = sidestep.reference(model, rna, "rna")
    protein = replace(halves[1], expression=None, copy_number=None, sequenced=None, mutations=None)
    with pytest.raises(InputError, match="reference rna have expression, of which study"):
        sidestep.score(protein, only_rna, [DRUG], reference="rna")
    assert set(sidestep.score(protein, only_rna, [DRUG]).scores["reference"]) == {"lines"}
    assert set(sidestep.score(halves[1], only_rna, [DRUG]).scores["reference"]) == {"lines"}


@pytest.mark.slow
def test_two_references_of_one_modality_must_be_chosen_from(
    among: LoadedModel, halves: tuple[Study, Study]
) -> None:
    both = sidestep.reference(among, halves[1], "other")
    with pytest.raises(InputError, match="2 references of the model have expression"):
        sidestep.score(halves[1], both, [DRUG])
    rows = sidestep.score(halves[1], both, [DRUG], reference="other").scores
    assert set(rows["reference"]) == {"other"}


def test_too_few_tumours_are_refused(model: LoadedModel, halves: tuple[Study, Study]) -> None:
    few = halves[0].select(list(halves[0].samples[:19]))
    with pytest.raises(InputError, match="has 19 tumour"):
        sidestep.reference(model, few, "few")


def test_lines_are_no_tumours(model: LoadedModel, simulated: Path) -> None:
    with pytest.raises(InputError, match="has 0 tumour"):
        sidestep.reference(model, simulated / "breast_sim", "lines-of-cells")


@pytest.mark.parametrize("name", ["lines", "Lines", "", "../x", "a/b", ".hidden", "x" * 65])
def test_a_name_that_no_file_can_have_is_refused(
    model: LoadedModel, halves: tuple[Study, Study], name: str
) -> None:
    with pytest.raises(InputError, match="cannot be named"):
        sidestep.reference(model, halves[0], name)


def test_the_account_says_what_was_moved(model: LoadedModel, halves: tuple[Study, Study]) -> None:
    study = halves[0]
    stroma = [gene for gene in study.expression.columns if gene in ("COL1A1", "COL3A1")]
    assert not stroma  # the simulated genes have no stroma: immune cells neither
    account = sidestep.reference(model, study, "clinic").references["clinic"].account
    for modality in ("expression", "rppa", "copy_number"):
        rows = [row for row in account if row["modality"] == modality]
        assert sum(row["share"] for row in rows) == pytest.approx(1.0, abs=1e-3)
        assert [row["share"] for row in rows] == sorted((r["share"] for r in rows), reverse=True)
    assert not [row for row in account if row["modality"] == "mutation"]


def assert_same(one: TumourCohort, other: TumourCohort) -> None:
    assert json.dumps(one.get_state()) == json.dumps(other.get_state())


@pytest.mark.slow
def test_a_kept_reference_answers_as_the_one_in_memory(
    run: Run, among: LoadedModel, saved_model: Path, halves: tuple[Study, Study], tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for path in saved_model.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    write_cohort(among.references["clinic"], folder / "references")
    loaded = load_model(folder)
    assert loaded.digest == load_model(saved_model).digest
    assert_same(loaded.references["clinic"], among.references["clinic"])
    scores = sidestep.score(halves[1], loaded, [DRUG]).scores
    again = sidestep.score(halves[1], among, [DRUG]).scores
    pd.testing.assert_frame_equal(
        scores.drop(columns="model_name"), again.drop(columns="model_name")
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"n": 45', b'"n": 46'),
        (b'"sha256"', b'"sha257"'),
        (b"{", b"["),
    ],
)
def test_a_tampered_reference_is_refused_in_a_sentence(
    among: LoadedModel, tmp_path: Path, old: bytes, new: bytes
) -> None:
    cohort = among.references["clinic"]
    write_cohort(cohort, tmp_path / "references")
    path = tmp_path / "references" / "clinic.json"
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(InputError, match=r"reference .*clinic.json is damaged"):
        read_cohorts(tmp_path, among.predictor, among.digest)


def test_a_reference_of_another_model_is_refused(among: LoadedModel, tmp_path: Path) -> None:
    write_cohort(replace(among.references["clinic"], model="0" * 64), tmp_path / "references")
    with pytest.raises(InputError, match="was made with another model"):
        read_cohorts(tmp_path, among.predictor, among.digest)


def test_the_registrys_record_decides(among: LoadedModel, tmp_path: Path) -> None:
    digest = write_cohort(among.references["clinic"], tmp_path / "references")
    read = (tmp_path, among.predictor, among.digest)
    assert set(read_cohorts(*read, {"clinic": digest})) == {"clinic"}
    assert not read_cohorts(*read, {})
    with pytest.raises(InputError, match="not the one that was recorded"):
        read_cohorts(*read, {"clinic": "0" * 64})
    with pytest.raises(InputError, match="reference gone of the model is recorded"):
        read_cohorts(*read, {"clinic": digest, "gone": digest})


@pytest.mark.slow
def test_the_verb_keeps_a_reference_that_score_finds(
    run: Run, simulated: Path, saved_model: Path, tmp_path: Path
) -> None:
    folder, study = tmp_path / "model", simulated / "cohort_sim"
    folder.mkdir()
    for path in saved_model.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    code, out, err = run("reference", folder, study, "--name", "clinic", "--quiet")
    assert (code, err) == (0, "")
    first, *_, last = out.splitlines()
    assert first.startswith("Reference clinic: 24 tumours of cohort_sim, SIMULATED")
    assert last == f"Kept with {folder / 'references' / 'clinic.json'}"
    code, _, err = run("reference", folder, study, "--name", "clinic", "--quiet")
    assert code == 2
    assert "has a reference clinic already; give --replace" in err
    assert run("reference", folder, study, "--name", "clinic", "--quiet", "--replace")[0] == 0
    scores = tmp_path / "scores"
    code, out, _ = run("score", study, "--model", folder, "--out", scores, "--quiet")
    assert code == 0
    manifest = json.loads((scores / "manifest.json").read_text())
    assert manifest["references"]["clinic"]["tumours"] == 24
    assert manifest["options"]["references"].keys() == {"clinic"}
    table = pd.read_parquet(scores / "reference.parquet")
    assert "clinic" in set(table["reference"])
    sample = pd.read_parquet(scores / "scores.parquet").query("reference == 'clinic'")
    code, out, err = run(
        "explain", sample["sample_id"].iloc[0], "--drug", DRUG, "--scores", scores,
        "--study", study, "--model", folder, "--json",
    )  # fmt: skip
    assert (code, err) == (0, "")
    percentile = json.loads(out)["explanation"]["percentile"]
    assert percentile == sample["resistance_percentile"].iloc[0]
    run("reference", folder, study, "--name", "clinic", "--quiet", "--replace",
        "--where", "SUBTYPE!=Claudin-low")  # fmt: skip
    code, _, err = run(
        "explain", sample["sample_id"].iloc[0], "--drug", DRUG, "--scores", scores,
        "--study", study, "--model", folder,
    )  # fmt: skip
    assert code == 2
    assert "reference clinic of model model is not the one that" in err
