"""``lensora doctor`` on this machine: what it is asked is checked before anything is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from lensora.cli.doctor import _port, doctor
from lensora.cli.home import Home
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
