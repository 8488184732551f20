"""The verb `models`: what is registered, as a table and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidestep.main import main
from sidestep.training.tracking.store import Store, open_store
from sidestep.training.tracking.tracking import TrackedRun
from tests.training.cli.refused import Refused
from tests.training.made_up_runs import Tiny


@pytest.mark.slow
def test_every_version_is_listed_with_what_it_learned(
    tracked: TrackedRun, tiny: Tiny, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.register()
    tiny.register(passes=False)
    assert main(["models", "--tracking-uri", store.tracking_uri, "--json"]) == 0
    found = {(row["name"], row["version"]): row for row in json.loads(capsys.readouterr().out)}
    small = found["small", "1"]
    metrics = store.client.get_run(tracked.run_id).data.metrics
    assert small["aliases"] == ["champion"]
    assert (small["response"], small["study"]) == ("sim_gi50", "breast_sim")
    assert (small["drugs"], small["gate"], small["simulated"]) == (2, "passed", True)
    assert small["pearson"] == pytest.approx(metrics["pearson"])
    gain = metrics["pearson_minus_best_baseline"]
    assert small["pearson"] - small["best_baseline"] == pytest.approx(gain)
    assert found[tiny.name, "1"]["aliases"] == ["champion"]
    assert found[tiny.name, "2"]["aliases"] == []
    assert found[tiny.name, "2"]["gate"] == "failed"
    assert found[tiny.name, "2"]["pearson"] is None
    assert main(["models", "--tracking-uri", store.tracking_uri]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split()[:3] == ["model", "version", "alias"]
    (row,) = (line for line in table if line.split()[:2] == ["small", "1"])
    assert f"{metrics['pearson']:.3f}" in row
    assert "breast_sim (simulated)" in row


@pytest.mark.slow
def test_an_empty_store_says_how_to_register(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Refused
) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert "there is no MLflow store" in refused("models", "--tracking-uri", uri)
    open_store(uri)
    assert main(["models", "--tracking-uri", uri]) == 0
    assert "sidestep train --register NAME" in capsys.readouterr().out
