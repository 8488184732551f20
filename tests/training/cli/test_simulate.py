"""The verb `simulate`: what it writes and refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidestep.main import main
from tests.training.cli.refused import Refused


def test_simulate_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--lines", "30", "--pancan-lines", "40", "--cohort-samples", "8", "--genes", "120"]
    assert main(["simulate", str(tmp_path / "made"), "--seed", "3", *small]) == 0
    printed = capsys.readouterr().out
    assert "no sample is real" in printed
    for name, samples in (("breast_sim", 30), ("pancan_sim", 40), ("cohort_sim", 8)):
        assert f"{tmp_path / 'made' / name}: {samples} samples" in printed
        assert (tmp_path / "made" / name / "meta_study.txt").is_file()


def test_simulate_overwrites_nothing(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "breast_sim").mkdir()
    (tmp_path / "breast_sim" / "mine.txt").write_text("keep me")
    assert "breast_sim" in refused("simulate", tmp_path)
    assert not (tmp_path / "pancan_sim").exists()


def test_simulate_refuses_a_size_that_holds_no_mechanism(tmp_path: Path, refused: Refused) -> None:
    assert "3" in refused("simulate", tmp_path / "made", "--lines", "3")
    assert not (tmp_path / "made" / "breast_sim").exists()
