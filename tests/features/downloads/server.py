"""A server on this machine that serves bytes, and misbehaves as it is told."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Served:
    """What a path answers.

    `statuses` are the answers before it behaves; after each of `cuts` bytes the line breaks.
    """

    body: bytes = b""
    statuses: list[int] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    stalls: int = 0
    redirect: str = ""
    etag: str = '"one"'
    ranges: bool = True
    length: int | None = None
    delay: float = 0.0


class Server(ThreadingHTTPServer):
    """Paths -> what they answer; counts what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.paths: dict[str, Served] = {}
        self.asked: Counter[str] = Counter()
        self.begun: list[int] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def serve(self, path: str, body: bytes = b"", **how: object) -> str:
        """Serve bytes under a path; its address."""
        self.paths[f"/{path}"] = Served(body, **how)  # type: ignore[arg-type]
        return f"{self.address}/{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what many of the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        served = self.server.paths.get(self.path)
        if served is None:
            return self.send_error(404)
        if served.statuses:
            return self.send_error(served.statuses.pop(0))
        if served.redirect:
            self.send_response(302)
            self.send_header("Location", served.redirect)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        begin = self._begin(served)
        self.server.begun.append(begin)
        body = served.body[begin:]
        self.send_response(206 if begin else 200)
        if begin:
            total = len(served.body)
            self.send_header("Content-Range", f"bytes {begin}-{total - 1}/{total}")
        if served.etag:
            self.send_header("ETag", served.etag)
        self.send_header("Content-Length", str(served.length or len(body)))
        self.end_headers()
        time.sleep(served.delay)
        if served.stalls:
            served.stalls -= 1
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            time.sleep(0.6)
        elif served.cuts:
            self.wfile.write(body[: served.cuts.pop(0)])
        else:
            self.wfile.write(body)
        return None

    def _begin(self, served: Served) -> int:
        asked = self.headers.get("Range", "")
        same = self.headers.get("If-Range") == served.etag
        return int(asked[6:-1]) if served.ranges and asked and same else 0

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def running_server() -> Iterator[Server]:
    """A server in a thread."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that no two files share."""
    return random.Random(seed).randbytes(size)


def files_of(folder: Path) -> list[str]:
    """Names of all files under a folder, hidden ones too."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
