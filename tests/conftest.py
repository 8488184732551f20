"""Fixtures that every folder's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the real data (`SIDESTEP_SHARED`, default ``../shared``); skips without it."""
    folder = Path(os.environ.get("SIDESTEP_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "studies").is_dir():
        pytest.skip(f"the real studies are not at {folder}; set SIDESTEP_SHARED to run this test")
    return folder
