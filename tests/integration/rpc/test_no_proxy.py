"""Calls between our processes, and to Triton, go to them, whatever proxy the environment names for the Internet."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tritonclient.utils import InferenceServerException

from lensora.adapters.triton import connect
from lensora.rpc.channels import open_channel


@pytest.fixture(params=["http_proxy", "https_proxy", "grpc_proxy"])
def port(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a server that tells of its health, where the environment names a proxy that is not there."""
    for name in ("http_proxy", "https_proxy", "grpc_proxy", "no_proxy", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(request.param, "http://127.0.0.1:1")
    server = grpc.server(futures.ThreadPoolExecutor(1))
    health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), server)
    bound = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield bound
    server.stop(None).wait()


async def test_a_service_is_called_itself(port: int) -> None:
    """By address and by name."""
    for target in (f"127.0.0.1:{port}", f"dns:///localhost:{port}"):
        channel = open_channel(target)
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10.0)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        await channel.close(None)


def test_triton_is_called_itself(port: int) -> None:
    """A server that is no Triton says so; a proxy that is not there would be unavailable."""
    client = connect(f"127.0.0.1:{port}")
    with pytest.raises(InferenceServerException, match="UNIMPLEMENTED"):
        client.is_server_live(client_timeout=10.0)
    client.close()
