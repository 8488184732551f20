"""A sample that the model has learned from is answered by the model that has not seen it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import sidestep
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.study import Study, read_study
from sidestep.models.predictor.known_lines import KnownLines
from sidestep.models.predictor.storage import load_predictor, save_predictor
from sidestep.models.registry.load import LoadedModel
from sidestep.scores import Scores
from sidestep.training.retrain import Request, Retrain, retrain
from sidestep.training.validation.cross_validation import Plan

DRUGS = ("Lapatinib", "Everolimus")
PLAN = Plan(trials=0, folds=3, repeats=1, jobs=1)


def renamed(study: Study, name: dict[str, str], **changes: object) -> Study:
    """The study under another identifier, without digests, some samples called otherwise."""

    def index(table: pd.DataFrame | pd.Series | None) -> pd.DataFrame | pd.Series | None:
        return None if table is None else table.rename(index=name)

    samples = pd.Index([name.get(s, s) for s in study.samples], dtype="str", name="sample_id")
    calls = study.mutations
    assert calls is not None
    new = replace(
        study,
        study_id="elsewhere",
        digests={},
        samples=samples,
        donors=pd.Series(samples, index=samples, name="donor"),
        clinical=pd.DataFrame(index=samples),
        expression=index(study.expression),
        rppa=index(study.rppa),
        copy_number=index(study.copy_number),
        mutations=calls.assign(sample_id=calls["sample_id"].replace(name)),
        sequenced=None if study.sequenced is None else pd.Index(
            [name.get(s, s) for s in study.sequenced], dtype="str", name="sample_id"
        ),
        panel_of=index(study.panel_of),
        fusions=None,
    )  # fmt: skip
    return replace(new, **changes)  # type: ignore[arg-type]


def profiled_anew(study: Study, seed: int = 1, noise: float = 0.6) -> Study:
    """The same samples in another laboratory: every level with noise of its own."""
    rng = np.random.default_rng(seed)

    def noisy(table: pd.DataFrame | None) -> pd.DataFrame | None:
        if table is None:
            return None
        sd = table.std().to_numpy()
        return table + noise * sd * rng.standard_normal(table.shape)

    return replace(study, expression=noisy(study.expression), rppa=noisy(study.rppa))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("lines") / "study"
    simulate_study(folder, SimulationPlan(kind="breast", lines=48, genes=150, seed=3, noise=0.5))
    return read_study(folder)


@pytest.fixture(scope="module")
def trained(study: Study, few_trees: None) -> Retrain:
    return retrain(Request(study, "gi50", DRUGS, plan=PLAN))


@pytest.fixture(scope="module")
def model(trained: Retrain, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """Saved and loaded, as models are scored with."""
    folder = tmp_path_factory.mktemp("model") / "m"
    save_predictor(trained.predictor, folder)
    return LoadedModel(load_predictor(folder), "m", "", "0" * 64)


@pytest.fixture(scope="module")
def scored(study: Study, model: LoadedModel) -> Scores:
    return sidestep.score(study, model)


def in_training(scores: Scores) -> pd.Series:
    """Whether each row says that its sample is known."""
    codes = scores.scores["reasons"].fillna("").str.split(";")
    return codes.map(lambda row: "IN_TRAINING" in row)


def beside_held_out(scores: Scores, trained: Retrain) -> pd.DataFrame:
    held_out = trained.validation.predictions
    return scores.scores.merge(held_out, on=["sample_id", "drug"], suffixes=("", "_held_out"))


def test_the_training_study_scores_as_cross_validation_says(
    scored: Scores, trained: Retrain, study: Study, model: LoadedModel
) -> None:
    rows = beside_held_out(scored, trained)
    assert len(rows) == len(trained.validation.predictions)
    assert np.abs(rows["prediction"] - rows["blend"]).max() < 1e-6
    np.testing.assert_array_equal(rows["observed"], rows["observed_held_out"])
    learned = scored.scores["sample_id"].isin(model.predictor.known.samples)
    assert 0 < (~learned).sum() < learned.sum()
    np.testing.assert_array_equal(in_training(scored), learned)
    seen = model.predictor.features(study)
    for drug, part in rows.groupby("drug"):
        r = np.corrcoef(part["prediction"], part["observed"])[0, 1]
        r_held_out = np.corrcoef(part["blend"], part["observed_held_out"])[0, 1]
        assert abs(r - r_held_out) < 0.05
        # The model of all lines knows them nearly by heart.
        by_heart = pd.Series(
            model.predictor.predict(seen, model.predictor.drugs[str(drug)]), seen.index
        )
        assert np.corrcoef(by_heart[part["sample_id"]], part["observed"])[0, 1] > r + 0.03


def test_a_line_that_was_not_tested_has_nothing_observed(scored: Scores, trained: Retrain) -> None:
    tested = trained.validation.predictions.set_index(["sample_id", "drug"]).index
    rows = scored.scores.set_index(["sample_id", "drug"])
    untested = rows.index.difference(tested)
    assert len(untested) > 0
    assert rows.loc[untested, "observed"].isna().all()
    assert rows.loc[tested, "observed"].notna().all()


def test_intervals_hold_about_what_they_promise(scored: Scores) -> None:
    """Of 136 lines and drugs, within three standard errors of the 80 % that are promised."""
    rows = scored.scores.dropna(subset=["observed", "lower", "upper"])
    held = ((rows["lower"] <= rows["observed"]) & (rows["observed"] <= rows["upper"])).mean()
    assert abs(held - 0.8) < 3 * np.sqrt(0.8 * 0.2 / len(rows))


def test_an_interval_knows_nothing_of_the_line_s_own_response(
    study: Study, model: LoadedModel, scored: Scores
) -> None:
    """Whatever its own error was, the interval is the same."""
    sample, drug = scored.samples[0], "Lapatinib"
    (known,) = model.predictor.known.find(
        study.select([sample]), model.predictor.features(study.select([sample]))
    )
    assert known is not None
    fitted = model.predictor.drugs[drug]
    wild = {
        pattern: replace(errors, errors=np.where(errors.lines == known.line, 1e6, errors.errors))
        for pattern, errors in fitted.errors.items()
    }
    changed = replace(
        model, predictor=replace(model.predictor, drugs={drug: replace(fitted, errors=wild)})
    )
    before = scored.scores.query("sample_id == @sample and drug == @drug")
    after = sidestep.score(study.select([sample]), changed).scores
    assert_frame_equal(after.reset_index(drop=True), before.reset_index(drop=True))


@pytest.mark.slow
def test_alone_and_among_new_samples_a_line_scores_the_same(
    study: Study, model: LoadedModel, scored: Scores, tmp_path: Path
) -> None:
    simulate_study(tmp_path / "new", SimulationPlan(kind="breast", lines=20, genes=150, seed=9))
    new = read_study(tmp_path / "new")
    assert not in_training(sidestep.score(new, model)).any()
    alone = [str(study.samples[0]), str(study.samples[-1]), str(study.samples[7])]
    some = sidestep.score(study.select(alone), model)
    assert list(dict.fromkeys(some.scores["sample_id"])) == alone
    for table in ("scores", "explanations", "mechanisms", "evidence"):
        everywhere = getattr(scored, table)
        for sample in alone:
            found, expected = (
                rows[rows["sample_id"] == sample].reset_index(drop=True)
                for rows in (getattr(some, table), everywhere)
            )
            assert_frame_equal(found, expected)


@pytest.mark.slow
def test_the_same_profile_is_known_by_any_name(
    study: Study, model: LoadedModel, scored: Scores
) -> None:
    name = {sample: f"T{number:03d}X" for number, sample in enumerate(study.samples)}
    found = sidestep.score(renamed(study, name), model)
    profiled = set(study.expression.index) | set(study.rppa.index)
    profiled &= set(model.predictor.known.samples)
    same = found.scores["sample_id"].isin([name[sample] for sample in profiled])
    np.testing.assert_array_equal(in_training(found), same)
    np.testing.assert_array_equal(
        found.scores.loc[same, "prediction"].to_numpy(),
        scored.scores.loc[same.to_numpy(), "prediction"].to_numpy(),
    )


def test_numbered_samples_of_another_study_are_not_known(study: Study, model: LoadedModel) -> None:
    """The same numbers, of samples and of patients, in a study of other profiles."""
    other = profiled_anew(renamed(study, {}), noise=3.0)
    known = model.predictor.known.find(other, model.predictor.features(other))
    assert known == [None] * len(other.samples)
    again = replace(study, study_id="elsewhere", digests={}, donors=study.donors)
    again = profiled_anew(again, noise=3.0)
    assert not any(model.predictor.known.find(again, model.predictor.features(again)))


def test_a_training_study_of_numbered_patients_lends_no_names(
    study: Study, model: LoadedModel
) -> None:
    patients = replace(study, simulated=False, clinical=study.clinical[[]])
    lines = pd.Index(model.predictor.known.samples)
    known = KnownLines.of(patients, model.predictor.nearest, lines, model.predictor.known.folds)
    assert not any(known.names)
    assert known.named_donors == ()
    others = profiled_anew(renamed(patients, {}), noise=3.0)
    assert not any(known.find(others, model.predictor.features(others)))
    # In the study itself a name is enough.
    again = profiled_anew(patients, noise=3.0)
    found = known.find(again, model.predictor.features(again))
    assert [one is not None for one in found] == list(again.samples.isin(lines))


@pytest.fixture(scope="module")
def named(study: Study, model: LoadedModel) -> tuple[LoadedModel, dict[str, str]]:
    """The model as if its study were real, with names of cell lines."""
    names = (
        "SKBR3 AU565 BT474 MDAMB453 HCC1954 T47D MCF7 ZR751 CAMA1 EFM19 JIMT1 SUM149PT BT20 HCC38 "
        "MDAMB231 HS578T CAL51 DU4475 SUM159PT UACC812 KPL1 MX1 EVSAT HDQP1 A549 HCT116 LOVO PC9"
    ).split()
    name = dict(zip(map(str, study.samples), names, strict=False))
    lines = [str(line) for line in model.predictor.known.samples if str(line) in name]
    rows = [model.predictor.known.samples.index(line) for line in lines]
    keys = [
        (name[line],) if line in name else () for line in map(str, model.predictor.known.samples)
    ]
    assert len(rows) > 20
    known = replace(model.predictor.known, names=tuple(keys))
    return replace(model, predictor=replace(model.predictor, known=known)), name


def test_a_cell_line_is_known_by_name_wherever_it_was_profiled(
    study: Study, named: tuple[LoadedModel, dict[str, str]]
) -> None:
    model, name = named
    spelled = {"SKBR3": "SK-BR-3", "T47D": "T47D_BREAST", "MCF7": "mcf 7"}
    called = {sample: spelled.get(key, key) for sample, key in name.items()}
    part = renamed(profiled_anew(study).select(list(called)), called)
    found = model.predictor.known.find(part, model.predictor.features(part))
    for one, sample in zip(found, called, strict=True):
        if sample in model.predictor.known.samples:
            assert one is not None
            assert one.line == model.predictor.known.samples.index(sample)
            assert one.fold == model.predictor.known.folds[one.line]


def test_a_patient_with_the_number_of_a_cell_line_is_new(
    study: Study, named: tuple[LoadedModel, dict[str, str]]
) -> None:
    """A549 is a name, and might be the number of a patient: the profile decides."""
    model, name = named
    (line,) = [sample for sample, key in name.items() if key == "A549"]
    same = renamed(profiled_anew(study).select([line]), {line: "A549"})
    assert model.predictor.known.find(same, model.predictor.features(same)) != [None]
    lines = study.expression.loc[[s for s in study.expression.index if s != line]]
    own = study.expression.loc[line]
    farthest = str(lines.T.corrwith(own).idxmin())
    patient = renamed(profiled_anew(study).select([farthest]), {farthest: "A549"})
    assert model.predictor.known.find(patient, model.predictor.features(patient)) == [None]


def test_a_sibling_is_known_and_is_not_shown_the_response_of_its_sibling(
    study: Study, model: LoadedModel, scored: Scores
) -> None:
    donors = study.donors.loc[list(model.predictor.known.samples)]
    first, second = donors.index[donors.duplicated(keep=False)][:2]
    assert donors[first] == donors[second]
    folds = dict(zip(model.predictor.known.samples, model.predictor.known.folds, strict=True))
    assert folds[first] == folds[second]
    sibling = profiled_anew(study).select([first])
    clone = renamed(sibling, {first: "CLONE"})
    clone = replace(
        clone,
        digests=study.digests,
        donors=pd.Series([donors[first]], index=clone.samples, name="donor"),
    )
    rows = sidestep.score(clone, model)
    assert in_training(rows).all()
    assert rows.scores["observed"].isna().all()
    known = model.predictor.known.find(clone, model.predictor.features(clone))
    assert known[0] is not None
    assert (known[0].line, known[0].fold) == (None, folds[first])


@pytest.mark.slow
def test_an_explanation_is_of_the_model_that_answers(scored: Scores) -> None:
    rows = scored.scores.set_index(["sample_id", "drug"])
    sums = scored.explanations.groupby(["sample_id", "drug"])["contribution"].sum()
    assert np.abs(rows["base_value"] + sums - rows["prediction"]).max() < 1e-4
    sample, drug = rows.dropna(subset=["observed"]).index[0]
    explained = scored.explain(sample, drug).answer.explanation
    assert explained.prediction == rows.loc[(sample, drug), "prediction"]
    assert explained.observed == rows.loc[(sample, drug), "observed"]
    assert "IN_TRAINING" in explained.reasons
    changed = scored.explain(sample, drug, "ERBB2=+1sd").answer.what_if
    assert changed is not None
    assert changed.after.prediction != explained.prediction
    assert "Observed" in repr(scored.explain(sample, drug))


def test_explanations_for_shap_add_up_to_the_same_predictions(scored: Scores) -> None:
    pytest.importorskip("shap")
    found = scored.shap_explanation("Lapatinib")
    expected = scored.table("prediction")["Lapatinib"]
    np.testing.assert_allclose(found.base_values + found.values.sum(axis=1), expected, atol=1e-6)


@pytest.mark.slow
def test_only_what_was_measured_is_named(study: Study, model: LoadedModel) -> None:
    rng = np.random.default_rng(0)
    kept = rng.random(study.expression.shape[1]) > 0.4
    part = replace(study, expression=study.expression.loc[:, kept])
    scores = sidestep.score(part, model, top_k=200)
    named = scores.explanations.query("feature != '(other)'")
    assert named["value"].notna().all()
    rows = scores.scores
    with_rna = rows["modalities"].str.contains("expression")
    assert (rows.loc[with_rna, "unmeasured"] > 10).all()
    assert rows["unmeasured_share"].between(0, 1).all()
    sums = scores.explanations.groupby(["sample_id", "drug"])["contribution"].sum()
    keyed = rows.set_index(["sample_id", "drug"])
    assert np.abs(keyed["base_value"] + sums - keyed["prediction"]).max() < 1e-4


@pytest.mark.slow
def test_breast_lines_score_as_cross_validation_says(shared: Path, few_trees: None) -> None:
    lines = read_study(shared / "studies" / "breast_cell_lines")
    assert lines.expression is not None
    lines = replace(lines, expression=lines.expression.iloc[:, ::8])
    trained = retrain(
        Request(
            lines,
            "gi50",
            ("Lapatinib",),
            plan=Plan(trials=0, folds=2, repeats=1, jobs=1),
        )
    )
    scores = sidestep.score(lines, LoadedModel(trained.predictor, "m", "", ""))
    rows = beside_held_out(scores, trained)
    assert np.abs(rows["prediction"] - rows["blend"]).max() < 1e-6
    elsewhere = read_study(shared / "studies" / "pancan_cell_lines")
    features = trained.predictor.features(elsewhere)
    known = trained.predictor.known.find(elsewhere, features)
    found = {str(s) for s, one in zip(elsewhere.samples, known, strict=True) if one is not None}
    assert found >= set(elsewhere.samples) & set(trained.predictor.known.samples)
    patients = read_study(shared / "studies" / "scanb_breast")
    assert not any(trained.predictor.known.find(patients, trained.predictor.features(patients)))
