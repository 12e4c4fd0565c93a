"""HTTP servers under the attacks that reach only the server: headers, silence, drips, unread answers, connections.

``make bench-servers`` starts ours (uvicorn within ``gateway/http/plumbing/connections.py``), plain uvicorn, Granian and
Hypercorn, each with one process, the same small application, and its own options set as tight as they go. What is not
installed is left out (``pip install granian hypercorn``).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import uvicorn

from bench.measure import closing_line, machine, table
from gateway.http.plumbing.connections import ConnectionLimits
from gateway.http.process import connection_options
from lensora.adapters.redis_server import free_port

PATIENCE_S = 40.0
"""An attack that is not ended by then is not ended at all."""
LARGE_BYTES = 20_000_000
CONNECTIONS = 700
REQUESTS, AT_ONCE = 20_000, 32

Message = MutableMapping[str, Any]


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """``/large`` answers megabytes; everything else reads its body and says ok."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body", False):
        pass
    body = bytes(LARGE_BYTES) if scope["path"] == "/large" else b"ok"
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


def serve(port: int, *, guarded: bool) -> None:
    """uvicorn, with our limits or as it comes."""
    options: dict[str, Any] = {"access_log": False, "http": "httptools"}
    if guarded:
        options = connection_options(ConnectionLimits(), "http://127.0.0.1")
    uvicorn.run(app, host="127.0.0.1", port=port, **options)


def commands(port: int) -> dict[str, Sequence[str]]:
    """How each server is started, by its name."""
    own = [sys.executable, "-m", "bench.servers", "--port", str(port), "--serve"]
    folder = Path(sys.executable).parent
    granian = [str(folder / "granian"), "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port), "--no-ws"]
    hypercorn = [str(folder / "hypercorn"), "--bind", f"127.0.0.1:{port}", "-k", "uvloop", "--read-timeout", "10"]
    return {
        "guarded, ours": [*own, "guarded"],
        "uvicorn": [*own, "plain"],
        "granian": [
            *granian,
            *("--http", "1", "--http1-header-read-timeout", "10000", "--http1-buffer-size", "32768"),
            *("--loop", "uvloop", "--backpressure", "512", "bench.servers:app"),
        ],
        "hypercorn": [*hypercorn, "bench.servers:app"],
    }


@contextlib.contextmanager
def running(command: Sequence[str], port: int) -> Iterator[psutil.Process]:
    """A server that answers."""
    process = subprocess.Popen(list(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def resident_mb(root: psutil.Process) -> float:
    """Of a server and its children."""
    return float(sum(one.memory_info().rss for one in [root, *root.children(recursive=True)])) / 1e6


def cpu_s(root: psutil.Process) -> float:
    """Processor seconds of a server and its children."""
    times = [one.cpu_times() for one in [root, *root.children(recursive=True)]]
    return float(sum(one.user + one.system for one in times))


def flooded(port: int, start: bytes, piece: bytes) -> float:
    """Megabytes that are taken before the connection is closed."""
    sent = 0
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as peer, contextlib.suppress(OSError):
        peer.sendall(start)
        while sent < LARGE_BYTES:
            peer.sendall(piece)
            sent += len(piece)
    return sent / 1e6


def silent_for(port: int, start: bytes, drip: bytes = b"") -> float:
    """Seconds until a connection that sends no more, or next to nothing, is closed."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), 1.0) as peer:
        peer.sendall(start)
        while time.monotonic() - started < PATIENCE_S:
            with contextlib.suppress(TimeoutError):
                try:
                    if not peer.recv(65_536):
                        break
                    continue
                except ConnectionError:
                    break
            with contextlib.suppress(OSError):
                peer.sendall(drip)
    return time.monotonic() - started


def held(root: psutil.Process, port: int) -> set[int]:
    """Clients' ports of the connections that a server and its children hold."""
    found = set()
    for one in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            found |= {c.raddr.port for c in one.net_connections("tcp") if c.raddr and c.laddr.port == port}
    return found


def unread_for(root: psutil.Process, port: int) -> float:
    """Seconds until a server gives up a connection whose large answer is not read."""
    started = time.monotonic()
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        peer.connect(("127.0.0.1", port))
        peer.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        own = peer.getsockname()[1]
        time.sleep(1.0)
        while time.monotonic() - started < PATIENCE_S and own in held(root, port):
            time.sleep(0.5)
    return time.monotonic() - started


def kept(root: psutil.Process, port: int) -> int:
    """How many of many connections from one address a server holds after two seconds."""
    peers = []
    try:
        for _ in range(CONNECTIONS):
            with contextlib.suppress(OSError):
                peers.append(socket.create_connection(("127.0.0.1", port), 2.0))
        time.sleep(2.0)
        return len(held(root, port))
    finally:
        for peer in peers:
            peer.close()


async def pace(port: int) -> float:
    """Requests a second over a few connections that are kept."""

    async def one(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer lsk_x\r\nAccept: */*\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
        writer.close()

    started = time.monotonic()
    await asyncio.gather(*(one(REQUESTS // AT_ONCE) for _ in range(AT_ONCE)))
    return REQUESTS / (time.monotonic() - started)


def measured(command: Sequence[str], port: int) -> dict[str, float]:
    """One server's row."""
    with running(command, port) as process:
        time.sleep(1.0)
        before = cpu_s(process)
        rate = asyncio.run(pace(port))
        cost = (cpu_s(process) - before) / REQUESTS * 1e6
        idle = resident_mb(process)
        header = flooded(port, b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", b"a" * 16_384)
        url = flooded(port, b"GET /", b"a" * 16_384)
        grown = resident_mb(process) - idle
        with ThreadPoolExecutor(5) as pool:
            half = pool.submit(silent_for, port, b"GET / HTTP/1.1\r\nHost: x\r\n")
            nothing = pool.submit(silent_for, port, b"")
            body = pool.submit(silent_for, port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", b"a")
            unread = pool.submit(unread_for, process, port)
            row = {
                "requests_per_s": rate,
                "cpu_us_per_request": cost,
                "header_taken_mb": header,
                "url_taken_mb": url,
                "grown_mb": grown,
                "half_header_s": half.result(),
                "silence_s": nothing.result(),
                "dripping_body_s": body.result(),
                "unread_answer_s": unread.result(),
            }
        return {**row, "kept_of_700": kept(process, port)}


def main() -> None:
    """A table of the servers, or one of ours for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", choices=("guarded", "plain"))
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.port, guarded=arguments.serve == "guarded")
        return
    os.environ["PYTHONPATH"] = str(Path.cwd())
    print(machine())
    rows = {}
    port = free_port()
    for name, command in commands(port).items():
        if shutil.which(command[0]) is None:
            print(f"{name} is not installed")
            continue
        rows[name] = measured(command, port)
    columns = list(next(iter(rows.values())))
    table(["server", *columns], [[name, *(f"{row[key]:.3g}" for key in columns)] for name, row in rows.items()])
    closing_line({f"{name.split(',')[0]}_{key}": row[key] for name, row in rows.items() for key in columns})


if __name__ == "__main__":
    main()
