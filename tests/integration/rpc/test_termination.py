"""A service ends on SIGTERM however the signal comes in: each case is a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

MOST_S = 30.0
"""A process that hears the signal ends in a tenth of a second; one that does not never ends."""

SERVICE = """
import os, signal, threading
from lensora.rpc.server import Server, run
from lensora.settings import ServiceSettings

def prepare():
{prepare}

run(Server("tiny", ServiceSettings(port=0, drain_seconds=1.0), lambda server: None, ["lensora.Tiny"]), prepare)
print("ended")
"""

TO_ANOTHER_THREAD = """
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
"""
"""The main thread takes no signal, so that another does, as one that just begins may at any time."""

INTO_A_WAIT = """
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM)).start()
    owned = threading.Condition._is_owned
    def asked(condition):
        if threading.current_thread() is threading.main_thread():
            threading.Condition._is_owned = owned
            os.kill(os.getpid(), signal.SIGTERM)
        return owned(condition)
    threading.Condition._is_owned = asked
"""
"""The signal comes while the main thread holds the lock of a condition that it begins to wait for, and once more."""

BEFORE_IT_SERVES = """
    os.kill(os.getpid(), signal.SIGTERM)
"""


@pytest.mark.parametrize("prepare", [TO_ANOTHER_THREAD, INTO_A_WAIT, BEFORE_IT_SERVES])
def test_a_service_hears_sigterm(prepare: str) -> None:
    """It drains and ends by itself, without an error."""
    script = [sys.executable, "-c", SERVICE.format(prepare=prepare)]
    with subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            output, problems = process.communicate(timeout=MOST_S)
        finally:
            process.kill()
    assert process.returncode == 0, problems
    assert output.endswith(b"ended\n")
