"""The Python interface: lazy, and the same as the command line in every number."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import mlflow
import numpy as np
import pandas as pd
import pytest
from matplotlib._pylab_helpers import Gcf
from matplotlib.figure import Figure
from pandas.testing import assert_frame_equal

import sidestep
from sidestep import api
from sidestep.explained import Explained
from sidestep.features.errors import InputError
from sidestep.features.study.study import Study, read_study
from sidestep.main import main
from sidestep.models.registry.load import LoadedModel, load_model
from sidestep.scores import Scores
from sidestep.serving.memory import NAMES
from sidestep.trained import TrainedPanel

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def written(cohort_folder: Path, model_folder: Path, tmp_path_factory: Any) -> Path:
    """What `sidestep score` writes."""
    out = tmp_path_factory.mktemp("written") / "scores"
    args = ["score", cohort_folder, "--model", model_folder, "--out", out, "--quiet"]
    assert main([str(arg) for arg in args]) == 0
    return out


@pytest.fixture(scope="module")
def trained(lines: Study, few_trees: None) -> TrainedPanel:
    return sidestep.train(lines, drugs=["lapatinib"], trials=0, folds=2, repeats=2, jobs=1)


# --- the names


def test_importing_it_imports_nothing_else() -> None:
    program = (
        "import sys; import sidestep; print(sidestep.__version__, dir(sidestep)); "
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(ran.stderr.split())
    assert "sidestep" in loaded
    assert not loaded & {"click", "mlflow", "numpy", "pandas", "pyarrow", "shap", "sklearn"}


def test_every_name_is_there_and_no_other() -> None:
    assert dir(sidestep) == sorted(sidestep.__all__)
    for name in sidestep.__all__:
        assert getattr(sidestep, name) is not None
    assert sidestep.score is api.score
    with pytest.raises(AttributeError, match="no attribute 'predict'"):
        sidestep.predict  # noqa: B018


@pytest.mark.slow
def test_shap_is_not_loaded_by_scoring(cohort_folder: Path, model_folder: Path) -> None:
    program = (
        f"import sys, sidestep; sidestep.score({str(cohort_folder)!r}, {str(model_folder)!r}); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert not set(ran.stdout.split()) & {"shap", "mlflow", "anndata", "optuna", "sksurv"}


# --- scores


def table_of(scores: Scores, name: str) -> pd.DataFrame:
    """A table by the name of its file: `Scores.samples` are names, not what is known of them."""
    table: pd.DataFrame = scores.attributes if name == "samples" else getattr(scores, name)
    return table


def test_tables_are_those_that_the_command_writes(scores: Scores, written: Path) -> None:
    for name in NAMES:
        table = table_of(scores, name)
        assert_frame_equal(table, pd.read_parquet(written / f"{name}.parquet"), check_exact=True)
    manifest = json.loads((written / "manifest.json").read_text(encoding="utf-8"))
    only_written = {"kind": manifest["kind"], "files": manifest["files"]}
    assert only_written | scores.manifest == manifest


def test_writing_gives_the_commands_folder_to_the_byte(
    scores: Scores, written: Path, tmp_path: Path
) -> None:
    assert scores.write(tmp_path / "out") == tmp_path / "out"
    names = sorted(path.name for path in written.iterdir())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    for name in names:
        assert (tmp_path / "out" / name).read_bytes() == (written / name).read_bytes(), name
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_writing_takes_no_folder_that_holds_something_else(scores: Scores, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="already holds files"):
        scores.write(tmp_path)
    scores.write(tmp_path / "out", report=False)
    assert not (tmp_path / "out" / "report.html").exists()


@pytest.mark.slow
def test_a_study_of_frames_scores_as_the_folder_does(
    cohort_folder: Path, model_folder: Path, scores: Scores
) -> None:
    study = read_study(cohort_folder)
    assert study.expression is not None
    assert study.mutations is not None
    framed = Study.from_frames(
        expression=study.expression,
        rppa=study.rppa,
        copy_number=study.copy_number,
        mutations=study.mutations.rename(
            columns={
                "sample_id": "Tumor_Sample_Barcode",
                "gene": "Hugo_Symbol",
                "classification": "Variant_Classification",
                "protein_change": "HGVSp_Short",
            }
        ),
        sequenced=list(study.sequenced),
        clinical=study.clinical,
        study_id=study.study_id,
    )
    again = sidestep.score(framed, load_model(model_folder))
    for name in NAMES:
        assert_frame_equal(table_of(again, name), table_of(scores, name), check_exact=True)


@pytest.mark.slow
def test_drugs_and_options_are_heeded(cohort_folder: Path, model_folder: Path) -> None:
    few = sidestep.score(
        cohort_folder, str(model_folder), ["trametinib"], level=0.5, top_k=3, her2_context=True
    )
    assert few.drugs == ["Trametinib"]
    assert set(few.scores["level"]) == {0.5}
    assert few.explanations.groupby("sample_id").size().max() == 4
    assert few.manifest["options"]["her2_context"] is True


def test_a_table_is_samples_by_drugs(scores: Scores) -> None:
    wide = scores.table("resistance_percentile")
    assert list(wide.index) == scores.samples
    assert list(wide.columns) == scores.drugs
    row = scores.scores.iloc[3]
    assert wide.loc[row["sample_id"], row["drug"]] == row["resistance_percentile"]
    with pytest.raises(InputError, match="no column 'percentile'; give one of sample_id"):
        scores.table("percentile")


@pytest.mark.slow
def test_samples_that_cannot_be_scored_are_named(
    cohort_folder: Path, rppa_model: LoadedModel, tmp_path: Path
) -> None:
    scores = sidestep.score(cohort_folder, rppa_model)
    study = read_study(cohort_folder)
    assert set(scores.quarantined) == set(study.samples) - set(study.profiled()["rppa"])
    assert scores.quarantined
    assert set(scores.scores["sample_id"]) == set(scores.samples) == set(study.profiled()["rppa"])
    assert next(iter(scores.quarantined)) in repr(scores)
    assert len(scores.shap_explanation("Lapatinib").values) == len(scores.samples)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"drugs": ["Aspirin"]}, "drug Aspirin is not in the model"),
        ({"level": 1.0}, "level is 1.0; give a share from 0.5 to 0.99"),
        ({"drugs": []}, "no drug of the model is named; name one, or leave drugs out"),
        ({"drugs": [" , "]}, "no drug of the model is named"),
        ({"top_k": 0}, "top_k is 0; give at least 1"),
        ({"top_k": 2.5}, "top_k is 2.5; give a whole number, at least 1"),
        ({"knowledge": "nowhere"}, "knowledge folder nowhere does not exist"),
        ({"model": "no/model"}, "model no/model does not exist"),
        ({"study": "no/study"}, "study folder no/study does not exist"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    cohort_folder: Path, model_folder: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        sidestep.score(**{"study": cohort_folder, "model": model_folder} | options)


def test_scores_say_what_they_are(scores: Scores) -> None:
    text, page = repr(scores), scores._repr_html_()
    assert text.startswith("Scores of 12 sample(s) of cohort_sim for 2 drug(s) (simulated data)")
    assert "calls: " in text
    assert "and 14 more rows" in page
    assert page.count("<tr") == 11
    assert text.splitlines()[0] in page


# --- explanations, partners, other formats


@pytest.mark.slow
def test_an_explanation_is_what_the_command_prints(
    scores: Scores, written: Path, capsys: pytest.CaptureFixture[str], model_folder: Path
) -> None:
    sample = scores.samples[1]
    capsys.readouterr()
    for change in ([], ["--set", "ERBB2=+2sd"]):
        args = ["explain", sample, "--drug", "Lapatinib", "--scores", str(written), "--json"]
        assert main([*args, "--model", str(model_folder), *change]) == 0
        printed = json.loads(capsys.readouterr().out)
        asked = {"ERBB2": "+2sd"} if change else None
        assert sidestep.explain(scores, sample, "lapatinib", asked).to_dict() == printed
    assert "What would change the call" in repr(scores.explain(sample, "lapatinib"))


@pytest.mark.parametrize("top_k", [0, -1, 2.5])
def test_an_explanation_names_a_whole_number_of_features(scores: Scores, top_k: Any) -> None:
    with pytest.raises(InputError, match=f"top_k is {top_k}; give"):
        scores.explain(scores.samples[1], "Lapatinib", top_k=top_k)


def test_an_explanation_adds_up_in_data_frames(scores: Scores) -> None:
    sample = scores.samples[1]
    explained = scores.explain(sample, "Lapatinib", top_k=5)
    told = explained.answer.explanation
    assert list(explained.features["feature"]) == [one.feature for one in told.features]
    total = explained.mechanisms.sum() + told.base_value
    assert total == pytest.approx(scores.table().loc[sample, "Lapatinib"], abs=1e-6)
    assert explained.modalities.sum() == pytest.approx(explained.mechanisms.sum())
    assert explained.mechanisms.abs().is_monotonic_decreasing
    assert explained.changes.empty
    assert len(explained.features) == 5


@pytest.mark.parametrize("asked", ["ERBB2=+2sd", ["ERBB2=+2sd"], {"ERBB2": "+2sd"}])
def test_changes_come_in_any_form(scores: Scores, asked: Any) -> None:
    changed = scores.explain(scores.samples[1], "Lapatinib", asked)
    assert changed.answer.what_if is not None
    assert changed.answer.what_if.settings == ("ERBB2=+2sd",)
    assert "expression:ERBB2" in set(changed.changes["feature"])
    assert changed.flips.empty
    assert changed._repr_html_().startswith("<pre>")
    assert isinstance(changed, Explained)


@pytest.mark.slow
def test_partners_are_those_that_the_command_writes(
    scores: Scores, written: Path, model_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "partners.parquet"
    args = ["combine", written, "--model", model_folder, "--out", out, "--at-least", "50"]
    assert main([*map(str, args), "--quiet"]) == 0
    partners = sidestep.combine(scores, at_least=50)
    assert len(partners)
    assert_frame_equal(partners, pd.read_parquet(out))
    with pytest.raises(InputError, match="at_least is 10; give a percentile from 50 to 100"):
        scores.combine(10)


def test_contributions_of_all_features_go_to_shap(scores: Scores, model_folder: Path) -> None:
    explanation = scores.shap_explanation("LAPATINIB")
    predictor = load_model(model_folder).predictor
    assert explanation.feature_names == list(predictor.joiner.get_feature_names_out())
    assert explanation.values.shape == explanation.data.shape
    np.testing.assert_allclose(
        explanation.base_values + explanation.values.sum(axis=1),
        scores.table()["Lapatinib"],
        atol=1e-6,
        rtol=0,
    )
    top = scores.explanations.query("drug == 'Lapatinib' and rank == 1").iloc[0]
    row = scores.samples.index(top["sample_id"])
    place = explanation.feature_names.index(top["feature"])
    assert explanation.values[row, place] == pytest.approx(top["contribution"])


def test_shap_draws_them(scores: Scores) -> None:
    from shap.plots import beeswarm

    assert matplotlib.get_backend().lower() == "agg"
    axes = Figure().add_subplot()
    beeswarm(scores.shap_explanation("Lapatinib"), ax=axes, show=False, plot_size=None)
    assert len(axes.get_yticklabels()) == 10
    assert not Gcf.get_all_fig_managers()


# anndata asks pandas for an option that is on its way out.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option is deprecated")
def test_an_anndata_of_samples_by_drugs(scores: Scores, tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata", reason="anndata is not installed")
    scored = scores.to_anndata()
    assert scored.shape == (12, 2)
    assert list(scored.obs_names) == scores.samples
    assert list(scored.var_names) == scores.drugs
    np.testing.assert_array_equal(scored.X, scores.table("prediction"))
    for layer in ("prediction", "lower", "upper", "resistance_percentile", "applicability"):
        np.testing.assert_array_equal(scored.layers[layer], scores.table(layer))
    assert (scored.obsm["call"] == scores.table("call")).all().all()
    assert "SUBTYPE" in scored.obs
    scored.write_h5ad(tmp_path / "scores.h5ad")
    back = anndata.read_h5ad(tmp_path / "scores.h5ad")
    np.testing.assert_array_equal(back.layers["upper"], scored.layers["upper"])
    assert json.loads(back.uns["sidestep"])["simulated"] is True


def test_without_anndata_it_says_what_to_install(
    scores: Scores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "anndata", None)
    with pytest.raises(InputError, match=r"to_anndata needs anndata, .* pip install anndata"):
        scores.to_anndata()


# --- learning


@pytest.mark.slow
def test_a_simulated_study_is_the_same_in_memory_as_on_disk(tmp_path: Path) -> None:
    held = sidestep.simulate(lines=20, genes=120, seed=3)
    read = sidestep.simulate(tmp_path / "study", lines=20, genes=120, seed=3)
    assert (held.path, read.path) == (None, tmp_path / "study")
    assert_frame_equal(held.expression, read.expression)
    assert_frame_equal(held.response("gi50").values, read.response("gi50").values)
    assert held.digests == read.digests
    assert (tmp_path / "study" / "truth").is_dir()


@pytest.mark.slow
def test_a_trained_panel_scores_without_a_store(
    trained: TrainedPanel, cohort_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert list(trained.metrics.index) == ["Lapatinib"]
    assert trained.verdict.passes == (trained.metrics["gain"] != "worse").all()
    assert len(trained.out_of_fold) == trained.metrics["n"].sum()
    assert trained.run is None
    assert "Gate" in repr(trained)
    assert trained._repr_html_().startswith("<pre>")
    scores = sidestep.score(cohort_folder, trained)
    assert scores.manifest["model"]["name"] == "breast_sim"
    assert not list(tmp_path.iterdir())
    saved = load_model(trained.save(tmp_path / "saved"))
    assert saved.digest == trained.model.digest == scores.manifest["model"]["digest"]
    assert_frame_equal(sidestep.score(cohort_folder, saved).table(), scores.table())
    with pytest.raises(InputError, match="cannot be written"):
        trained.save(tmp_path / "saved")


@pytest.mark.slow
def test_a_store_keeps_what_it_is_asked_to(
    lines: Study, trained: TrainedPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.chdir(tmp_path)
    try:
        kept = sidestep.train(
            lines,
            drugs=["Lapatinib"],
            trials=0,
            folds=2,
            repeats=2,
            jobs=1,
            tracking_uri=uri,
            register="small",
        )
        assert kept.run is not None
        assert (kept.model.name, kept.model.version) == ("small", "1")
        assert kept.model.digest == trained.model.digest
        assert load_model("models:/small/1", uri).digest == kept.model.digest
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"drugs": ["Aspirin"]}, "Aspirin"),
        ({"drugs": ["Lapatinib"], "panel": "all"}, "drugs and panel both say what to learn"),
        ({"folds": 1}, "folds is 1; give at least 2"),
        ({"trials": -1}, "trials is -1; give at least 0"),
        ({"response": "auc"}, "response 'auc' is not in the study; it has"),
        ({"study": "no/study"}, "study folder no/study does not exist"),
    ],
)
def test_what_cannot_be_learned_is_refused(
    lines: Study, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        sidestep.train(**{"study": lines, "jobs": 1} | options)


# --- survival


@pytest.mark.slow
def test_a_screen_is_that_of_the_command(tmp_path: Path) -> None:
    pytest.importorskip("sksurv", reason="scikit-survival is not installed")
    names = [f"S{number}" for number in range(40)]
    draw = np.random.default_rng(0)
    study = Study.from_frames(
        expression=pd.DataFrame(draw.normal(5, 1, (40, 3)), names, ["MET", "EGFR", "SIMG1"]),
        clinical=pd.DataFrame(
            {"OS_MONTHS": draw.uniform(1, 90, 40), "OS_STATUS": "1:DECEASED"}, index=names
        ),
    )
    found = sidestep.screen_survival(
        study, ["MET", "EGFR"], "all", bootstrap=100, out=tmp_path / "screen"
    )
    assert set(found.table["gene"]) == {"MET", "EGFR"}
    assert_frame_equal(pd.read_parquet(tmp_path / "screen" / "screen.parquet"), found.table)


def test_without_its_library_a_screen_says_what_to_install(
    lines: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if "survival" in name or name.startswith("sksurv")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sksurv", None)
    with pytest.raises(InputError, match="pip install scikit-survival"):
        sidestep.screen_survival(lines)


# --- the documentation


@pytest.mark.slow
def test_its_examples_run(monkeypatch: pytest.MonkeyPatch, few_trees: None) -> None:
    """Each example stands alone; what several of them train is trained once here."""
    known: dict[str, TrainedPanel] = {}

    def train_once(train: Callable[..., TrainedPanel]) -> Callable[..., TrainedPanel]:
        def once(study: Study, **options: Any) -> TrainedPanel:
            key = f"{study!r}{options}"
            known[key] = known.get(key) or train(study, **options)
            return known[key]

        return once

    monkeypatch.setattr(sidestep, "train", train_once(api.train), raising=False)
    for module in (sidestep, api):
        result = doctest.testmod(module)
        assert result.attempted > 3
        assert result.failed == 0
    assert len(known) == 1


def test_a_cohort_is_scored_as_in_the_whole_study(scores: Scores) -> None:
    part = sidestep.score(scores.study, scores.model, where="SUBTYPE!=Basal")
    members = scores.study.samples[(scores.study.clinical["SUBTYPE"] != "Basal").to_numpy()]
    assert part.samples == list(members)
    assert 0 < len(members) < len(scores.samples)
    expected = scores.scores[scores.scores["sample_id"].isin(members)].reset_index(drop=True)
    assert_frame_equal(part.scores, expected, check_exact=True)
    assert list(part.attributes["sample_id"]) == list(members)
    with pytest.raises(InputError, match="did you mean SUBTYPE"):
        sidestep.score(scores.study, scores.model, where=["SUBTYP=Basal"])
