"""The verb `train`: what it prints, keeps and refuses."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import xgboost as xgb

from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.main import main
from sidestep.models.registry.load import load_model
from sidestep.training.tracking.store import Store
from tests.training.cli.refused import Refused


@pytest.fixture(scope="module")
def null_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose drug SIMNULL-1 has nothing to do with anything."""
    folder = tmp_path_factory.mktemp("null") / "breast_sim"
    simulate_study(folder, SimulationPlan(lines=40, genes=150, noise=0.3, missing=0.1, seed=9))
    return folder


def train(study: Path, store: Store, *more: str) -> int:
    args = ["train", str(study), "--tracking-uri", store.tracking_uri, "--jobs", "1", "--quiet"]
    return main([*args, "--folds", "2", *more])


@pytest.mark.slow
def test_a_null_drug_is_learned_marked_and_no_champion(
    null_study: Path, store: Store, few_trees: None, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = []
    what = ("--drugs", "simnull1", "--trials", "1", "--folds", "3", "--repeats", "1")
    what += ("--register", "null")
    for attempt in ("1", "2"):
        code = train(null_study, store, *what)
        printed = capsys.readouterr()
        assert (code, printed.err) == (0, "")
        assert printed.out.startswith("Simulated data: no sample is real.\n")
        assert re.search(r"^SIMNULL-1 \*\s+36\s+-0\.\d\d ", printed.out, re.MULTILINE)
        assert "* worse, or errs no less than the mean" in printed.out
        assert "Gate FAILED: mean out-of-fold r -0." in printed.out
        assert f"Registered null version {attempt} without the alias champion" in printed.out
        run_id = re.search(r"^Run (\w{32}) in sqlite", printed.out, re.MULTILINE)
        assert run_id is not None
        runs.append(run_id[1])
    kept = [store.client.download_artifacts(run, "out_of_fold.parquet") for run in runs]
    first, second = (Path(path).read_bytes() for path in kept)
    assert first == second  # the same seed gives the same numbers
    drug = load_model("models:/null/1", store.tracking_uri).predictor.drugs["SIMNULL-1"]
    assert drug.gain.verdict == "worse"


@pytest.mark.slow
def test_a_log_gets_plain_lines(
    simulated_study: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--tracking-uri", store.tracking_uri, "--jobs", "1")
    what = (
        "--drugs",
        "Lapatinib",
        "--trials",
        "0",
        "--folds",
        "2",
        "--repeats",
        "1",
        "--modalities",
        "rppa",
    )
    assert main(["train", str(simulated_study), *where, *what]) == 0
    printed = capsys.readouterr()
    assert "Model (not registered): runs:/" in printed.out
    lines = printed.err.splitlines()
    assert all(re.match(r"\[ *\d+ s\] ", line) for line in lines)
    assert [line.split("] ")[1] for line in lines] == [
        "building features: 3 of 3",
        "searching settings: 3 of 3",
        "testing on held-out lines: 2 of 2",
        "fitting on all lines: 1 of 1",
        "keeping the run in MLflow",
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--drugs", "Lapatnib"], "drug Lapatnib is not in .* did you mean Lapatinib"),
        (["--drugs", "Lapatinib", "--min-lines", "500"], "has 38 lines, .* lower --min-lines"),
        (["--panel", "her2", "--min-lines", "500"], "no drug of panel her2 has 500 lines"),
        (["--drugs", "Lapatinib", "--panel", "her2"], "give --drugs or --panel, not both"),
        (["--drugs", "Lapatinib", "--modalities", "rna"], "unknown modality rna; choose from"),
        (["--drugs", "Lapatinib", "--clinical", "SHOE_SIZE"], "SHOE_SIZE"),
        (["--panel", "everything"], "'everything' is not one of 'her2', 'kinase', 'all'"),
        (["--folds", "1"], "1 is not in the range x>=2"),
        (["--trials", "-1"], "-1 is not in the range x>=0"),
        (["--trials", "some"], "'some' is not a valid integer"),
        (["--min-lines", "2"], "2 is not in the range x>=10"),
        (["--response", "auc"], r"response 'auc' is not in the study; it has sim_gi50 \(gi50\)"),
        (["--register", "her2/breast"], "a model cannot be named 'her2/breast'"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_sentence(
    simulated_study: Path, store: Store, refused: Refused, given: list[str], message: str
) -> None:
    where = ["--tracking-uri", store.tracking_uri, "--quiet"]
    assert re.search(message, refused("train", simulated_study, *where, *given))


def test_a_study_that_is_not_there_makes_no_store(tmp_path: Path, refused: Refused) -> None:
    database = tmp_path / "mlflow.db"
    message = refused("train", tmp_path / "none", "--tracking-uri", f"sqlite:///{database}")
    assert "none is not a folder" in message
    assert not database.exists()


def test_a_drug_that_is_not_there_makes_no_store(
    simulated_study: Path, tmp_path: Path, refused: Refused
) -> None:
    database = tmp_path / "mlflow.db"
    where = ("--tracking-uri", f"sqlite:///{database}", "--quiet")
    assert "Lapatnib" in refused("train", simulated_study, "--drugs", "Lapatnib", *where)
    assert not database.exists()


def test_a_study_of_several_responses_must_be_told_which(
    simulated_study: Path, tmp_path: Path, refused: Refused
) -> None:
    study = shutil.copytree(simulated_study, tmp_path / "two")
    meta = (study / "meta_treatment_gi50.txt").read_text(encoding="utf-8")
    (study / "meta_treatment_auc.txt").write_text(meta.replace("gi50", "auc"), encoding="utf-8")
    shutil.copy(study / "data_treatment_gi50.txt", study / "data_treatment_auc.txt")
    message = refused("train", study, "--drugs", "Lapatinib")
    assert "sim_auc (auc)" in message
    assert "sim_gi50 (gi50)" in message
    assert "--response" in message


def test_a_study_without_a_response_cannot_be_trained_on(
    simulated_study: Path, tmp_path: Path, refused: Refused
) -> None:
    study = shutil.copytree(simulated_study, tmp_path / "none")
    (study / "meta_treatment_gi50.txt").unlink()
    (study / "data_treatment_gi50.txt").unlink()
    assert "has no drug response to learn" in refused("train", study, "--drugs", "Lapatinib")


@pytest.mark.skipif(xgb.build_info()["USE_CUDA"], reason="this XGBoost is built with CUDA")
def test_a_device_that_is_not_there_is_refused_at_once(
    null_study: Path, store: Store, refused: Refused
) -> None:
    args = ("train", null_study, "--tracking-uri", store.tracking_uri, "--device", "cuda")
    assert "built without CUDA; put `xgboost` in the place" in refused(*args, "--quiet")


@pytest.mark.slow
def test_lineages_held_out_whole_are_told(
    null_study: Path, store: Store, few_trees: None, capsys: pytest.CaptureFixture[str]
) -> None:
    what = ("--drugs", "lapatinib", "--trials", "0", "--split", "lineage")
    assert train(null_study, store, *what) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^Gate .*, by lineage, each held out whole\.$", printed, re.MULTILINE)
    run_id = re.search(r"^Run (\w{32}) in sqlite", printed, re.MULTILINE)
    assert run_id is not None
    run = store.client.get_run(run_id[1])
    assert (run.data.params["plan.split"], run.data.tags["split"]) == ("lineage", "lineage")
    card = Path(store.client.download_artifacts(run_id[1], "model_card.md")).read_text()
    assert "cross-validation by lineage, each held out whole" in card
