"""The verbs `promote` and `rollback`: what they change, print and refuse."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sidestep.main import main
from sidestep.training.tracking.lifecycle import promote, rollback
from sidestep.training.tracking.store import Store
from tests.training.made_up_runs import Tiny


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], store: Store) -> Callable[..., tuple[int, str]]:
    """Run a verb; give its exit code and what it printed, which is one line."""

    def verb(*args: str) -> tuple[int, str]:
        code = main([*args, "--tracking-uri", store.tracking_uri])
        printed = capsys.readouterr()
        assert (printed.out + printed.err).count("\n") == 1
        return code, printed.out + printed.err

    return verb


def test_promoting_refuses_what_failed_the_gate_unless_forced(
    tiny: Tiny, run: Callable[..., tuple[int, str]]
) -> None:
    tiny.register()
    tiny.register(passes=False)
    code, printed = run("promote", tiny.name, "2")
    assert code == 2
    assert "version 2 failed the gate (mean r 0.1 against 0.2); promote another" in printed
    assert tiny.champion() == "1"
    code, printed = run("promote", tiny.name, "2", "--force")
    assert (code, tiny.champion(), tiny.previous()) == (0, "2", "1")
    assert "is version 2 now; it was version 1. It was forced" in printed
    assert tiny.client.get_model_version(tiny.name, "2").tags["forced"] == "true"


@pytest.mark.slow
def test_what_passed_needs_no_force(tiny: Tiny, run: Callable[..., tuple[int, str]]) -> None:
    tiny.register()
    tiny.register()
    assert tiny.champion() == "1"
    code, printed = run("promote", tiny.name, "2", "--force")
    assert (code, printed) == (0, f"{tiny.name}@champion is version 2 now; it was version 1.\n")
    assert "forced" not in tiny.client.get_model_version(tiny.name, "2").tags
    assert run("promote", tiny.name, "2")[1].endswith("is version 2 already.\n")
    assert tiny.previous() == "1"


def test_who_is_not_there_cannot_be_promoted(
    tiny: Tiny, run: Callable[..., tuple[int, str]]
) -> None:
    assert "no model is registered as 'nobody'" in run("promote", "nobody", "1")[1]
    assert "no model is registered as 'nobody'" in run("rollback", "nobody")[1]
    tiny.register()
    code, printed = run("promote", tiny.name, "9")
    assert (code, printed.split("error: ")[1]) == (2, f"{tiny.name} has no version 9; it has 1\n")
    assert run("promote", tiny.name, "latest")[0] == 2


@pytest.mark.slow
def test_going_back_goes_further_back_and_ends(
    tiny: Tiny, run: Callable[..., tuple[int, str]]
) -> None:
    for _ in range(3):
        tiny.register()
    promote(tiny.client, tiny.name, "2")
    promote(tiny.client, tiny.name, "3")
    assert run("rollback", tiny.name) == (
        0,
        f"{tiny.name}@champion is version 2 again; it was version 3.\n",
    )
    assert tiny.previous() == "1"
    assert run("rollback", tiny.name)[0] == 0
    assert (tiny.champion(), tiny.previous()) == ("1", None)
    code, printed = run("rollback", tiny.name)
    assert code == 2
    assert "has no earlier champion to go back to" in printed
    assert tiny.champion() == "1"
    promote(tiny.client, tiny.name, "3")
    assert rollback(tiny.client, tiny.name).endswith("is version 1 again; it was version 3.")
