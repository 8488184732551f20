"""`sidestep data list` and `fetch` as a person meets them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidestep.main import main
from tests.features.downloads.server import Server, running_server


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with running_server() as server:
        yield server


def test_the_list_says_what_where_how_and_under_what(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list"]) == 0
    out = capsys.readouterr().out
    assert "gdsc2 (table): GDSC2 fitted responses" in out
    assert "checked  by the MD5 in its release's list of files" in out
    assert "licence  ODbL 1.0, https://opendatacommons.org" in out
    assert "cite     DOI:10.1016/j.cell.2016.06.017" in out


def test_a_fetch_asks_for_the_licence_and_then_tells_what_it_did(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.serve("GDSC2_fitted_dose_response_27Oct23.xlsx", b"PK\x05\x06" + b"\0" * 18)
    out = tmp_path / "raw"
    words = ["data", "fetch", "gdsc2", "--out", str(out), "--from", server.address]
    assert main(words) == 2
    assert "If you accept them, say so once with --accept" in capsys.readouterr().err
    assert not server.asked
    assert main([*words, "--accept"]) == 0
    shown = capsys.readouterr().out.splitlines()
    path = out / "GDSC2_fitted_dose_response_27Oct23.xlsx"
    assert shown[0] == f"gdsc2: {path}, 22 bytes from {server.address}/{path.name}"
    assert shown[1].startswith("  checked  size, and form of the archive; sha256 ")
    assert main([*words, "--offline"]) == 0
    assert "from the cache (first from " in capsys.readouterr().out


def test_a_study_that_is_not_there_suggests_one(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["data", "fetch", "gdsc_2", "--from", server.address, "--accept"])
    error = capsys.readouterr().err
    assert code == 2
    assert error.count("\n") == 1
    assert "the server answers 404" in error
