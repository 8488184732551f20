"""Which addresses may be opened? HTTPS ones, and this machine's own; no redirect leads elsewhere.

A server that redirects could otherwise make Sidestep ask machines of the user's own network, or
hand the connection to one that anybody can listen to. An address that the user gives may be in a
private network (a hospital's mirror), one that a server gives may not. That a name could mean
another machine a moment after it was looked up does no harm: over HTTPS that machine would have to
show a certificate for the name.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPMessage
from typing import IO, Any, Final
from urllib.parse import SplitResult, urljoin, urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    ProxyHandler,
    Request,
    build_opener,
    getproxies,
)

from sidestep.features.errors import InputError

_MOST_REDIRECTS: Final = 5


def require_allowed(address: str) -> SplitResult:
    """Parts of an address that may be opened: ``https``, or ``http`` on this machine.

    Raises
    ------
    InputError
        If it is another one, names no machine, or has a password in it.
    """
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise InputError(f"{address!r} is no address ({error}); give one with https://") from None
    if not host or any(character.isspace() or character < " " for character in address):
        raise InputError(f"{address!r} is no address of a machine; give one with https://")
    if parts.username is not None or parts.password is not None:
        raise InputError(
            "an address with a user's name or password would be kept in files and shown to others; "
            f"give that of {host} without"
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise InputError(
            f"{address} is not https, and what comes over it could be changed on the way; give an "
            "https address (http is for this machine's own alone)"
        )
    return parts


def require_redirect(first: str, target: str) -> None:
    """Let a redirect from `first` to `target` pass.

    Raises
    ------
    InputError
        If it leads to plain HTTP or, unless `first` is this machine, to a private address.
    """
    try:
        host = require_allowed(target).hostname or ""
    except InputError as error:
        raise InputError(f"{first} leads elsewhere, and that is refused: {error}") from None
    if is_loopback(urlsplit(first).hostname or "") and is_loopback(host):
        return
    if is_private(host, look_up="https" not in getproxies()):
        raise InputError(
            f"{first} leads to {host}, which is in a private network, and that is refused; if it "
            "is meant, give its address with --from"
        )


def is_loopback(host: str) -> bool:
    """Whether a name or number means this machine."""
    if host.lower().rstrip(".") == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def is_private(host: str, *, look_up: bool = True) -> bool:
    """Whether a machine is in no public network; names are looked up unless a proxy does that.

    A name that cannot be looked up is not private: opening it will fail.
    """
    if is_loopback(host):
        return True
    with suppress(ValueError):
        return not _is_global(host)
    if not look_up:
        return False
    try:
        found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(not _is_global(str(address[4][0])) for address in found)


def _is_global(number: str) -> bool:
    address = ipaddress.ip_address(number.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_global) and not address.is_multicast


class _Redirects(HTTPRedirectHandler):
    """Follow a few redirects, each of them looked at."""

    max_redirections = _MOST_REDIRECTS
    max_repeats = 2

    def __init__(self, first: str) -> None:
        self._first = first

    def redirect_request(
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> Request | None:
        """The request for where an answer leads, if that may be opened."""
        target = urljoin(req.full_url, newurl)
        require_redirect(self._first, target)
        return super().redirect_request(req, fp, code, msg, headers, target)


def opened(address: str, headers: Mapping[str, str], timeout: float) -> Any:
    """Answer of a server, as ``urllib.request.urlopen`` gives it.

    Raises
    ------
    InputError
        If the address, or one that it leads to, may not be opened.
    OSError
        If the server cannot be reached, or answers with an error (``urllib.error.HTTPError``).
    """
    host = require_allowed(address).hostname or ""
    # The machine's own servers are not asked for through a proxy, whatever the environment says.
    proxies = ProxyHandler({}) if is_loopback(host) else ProxyHandler()
    opener = build_opener(
        proxies, HTTPSHandler(context=ssl.create_default_context()), _Redirects(address)
    )
    return opener.open(Request(address, headers=dict(headers)), timeout=timeout)
