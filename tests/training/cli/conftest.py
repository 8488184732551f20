"""Fixtures that the tests of several verbs share."""

from __future__ import annotations

import pytest

from tests.training.cli.refused import Refused


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that must be refused, and give the sentence."""
    return Refused(capsys)
