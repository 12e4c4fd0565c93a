"""Where an embedded stack listens: an address that cannot be had is said before anything starts."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from threading import Event

import psutil
import pytest
from click.testing import CliRunner

from lensora.cli.home import Home
from lensora.cli.processes import Child, Spec
from lensora.cli.stack import Stack, require_free, require_ports_apart, require_weights, unused_variables
from lensora.cli.up import called, up
from lensora.core.errors import ConfigurationError
from lensora.listeners import open_listener


def test_a_taken_port_is_named() -> None:
    """The port of a socket that listens is taken; closed, it is free again."""
    with open_listener("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"--port {port}: the port is taken"):
            require_free("127.0.0.1", port)
    require_free("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::7"])
def test_an_address_of_another_machine_is_named(host: str) -> None:
    """The option to blame is --host, of either family, and the port is not called taken."""
    with pytest.raises(ConfigurationError, match=f"--host {host}: cannot listen on port 0 there"):
        require_free(host, 0)


@pytest.mark.parametrize("port", ["-1", "65536", "99999"])
def test_a_port_that_no_machine_has_is_refused(port: str) -> None:
    """The sentence names the option, the value and the range."""
    result = CliRunner().invoke(up, ["--port", port])
    assert result.exit_code == 2
    assert "--port" in result.output
    assert f"{port} is not in the range 0<=x<=65535" in result.output


@pytest.mark.parametrize("name", ["LENSORA_METRICS_PORT", "LENSORA_HEALTH_PORT"])
def test_one_port_for_all_processes_is_refused(name: str) -> None:
    """It is said at once, not after seconds of processes that die one after another."""
    with pytest.raises(ConfigurationError, match=f"{name}=9100: .*one port cannot be all of theirs"):
        require_ports_apart({name: "9100"})
    require_ports_apart({name: "0"})
    require_ports_apart({name: ""})
    require_ports_apart({})


def test_all_weights_that_are_missing_are_named_at_once(tmp_path: Path) -> None:
    """One command fetches them; whoever is told of one after the other starts the stack four times."""
    with pytest.raises(ConfigurationError, match=r"run: lensora models pull$") as told:
        require_weights(tmp_path)
    assert all(name in told.value.message for name in ("isnet-general-use", "ssdlite-coco", "ssd-openimages"))
    assert "lensora-shape" not in told.value.message


def test_the_command_to_try_is_one_that_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """After `make up` PATH does not lead to the virtual environment: the bare name would not be found."""
    here = Path(sys.executable).with_name("lensora")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert called() == shlex.quote(str(here))
    monkeypatch.setenv("PATH", str(here.parent))
    assert called() == "lensora"


def test_variables_that_a_stack_sets_itself_are_known() -> None:
    """A Redis, a store or an address of the environment is not this stack's, and its user is told."""
    environment = {"LENSORA_REDIS_URL": "redis://elsewhere", "LENSORA_PORT": "9000", "LENSORA_SWEEP_SECONDS": "5"}
    assert unused_variables(environment) == ["LENSORA_REDIS_URL", "LENSORA_PORT"]


def test_a_process_that_stays_down_is_named_with_its_log(tmp_path: Path) -> None:
    """Also where it is the one that the local account waits for: a Redis that cannot read its data."""
    stack = Stack(Home.at(tmp_path), host="127.0.0.1", port=0, models_dir=tmp_path, say=lambda _name, _line: None)
    broken = Spec("redis", [sys.executable, "-c", "raise SystemExit(1)"])
    child = Child(broken, tmp_path / "redis.log", lambda _name, _line: None, restart_delays_s=(0.0,))
    child.start()
    stack._children.append(child)
    with pytest.raises(ConfigurationError, match=f"redis does not start; its log is {tmp_path}/logs/redis.log"):
        stack._bootstrap({"LENSORA_REDIS_URL": "redis://127.0.0.1:1/0"}, Event())


class Interrupted(Event):
    """Ctrl-C as ``lensora run`` hears it, while the account is made."""

    def wait(self, timeout: float | None = None) -> bool:
        raise KeyboardInterrupt


def test_ctrl_c_while_the_account_is_made_leaves_nothing_running(tmp_path: Path) -> None:
    """What makes it waits for a Redis that is stopped; without its parent it went on for a minute."""
    stack = Stack(Home.at(tmp_path), host="127.0.0.1", port=0, models_dir=tmp_path, say=lambda _name, _line: None)
    before = set(psutil.Process().children())
    with pytest.raises(KeyboardInterrupt):
        stack._bootstrap({"LENSORA_REDIS_URL": "redis://127.0.0.1:1/0"}, Interrupted())
    left = set(psutil.Process().children()) - before
    assert not [child for child in left if child.status() != psutil.STATUS_ZOMBIE]
