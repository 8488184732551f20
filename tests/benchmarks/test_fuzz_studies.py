"""A few of the tampered studies that `benchmarks.fuzz_studies` puts through `check`."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fuzz_studies import run


@pytest.mark.slow
def test_what_check_says_of_tampered_studies_is_foreseen(tmp_path: Path) -> None:
    assert run(tmp_path, range(8)) == {}
