"""What assays found of a sample stands beside its scores in its own words, and moves none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from sidestep.features.assays.curves import fit_curves
from sidestep.features.assays.layouts import read_plates
from sidestep.features.assays.plates import check_plates
from sidestep.features.assays.shifts import find_shifts
from sidestep.features.assays.significance import classified
from sidestep.features.errors import InputError
from sidestep.features.perturbation.changes import find_perturbations
from sidestep.features.perturbation.treated_arrays import read_arrays
from sidestep.features.study.study import Study
from sidestep.features.synergy.matrices import read_matrices
from sidestep.features.synergy.verdicts import SynergyOptions, find_synergy
from sidestep.models.registry.load import load_model
from sidestep.serving.evidence.measured import read_findings
from sidestep.serving.job import score_study
from sidestep.training.assays.output import write_fit
from sidestep.training.assays.perturb_output import write_perturbation
from sidestep.training.assays.shift_output import write_shifts
from sidestep.training.assays.synergy_output import write_synergy
from tests.features.assays.plates import plate, written
from tests.features.perturbation.arrays import arrays
from tests.features.synergy.pairs import matrix
from tests.serving.conftest import Run


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, cohort: Study) -> dict[str, Path]:
    """A folder of each verb, of the cohort's first sample under another spelling."""
    folder = tmp_path_factory.mktemp("assays")
    sample = str(cohort.samples[0]).lower()
    pair = [plate(0.1, sample=sample, condition="alone"),
            plate(0.5, sample=sample, condition="fibroblasts", seed=1)]  # fmt: skip
    plates = read_plates([written(folder, *pair)])
    curves = classified(fit_curves(plates))
    names = {name: folder / f"my_{name}" for name in ("fit", "shift", "synergy", "perturb")}
    write_fit(curves, plates, check_plates(plates, curves), names["fit"], "screen", plots=False)
    write_shifts(find_shifts(plates), plates, names["shift"])
    blocks = read_matrices([written(folder, matrix(0.15).assign(sample=sample), name="pairs.csv")])
    found = find_synergy(blocks, SynergyOptions(draws=30))
    write_synergy(found, blocks, names["synergy"], plots=False)
    table = arrays({"alone": 0.6, "fibroblasts": 0.0}, noise=0.1).replace({"S0": sample})
    read = read_arrays(written(folder, table, name="arrays.csv"))
    write_perturbation(find_perturbations(read), read, names["perturb"])
    return names


def test_each_verb_tells_what_it_found(folders: dict[str, Path], cohort: Study) -> None:
    samples = [str(sample) for sample in cohort.samples]
    found = read_findings(list(folders.values()))
    facts = found.facts(samples, "Lapatinib")
    assert {fact.row for fact in facts} == {0}
    told = {fact.source.partition(":")[0]: fact for fact in facts}
    assert set(told) == {f"sidestep {name}" for name in folders}
    shift = told["sidestep shift"]
    assert (shift.shown, shift.direction) == (
        "protected by fibroblasts against alone",
        "resistance",
    )
    assert shift.strength == "measured otherwise"
    assert shift.statement.startswith("IC50 ")
    assert "-fold; AUC +0." in shift.statement.replace(")-fold", "-fold")
    pair = told["sidestep synergy"]
    assert (pair.shown, pair.alternatives) == ("synergistic with Dasatinib", "Dasatinib")
    assert pair.statement.startswith("Mean excess over Bliss +1")
    partner = found.facts(samples, "dasatinib")
    assert [(fact.shown, fact.direction) for fact in partner] == [
        ("synergistic with Lapatinib", "none")
    ]
    perturbed = [fact for fact in facts if fact.source.startswith("sidestep perturb")]
    assert any(fact.shown.startswith("inhibited: TSC/MTOR") for fact in perturbed)
    stays = [fact for fact in perturbed if fact.shown == "TSC/MTOR stays on with fibroblasts"]
    assert [fact.direction for fact in stays] == ["resistance"]
    assert found.facts(samples[1:], "Lapatinib") == []
    said = found.account(samples, ["Lapatinib"])
    assert said.endswith("no drugs of the model: Dasatinib")


@pytest.mark.slow
def test_scores_are_the_same_with_and_without(
    folders: dict[str, Path],
    simulated: Path,
    cohort: Study,
    saved_model: Path,
    tmp_path: Path,
    run: Run,
) -> None:
    plain, beside = tmp_path / "plain", tmp_path / "beside"
    given = [word for folder in folders.values() for word in ("--assays", folder)]
    drugs = ["--drugs", "Lapatinib"]
    code, _, errors = run(
        "score", simulated / "cohort_sim", "--model", saved_model, "--out", beside, *drugs, *given
    )
    assert code == 0, errors
    score_study(cohort, load_model(str(saved_model)), plain, drugs=["Lapatinib"], report=False)
    assert "measured findings are of these samples and drugs" in errors
    for name in ("scores", "explanations", "mechanisms"):
        assert (plain / f"{name}.parquet").read_bytes() == (beside / f"{name}.parquet").read_bytes()
    rows = pd.read_parquet(beside / "evidence.parquet")
    of_assays = rows["kind"] == "measured"
    pd.testing.assert_frame_equal(
        rows[~of_assays].reset_index(drop=True), pd.read_parquet(plain / "evidence.parquet")
    )
    assert set(rows.loc[of_assays, "drug"]) == {"Lapatinib"}
    otherwise = rows["strength"] == "measured otherwise"
    assert set(rows.loc[otherwise, "agreement"]) == {"silent"}
    manifest = json.loads((beside / "manifest.json").read_text(encoding="utf-8"))
    assert "my_shift/shifts.parquet" in manifest["options"]["knowledge"]["measured"]
    assert '"measured":[[' in (beside / "report.html").read_text(encoding="utf-8")


def test_cells_are_told_of_drugs_against_her2(tmp_path: Path) -> None:
    inside = tmp_path / "cells"
    inside.mkdir()
    (inside / "cells.json").write_text('{"kind": "sidestep cells"}')
    group = {
        "sample": "S", "kind": "HER2", "state": "", "against": "", "cells": 80, "labels": 9000,
        "dimer_fraction": 0.3, "dimer_lower": 0.28, "dimer_upper": 0.32, "dimer_free": 0.1,
        "dimer_free_lower": 0.07, "dimer_free_upper": 0.14, "dimer_free_cells": "present",
    }  # fmt: skip
    others = [{**group, "kind": "EGFR"}, {**group, "state": "resting"}]
    pd.DataFrame([group, *others]).to_parquet(inside / "groups.parquet")
    shares = [
        {"sample": "S", "state": state, "cells": 500, "share": 0.12, "lower": 0.1, "upper": 0.15,
         "definition": "below the gate"} for state in ("her2_low", "mesenchymal")
    ]  # fmt: skip
    pd.DataFrame(shares).to_parquet(inside / "shares.parquet")
    found = read_findings([tmp_path])
    facts = found.facts(["S"], "Trastuzumab emtansine")
    assert [fact.shown for fact in facts] == [
        "10.0 % (7.0 to 14.0) of cells without dimers of HER2",
        "12.0 % (10.0 to 15.0) of cells her2 low",
    ]
    assert {fact.direction for fact in facts} == {"none"}
    assert "30.0 % (28.0 to 32.0) of labels in dimers" in facts[0].statement
    assert found.facts(["S"], "Crizotinib") == []
    assert found.account(["S"], ["Crizotinib"]).endswith("model: drugs against HER2")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: folder / "nowhere", "there is no folder"),
        (lambda folder: folder, "holds no fitted, compared or combined assay"),
        (lambda folder: _made(folder, b"{"), "cannot be read"),
        (lambda folder: _made(folder, b'{"kind": "sidestep shift"}'), "is missing"),
        (
            lambda folder: _made(folder, b'{"kind": "sidestep shift"}', b"PAR1"),
            "not a whole Parquet file",
        ),
    ],
)
def test_what_no_verb_wrote_is_refused(
    tmp_path: Path, spoil: Callable[[Path], Path], words: str
) -> None:
    with pytest.raises(InputError, match=words) as refusal:
        read_findings([spoil(tmp_path)])
    assert "\n" not in str(refusal.value)


def test_a_table_without_its_columns_is_refused(tmp_path: Path) -> None:
    folder = _made(tmp_path, b'{"kind": "sidestep shift", "between": "sample"}')
    pd.DataFrame({"sample": ["A"]}).to_parquet(folder / "shifts.parquet")
    with pytest.raises(InputError, match="is not what sidestep shift writes"):
        read_findings([folder])


def _made(folder: Path, description: bytes, table: bytes = b"") -> Path:
    (folder / "shift.json").write_bytes(description)
    if table:
        (folder / "shifts.parquet").write_bytes(table)
    return folder
