"""``python -m gateway.smoke``, the pod of ``helm test``, as far as no whole installation is needed."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.smoke import smoke
from lensora.adapters.redis_server import RedisServer
from lensora.core.errors import LensoraError


def test_it_asks_the_installation_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that every pod has for the Internet is not asked for the gateway's Service."""
    asked: list[str] = []

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    with RedisServer(tmp_path, appendfsync="no") as redis, HTTPServer(("127.0.0.1", 0), Gateway) as server:
        monkeypatch.setenv("LENSORA_REDIS_URL", redis.url)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = CliRunner().invoke(smoke, ["--base-url", f"http://127.0.0.1:{server.server_port}"])
        server.shutdown()
    assert isinstance(done.exception, LensoraError)
    assert "401" in str(done.exception)
    assert asked == ["/v1/studio/init"]
