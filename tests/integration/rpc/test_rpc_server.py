"""The server runner over a real loopback socket: health, typed errors, admission, cancellation, drain."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from lensora.api.progress.v1.progress_pb2 import Progress
from lensora.api.segment.v1 import segmenter_pb2 as pb
from lensora.api.segment.v1 import segmenter_pb2_grpc as rpc
from lensora.core.errors import Cancelled, DeadlineExceeded, InternalError, Overloaded, SubjectNotFound
from lensora.observability.metrics import RPC_RUNNING
from lensora.rpc.call import check_alive, unary
from lensora.rpc.server import Server
from lensora.rpc.status import HIDDEN_TEXT, error_of
from lensora.settings import ServiceSettings

SEGMENTER = "lensora.api.segment.v1.Segmenter"


class ScriptedSegmenter(rpc.SegmenterServicer):
    """Behaves by the request's output_prefix, so that each test says what it wants."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.cancelled = threading.Event()
        self.left_s: list[float | None] = []

    def Composite(self, request: pb.CompositeRequest, context: grpc.ServicerContext) -> pb.CompositeResponse:
        if request.output_prefix == "missing":
            raise SubjectNotFound("no subject found in the box", field="box")
        if request.output_prefix == "crash":
            raise ZeroDivisionError("secret path /etc/lensora")
        if request.output_prefix == "time left":
            self.left_s.append(unary(context, lambda call: call.time_left_s()))
        if request.output_prefix == "wait":
            while not self.release.wait(0.02):
                try:
                    check_alive(context)
                except (Cancelled, DeadlineExceeded):
                    self.cancelled.set()
                    raise
        return pb.CompositeResponse()

    def Cutout(self, request: pb.CutoutRequest, context: grpc.ServicerContext) -> Iterator[pb.CutoutResponse]:
        yield pb.CutoutResponse(progress=Progress(fraction=0.5))
        if request.output_prefix == "missing":
            raise SubjectNotFound("no subject found in the box", field="box")
        yield pb.CutoutResponse(result=pb.CutoutResult())


Started = tuple[Server, ScriptedSegmenter, rpc.SegmenterStub, grpc.Channel]


@pytest.fixture
def start() -> Iterator[Callable[..., Started]]:
    """Starts servers of one worker on free ports, and stops them after the test."""
    opened: list[tuple[Server, grpc.Channel]] = []

    def starter(
        *, max_waiting: int = 4, drain_seconds: float = 5.0, serve: bool = True, asides: tuple[str, ...] = ()
    ) -> Started:
        servicer = ScriptedSegmenter()
        settings = ServiceSettings(port=0, workers=1, max_waiting=max_waiting, drain_seconds=drain_seconds)
        server = Server(
            "segment",
            settings,
            lambda s: rpc.add_SegmenterServicer_to_server(servicer, s),
            [SEGMENTER],
            asides=asides,
        )
        server.start()
        if serve:
            server.serve()
        channel = grpc.insecure_channel(f"127.0.0.1:{server.port}")
        opened.append((server, channel))
        return server, servicer, rpc.SegmenterStub(channel), channel

    yield starter
    for server, channel in opened:
        channel.close()
        server.stop()


def test_health_turns_serving_only_when_told(start: Callable[..., Started]) -> None:
    """Before the models are loaded health says NOT_SERVING, then SERVING, for the process and for its service."""
    server, _, _, channel = start(serve=False)
    stub = health_pb2_grpc.HealthStub(channel)
    for name in ("", SEGMENTER):
        assert stub.Check(health_pb2.HealthCheckRequest(service=name)).status == 2
    server.serve()
    for name in ("", SEGMENTER):
        assert stub.Check(health_pb2.HealthCheckRequest(service=name)).status == 1


def test_reflection_lists_the_service(start: Callable[..., Started]) -> None:
    """grpcurl and its like can ask what is served."""
    _, _, _, channel = start()
    assert SEGMENTER in ProtoReflectionDescriptorDatabase(channel).get_services()


@pytest.mark.parametrize("streaming", [False, True], ids=["unary", "stream"])
def test_a_typed_error_comes_back_as_itself(start: Callable[..., Started], streaming: bool) -> None:
    """The class, its sentence and its field survive the wire, for both kinds of call."""
    _, _, stub, _ = start()
    with pytest.raises(grpc.RpcError) as caught:
        if streaming:
            list(stub.Cutout(pb.CutoutRequest(output_prefix="missing"), timeout=5))
        else:
            stub.Composite(pb.CompositeRequest(output_prefix="missing"), timeout=5)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    error = error_of(caught.value, service="segment")
    assert type(error) is SubjectNotFound
    assert (error.message, error.field) == ("no subject found in the box", "box")


def test_a_crash_is_internal_and_its_text_stays_inside(start: Callable[..., Started]) -> None:
    """An unknown exception reaches the caller as INTERNAL without its text."""
    _, _, stub, _ = start()
    with pytest.raises(grpc.RpcError) as caught:
        stub.Composite(pb.CompositeRequest(output_prefix="crash"), timeout=5)
    error = error_of(caught.value, service="segment")
    assert type(error) is InternalError
    assert error.message == HIDDEN_TEXT
    assert "secret" not in str(caught.value)


def test_more_calls_than_places_are_refused_and_probes_still_answered(start: Callable[..., Started]) -> None:
    """One runs, one waits, the third is Overloaded; health answers all the while; then all places are free again."""
    _, servicer, stub, channel = start(max_waiting=1)
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(stub.Composite, pb.CompositeRequest(output_prefix="wait"), timeout=20) for _ in "ab"]
        time.sleep(0.3)
        # What stages are scaled on counts the one that waits too, and says so.
        (metric,) = RPC_RUNNING.labels(method="Composite").collect()
        assert metric.samples[0].value == 2
        assert "wait" in metric.documentation
        with pytest.raises(grpc.RpcError) as caught:
            stub.Composite(pb.CompositeRequest(), timeout=5)
        assert type(error_of(caught.value, service="segment")) is Overloaded
        health = health_pb2_grpc.HealthStub(channel)
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=2).status == 1
        servicer.release.set()
        for call in running:
            assert call.result() == pb.CompositeResponse()
    for _ in range(5):
        assert stub.Composite(pb.CompositeRequest(), timeout=5) == pb.CompositeResponse()


def test_a_method_aside_keeps_no_other_waiting(start: Callable[..., Started]) -> None:
    """One call of it runs, two wait, the fourth is Overloaded; the one worker is free for others all the while."""
    _, servicer, stub, _ = start(asides=("Composite",))
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(stub.Composite, pb.CompositeRequest(output_prefix="wait"), timeout=20) for _ in "abc"]
        time.sleep(0.3)
        assert list(stub.Cutout(pb.CutoutRequest(), timeout=5))[-1].HasField("result")
        with pytest.raises(grpc.RpcError) as caught:
            stub.Composite(pb.CompositeRequest(), timeout=5)
        assert type(error_of(caught.value, service="segment")) is Overloaded
        servicer.release.set()
        for call in running:
            assert call.result() == pb.CompositeResponse()


def test_cancelling_reaches_the_work_and_frees_its_place(start: Callable[..., Started]) -> None:
    """A cancelled call stops its work soon, and the next call finds the worker free."""
    _, servicer, stub, _ = start()
    call = stub.Composite.future(pb.CompositeRequest(output_prefix="wait"), timeout=20)
    time.sleep(0.2)
    call.cancel()
    assert servicer.cancelled.wait(2.0)
    assert stub.Composite(pb.CompositeRequest(), timeout=5) == pb.CompositeResponse()


def test_a_deadline_reaches_the_work(start: Callable[..., Started]) -> None:
    """The work learns of the call's deadline, and the caller gets DeadlineExceeded."""
    _, servicer, stub, _ = start()
    with pytest.raises(grpc.RpcError) as caught:
        stub.Composite(pb.CompositeRequest(output_prefix="wait"), timeout=0.3)
    assert type(error_of(caught.value, service="segment")) is DeadlineExceeded
    assert servicer.cancelled.wait(2.0)


def test_work_knows_whether_there_is_a_deadline(start: Callable[..., Started]) -> None:
    """Of a call without one there is no time that is left, and not the ages that gRPC has for it."""
    _, servicer, stub, _ = start()
    stub.Composite(pb.CompositeRequest(output_prefix="time left"))
    stub.Composite(pb.CompositeRequest(output_prefix="time left"), timeout=30.0)
    without, within = servicer.left_s
    assert without is None
    assert within is not None and 0.0 < within <= 31.0


def test_stopping_lets_running_calls_finish(start: Callable[..., Started]) -> None:
    """During the drain the running call ends well, and no new one is taken."""
    server, servicer, stub, _ = start(drain_seconds=10.0)
    call = stub.Composite.future(pb.CompositeRequest(output_prefix="wait"), timeout=20)
    time.sleep(0.2)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    time.sleep(0.3)
    with pytest.raises(grpc.RpcError) as caught:
        stub.Composite(pb.CompositeRequest(), timeout=1)
    assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    servicer.release.set()
    assert call.result(timeout=5) == pb.CompositeResponse()
    stopper.join(5)
    assert not stopper.is_alive()


def test_a_taken_port_says_so(start: Callable[..., Started]) -> None:
    """A second server on the same port fails with the variable's name, not with a silent share of the calls."""
    server, _, _, _ = start()
    with pytest.raises(OSError, match=rf"LENSORA_PORT={server.port}"):
        Server("other", ServiceSettings(port=server.port), lambda _: None, [])
