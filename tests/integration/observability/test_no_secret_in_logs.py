"""Each kind of process crashes while it holds a key; nothing of the key may stand in what it wrote."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

KEY = "lsk_Kq7TESTqGFgBvGVYb0nQpW3x9sT1uZc4dE5fH6jL8mA"
HOOK_SECRET = "whsec_TESTMfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LINK = "/v1/files/67ab12.TESTc2lnbmF0dXJlb2ZhbGluaw/jobs/1/a.mp4"

HTTP = """
import asyncio, contextlib, io, os, httpx, uvicorn
from gateway.http.plumbing.connections import ConnectionLimits
from gateway.http.plumbing.edge import Edge
from gateway.http.process import connection_options
from starlette.routing import Route
from lensora.observability.process import begin
from lensora.settings import Settings, load
begin("gateway-http", load(Settings))
async def crash(request):
    secret = request.headers["authorization"]
    link = os.environ["LINK"]
    raise ValueError(f"{secret} could not be read, nor {link}")
async def half(request):
    secret = request.headers["authorization"]
    from starlette.responses import StreamingResponse
    async def body():
        yield b"x"
        raise ValueError(secret)
    return StreamingResponse(body())
edge = Edge([Route("/crash", crash), Route("/half", half)], "http://x")
async def main():
    config = uvicorn.Config(edge, port=0, **connection_options(ConnectionLimits(), "http://studio.test"))
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {os.environ['KEY']}"}, trust_env=False) as client:
        assert (await client.get(f"http://127.0.0.1:{port}/crash?key={os.environ['KEY']}")).status_code == 500
        with contextlib.suppress(httpx.HTTPError):
            await client.get(f"http://127.0.0.1:{port}/half")
        await client.get(f"http://127.0.0.1:{port}/{os.environ['KEY']}")
    server.should_exit = True
    await serving
asyncio.run(main())
"""

WORKER = """
import asyncio, os
from gateway.pipeline.worker import repeatedly
from lensora.observability.process import begin
from lensora.settings import Settings, load
begin("worker", load(Settings))
async def crash():
    secret, hook = os.environ["KEY"], os.environ["HOOK_SECRET"]
    raise ValueError(f"signing with {hook} for {secret}")
async def main():
    chore = asyncio.create_task(repeatedly("deliver", 60.0, crash))
    lost = asyncio.create_task(crash())
    await asyncio.sleep(0.2)
    chore.cancel()
    del lost
asyncio.run(main())
raise RuntimeError(os.environ["KEY"])
"""

SERVICE = """
import os, threading, grpc
from lensora.api.detect.v1 import detector_pb2, detector_pb2_grpc
from lensora.observability.process import begin
from lensora.rpc.server import Server
from lensora.settings import ServiceSettings, load
class Servicer(detector_pb2_grpc.DetectorServicer):
    def Detect(self, request, context):
        secret = os.environ["KEY"]
        raise ValueError(f"Bearer {secret}")
settings = load(ServiceSettings)
begin("detect", settings)
server = Server("detect", settings, lambda s: detector_pb2_grpc.add_DetectorServicer_to_server(Servicer(), s), [])
server.start()
with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
    try:
        detector_pb2_grpc.DetectorStub(channel).Detect(detector_pb2.DetectRequest(), timeout=10)
    except grpc.RpcError as error:
        assert os.environ["KEY"] not in str(error)
def crash():
    secret = os.environ["KEY"]
    raise ValueError(secret)
thread = threading.Thread(target=crash)
thread.start()
thread.join()
server.stop()
"""


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize(
    ("program", "event"),
    [(HTTP, "request_crashed"), (WORKER, "chore_failed"), (SERVICE, "call_crashed")],
    ids=["http", "worker", "service"],
)
def test_a_crash_shows_no_secret(program: str, event: str, log_format: str) -> None:
    """The fault is logged, with its traceback, and neither its message nor its variables bring a secret out."""
    environment = {
        **os.environ,
        "LENSORA_LOG_FORMAT": log_format,
        "LENSORA_PORT": "0",
        "LENSORA_NO_SUCH_SETTING": "1",
        "KEY": KEY,
        "HOOK_SECRET": HOOK_SECRET,
        "LINK": LINK,
    }
    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    written = run.stdout + run.stderr
    assert event in written and "ValueError" in written, written[-3000:]
    assert "LENSORA_NO_SUCH_SETTING" in written
    for secret in (KEY, HOOK_SECRET, LINK):
        assert secret[10:24] not in written, written[-3000:]
