"""Traces: off by default; when on, one trace from the HTTP request through gRPC, its id in the log lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2

PROGRAM = '''
"""An HTTP-like span around a real gRPC call between a client and a server of ours, in one process."""
import asyncio, os
from grpc_health.v1 import health_pb2
import grpc
from lensora.api.detect.v1 import detector_pb2, detector_pb2_grpc
from lensora.observability import logs, traces
from lensora.rpc.channels import open_channel
from lensora.observability.process import begin
from lensora.rpc.server import Server
from lensora.settings import ServiceSettings, load

log = logs.get("program")

class Servicer(detector_pb2_grpc.DetectorServicer):
    def Detect(self, request, context):
        log.info("inside")
        return detector_pb2.DetectResponse(width=7)

settings = load(ServiceSettings)
begin("detect", settings)
server = Server("detect", settings, lambda s: detector_pb2_grpc.add_DetectorServicer_to_server(Servicer(), s), [])
server.start()
server.serve()

async def call():
    channel = open_channel(f"127.0.0.1:{server.port}")
    with traces.span("HTTP", kind="server", parent={"traceparent": os.environ["PARENT"]}):
        traces.note("POST /v1/studio/init", status=200)
        stub = detector_pb2_grpc.DetectorStub(channel)
        answer = await stub.Detect(detector_pb2.DetectRequest(), timeout=10, metadata=tuple(traces.carrier().items()))
        assert answer.width == 7
        log.info("outside")
    await channel.close()

asyncio.run(call())
server.stop()
'''

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"


class Collector(trace_service_pb2_grpc.TraceServiceServicer):  # type: ignore[misc]
    """An OTLP collector that keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, trace_pb2.Span]] = []
        self.calls = 0

    def Export(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.calls += 1
        for resource in request.resource_spans:
            service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
            for scope in resource.scope_spans:
                self.spans += [(service, span) for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    """A real OTLP/gRPC server and its endpoint."""
    server = grpc.server(ThreadPoolExecutor(2))
    kept = Collector()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(kept, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield kept, f"http://127.0.0.1:{port}"
    server.stop(None).wait()


def run(endpoint: str) -> list[dict[str, Any]]:
    """Run the program in a process of its own; its log lines."""
    environment = {
        **os.environ,
        "LENSORA_PORT": "0",
        "LENSORA_LOG_FORMAT": "json",
        "LENSORA_OTLP_ENDPOINT": endpoint,
        "PARENT": PARENT,
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]


def test_one_trace_from_http_to_the_service(collector: tuple[Collector, str]) -> None:
    """The service's span is a child of the HTTP span, which is a child of the client's; all have one trace id."""
    kept, endpoint = collector
    lines = run(endpoint)
    spans = {span.name: span for _, span in kept.spans}
    outer, inner = spans["POST /v1/studio/init"], spans["Detect"]
    assert {service for service, _ in kept.spans} == {"lensora-detect"}
    assert outer.trace_id.hex() == inner.trace_id.hex() == TRACE_ID
    assert outer.parent_span_id.hex() == "b7ad6b7169203331"
    assert inner.parent_span_id == outer.span_id
    by_event = {line["event"]: line for line in lines}
    assert by_event["inside"]["trace_id"] == by_event["outside"]["trace_id"] == TRACE_ID
    assert by_event["inside"]["span_id"] == inner.span_id.hex()


def test_off_by_default(collector: tuple[Collector, str]) -> None:
    """Without an endpoint nothing is sent, no log line has a trace id, and calls work as ever."""
    kept, _ = collector
    lines = run("")
    assert kept.calls == 0
    assert {line["event"] for line in lines} >= {"inside", "outside"}
    assert not [line for line in lines if "trace_id" in line]


def test_sdk_is_not_loaded_while_off() -> None:
    """A process that does not trace does not pay for OpenTelemetry's SDK."""
    code = (
        "import sys; from lensora.observability import traces; traces.configure('p', '1', '');"
        "assert not [m for m in sys.modules if m.startswith('opentelemetry.sdk.trace')], sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
