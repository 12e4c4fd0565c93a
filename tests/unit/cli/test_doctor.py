"""``lensora doctor`` on this machine: what it is asked is checked before anything is looked at."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from lensora.cli.doctor import SERVERS, _home, _opengl, _port, _stack, _video, doctor
from lensora.cli.home import Home, RunningStack
from lensora.listeners import open_listener


@pytest.mark.parametrize("port", ["-1", "65536", "99999"])
def test_a_port_that_no_machine_has_is_refused(port: str) -> None:
    """As ``lensora up`` refuses it."""
    result = CliRunner().invoke(doctor, ["--port", port])
    assert result.exit_code == 2
    assert f"{port} is not in the range 0<=x<=65535" in result.output


def test_the_remedy_of_a_taken_port_is_another_port(tmp_path: Path) -> None:
    """Whichever port it is: the advice never names one that may be taken too."""
    with open_listener("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        finding = _port(Home.at(tmp_path), port)
    assert (finding.well, finding.seen) == (False, f"{port} is taken")
    assert finding.remedy.endswith("lensora up --port 0")


def test_a_bundle_of_this_machine_is_refused_at_once(tmp_path: Path) -> None:
    """Nothing is looked at, and standard output stays empty."""
    result = CliRunner().invoke(doctor, ["--bundle", str(tmp_path / "x.tgz"), "--json"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--bundle needs --cluster" in result.stderr


def test_where_the_client_alone_is_installed_the_remedy_is_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """No system library helps where the package that asks for it is not there."""
    for package, find in (("moderngl", _opengl), ("av", _video)):
        monkeypatch.setitem(sys.modules, package, None)
        finding = find()
        assert (finding.well, finding.seen) == (False, f"the package {package} is not installed")
        assert finding.remedy == SERVERS


def test_a_home_that_is_no_folder_is_named(tmp_path: Path) -> None:
    """Itself, or what stands above it: `lensora up` could not make it."""
    file = tmp_path / "file"
    file.touch()
    for place in (file, file / "home"):
        finding = _home(Home.at(place))
        assert (finding.well, finding.seen) == (False, f"{file} is no folder")
    assert _home(Home.at(tmp_path / "new" / "home")).well


def test_a_home_that_cannot_be_written_is_named() -> None:
    """Nobody writes into the kernel's own folders, root neither."""
    finding = _home(Home.at("/proc/sys/home"))
    assert (finding.well, finding.seen) == (False, "/proc/sys cannot be written")


@pytest.mark.parametrize(
    ("status", "body", "seen"),
    [
        (200, b'{"status": "ready", "checks": {"redis": "ok", "mesh": "ok"}}', ""),
        (503, b'{"status": "unready", "checks": {"redis": "unavailable", "mesh": "ok"}}', "redis unavailable"),
        (503, b'{"status": "draining", "checks": {}}', "it ends"),
        (502, b"<html>", "the gateway does not answer"),
    ],
)
def test_a_stack_that_runs_and_is_not_ready_is_not_well(tmp_path: Path, status: int, body: bytes, seen: str) -> None:
    """The finding names what is away, and where the logs are."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_given: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        finding = _stack(Home.at(tmp_path), RunningStack(7, f"http://127.0.0.1:{server.server_port}", "", ""))
        thread.join()
    assert finding.well is (status == 200)
    assert finding.seen.endswith(f", but not ready: {seen}" if seen else "(process 7)")
    assert finding.well or finding.remedy == f"look at {tmp_path / 'logs'}"
