"""An installation of cheap stages, in processes that can be killed one by one: for the chaos and gateway benches."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
from pydantic import SecretStr

from gateway.jobs.store import Store, open_store
from gateway.settings import RedisSettings
from lensora.adapters.redis_server import RedisServer, free_port
from lensora.testing.redis_failover import RedisFailover
from lensora.testing.stages import STAGES

SIGNING_KEY = "a-signing-key-for-benches-and-nothing-else"
READY_S = 180.0
"""Also on a machine that is busy with other things."""


class Part:
    """One process: started, killed and started again with the same command line, port and environment."""

    def __init__(self, name: str, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._command = [sys.executable, "-m", *arguments]
        self._environment = {**os.environ, **environment}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def add_environment(self, environment: Mapping[str, str]) -> None:
        """Further variables, from its next start on."""
        self._environment.update(environment)

    @property
    def pid(self) -> int:
        """Process id; only while it runs."""
        assert self._process is not None
        return self._process.pid

    def log_lines(self) -> list[str]:
        """What it has printed so far."""
        return self._log.read_text(errors="replace").splitlines() if self._log.exists() else []

    def start(self) -> None:
        """Start it; does not wait until it is ready."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after ten seconds."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            self.kill()

    async def freeze(self, seconds: float) -> None:
        """SIGSTOP, a while, SIGCONT."""
        os.kill(self.pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(self.pid, signal.SIGCONT)


class CheapHouse:
    """redis-server, the four stages, workers and one HTTP process, in a folder."""

    def __init__(
        self, folder: Path, *, workers: int, slots: int, delay_s: float, lease_s: float, appendfsync: str = "always"
    ) -> None:
        self.folder = folder
        self.redis = self.job_store(appendfsync)
        self.run_log = folder / "runs.jsonl"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.metrics_port = free_port()
        artifacts = f"file://{folder}/artifacts"
        ports = {stage: free_port() for stage in STAGES}
        shared = {
            "LENSORA_REDIS_URL": self.redis.url,
            "LENSORA_ARTIFACTS_URL": artifacts,
            "LENSORA_URL_SIGNING_KEYS": SIGNING_KEY,
            "LENSORA_PUBLIC_URL": self.url,
            "LENSORA_LOG_LEVEL": "info",
            "LENSORA_LOG_FORMAT": "json",
            "LENSORA_LEASE_SECONDS": str(lease_s),
            "LENSORA_WORKER_JOBS": str(slots),
            "LENSORA_LIVE_JOBS": "1000000",
            "LENSORA_REQUESTS_PER_MINUTE": "10000000",
            # All load comes from one address, hundreds of held polls among it.
            "LENSORA_CONNECTIONS_PER_ADDRESS": "4096",
            **{f"LENSORA_{stage.upper()}_TARGET": f"127.0.0.1:{port}" for stage, port in ports.items()},
        }
        self.http = self._part("http", ["gateway", "http"], {**shared, "LENSORA_PORT": str(self.port)})
        self.workers = [self._part(f"worker-{n}", ["gateway", "worker"], shared) for n in range(workers)]
        self.stages = [
            self._part(
                stage,
                [
                    *("lensora.testing.stages", "--stage", stage, "--port", str(port), "--artifacts", artifacts),
                    *("--delay", str(delay_s if stage != "detect" else 0.0), "--log", str(self.run_log)),
                ],
                shared,
            )
            for stage, port in ports.items()
        ]

    def job_store(self, appendfsync: str) -> RedisServer | RedisFailover:
        """What keeps the jobs: one server of this house's own."""
        return RedisServer(self.folder / "redis", appendfsync=appendfsync)

    @property
    def parts(self) -> list[Part]:
        """Every process but Redis."""
        return [*self.stages, *self.workers, self.http]

    def store(self) -> Store:
        """The house's store, for the bench's own eyes."""
        return open_store(RedisSettings(redis_url=SecretStr(self.redis.url), redis_timeout_seconds=10.0))

    def start(self) -> None:
        """Start everything and wait until the HTTP process says that it is ready."""
        self.redis.start()
        for part in self.parts:
            part.start()
        end = time.monotonic() + READY_S
        while time.monotonic() < end:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2.0).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        self.stop()
        raise SystemExit(f"the house is not ready after {READY_S:g} s; its logs are in {self.folder}")

    def complaints(self, most: int = 5) -> str:
        """The last warnings and errors of each process, for people; so many lines of each."""
        found = []
        for part in self.parts:
            lines = part.log_lines()
            loud = [line for line in lines if '"level": "warning"' in line or '"level": "error"' in line]
            found += [f"{part.name}: {line}" for line in loud[-most:]]
        return "\n".join(found) or "no process logged a warning"

    def stop(self) -> None:
        """Stop everything, Redis last."""
        for part in reversed(self.parts):
            part.stop()
        self.redis.stop()

    def _part(self, name: str, arguments: list[str], environment: Mapping[str, str]) -> Part:
        return Part(name, arguments, environment, self.folder / f"{name}.log")
