"""A stage that grows: callers find the new pods of a headless Service by themselves."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from deploy.rehearsal.dns import NameServer
from lensora.api.detect.v1 import detector_pb2, detector_pb2_grpc
from lensora.rpc.channels import open_channel
from lensora.rpc.server import Server
from lensora.settings import ServiceSettings

NAME = "detect.lensora.svc"


class Pod(detector_pb2_grpc.DetectorServicer):  # type: ignore[misc]
    """Answers with its own number."""

    def __init__(self, number: int) -> None:
        self._number = number

    def Detect(self, request: Any, context: Any) -> Any:
        return detector_pb2.DetectResponse(width=self._number)


def start(address: str, port: int, number: int) -> Server:
    """A server of ours on an address of its own, whose connections live a second."""
    settings = ServiceSettings(host=address, port=port, drain_seconds=1.0)
    server = Server(
        "detect",
        settings,
        lambda raw: detector_pb2_grpc.add_DetectorServicer_to_server(Pod(number), raw),
        [],
        connection_age_s=1.0,
    )
    server.start()
    server.serve()
    return server


async def test_new_pods_get_their_share_without_an_error() -> None:
    """A pod that joins the Service gets half of the calls once connections have aged; no call fails on the way."""
    known = {NAME: ["127.0.0.1"]}
    names = NameServer("127.0.0.1", known.get)
    first = start("127.0.0.1", 0, 1)
    second = start("127.0.0.2", first.port, 2)
    channel = open_channel(f"dns://{names.authority}/{NAME}:{first.port}")
    stub = detector_pb2_grpc.DetectorStub(channel)

    async def calls() -> Counter[int]:
        return Counter([(await stub.Detect(detector_pb2.DetectRequest(), timeout=10)).width for _ in range(20)])

    try:
        assert await calls() == {1: 20}
        known[NAME] = ["127.0.0.1", "127.0.0.2"]
        deadline = time.monotonic() + 30
        while (seen := await calls()) != {1: 10, 2: 10}:
            assert time.monotonic() < deadline, seen
    finally:
        await channel.close()
        for server in (first, second):
            server.stop()
        names.close()
