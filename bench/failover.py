"""Jobs while the primary of the job store is killed and a replica takes its place: what was acknowledged, and is gone?

``python -m bench.failover [--jobs 24]``. Redis or Valkey runs as a primary, two replicas and three sentinels. Clients
submit over HTTP and repeat until they have a definite answer; in their midst the primary gets SIGKILL and stays dead.
Then the store, the ledgers and the stages' own logs are compared, as in ``bench.chaos``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.chaos import LEASE_S, Tally, chaos
from bench.cheap_house import CheapHouse
from lensora.adapters.redis_server import best_program
from lensora.core.errors import JobNotFound
from lensora.testing.redis_failover import MAX_LAG_S, RedisFailover


class ReplicatedHouse(CheapHouse):
    """A cheap house whose job store has replicas and sentinels."""

    def job_store(self, appendfsync: str) -> RedisFailover:
        """Six processes instead of one."""
        return RedisFailover(self.folder / "redis", appendfsync=appendfsync)


@dataclass
class Failover:
    """The storm: one kill, once some jobs have ended."""

    tally: Tally
    after_ended: int
    killed_at: float = 0.0
    away_s: float = 0.0

    async def __call__(self, house: CheapHouse, until: asyncio.Event, counts: Counter[str]) -> None:
        """Wait for the first jobs to end, kill, and wait for the API to serve again."""
        while len(self.tally.ended) < self.after_ended:
            await asyncio.sleep(0.02)
        self.killed_at = time.monotonic()
        await asyncio.get_running_loop().run_in_executor(None, house.redis.kill)
        counts.update(kills=1, redis=1)
        async with httpx.AsyncClient(base_url=house.url, timeout=2.0) as client:
            secret = next(iter(self.tally.accepted.values()))
            while not self.away_s and not until.is_set():
                try:
                    answer = await client.get("/v1/account", headers={"Authorization": f"Bearer {secret}"})
                    if answer.status_code == httpx.codes.OK:
                        self.away_s = time.monotonic() - self.killed_at
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.05)
        await until.wait()


async def outside_window(house: CheapHouse, tally: Tally, killed_at: float) -> dict[str, int]:
    """Accepted jobs that the store no longer knows: those acknowledged before the window, and those inside it."""
    gone = {"lost_before_window": 0, "lost_in_window": 0}
    async with house.store() as store:
        for job_id, secret in tally.accepted.items():
            key = await store.keys.authenticate(secret)
            try:
                await store.jobs.get(key.key_id, job_id)
            except JobNotFound:
                inside = tally.accepted_at[job_id] > killed_at - MAX_LAG_S
                gone["lost_in_window" if inside else "lost_before_window"] += 1
    return gone


async def failover(house: CheapHouse, *, jobs: int, limit_s: float) -> dict[str, Any]:
    """Run it on a house that is up, and judge."""
    tally = Tally()
    storm = Failover(tally, after_ended=max(2, jobs // 5))
    verdict = await chaos(house, jobs=jobs, storm=storm, limit_s=limit_s, tally=tally)
    gone = await outside_window(house, tally, storm.killed_at)
    return {"server": str(best_program()), "away_s": round(storm.away_s, 1), **gone, **verdict}


def main() -> None:
    """Print the verdict for people, then as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.failover", description=__doc__)
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--delay", type=float, default=0.2, help="seconds that each stage takes")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds until the bench gives up waiting")
    parser.add_argument("--keep", type=Path, help="folder for logs and data; default: a temporary one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        house = ReplicatedHouse(folder, workers=2, slots=4, delay_s=options.delay, lease_s=LEASE_S)
        try:
            house.start()
            result = asyncio.run(failover(house, jobs=options.jobs, limit_s=options.limit))
        finally:
            house.stop()
    for name, value in result.items():
        print(f"{name:18} {value}")
    print(json.dumps(result))
    bad = result["lost_before_window"] + result["double_terminal"] + result["ledger_drift"] + result["charged_unknown"]
    raise SystemExit(1 if bad + result["never_answered"] or not result["away_s"] else 0)


if __name__ == "__main__":
    main()
