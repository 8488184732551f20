"""After compiling ahead, the first job on a machine compiles nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_nothing_is_left_to_compile_for_a_job(
    simulated: Path, saved_model: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}

    def run(*command: str | Path) -> set[str]:
        """Run a module of ours, and tell what has been compiled by then."""
        called = [sys.executable, "-m", *map(str, command)]
        subprocess.run(called, env=environment, check=True, capture_output=True)
        return {path.name for path in cache.rglob("*.nbc")}

    ahead = run("sidestep.serving.scoring.compile_ahead")
    assert len(ahead) > 10
    study, out = simulated / "cohort_sim", tmp_path / "out"
    assert run("sidestep", "score", study, "--model", saved_model, "--out", out) == ahead
