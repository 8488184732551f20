"""What is kept of a retrain: runs, data, pictures, the model and its registered versions."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import mlflow
import numba
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from sidestep.api import reference
from sidestep.features.errors import InputError
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.models.estimators.base import Contributions
from sidestep.models.predictor.predictor import DrugModel, PanelPredictor
from sidestep.models.registry.load import load_model
from sidestep.models.registry.references import keep_cohort
from sidestep.training.reports.model_card import model_card, version_description
from sidestep.training.retrain import Retrain, study_digest
from sidestep.training.tracking.registration import check_name, register
from sidestep.training.tracking.run_facts import panel_metrics, panel_tags, shown
from sidestep.training.tracking.store import Store, open_store
from sidestep.training.tracking.tracking import TrackedRun, track
from sidestep.training.validation.cross_validation import METHODS

DRUGS = ("Lapatinib", "BI-2536")
ONE_BY_ONE = {
    "all_metrics.csv",
    "modality_shares.png",
    "out_of_fold.parquet",
    "predicted_vs_observed.html",
    "predicted_vs_observed.png",
    "residuals.png",
    "shap_summary.png",
}
OF_THE_PANEL = {
    "all_metrics.csv",
    "coverage.parquet",
    "metrics.csv",
    "metrics.parquet",
    "model_card.md",
    "optuna_history.png",
    "out_of_fold.parquet",
    "panel_overview.png",
    "software.json",
    "study_account.json",
    "study_digests.json",
    "trials.csv",
}


@pytest.fixture(scope="module")
def client(store: Store) -> MlflowClient:
    return store.client


def artefacts(client: MlflowClient, run_id: str) -> dict[str, int]:
    return {file.path: file.file_size for file in client.list_artifacts(run_id)}


def fetched(client: MlflowClient, run_id: str, name: str, to: Path) -> Path:
    return Path(client.download_artifacts(run_id, name, str(to)))


def test_one_run_a_panel_and_a_nested_run_a_drug(
    tracked: TrackedRun, client: MlflowClient, store: Store
) -> None:
    panel = client.get_run(tracked.run_id)
    assert panel.info.run_name.startswith("breast_sim gi50 2 drugs seed 0 20")
    nested = client.search_runs(
        [store.experiment_id], f"tags.mlflow.parentRunId = '{tracked.run_id}'"
    )
    assert {run.info.run_name: run.info.run_id for run in nested} == tracked.children
    assert set(tracked.children) == set(DRUGS)
    assert {run.info.status for run in (panel, *nested)} == {"FINISHED"}


@pytest.mark.slow
def test_a_cohort_is_kept_with_a_registered_version(
    tracked: TrackedRun, store: Store, tmp_path: Path
) -> None:
    uri = "models:/small/1"
    model = load_model(uri, store.tracking_uri)
    simulate_study(tmp_path / "cohort", SimulationPlan(kind="cohort", lines=24, genes=150))
    made = reference(model, tmp_path / "cohort", "clinic").references["clinic"]
    assert keep_cohort(made, uri, model, store.tracking_uri) == uri
    assert list(load_model(uri, store.tracking_uri).references) == ["clinic"]


def test_tags_say_what_was_learned_from_what(
    tracked: TrackedRun, client: MlflowClient, retrained: Retrain
) -> None:
    tags = client.get_run(tracked.run_id).data.tags
    expected = {
        "study": "breast_sim",
        "response": "sim_gi50",
        "unit": "-log10 of GI50 in molar",
        "direction": "higher is more sensitive",
        "panel": "named drugs",
        "simulated": "true",
        "gate": "passed",
        "gate_reason": retrained.verdict.reason,
        "study_digest": study_digest(retrained.study.digests),
    }
    assert expected.items() <= tags.items()
    assert tags["mlflow.note.content"].startswith("**Simulated data: no sample is real.**")
    assert "| drug | lines | r | RMSE |" in tags["mlflow.note.content"]
    assert f"**Gate passed**: {retrained.verdict.reason}." in tags["mlflow.note.content"]
    for drug, run_id in tracked.children.items():
        gain = client.get_run(run_id).data.tags["gain"]
        assert gain == retrained.verdict.gains[drug].verdict


def test_parameters_hold_request_plan_settings_and_software(
    tracked: TrackedRun, client: MlflowClient
) -> None:
    found = client.get_run(tracked.run_id).data.params
    expected = {
        "request.drugs": "Lapatinib, BI-2536",
        "plan.folds": "3",
        "plan.trials": "2",
        "plan.seed": "0",
        "data.drugs": "2",
        "software.mlflow": mlflow.__version__,
        "software.numba": numba.__version__,
    }
    assert expected.items() <= found.items()
    assert "settings.n_trees" in found


def test_the_panels_metrics_are_the_means_of_its_drugs(
    tracked: TrackedRun, client: MlflowClient
) -> None:
    panel = client.get_run(tracked.run_id).data.metrics
    drugs = [client.get_run(run_id).data.metrics for run_id in tracked.children.values()]
    rivals = {f"pearson.{method}" for method in METHODS if method != "blend"}
    assert {"pearson", "rmse_relative", "spearman"} | rivals <= set(panel)
    for name in ("pearson", "rmse_relative", *rivals):
        assert panel[name] == pytest.approx(np.mean([metrics[name] for metrics in drugs]))
    best = max(panel[f"pearson.{name}"] for name in ("drug_mean", "lineage_mean", "marker"))
    assert panel["pearson_minus_best_baseline"] == pytest.approx(panel["pearson"] - best)
    assert min(panel) == "pearson"  # the first column of a list


def test_a_drugs_metrics_have_intervals_folds_and_the_her2_high_lines(
    tracked: TrackedRun, client: MlflowClient, retrained: Retrain
) -> None:
    run_id = tracked.children["Lapatinib"]
    found = client.get_run(run_id).data.metrics
    assert found["pearson_lower"] < found["pearson"] < found["pearson_upper"]
    assert 8 <= found["her2_high.samples"] < found["samples"] <= 40
    assert "her2_high.pearson" in found
    folds = retrained.fold_metrics[retrained.fold_metrics["drug"] == "Lapatinib"]
    history = client.get_metric_history(run_id, "fold_rmse")
    assert {point.step: point.value for point in history} == dict(
        zip(folds["fold"], folds["rmse"], strict=True)
    )


def test_a_run_shows_thirty_metrics_at_most_and_has_all_in_a_table(
    tracked: TrackedRun, client: MlflowClient, tmp_path: Path
) -> None:
    tables = {}
    for run_id in (tracked.run_id, tracked.children["Lapatinib"]):
        found = client.get_run(run_id).data.metrics
        assert 15 < len(found) <= 30
        path = fetched(client, run_id, "all_metrics.csv", tmp_path)
        every = tables[run_id] = pd.read_csv(path, index_col="metric")["value"]
        assert len(every) > len(found)
        for name in set(found) - {"fold_pearson", "fold_rmse"}:
            assert every[name] == pytest.approx(found[name])
        assert 0.5 < every["within_interval_80"] <= every["within_interval_90"] <= 1
        assert 0.5 < every["width_interval_80_sd"] < every["width_interval_90_sd"]
        assert "width_interval_80_sd.pattern.expression" in every
    panel, drug = tables.values()
    assert "within_interval_90.lineage.HER2-enriched" in panel
    assert "within_interval_90.lineage.HER2-enriched" not in drug  # of fewer than 20 lines


def test_a_study_of_many_lineages_shows_no_more(retrained: Retrain) -> None:
    many = pd.DataFrame(
        {"drug": "Lapatinib", "pattern": "expression", "lineage": [f"L{n}" for n in range(300)]}
    ).assign(
        own=True, n=20, response_sd=1.0, covered_80=16, width_80=2.0, covered_90=18, width_90=3.0
    )
    every = panel_metrics(replace(retrained, coverage=many))
    assert every["within_interval_80.lineage.L299"] == 0.8
    assert len(every) > 1200
    assert len(shown(every)) <= 28


def test_a_drugs_run_says_how_good_its_model_is(
    tracked: TrackedRun, client: MlflowClient, retrained: Retrain
) -> None:
    run = client.get_run(tracked.children["Lapatinib"])
    note = run.data.tags["mlflow.note.content"]
    assert note.startswith("**Simulated data: no sample is real.**")
    assert f"**Lapatinib**: Pearson r {run.data.metrics['pearson']:.3f} (95 %" in note
    assert "the best baseline, " in note
    assert f"on {run.data.metrics['samples']:.0f} lines of " in note


def test_a_version_has_its_card_as_description(
    tracked: TrackedRun, client: MlflowClient, retrained: Retrain, tmp_path: Path
) -> None:
    version = client.get_model_version("small", "1")
    assert version.description == version_description(retrained)
    card = fetched(client, tracked.run_id, "model_card.md", tmp_path).read_text(encoding="utf-8")
    assert card == model_card(retrained)


def test_the_description_of_a_huge_panel_keeps_whole_rows(retrained: Retrain) -> None:
    rows = [
        retrained.metrics[retrained.metrics["drug"] == "Lapatinib"].assign(drug=f"Drug-{n}")
        for n in range(120)
    ]
    names = [f"Drug-{n}" for n in range(120)]
    verdict = replace(
        retrained.verdict, gains=dict.fromkeys(names, retrained.verdict.gains["Lapatinib"])
    )
    drugs = tuple(replace(retrained.panel.drugs[0], name=name) for name in names)
    panel = replace(retrained.panel, drugs=drugs)
    huge = replace(retrained, metrics=pd.concat(rows), verdict=verdict, panel=panel)
    note = panel_tags(huge)["mlflow.note.content"]
    assert 7000 < len(note) <= 8000
    assert "every drug is in the artefact" in note
    table = [line for line in note.split("\n") if line.startswith("|")]
    assert {line.count("|") for line in table} == {9}
    assert table[-1].startswith("| mean of 120 |")


def test_artefacts_are_all_there_and_small(tracked: TrackedRun, client: MlflowClient) -> None:
    panel = artefacts(client, tracked.run_id)
    assert set(panel) == OF_THE_PANEL
    for run_id in tracked.children.values():
        drug = artefacts(client, run_id)
        assert set(drug) == ONE_BY_ONE
        panel |= drug
    assert all(size < 100_000 for name, size in panel.items() if name.endswith(".png"))


def test_tables_come_back_as_they_were(
    tracked: TrackedRun, client: MlflowClient, retrained: Retrain, tmp_path: Path
) -> None:
    predictions = retrained.validation.repeated
    kept = fetched(client, tracked.run_id, "out_of_fold.parquet", tmp_path)
    pd.testing.assert_frame_equal(pd.read_parquet(kept), predictions)
    one = fetched(client, tracked.children["BI-2536"], "out_of_fold.parquet", tmp_path)
    assert len(pd.read_parquet(one)) == (predictions["drug"] == "BI-2536").sum()
    trials = pd.read_csv(fetched(client, tracked.run_id, "trials.csv", tmp_path))
    searches = {"all lines", "without fold 0", "without fold 1", "without fold 2"}
    assert set(trials["search"]) == searches
    assert len(trials) == 2 * len(searches)


def test_the_study_is_an_input_of_every_run(
    tracked: TrackedRun, client: MlflowClient, retrained: Retrain
) -> None:
    for run_id in (tracked.run_id, *tracked.children.values()):
        (study,) = client.get_run(run_id).inputs.dataset_inputs
        assert study.dataset.name == "breast_sim"
        assert study_digest(retrained.study.digests).startswith(study.dataset.digest)
        assert str(retrained.request.study) in study.dataset.source
        assert [(tag.key, tag.value) for tag in study.tags] == [("mlflow.data.context", "training")]


def test_the_digest_changes_with_any_file(retrained: Retrain) -> None:
    digests = dict(retrained.study.digests)
    same = dict(reversed(digests.items()))
    assert study_digest(same) == study_digest(digests)
    first = next(iter(digests))
    assert study_digest(digests | {first: "0" * 64}) != study_digest(digests)


def test_a_version_that_fails_the_gate_is_no_champion(
    tracked: TrackedRun, retrained: Retrain, client: MlflowClient
) -> None:
    assert tracked.registration is not None
    assert tracked.registration.champion
    failed = replace(retrained.verdict, passes=False)
    model = {"model_id": tracked.model_id, "run_id": tracked.run_id, "description": ""}
    again = register(client, name="small", verdict=failed, tags={}, **model)
    assert (again.version, again.champion, again.uri) == ("2", False, "models:/small/2")
    assert client.get_model_version("small", "2").tags["gate"] == "failed"
    assert str(client.get_model_version_by_alias("small", "champion").version) == "1"
    register(client, name="never passed", verdict=failed, tags={}, **model)
    with pytest.raises(MlflowException, match="champion"):
        client.get_model_version_by_alias("never passed", "champion")


@pytest.mark.parametrize("name", ["", "  ", "her2/breast", "her2:breast", "her2@champion"])
def test_a_name_that_no_address_can_hold_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot be named"):
        check_name(name)


@pytest.mark.slow
def test_within_an_mlflow_project_its_run_is_the_panels(
    retrained: Retrain, store: Store, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = mlflow.get_tracking_uri()
    project = client.create_run(store.experiment_id, run_name="flashy-fox-7").info.run_id
    client.log_param(project, "trials", "")  # as MLflow logs a parameter that is not given
    monkeypatch.setenv("MLFLOW_RUN_ID", project)
    assert track(retrained, store).run_id == project
    assert client.get_run(project).info.run_name.startswith("breast_sim gi50")
    assert mlflow.get_tracking_uri() == before
    assert mlflow.active_run() is None


class Interrupted(PanelPredictor):
    """A predictor during whose explanation somebody presses Ctrl-C."""

    def explain(self, features: pd.DataFrame, model: DrugModel) -> Contributions:
        raise KeyboardInterrupt


@pytest.mark.slow
def test_an_interrupted_run_is_marked_killed(retrained: Retrain, store: Store) -> None:
    elsewhere = open_store(store.tracking_uri, "interrupted")
    parts = {part.name: getattr(retrained.predictor, part.name) for part in fields(Interrupted)}
    stopped = Interrupted(**parts)
    with pytest.raises(KeyboardInterrupt):
        track(replace(retrained, predictor=stopped), elsewhere)
    runs = store.client.search_runs([elsewhere.experiment_id])
    assert [run.info.status for run in runs] == ["KILLED", "KILLED"]
    assert {run.data.tags["failure"] for run in runs} == {"interrupted"}


@pytest.mark.slow
def test_a_run_that_cannot_be_kept_is_marked_failed(
    retrained: Retrain, store: Store, client: MlflowClient
) -> None:
    blocked = open_store(store.tracking_uri, "blocked")
    place = client.get_experiment(blocked.experiment_id).artifact_location
    Path(place.removeprefix("file://")).write_text("a file where the folder should be")
    with pytest.raises((OSError, MlflowException)):
        track(retrained, blocked)
    (run,) = client.search_runs([blocked.experiment_id])
    assert run.info.status == "FAILED"
    assert "blocked" in run.data.tags["failure"]


def test_artefacts_lie_beside_the_store(
    tracked: TrackedRun, store: Store, client: MlflowClient
) -> None:
    beside = Path(store.tracking_uri.removeprefix("sqlite:///")).parent / "mlartifacts"
    assert client.get_run(tracked.run_id).info.artifact_uri.startswith(beside.as_uri())


@pytest.mark.parametrize("uri", ["nonsense://here", "sqlite:////proc/none/mlflow.db"])
def test_a_store_that_cannot_be_opened_is_said_before_anything_runs(uri: str) -> None:
    with pytest.raises(InputError, match="give another --tracking-uri"):
        open_store(uri)


def test_a_deleted_experiment_is_not_written_to(store: Store, client: MlflowClient) -> None:
    gone = open_store(store.tracking_uri, "gone")
    assert open_store(store.tracking_uri, "gone") == gone
    client.delete_experiment(gone.experiment_id)
    with pytest.raises(InputError, match="experiment gone was deleted"):
        open_store(store.tracking_uri, "gone")


def test_a_real_study_is_not_called_simulated(retrained: Retrain) -> None:
    real = replace(retrained.study, simulated=False, name="Cell lines")
    tags = panel_tags(replace(retrained, study=real))
    assert tags["simulated"] == "false"
    assert "imulated" not in tags["mlflow.note.content"]
