"""Where an embedded stack listens: an address that cannot be had is said before anything starts."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from lensora.cli.stack import require_free
from lensora.cli.up import up
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
