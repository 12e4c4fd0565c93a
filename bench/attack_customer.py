"""The other customer of ``bench.attack``, in a process of its own: its times are the installation's, not those of the
attacker's busy loop. It reads orders from its standard input, a line each, and answers each ``stop`` by a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

POLL_PAUSE_S = 0.02
INIT_PAUSE_S = 0.5
START_S = 120.0
LINE_BYTES = 1 << 22


@dataclass
class Noticed:
    """What the customer saw: times of its polls and of its sessions, and answers that were no 200."""

    polls_ms: list[float] = field(default_factory=list)
    inits_s: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class OtherCustomer:
    """The process, as ``bench.attack`` holds it."""

    def __init__(self, url: str, key: str, job: str, photo: bytes) -> None:
        """
        Args:
            url: of the API.
            key: its API key.
            job: a job of its own, which it polls.
            photo: what it uploads.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="lensora-customer-")
        path = Path(self._folder.name) / "photo"
        path.write_bytes(photo)
        self._about = {"url": url, "key": key, "job": job, "photo": str(path)}
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bench.attack_customer",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_BYTES,
        )
        await self._say(json.dumps(self._about))
        await self._answer()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        self._folder.cleanup()

    async def begin(self) -> None:
        """Let it work."""
        await self._say("go")

    async def end(self) -> Noticed:
        """Let it stop, and say what it saw since it began."""
        await self._say("stop")
        return Noticed(**await self._answer())

    async def _say(self, line: str) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()

    async def _answer(self) -> dict[str, Any]:
        assert self._process is not None and self._process.stdout is not None
        async with asyncio.timeout(START_S):
            found: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return found


async def work(about: dict[str, str]) -> None:
    """Polls a job, nearly fifty times a second, and opens sessions, one after another, whenever it is told to."""
    photo = Path(about["photo"]).read_bytes()
    headers = {"Authorization": f"Bearer {about['key']}"}
    async with httpx.AsyncClient(base_url=about["url"], headers=headers, timeout=30.0, trust_env=False) as api:
        # The connections are there before anything is timed.
        await api.get(f"/v1/studio/result/{about['job']}")
        print(json.dumps({}), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            noticed, over = Noticed(), asyncio.Event()
            working = asyncio.gather(_poll(api, about["job"], noticed, over), _init(api, photo, noticed, over))
            await asyncio.to_thread(sys.stdin.readline)
            over.set()
            await working
            print(json.dumps(asdict(noticed)), flush=True)


async def _poll(api: httpx.AsyncClient, job: str, noticed: Noticed, over: asyncio.Event) -> None:
    while not over.is_set():
        began = time.perf_counter()
        response = await api.get(f"/v1/studio/result/{job}")
        noticed.polls_ms.append((time.perf_counter() - began) * 1000)
        if response.status_code != 200:
            noticed.failed.append(f"poll {response.status_code}")
        await asyncio.sleep(POLL_PAUSE_S)


async def _init(api: httpx.AsyncClient, photo: bytes, noticed: Noticed, over: asyncio.Event) -> None:
    while not over.is_set():
        began = time.perf_counter()
        response = await api.post("/v1/studio/init", files={"image": photo})
        noticed.inits_s.append(time.perf_counter() - began)
        if response.status_code != 200:
            noticed.failed.append(f"init {response.status_code}: {response.text[:100]}")
        await asyncio.sleep(INIT_PAUSE_S)


if __name__ == "__main__":
    asyncio.run(work(json.loads(sys.stdin.readline())))
