"""A miniature of the tutorial's archive, and a server that delivers it, whole or broken."""

import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from noisynames.names.sources import tutorial


def archive(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as content:
        content.writestr("data/names/Dutch.txt", "Aalts\nBos\n")
        content.writestr("data/names/Greek.txt", "Adamou\n")
        content.writestr("data/eng-fra.txt", "not names")
    return path


class Server:
    """A server on loopback that answers each request with the next of several bodies."""

    def __init__(self, content: bytes) -> None:
        self.answers: list[tuple[int, bytes, int]] = []
        self.requests = 0
        self.delay = 0.0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body, promised = server.answers[
                    min(server.requests, len(server.answers) - 1)
                ]
                server.requests += 1
                time.sleep(server.delay)
                with suppress(ConnectionError):  # a client that has closed the connection
                    self.send_response(status)
                    self.send_header("Content-Length", str(promised))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.content = content
        self.whole = (200, content, len(content))
        self.cut_off = (200, content[: len(content) // 2], len(content))
        self.altered = (200, content[:-1] + b"X", len(content))
        self.missing = (404, b"no", 2)
        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/data.zip"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(tutorial, "_pause", lambda _: None)
    server = Server(archive(tmp_path / "source.zip").read_bytes())
    yield server
    server.close()
