"""A study leaves as CSV or MuData and comes back the same, number by number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.exports.csv_folder import write_csv_folder
from sidestep.features.exports.mudata import write_h5mu
from sidestep.features.files.study_writer import write_study
from sidestep.features.merging.drafts import study_draft
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.check import check_study
from sidestep.features.study.study import Study, read_study
from sidestep.main import main

TABLES = ("clinical", "expression", "rppa", "copy_number", "signatures", "mutations", "fusions")
FACTS = ("study_id", "name", "simulated", "expression_kind", "rppa_kind", "copy_number_kind",
         "signatures_kind", "panels")  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Of every kind of data, with odd words, two calls that read the same, and awkward numbers."""
    folder = tmp_path_factory.mktemp("made")
    simulate_study(folder / "simulated", SimulationPlan(lines=20, genes=120, missing=0.2, seed=0))
    made = read_study(folder / "simulated")
    assert made.mutations is not None
    assert made.expression is not None
    names = list(made.samples)
    first = made.mutations.iloc[[0]]
    mutations = pd.concat([made.mutations, first, first])
    rng = np.random.default_rng(0)
    scores = pd.DataFrame(rng.normal(size=(5, 2)), index=names[:5], columns=["Mod7_ERBB2", "x, y"])
    fusions = pd.DataFrame({"sample_id": [names[0]], "gene_a": ["EML4"], "gene_b": ["ALK"]})
    assert made.sequenced is not None
    panel = pd.Series("tiny", index=made.sequenced, dtype="str")
    panel = panel.where(np.arange(len(panel)) % 2 == 0)
    note = ['says "yes, no"', "=1+1", "Grün; blau", *[None] * (len(names) - 3)]
    whole = replace(
        made,
        clinical=made.clinical.assign(NOTE=pd.array(note, dtype="str")),
        expression=made.expression / 3,
        mutations=mutations,
        signatures=scores,
        fusions=fusions,
        panels={"tiny": frozenset({"ERBB2", "TP53"})},
        panel_of=panel,
    )
    write_study(folder / "whole", study_draft(whole, "All kinds"))
    return read_study(folder / "whole")


def assert_same(one: Study, other: Study) -> None:
    for fact in FACTS:
        assert getattr(one, fact) == getattr(other, fact), fact
    assert list(one.samples) == list(other.samples)
    pd.testing.assert_series_equal(one.donors, other.donors)
    pd.testing.assert_series_equal(one.panel_of, other.panel_of)
    assert one.sequenced is not None
    assert other.sequenced is not None
    assert list(one.sequenced) == list(other.sequenced)
    for name in TABLES:
        # Text of up to 15 digits is read back to the last bit.
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), rtol=1e-15)
    assert list(one.response_files) == list(other.response_files)
    for stable_id, file in one.response_files.items():
        again = other.response_files[stable_id]
        for fact in ("metric", "unit", "higher_is_resistant", "profile_name", "description"):
            assert getattr(file, fact) == getattr(again, fact), fact
        values, found = one.response(stable_id).values, other.response(stable_id).values
        pd.testing.assert_frame_equal(values, found, rtol=1e-15)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "h5mu"])
def test_a_study_comes_back_the_same(study: Study, tmp_path: Path, form: str) -> None:
    if form == "csv":
        source = write_csv_folder(study, tmp_path / "tables") / "study.toml"
    else:
        source = write_h5mu(study, tmp_path / "study.h5mu")
    assert main(["data", "import", str(source), str(tmp_path / "again")]) == 0
    assert not check_study(tmp_path / "again").errors
    assert study.mutations is not None
    assert study.mutations.duplicated().sum() == 2
    assert_same(study, read_study(tmp_path / "again"))


@pytest.mark.slow
def test_a_damaged_file_is_one_sentence(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    h5py = pytest.importorskip("h5py")
    for gone in ("uns/sidestep/mutations/table", "mod/expression/uns/kind", "obs/NOTE/codes"):
        path = write_h5mu(study, tmp_path / f"{gone.replace('/', '_')}.h5mu")
        with h5py.File(path, "r+") as file:
            del file[gone]
        assert main(["data", "import", str(path), str(tmp_path / "out")]) == 2
        assert "is not a whole .h5mu file" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()


def test_anndata_reads_the_modalities(study: Study, tmp_path: Path) -> None:
    h5py, anndata = pytest.importorskip("h5py"), pytest.importorskip("anndata")
    with h5py.File(write_h5mu(study, tmp_path / "study.h5mu")) as file:
        assert file.attrs["encoding-type"] == "MuData"
        for name in file["mod"]:
            assert list(file["mod"].attrs["mod-order"]).count(name) == 1
            table = anndata.io.read_elem(file[f"mod/{name}"])
            if name == "expression":
                assert study.expression is not None
                np.testing.assert_array_equal(table.X, study.expression.to_numpy())
                assert list(table.obs_names) == list(study.expression.index)
            places = file[f"obsmap/{name}"][...]
            assert list(study.samples[places > 0]) == [*table.obs_names]
        notes = anndata.io.read_elem(file["obs"])["NOTE"]
        assert notes.iloc[0] == 'says "yes, no"'
        assert notes.isna().sum() == len(study.samples) - 3


@pytest.mark.slow
def test_the_command_writes_anew_and_tells_the_way_back(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert study.path is not None
    for form, name in (("csv", "tables"), ("h5mu", "study.h5mu")):
        command = ["data", "export", str(study.path), "--to", form, "--out", str(tmp_path / name)]
        assert main(command) == 0
        assert f"Back again: sidestep data import {tmp_path / name}" in capsys.readouterr().out
        assert main(command) == 2
        assert str(tmp_path / name) in capsys.readouterr().err
    assert main(["data", "export", str(study.path), "--to", "h5mu", "--out", "x.h5ad"]) == 2
    assert "does not end in .h5mu" in capsys.readouterr().err
