"""One customer attacks, another works: does the other notice, is a charge wrong, does memory stay bounded?

``python -m bench.attack [--seconds 6] [--attack NAME] [--real]``. Each attack runs for some seconds against an
installation of our own on loopback, while another customer polls a job of its own and opens sessions. ``--real`` takes
``lensora up`` with its neural nets, without it the stages are cheap. A row for each attack, and the closing line.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from bench import attack_generated
from bench.attack_customer import OtherCustomer
from bench.attack_house import Ground, cheap_ground, real_ground
from bench.attack_inputs import FLOOD_JPEG, drip_server, mutated, silent_name_server, tiny_webp
from bench.measure import MIB, closing_line, machine, table

POLL_P99_MS = 250.0
INIT_S = 5.0
MANY_CREDITS = 1_000_000

MEMORY_LIMIT_MB = {"gateway": 768, "worker": 1024, "redis": 1024, "detect": 2048}
"""The chart's limits of the processes that an attack reaches."""


@dataclass
class Seen:
    """What happened while an attack ran."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    without_retry_after: int = 0
    polls_ms: list[float] = field(default_factory=list)
    inits_s: list[float] = field(default_factory=list)
    other_failed: list[str] = field(default_factory=list)
    peak_mb: dict[str, float] = field(default_factory=dict)
    notes: dict[str, float] = field(default_factory=dict)

    def answered(self, response: httpx.Response) -> None:
        """An answer to the attacker."""
        self.answered_with(response.status_code, later="retry-after" in response.headers)

    def answered_with(self, status: int, *, later: bool, times: int = 1) -> None:
        """So many answers of this status; ``later``: they say when to come again."""
        self.requests += times
        self.statuses[status] += times
        if status == 503 and not later:
            self.without_retry_after += times

    @property
    def faults(self) -> int:
        """Answers of 5xx to the attacker that are no '503, come back later'."""
        other = sum(n for status, n in self.statuses.items() if status >= 500 and status != 503)
        return other + self.without_retry_after

    @property
    def poll_p99_ms(self) -> float:
        """Of the other customer's polls."""
        ordered = sorted(self.polls_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] if ordered else float("inf")

    @property
    def worst_init_s(self) -> float:
        """Of the other customer's sessions."""
        return max(self.inits_s, default=float("inf"))


Attack = Callable[[Ground, Seen, asyncio.Event], Coroutine[None, None, None]]


# The attacks


async def nobody(_ground: Ground, _seen: Seen, over: asyncio.Event) -> None:
    """No attack: what the machine itself lets the other customer have."""
    await over.wait()


async def assets(ground: Ground, seen: Seen, over: asyncio.Event) -> None:
    """GET /web/<300 characters>.js and other paths that nothing is at, without a key."""
    paths = [f"/web/{'a' * 300}.js", f"/{'b' * 2_000}", "/web/%00.css", "/v1/files/x/y"]
    await _hammer(ground, seen, over, lambda api, n: api.get(paths[n % len(paths)]))


async def bad_cursors(ground: Ground, seen: Seen, over: asyncio.Event) -> None:
    """Cursors, limits and dates that broke readers, with a key."""
    key = await ground.key(0)
    queries = ["ledger?cursor=0-0", f"ledger?limit={'9' * 4_400}", "ledger?cursor=%D9%A3-0"]
    await _hammer(
        ground, seen, over, lambda api, n: api.get(f"/v1/account/{queries[n % 3]}", headers=_auth(key)), at_once=16
    )


async def slow_uploads(ground: Ground, seen: Seen, over: asyncio.Event) -> None:
    """Forty uploads that drip: half of a key without credits, half of one with."""
    keys = [await ground.key(0), await ground.key(MANY_CREDITS)]
    head = "POST /v1/studio/init HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 9000000\r\n"
    head += "Content-Type: multipart/form-data; boundary=XX\r\n\r\n--XX"
    await _sockets(ground, seen, over, [head.format(keys[n % 2]).encode() for n in range(40)], b"a", pause_s=0.2)


async def header_floods(ground: Ground, seen: Seen, over: asyncio.Event) -> None:
    """Sixteen connections that send headers, or one URL, without end."""
    starts = [b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ", b"GET /"]
    await _sockets(ground, seen, over, [starts[n % 2] for n in range(16)], b"a" * 65_536, pause_s=0.0)


async def half_requests(ground: Ground, seen: Seen, over: asyncio.Event) -> None:
    """Three hundred connections that begin a request and say no more."""
    await _sockets(ground, seen, over, [b"GET /healthz HTTP/1.1\r\nX-A"] * 300, b"", pause_s=0.5)


async def unread_answers(ground: Ground, seen: Seen, over: asyncio.Event) -> None:
    """Forty connections that ask for the largest file again and again and read nothing."""
    ask = b"GET /web/vendor/model-viewer.min.js HTTP/1.1\r\nHost: x\r\n\r\n" * 20
    await _sockets(ground, seen, over, [ask] * 40, b"", pause_s=0.5)


async def dead_names(ground: Ground, seen: Seen, over: asyncio.Event) -> None:
    """Jobs whose backplate's name no name server answers for."""
    key = await ground.key(MANY_CREDITS)
    session = await ground.session(key)

    def body(number: int) -> dict[str, object]:
        url = f"http://dead{number}.test/a.png"
        return {"session_id": session, "background": {"type": "image", "url": url}}

    await _hammer(ground, seen, over, lambda api, n: api.post("/v1/studio/transform", json=body(n), headers=_auth(key)))


async def many_jobs(ground: Ground, seen: Seen, over: asyncio.Event) -> None:
    """As many jobs as the account may have; then the other customer's single one must come soon."""
    key = await ground.key(MANY_CREDITS)
    session = await ground.session(key)
    await _hammer(
        ground, seen, over, lambda api, _n: api.post("/v1/studio/transform", json=_job(session), headers=_auth(key))
    )
    seen.notes["other_job_place"] = float(await ground.place_of_new_job())
    await ground.cancel_all(key)


async def heavy_films(ground: Ground, seen: Seen, over: asyncio.Event) -> None:
    """The largest films that may be ordered, and larger ones, which may not."""
    key = await ground.key(MANY_CREDITS)
    session = await ground.session(key)
    outputs = [{"size": 2160, "fps": 24, "seconds": 20.0}, {"size": 2160, "fps": 60, "seconds": 20.0}]

    def body(number: int) -> dict[str, object]:
        return {**_job(session), "output": outputs[number % 2]}

    await _hammer(
        ground,
        seen,
        over,
        lambda api, n: api.post("/v1/studio/transform", json=body(n), headers=_auth(key)),
        at_once=2,
        most=20,
    )
    await ground.cancel_all(key)


async def tiny_pictures(ground: Ground, seen: Seen, over: asyncio.Event) -> None:
    """A WebP of a few bytes that unfolds to 7070 x 7070 pixels with alpha."""
    key = await ground.key(MANY_CREDITS)
    await _uploads(ground, seen, over, key, lambda _n: tiny_webp())


async def marker_floods(ground: Ground, seen: Seen, over: asyncio.Event) -> None:
    """20 MB of JPEG markers."""
    key = await ground.key(MANY_CREDITS)
    await _uploads(ground, seen, over, key, lambda _n: FLOOD_JPEG)


async def mutated_pictures(ground: Ground, seen: Seen, over: asyncio.Event) -> None:
    """JPEG, PNG and WebP files with bytes changed, cut and repeated."""
    key = await ground.key(MANY_CREDITS)
    await _uploads(ground, seen, over, key, mutated)


async def dripping_pictures(ground: Ground, seen: Seen, over: asyncio.Event) -> None:
    """Jobs whose backplate comes a byte at a time, for ever."""
    key = await ground.key(MANY_CREDITS)
    session = await ground.session(key)
    async with drip_server(ground.drip_port):
        url = f"http://127.0.0.1:{ground.drip_port}/a.png"
        body = {"session_id": session, "background": {"type": "image", "url": url}}
        await _hammer(
            ground,
            seen,
            over,
            lambda api, _n: api.post("/v1/studio/transform", json=body, headers=_auth(key)),
            at_once=2,
            most=8,
        )
        await over.wait()
        await ground.cancel_all(key)


async def dripping_receivers(ground: Ground, seen: Seen, over: asyncio.Event) -> None:
    """Jobs that complete, whose webhook and whose own storage answer a byte at a time, for ever."""
    key = await ground.key(MANY_CREDITS)
    session = await ground.session(key)
    async with drip_server(ground.drip_port):
        url = f"http://127.0.0.1:{ground.drip_port}"
        delivery = {"type": "s3", "url": f"{url}/", "presigned": {"mp4": "film.mp4", "glb": "model.glb"}}
        body = {**_job(session), "webhook_url": f"{url}/hook", "deliver_to": delivery}
        await _hammer(
            ground,
            seen,
            over,
            lambda api, _n: api.post("/v1/studio/transform", json=body, headers=_auth(key)),
            at_once=2,
            most=40,
        )
        await over.wait()
        await ground.cancel_all(key)


async def generated_requests(ground: Ground, seen: Seen, over: asyncio.Event) -> None:
    """What Schemathesis makes of the OpenAPI document: chains of calls, with real photos and damaged ones."""
    key = await ground.key(MANY_CREDITS)
    log = ground.folder / "answers"
    process = await asyncio.create_subprocess_exec(
        *attack_generated.command(ground.url, key),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ground.folder,
        env={**os.environ, **attack_generated.environment(log)},
    )
    await over.wait()
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
    for answer, times in attack_generated.answers(log).items():
        seen.answered_with(int(answer[:3]), later=answer.endswith("later"), times=times)
    seen.notes["successes"] = float(sum(times for status, times in seen.statuses.items() if status < 300))
    await ground.cancel_all(key)


ATTACKS: tuple[Attack, ...] = (
    nobody,
    assets,
    bad_cursors,
    slow_uploads,
    header_floods,
    half_requests,
    unread_answers,
    dead_names,
    many_jobs,
    heavy_films,
    tiny_pictures,
    marker_floods,
    mutated_pictures,
    dripping_pictures,
    dripping_receivers,
    generated_requests,
)


# What they are made of


def _auth(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _job(session: str) -> dict[str, object]:
    return {"session_id": session, "background": {"type": "remove"}}


async def _hammer(
    ground: Ground,
    seen: Seen,
    over: asyncio.Event,
    ask: Callable[[httpx.AsyncClient, int], Awaitable[httpx.Response]],
    *,
    at_once: int = 32,
    most: int = 100_000,
) -> None:
    """Requests as fast as they are answered, so many at a time."""
    counter = iter(range(most))

    async def one(api: httpx.AsyncClient) -> None:
        for number in counter:
            if over.is_set():
                return
            try:
                seen.answered(await ask(api, number))
            except httpx.HTTPError:
                seen.statuses[0] += 1

    async with httpx.AsyncClient(base_url=ground.url, timeout=30.0, trust_env=False) as api:
        await asyncio.gather(*(one(api) for _ in range(at_once)))


async def _uploads(ground: Ground, seen: Seen, over: asyncio.Event, key: str, make: Callable[[int], bytes]) -> None:
    await _hammer(
        ground,
        seen,
        over,
        lambda api, n: api.post("/v1/studio/init", files={"image": make(n)}, headers=_auth(key)),
        at_once=8,
    )


async def _sockets(
    ground: Ground, seen: Seen, over: asyncio.Event, starts: list[bytes], piece: bytes, *, pause_s: float
) -> None:
    """Raw connections: each sends its start and then its piece again and again, and begins anew when it is cut off."""

    async def one(start: bytes) -> None:
        while not over.is_set():
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(20):
                    _reader, writer = await asyncio.open_connection("127.0.0.1", ground.port)
                    seen.requests += 1
                    try:
                        writer.write(start)
                        while not over.is_set() and not writer.is_closing():
                            writer.write(piece)
                            await writer.drain()
                            await asyncio.sleep(pause_s)
                    finally:
                        writer.close()
            await asyncio.sleep(0.01)

    await asyncio.gather(*(one(start) for start in starts))


async def _memory(ground: Ground, seen: Seen, over: asyncio.Event) -> None:
    while not over.is_set():
        for name, pid in ground.pids().items():
            with suppress(psutil.Error):
                size = psutil.Process(pid).memory_info().rss / MIB
                seen.peak_mb[name] = max(size, seen.peak_mb.get(name, 0.0))
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), 0.1)


async def run_attack(ground: Ground, other: OtherCustomer, attack: Attack, seconds: float) -> Seen:
    """One attack for some seconds, with the other customer at work."""
    seen, over = Seen(), asyncio.Event()
    watching = asyncio.create_task(_memory(ground, seen, over))
    attacking = asyncio.create_task(attack(ground, seen, over))
    await other.begin()
    await asyncio.sleep(seconds)
    noticed = await other.end()
    seen.polls_ms, seen.inits_s, seen.other_failed = noticed.polls_ms, noticed.inits_s, noticed.failed
    over.set()
    await asyncio.gather(attacking, watching)
    return seen


async def bench(ground: Ground, other: OtherCustomer, attacks: Sequence[Attack], seconds: float) -> int:
    """Each attack; the exit status says whether what must hold held."""
    rows: list[tuple[object, ...]] = []
    figures: dict[str, float | int | str | None] = {}
    worst = Counter[str]()
    names = ("gateway", "worker", "redis", "detect")
    for attack in attacks:
        seen = await run_attack(ground, other, attack, seconds)
        wrong = await ground.wrong_charges()
        name = attack.__name__
        over = [p for p in names if seen.peak_mb.get(p, 0.0) > MEMORY_LIMIT_MB[p]]
        late = seen.poll_p99_ms > POLL_P99_MS or seen.worst_init_s > INIT_S
        rows.append(
            (
                name,
                seen.requests,
                seen.poll_p99_ms,
                max(seen.polls_ms, default=0.0),
                seen.worst_init_s,
                *(round(seen.peak_mb.get(p, 0.0)) for p in names),
                seen.faults,
                seen.statuses[503],
                wrong,
            )
        )
        figures |= {f"{name}_poll_p99_ms": seen.poll_p99_ms, f"{name}_init_max_s": seen.worst_init_s}
        figures |= {f"{name}_{note}": value for note, value in seen.notes.items()}
        worst.update(
            requests=seen.requests,
            faults_5xx=seen.faults,
            charges_wrong=wrong,
            other_customer_failed=len(seen.other_failed),
            over_memory=len(over),
            late=int(late),
        )
        for failure in seen.other_failed[:3]:
            sys.stderr.write(f"{name}: the other customer was answered {failure}\n")
    table(
        (
            *("attack", "requests", "poll p99 ms", "poll max ms", "init max s"),
            *(f"{name} MiB" for name in names),
            *("5xx", "503", "charges wrong"),
        ),
        rows,
    )
    closing_line(dict(worst) | figures)
    return 1 if any(worst[k] for k in ("faults_5xx", "charges_wrong", "other_customer_failed", "over_memory")) else 0


@asynccontextmanager
async def _ground(folder: Path, *, real: bool) -> AsyncIterator[Ground]:
    tiny_webp()  # made before anything is timed: encoding 50 megapixels takes seconds
    async with silent_name_server() as names:
        make = real_ground if real else cheap_ground
        with make(folder, name_server=names) as ground:
            await ground.settle()
            try:
                yield ground
            finally:
                await ground.close()


def main() -> int:
    """Print a row for each attack, and the closing line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each attack")
    parser.add_argument("--real", action="store_true", help="the whole stack with its neural nets")
    named = {attack.__name__: attack for attack in ATTACKS}
    parser.add_argument("--attack", action="append", choices=[*named], help="this one alone; may be repeated")
    arguments = parser.parse_args()
    attacks = [named[name] for name in arguments.attack] if arguments.attack else ATTACKS
    sys.stdout.write(f"{machine()}\n")

    async def work(folder: Path) -> int:
        async with (
            _ground(folder, real=arguments.real) as ground,
            OtherCustomer(ground.url, ground.other_key, ground.other_job, ground.photo) as other,
        ):
            return await bench(ground, other, attacks, arguments.seconds)

    with tempfile.TemporaryDirectory(prefix="lensora-attack-") as folder:
        return asyncio.run(work(Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
