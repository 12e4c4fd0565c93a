"""Child processes: started with an environment, their output copied line by line, restarted when they die."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from lensora.cli.log_file import LogFile

STOP_GRACE_S = 25.0
"""Seconds from SIGTERM to SIGKILL: longer than the services' own drain of 20 s."""

RESTART_DELAYS_S = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Pause before each restart in a row; a child that has lived for a minute starts over at the first."""

STEADY_S = 60.0

UNTIL_KEEPER_DIES = (
    "import ctypes, os, sys\n"
    "ctypes.CDLL(None).prctl(1, 15, 0, 0, 0)\n"
    "if os.getppid() != int(sys.argv[1]): sys.exit(1)\n"
    "os.execvp(sys.argv[2], sys.argv[2:])"
)
"""Becomes the program it is given, which gets SIGTERM (15) when its keeper dies, even by SIGKILL (prctl(2),
PR_SET_PDEATHSIG = 1): a stack without its keeper would hold ports and data that nobody looks after."""

MAX_LINE_BYTES = 65_536
"""A longer line is passed on in pieces of this size."""

Say = Callable[[str, str], None]
"""Called with a process's name and one line of its output, without its line break."""

FEW_ARENAS = {"MALLOC_ARENA_MAX": "2"}
"""glibc gives each thread a heap of its own and keeps what was freed in it: with eight of them a stage that has done
fifty jobs holds half as much memory again."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A process to keep running: its name, its arguments, what its environment has beside ours, and file descriptors
    of ours that it has too."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: Sequence[int] = ()


class Child:
    """One process that is kept running until ``stop``."""

    def __init__(
        self, spec: Spec, log_file: Path, say: Say, *, restart_delays_s: Sequence[float] = RESTART_DELAYS_S
    ) -> None:
        """
        Args:
            spec: what to run.
            log_file: gets its output.
            say: gets each line of it, and what happens to the process.
            restart_delays_s: the pause before each restart in a row; the last one holds from then on.
        """
        self.spec = spec
        self._delays_s = restart_delays_s
        self.restarts = 0
        self._log_file = log_file
        self._say = say
        self._stopping = threading.Event()
        self._proven = False
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_running, name=f"keep-{spec.name}", daemon=True)

    def start(self) -> None:
        """Start it, and keep it running in a thread of its own."""
        self._process = self._spawn()
        self._thread.start()

    @property
    def pid(self) -> int:
        """Process id of the present incarnation; 0 between two."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else 0

    def prove(self) -> None:
        """Say that it has worked: from now on it is restarted however often it dies.

        A process that never came up is set up wrongly, and only a person can help. One that has worked dies for what
        may pass, and must be there when it has passed: redis-server ends itself when a write fails on a full disk.
        """
        self._proven = True

    @property
    def gave_up(self) -> bool:
        """True when it died too often in a row and is no longer restarted."""
        return not self._thread.is_alive() and not self._stopping.is_set()

    def terminate(self) -> None:
        """Ask it to end (SIGTERM); it is not restarted any more."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)

    def wait(self, timeout_s: float) -> None:
        """Wait for its end; it is killed when the time is up."""
        process = self._process
        if process is None:
            return
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._tell(f"did not end within {timeout_s:.0f} s of SIGTERM and is killed")
            process.kill()
            process.wait()
        self._thread.join()

    def _spawn(self) -> subprocess.Popen[bytes]:
        arguments = list(self.spec.arguments)
        if sys.platform == "linux":
            arguments = [sys.executable, "-I", "-S", "-c", UNTIL_KEEPER_DIES, str(os.getpid()), *arguments]
        return subprocess.Popen(
            arguments,
            env={**FEW_ARENAS, **os.environ, **self.spec.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=self.spec.descriptors,
            start_new_session=True,  # Ctrl-C reaches the keeper alone, which stops its children in order
        )

    def _keep_running(self) -> None:
        deaths = 0
        while True:
            process = self._process
            assert process is not None
            assert process.stdout is not None
            started = time.monotonic()
            self._copy(process.stdout)
            status = process.wait()
            if self._stopping.is_set():
                return
            deaths = 0 if time.monotonic() - started > STEADY_S else deaths + 1
            if deaths > len(self._delays_s) and not self._proven:
                self._tell(f"died {deaths} times in a row (last status {status}) and stays down")
                return
            delay = self._delays_s[min(len(self._delays_s), max(1, deaths)) - 1]
            self._tell(f"died with status {status}; starts again in {delay} s")
            if self._stopping.wait(delay):
                return
            self.restarts += 1
            if not self._spawned_again():
                return
            if self._stopping.is_set():  # terminate() came while it was being started
                self.terminate()

    def _spawned_again(self) -> bool:
        """Start it once more; tried again while the machine has no room for a process. False when it must stop."""
        while True:
            try:
                self._process = self._spawn()
            except OSError as error:
                self._tell(f"could not be started: {error}")
                if self._stopping.wait(self._delays_s[-1]):
                    return False
            else:
                return True

    def _copy(self, output: IO[bytes]) -> None:
        """Pass the output on until its end. A log that cannot be written never ends the supervision."""
        with output, contextlib.closing(LogFile(self._log_file)) as log:
            while raw := output.readline(MAX_LINE_BYTES):
                log.write(raw)
                self._tell(raw.decode(errors="replace").rstrip())

    def _tell(self, line: str) -> None:
        # The terminal may be gone, or the file that it was led into be full.
        with contextlib.suppress(OSError, ValueError):
            self._say(self.spec.name, line)


def python_module(module: str, *arguments: str) -> list[str]:
    """The arguments that run one of our modules with the Python that runs this."""
    return [sys.executable, "-m", module, *arguments]


def stop_all(children: Sequence[Child], grace_s: float = STOP_GRACE_S) -> None:
    """Ask all to end at once, then wait for each; kill what is left when the grace is over."""
    for child in children:
        child.terminate()
    until = time.monotonic() + grace_s
    for child in children:
        child.wait(max(0.1, until - time.monotonic()))
