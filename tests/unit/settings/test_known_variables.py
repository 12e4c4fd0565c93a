"""Variables that nobody reads are told of at the start."""

from __future__ import annotations

from lensora.settings import VARIABLES_FILE, unknown_variables
from tools.variables import known_variables


def test_the_list_holds_what_is_read() -> None:
    """After a change of settings: ``python -m tools.variables`` writes it anew."""
    assert VARIABLES_FILE.read_text("utf-8").split() == known_variables()


def test_a_misspelt_setting_is_named_with_the_one_that_was_meant() -> None:
    """And neither another process's settings nor what Kubernetes adds for Services are."""
    environment = {
        "LENSORA_LIVE_JOB": "3",
        "LENSORA_MESH_THREADS": "1",
        "LENSORA_REDIS_PORT_6379_TCP_ADDR": "10.0.0.1",
        "LENSORA_SERVICE_HOST": "10.0.0.1",
        "HOME": "/",
    }
    assert unknown_variables(environment) == {"LENSORA_LIVE_JOB": "LENSORA_LIVE_JOBS"}
