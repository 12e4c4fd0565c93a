"""The installation that is attacked: with cheap stages, or ``lensora up`` with its neural nets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
from pydantic import SecretStr

from bench.cheap_house import CheapHouse
from bench.stack import jpeg
from gateway.http.settings import HttpSettings
from gateway.jobs.store import Store, open_store
from gateway.settings import RedisSettings
from lensora.adapters.redis_server import free_port

OTHER_CREDITS = 1_000_000
DRIP_HOST = "127.0.0.1"
STOP_S = 60.0
PROCESSES = {
    "gateway": "gateway http",
    "worker": "gateway worker",
    "detect": "services.detect",
    "redis": "redis-server",
}
"""What each process's command line holds."""


class Ground:
    """An installation, with a customer of it that works while others attack.

    Attributes:
        url: of the API.
        drip_port: where a backplate's server may listen that this installation reaches although it is private.
        photo: what the customer uploads.
        folder: of files that only this run needs.
    """

    def __init__(
        self, url: str, store: Store, pids: Callable[[], Mapping[str, int]], drip_port: int, folder: Path
    ) -> None:
        self.url = url
        self.folder = folder
        self.port = urlsplit(url).port or 80
        self.drip_port = drip_port
        self.pids = pids
        self.photo = _photo()
        self.other_key = ""
        self.other_job = ""
        self._store = store
        self._other_session = ""
        self._sessions: dict[str, str] = {}

    async def settle(self) -> None:
        """Make the customer, its session and its job."""
        self.other_key = await self.key(OTHER_CREDITS)
        self._other_session = await self.session(self.other_key)
        self.other_job = await self._submit(self.other_key, self._other_session)

    async def close(self) -> None:
        """Let go of the store."""
        await self._store.close()

    async def key(self, credits: int) -> str:  # noqa: A002 - the API's word
        """A key of a new account with so many credits."""
        account = f"account-{uuid.uuid4().hex[:12]}"
        await self._store.accounts.create(account)
        if credits:
            await self._store.credits.grant(account, credits, reference="first")
        _, secret = await self._store.keys.create(account)
        return secret

    async def session(self, key: str) -> str:
        """An open session of the key."""
        async with self._api(key) as api:
            response = await api.post("/v1/studio/init", files={"image": self.photo})
        response.raise_for_status()
        return str(response.json()["session_id"])

    async def place_of_new_job(self) -> int:
        """How many jobs are before one that the other customer submits now."""
        job_id = await self._submit(self.other_key, self._other_session)
        async with self._api(self.other_key) as api:
            view = (await api.get(f"/v1/studio/result/{job_id}")).json()
        return int(view.get("queue_position", 0))

    async def cancel_all(self, key: str) -> None:
        """Cancel every job of the key that has not ended."""
        found = await self._store.keys.authenticate(key)
        live = await self._store.scripts.read_set(f"live:{found.account_id}")
        for job_id in live:
            await self._store.jobs.cancel(found.key_id, job_id)

    async def wrong_charges(self) -> int:
        """What the audit of every ledger finds wrong."""
        audit = await self._store.credits.verify()
        return len(audit.mismatches) + abs(audit.drift)

    async def _submit(self, key: str, session: str) -> str:
        async with self._api(key) as api:
            body = {"session_id": session, "background": {"type": "remove"}}
            response = await api.post("/v1/studio/transform", json=body)
        response.raise_for_status()
        return str(response.json()["job_id"])

    def _api(self, key: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60.0, trust_env=False)


@contextmanager
def cheap_ground(folder: Path, *, name_server: str) -> Iterator[Ground]:
    """Real Redis, gateway and worker; stages that cost nothing."""
    drip_port = free_port()
    house = AttackedHouse(folder, drip_port=drip_port, name_server=name_server)
    house.start()
    try:

        def pids() -> Mapping[str, int]:
            found = {"gateway": house.http.pid, "worker": house.workers[0].pid, "detect": house.stages[0].pid}
            return found | ({"redis": house.redis.pid} if house.redis.pid else {})

        yield Ground(house.url, house.store(), pids, drip_port, folder)
    finally:
        house.stop()


class AttackedHouse(CheapHouse):
    """A house whose limits are the product's, and which reaches a server of loopback for backplates."""

    def __init__(self, folder: Path, *, drip_port: int, name_server: str) -> None:
        super().__init__(folder, workers=1, slots=2, delay_s=0.1, lease_s=15.0, appendfsync="no")
        own = {**_egress(drip_port, name_server), "LENSORA_LIVE_JOBS": "1000", "LENSORA_REQUESTS_PER_MINUTE": "60000"}
        own["LENSORA_CONNECTIONS_PER_ADDRESS"] = str(HttpSettings.model_fields["connections_per_address"].default)
        for part in (self.http, *self.workers):
            part.add_environment(own)


@contextmanager
def real_ground(folder: Path, *, name_server: str) -> Iterator[Ground]:
    """``lensora up`` as a user starts it."""
    drip_port = free_port()
    command = [str(Path(sys.executable).parent / "lensora"), "up", "--home", str(folder / "home")]
    process = subprocess.Popen(
        [*command, "--port", "0", "--json", "--quiet"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **_egress(drip_port, name_server), "LENSORA_REQUESTS_PER_MINUTE": "60000"},
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"lensora up ended with status {process.wait()}")
        said = json.loads(line)
        keeper = psutil.Process(process.pid)

        def pids() -> Mapping[str, int]:
            lines = {child.pid: " ".join(child.cmdline()) for child in keeper.children(recursive=True)}
            return {name: pid for name, mark in PROCESSES.items() for pid, text in lines.items() if mark in text}

        store = open_store(RedisSettings(redis_url=SecretStr(said["redis_url"]), redis_timeout_seconds=10.0))
        yield Ground(said["base_url"], store, pids, drip_port, folder)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(STOP_S)


def _egress(drip_port: int, name_server: str) -> dict[str, str]:
    return {
        "LENSORA_EGRESS_ALLOW_PRIVATE_HOSTS": DRIP_HOST,
        "LENSORA_EGRESS_PORTS": f"80,443,{drip_port}",
        "LENSORA_EGRESS_NAME_SERVERS": name_server,
    }


def _photo() -> bytes:
    from skimage import data  # noqa: PLC0415 - it takes a second to load

    return jpeg(data.coffee())
