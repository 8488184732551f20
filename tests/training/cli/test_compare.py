"""The verb `compare`: what it prints of two runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sidestep.main import main
from sidestep.training.tracking.store import Store
from tests.training.made_up_runs import DRUGS


def test_a_comparison_is_printed_for_a_person(
    store: Store, kept_runs: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--tracking-uri", store.tracking_uri]
    assert main(["compare", kept_runs["poor"], "compared@champion", *where]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    lines = printed.out.splitlines()
    assert lines[0] == f"A: run {kept_runs['poor']}, breast_sim, sim_gi50"
    assert lines[1] == f"B: run {kept_runs['good']} (compared@champion), breast_sim, sim_gi50"
    assert lines[2].endswith("on the same 60 lines in the same folds")
    assert [line.split()[0] for line in lines[4:7]] == list(DRUGS)
    assert re.match(r"B is better: mean r \+0\.\d{3} \(\+0.* of better 1\.00, 3 drugs", lines[-1])
    assert main(["compare", kept_runs["poor"], "nobody", *where]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_no_store_is_made_to_compare_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert main(["compare", "a", "b", "--tracking-uri", uri]) == 2
    assert "there is no MLflow store" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
