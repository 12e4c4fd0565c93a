"""The gateway under load: polls and submits per second over HTTP, with 10,000 jobs in the queue.

``python -m bench.gateway [--queue 10000]``. One HTTP process and one redis-server (``appendfsync always``); no worker,
so that the queue stays. The load comes from this process over plain sockets, which costs a tenth of what a full HTTP
client does; it still shares the machine's cores with what it measures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from bench.cheap_house import CheapHouse
from bench.customers import Connection, Customer, Refused, new_customer, require
from bench.measure import MIB, closing_line, machine, table
from gateway.jobs.store import Store
from gateway.jobs.work import Claim

BUDGET_POLL_P99_MS = 20.0
POLL_RATE = 300
BUDGET_NEWCOMER_JOB_TIMES = 2
FAIR_SLOTS = 4
MOST_CLAIMS = 400
OTHERS = 100
CONNECTIONS = 16
CONTENDERS = 64
WAITERS = 500


async def submit_all(house: CheapHouse, who: Customer, count: int) -> tuple[list[str], float]:
    """Submit ``count`` jobs over CONNECTIONS connections; their ids, and submits per second."""
    job_ids: list[str] = []
    left = iter(range(count))

    async def one() -> None:
        connection = Connection(house.port)
        for _number in left:
            asked = time.perf_counter()
            status, body = await connection.request(*who.transform())
            require(status, body, "transform", house, asked)
            job_ids.append(json.loads(body)["job_id"])
        connection.close()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return job_ids, count / (time.perf_counter() - started)


async def poll_at_rate(house: CheapHouse, who: Customer, job_ids: list[str], seconds: float) -> list[float]:
    """Poll at POLL_RATE by the clock, whatever the answers take; the latencies in ms, this process's waits included."""
    latencies: list[float] = []
    connections = [Connection(house.port) for _ in range(CONNECTIONS * 2)]
    idle = asyncio.LifoQueue[Connection]()
    for connection in connections:
        idle.put_nowait(connection)

    async def one(number: int, due: float) -> None:
        connection = await idle.get()
        asked = time.perf_counter()
        status, body = await connection.request(who.poll(job_ids[number * 7919 % len(job_ids)]))
        require(status, body, "poll", house, asked)
        latencies.append((time.perf_counter() - due) * 1000)
        idle.put_nowait(connection)

    started = time.perf_counter()
    try:
        async with asyncio.TaskGroup() as tasks:
            for number in range(round(seconds * POLL_RATE)):
                due = started + number / POLL_RATE
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                tasks.create_task(one(number, due))
    except* Refused as several:
        raise several.exceptions[0] from None
    for connection in connections:
        connection.close()
    return latencies


async def poll_flat_out(house: CheapHouse, who: Customer, job_ids: list[str], seconds: float) -> float:
    """Polls per second with CONNECTIONS clients that never pause."""
    end = time.perf_counter() + seconds
    done = 0

    async def one(number: int) -> None:
        nonlocal done
        connection = Connection(house.port)
        while time.perf_counter() < end:
            number += 1
            asked = time.perf_counter()
            status, body = await connection.request(who.poll(job_ids[number * 7919 % len(job_ids)]))
            require(status, body, "poll without a pause", house, asked)
            done += 1
        connection.close()

    await asyncio.gather(*(one(number * 31) for number in range(CONNECTIONS)))
    return done / seconds


async def contend(house: CheapHouse, store: Store, rounds: int) -> int:
    """Rounds of 64 submits at once with credit for one; how many did not end with exactly one accepted."""
    bad = 0
    connections = [Connection(house.port) for _ in range(CONTENDERS)]
    for _round in range(rounds):
        who = await new_customer(store, 1)
        answers = await asyncio.gather(*(connection.request(*who.transform()) for connection in connections))
        outcomes = Counter(status for status, _body in answers)
        balance = await store.credits.balance(who.key.account_id)
        bad += outcomes != {200: 1, 402: CONTENDERS - 1} or balance != 0
    for connection in connections:
        connection.close()
    return bad


async def hold(house: CheapHouse, who: Customer, job_ids: list[str]) -> list[asyncio.Task[tuple[int, bytes]]]:
    """WAITERS clients that hold a poll open (``Prefer: wait``)."""
    waiting = []
    for number in range(WAITERS):
        connection = Connection(house.port)
        head = who.poll(job_ids[number], "Prefer: wait=60\r\n")
        waiting.append(asyncio.create_task(connection.request(head)))
        if number % 50 == 0:
            await asyncio.sleep(0.05)
    asked = time.perf_counter()
    await asyncio.sleep(1.0)
    for task in waiting:
        if task.done():
            require(*task.result(), "held poll", house, asked)
    return waiting


async def fill(house: CheapHouse, store: Store, jobs: int) -> None:
    """As many jobs again, of OTHERS further accounts in equal parts, each of which is at work."""
    for _account in range(OTHERS):
        await submit_all(house, await new_customer(store, jobs // OTHERS), jobs // OTHERS)
    work = store.work("bench-others", lease_s=600.0, attempts=3, block_ms=100)
    for _turn in range(2 * OTHERS):
        await work.take(1)


async def newcomer(house: CheapHouse, store: Store) -> int:
    """Job times until a new account's only job begins, behind the queue, at worst: all slots have just begun.

    Whoever is at work ends within one job time; then FAIR_SLOTS jobs begin, and so on. Stops at MOST_CLAIMS claims.
    """
    work = store.work("bench-fairness", lease_s=600.0, attempts=3, block_ms=100)
    running = await work.take(FAIR_SLOTS)
    if len(running) < FAIR_SLOTS:
        raise SystemExit(f"only {len(running)} jobs could be taken from the queue")
    (job_id,), _rate = await submit_all(house, await new_customer(store, 1), 1)
    for claims in range(MOST_CLAIMS):
        taken = await work.take(1)
        if any(isinstance(one, Claim) and one.job.job_id == job_id for one in taken):
            return 1 + claims // FAIR_SLOTS
    return 1 + MOST_CLAIMS // FAIR_SLOTS


async def load(house: CheapHouse, *, queue: int, seconds: float, rounds: int) -> dict[str, float | int | str | None]:
    """Every measurement, on a house that is up."""
    process = psutil.Process(house.http.pid)
    async with house.store() as store:
        who = await new_customer(store, queue + 1)
        # What is loaded and compiled at the first requests is no growth with the queue.
        warm, _rate = await submit_all(house, await new_customer(store, 200), 200)
        await poll_at_rate(house, who, (await submit_all(house, who, 1))[0], 1.0)
        empty = process.memory_info().rss
        job_ids, submits_per_s = await submit_all(house, who, queue)
        latencies = await poll_at_rate(house, who, job_ids, seconds)
        cpu_before = sum(process.cpu_times()[:2])
        polls_per_s = await poll_flat_out(house, who, job_ids, seconds)
        cpu = sum(process.cpu_times()[:2]) - cpu_before
        grown = process.memory_info().rss - empty
        waiting = await hold(house, who, job_ids)
        with_waiters = await poll_at_rate(house, who, job_ids, seconds)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        waited = await newcomer(house, store)
        await fill(house, store, queue)
        waited_among_many = await newcomer(house, store)
        bad_rounds = await contend(house, store, rounds)
        audit = await store.credits.verify()
    return {
        "queued_jobs": queue + len(warm) + 1,
        "submits_per_s": round(submits_per_s, 1),
        "poll_rate_per_s": POLL_RATE,
        "poll_p50_ms": round(statistics.median(latencies), 2),
        "poll_p99_ms": round(statistics.quantiles(latencies, n=100)[98], 2),
        "poll_p99_with_waiters_ms": round(statistics.quantiles(with_waiters, n=100)[98], 2),
        "waiters": WAITERS,
        "polls_per_s": round(polls_per_s, 1),
        "poll_cpu_ms": round(cpu / (polls_per_s * seconds) * 1000, 3),
        "polls_per_core_s": round(polls_per_s * seconds / cpu),
        "gateway_growth_mb": round(grown / MIB, 1),
        "newcomer_job_times": waited,
        "newcomer_job_times_100_accounts": waited_among_many,
        "contention_rounds": rounds,
        "contention_bad_rounds": bad_rounds,
        "ledger_drift": audit.drift + len(audit.problems),
    }


async def fairness(house: CheapHouse, *, queue: int) -> dict[str, float | int | str | None]:
    """The newcomers' rows alone."""
    async with house.store() as store:
        await submit_all(house, await new_customer(store, queue), queue)
        waited = await newcomer(house, store)
        await fill(house, store, queue)
        waited_among_many = await newcomer(house, store)
    return {
        "queued_jobs": 2 * queue,
        "newcomer_job_times": waited,
        "newcomer_job_times_100_accounts": waited_among_many,
    }


def main() -> None:
    """Print the figures for people, then as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("--data", help="not needed; taken so that every bench can be called alike")
    parser.add_argument("--queue", type=int, default=10_000, help="jobs in the queue")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each measurement of polls")
    parser.add_argument("--rounds", type=int, default=200, help="rounds of 64 submits with credit for one")
    parser.add_argument("--fairness", action="store_true", help="only how long newcomers wait")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        house = CheapHouse(Path(folder), workers=0, slots=1, delay_s=0.0, lease_s=15.0)
        try:
            house.start()
            if options.fairness:
                figures = asyncio.run(fairness(house, queue=options.queue))
            else:
                figures = asyncio.run(load(house, queue=options.queue, seconds=options.seconds, rounds=options.rounds))
        except Refused as refused:
            raise SystemExit(str(refused)) from None
        finally:
            house.stop()
    print(machine())
    table(("what", "figure"), list(figures.items()))
    print(f"budget: poll p99 <= {BUDGET_POLL_P99_MS:g} ms at {POLL_RATE} polls/s")
    print(f"budget: a newcomer's job begins after {BUDGET_NEWCOMER_JOB_TIMES} job times of each worker at most")
    closing_line(figures)


if __name__ == "__main__":
    main()
