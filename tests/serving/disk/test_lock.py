"""One job at a time writes an output folder, and a lock does not outlive its holder."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.study import Study
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.disk.lock import claimed
from sidestep.serving.job import FILES, score_study


def test_a_second_job_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    with claimed(tmp_path / "deep" / "out") as claim:
        assert claim.path == tmp_path / "deep" / "out"
        holder = rf"another job \(process {os.getpid()} on {socket.gethostname()}\)"
        with pytest.raises(InputError, match=holder), claimed(claim.out):
            pass
        with claimed(tmp_path / "deep" / "other"):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_the_folder_is_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to("out")
    with (
        claimed(tmp_path / "latest"),
        pytest.raises(InputError, match="another job"),
        claimed(tmp_path / "out"),
    ):
        pass


def test_the_lock_of_a_dead_process_blocks_nobody(tmp_path: Path) -> None:
    (tmp_path / ".out.lock").write_text("process 1 on elsewhere\n")
    with claimed(tmp_path / "out"):
        text = (tmp_path / ".out.lock").read_text()
        assert text == f"process {os.getpid()} on {socket.gethostname()}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_claim_is_enough_to_score(cohort: Study, model: LoadedModel, tmp_path: Path) -> None:
    with claimed(tmp_path / "out") as claim:
        score_study(cohort, model, claim, drugs=["Lapatinib"])
        with pytest.raises(InputError, match="is being written by another job"):
            score_study(cohort, model, tmp_path / "out", drugs=["Lapatinib"])
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(FILES)


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / ".out.lock").symlink_to("precious")
    with pytest.raises(InputError, match="out cannot be written"), claimed(tmp_path / "out"):
        pass
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize("there", [False, True])
def test_an_output_set_aside_by_a_killed_job_is_put_back(
    cohort: Study, model: LoadedModel, tmp_path: Path, there: bool
) -> None:
    out, aside = tmp_path / "out", tmp_path / ".out.partial" / "replaced"
    score_study(cohort, model, out, drugs=["Lapatinib"])
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    aside.parent.mkdir()
    out.rename(aside)
    if there:  # an empty folder, made by whoever starts the jobs
        out.mkdir()
    with claimed(out):
        assert {path.name: path.read_bytes() for path in out.iterdir()} == before
        assert not aside.exists()
