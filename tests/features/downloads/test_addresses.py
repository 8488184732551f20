"""Addresses that may be opened, and those that a server may lead to."""

from __future__ import annotations

import pytest

from sidestep.features.downloads.addresses import is_private, require_allowed, require_redirect
from sidestep.features.errors import InputError

PUBLIC = "https://datahub.assets.cbioportal.org/x.tar.gz"


@pytest.mark.parametrize("address", [PUBLIC, "http://127.0.0.1:8000/x", "http://[::1]/x"])
def test_https_and_this_machine_are_allowed(address: str) -> None:
    assert require_allowed(address).hostname


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://example.org/x", "is not https"),
        ("http://127.0.0.1.example.org/x", "is not https"),
        ("file:///etc/passwd", "is no address of a machine"),
        ("https:///x", "is no address of a machine"),
        ("https://me:secret@example.org/x", "user's name or password"),
        ("https://example.org/a\r\nHost: b", "is no address of a machine"),
        ("https://example.org:port/x", "is no address"),
        ("https://[::1/x", "is no address"),
    ],
)
def test_others_are_refused(address: str, why: str) -> None:
    with pytest.raises(InputError, match=why) as refused:
        require_allowed(address)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "fe80::1",
     "fd00::1", "::ffff:10.0.0.1", "0.0.0.0", "224.0.0.1", "100.64.0.1"],
)  # fmt: skip
def test_private_machines_are_known(host: str) -> None:
    assert is_private(host, look_up=False)


@pytest.mark.parametrize("host", ["8.8.8.8", "2001:4860:4860::8888"])
def test_public_machines_are_known(host: str) -> None:
    assert not is_private(host, look_up=False)


@pytest.mark.parametrize(
    "target", ["https://localhost/x", "https://127.0.0.1/x", "https://10.0.0.1/x",
               "http://127.0.0.1/x", "http://example.org/x"],
)  # fmt: skip
def test_no_public_server_leads_inside(target: str) -> None:
    with pytest.raises(InputError, match="is refused"):
        require_redirect(PUBLIC, target)


def test_a_public_server_leads_to_another() -> None:
    require_redirect(PUBLIC, "https://8.8.8.8/x")
