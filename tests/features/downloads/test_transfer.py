"""A file over a bad line: gone on with, never mixed, never half there."""

from __future__ import annotations

import random
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from sidestep.features.downloads.transfer import Patience, download
from sidestep.features.errors import InputError
from tests.features.downloads.server import Server, files_of, noise

HASTY = Patience(attempts=3, wait=0.0, timeout=0.3)
MOST = 2**24


def silent(done: int, whole: int) -> None:
    """Tell nobody."""


def get(address: str, path: Path, most: int = MOST) -> bytes:
    download(address, path, most, silent, HASTY)
    return path.read_bytes()


@pytest.mark.parametrize("seed", range(4))
def test_a_file_cut_at_random_bytes_is_gone_on_with(
    server: Server, tmp_path: Path, seed: int
) -> None:
    body = noise(700_000, seed)
    cuts = [random.Random(seed).randrange(1, 150_000) for _ in range(4)]
    got = get(server.serve("f", body, cuts=list(cuts)), tmp_path / "f")
    assert got == body
    # Each attempt begins where the last one broke off, and the first at the beginning.
    assert server.begun == [sum(cuts[:n]) for n in range(5)]
    assert files_of(tmp_path) == ["f"]


def test_another_process_goes_on_where_one_gave_up(server: Server, tmp_path: Path) -> None:
    body = noise(300_000)
    address = server.serve("f", body, cuts=[100_000, 0, 0, 0])
    with pytest.raises(InputError, match=r"broke off .* 3 attempts in a row\); run the same"):
        get(address, tmp_path / "f")
    assert not (tmp_path / "f").exists()
    server.paths["/f"].cuts.clear()
    assert get(address, tmp_path / "f") == body
    assert server.begun[-1] == 100_000


def test_what_changed_at_the_server_is_fetched_from_its_beginning(
    server: Server, tmp_path: Path
) -> None:
    address = server.serve("f", noise(200_000, 1), cuts=[50_000, 0, 0, 0])
    with pytest.raises(InputError):
        get(address, tmp_path / "f")
    new = noise(200_000, 2)
    server.serve("f", new, etag='"two"')
    assert get(address, tmp_path / "f") == new
    assert server.begun[-1] == 0


@pytest.mark.parametrize(("etag", "ranges"), [("", True), ('W/"weak"', True), ('"one"', False)])
def test_without_sure_ranges_nothing_is_joined(
    server: Server, tmp_path: Path, etag: str, ranges: bool
) -> None:
    body = noise(200_000)
    address = server.serve("f", body, etag=etag, ranges=ranges, cuts=[70_000])
    assert get(address, tmp_path / "f") == body
    assert server.begun == [0, 0]


def test_a_server_that_fails_and_recovers_is_asked_again(server: Server, tmp_path: Path) -> None:
    body = noise(1000)
    assert get(server.serve("f", body, statuses=[500, 503]), tmp_path / "f") == body
    assert server.asked["/f"] == 3


def test_a_server_that_only_fails_is_given_up(server: Server, tmp_path: Path) -> None:
    address = server.serve("f", b"x", statuses=[500] * 9)
    with pytest.raises(InputError, match=r"the server answers 500 .*; 3 attempts in a row"):
        get(address, tmp_path / "f")
    assert server.asked["/f"] == 3


def test_what_is_not_there_is_asked_for_once(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the server answers 404 .*; see whether it is still"):
        get(f"{server.address}/none", tmp_path / "f")
    assert server.asked["/none"] == 1
    assert files_of(tmp_path) == []


@pytest.mark.slow
def test_a_line_that_stalls_is_a_line_that_broke(server: Server, tmp_path: Path) -> None:
    body = noise(200_000)
    assert get(server.serve("f", body, stalls=1), tmp_path / "f") == body
    assert server.begun == [0, 100_000]


def test_a_server_that_is_away_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Connection refused; 3 attempts in a row"):
        get("http://127.0.0.1:9/f", tmp_path / "f")


def test_a_file_too_large_is_refused_before_and_while_it_comes(
    server: Server, tmp_path: Path
) -> None:
    address = server.serve("f", noise(5000))
    with pytest.raises(InputError, match=r"has more than 1000 bytes; .*SIDESTEP_MAX_FILE_GIB"):
        get(address, tmp_path / "f", most=1000)
    assert files_of(tmp_path) == []


def test_a_full_disk_is_told_before_anything_comes(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10_000, 9_000, 1_000))
    with pytest.raises(InputError, match=r"needs .* where 1000 bytes are free; make room there"):
        get(server.serve("f", noise(5000)), tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_a_redirect_on_this_machine_is_followed(server: Server, tmp_path: Path) -> None:
    server.serve("there", b"content")
    assert get(server.serve("f", redirect="/there"), tmp_path / "f") == b"content"


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("http://example.org/f", "is not https"),
        ("ftp://example.org/f", "is not https"),
        ("file:///etc/passwd", "is not allowed"),
        ("https://10.0.0.1/f", "10.0.0.1, which is in a private network"),
        ("https://[fd00::1]/f", "private network"),
        ("https://169.254.169.254/latest", "private network"),
    ],
)
def test_a_redirect_elsewhere_is_refused(
    server: Server, tmp_path: Path, target: str, why: str
) -> None:
    with pytest.raises(InputError, match=why):
        get(server.serve("f", redirect=target), tmp_path / "f")
    assert files_of(tmp_path) == []


def test_a_redirect_in_circles_ends(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the server answers 302"):
        get(server.serve("f", redirect="/f"), tmp_path / "f")
