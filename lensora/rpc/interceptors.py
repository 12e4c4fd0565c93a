"""What surrounds every handled call: admission, deadline, errors, metrics, and the fields of its log lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any

import grpc

from lensora.core.errors import InternalError, LensoraError, Overloaded
from lensora.observability import logs, metrics, traces
from lensora.rpc.call import check_alive
from lensora.rpc.status import rpc_status_of, statuses

_log = logs.get(__name__)

UNLIMITED_PREFIXES = ("/grpc.health.", "/grpc.reflection.")
"""Probes are answered however busy the workers are."""

CONTEXT_FIELDS = {"job_id": "x-job-id", "request_id": "x-request-id"}
"""Request metadata that is bound into every log line of the call."""

TRACE_FIELDS = frozenset({"traceparent", "tracestate"})
"""Request metadata that carries the caller's span (W3C Trace Context)."""


ASIDE_WAITING = 2
"""Calls that may wait for the one place of a method that has its own."""


class _Places:
    """So many calls run, and so many wait."""

    def __init__(self, running: int, waiting: int) -> None:
        self.running = threading.BoundedSemaphore(running)
        self.admitted = threading.BoundedSemaphore(running + waiting)


class CallInterceptor(grpc.ServerInterceptor):  # type: ignore[misc]
    """At most ``workers`` calls run, ``max_waiting`` wait; errors of the tree leave as typed statuses."""

    def __init__(self, *, workers: int, max_waiting: int, asides: Collection[str] = ()) -> None:
        """
        Args:
            workers: calls that run at the same time.
            max_waiting: calls that may wait.
            asides: methods that run beside all others, one call of each at a time: long work that must not keep the
                short waiting.
        """
        self._places = _Places(workers, max_waiting)
        self._asides = {method: _Places(1, ASIDE_WAITING) for method in asides}

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        handler = continuation(details)
        if handler is None or details.method.startswith(UNLIMITED_PREFIXES) or handler.request_streaming:
            return handler
        method = details.method.rsplit("/", 1)[-1]
        metadata = {key: value for key, value in details.invocation_metadata or () if isinstance(value, str)}
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(
                lambda request, context: self._stream(handler.unary_stream, method, metadata, request, context),
                handler.request_deserializer,
                handler.response_serializer,
            )

        def unary(request: Any, context: grpc.ServicerContext) -> Any:
            # A unary call is a stream of one; it is read to its end, so that what follows the answer runs too.
            answers = list(
                self._stream(lambda r, c: iter((handler.unary_unary(r, c),)), method, metadata, request, context)
            )
            if not answers:
                context.abort(grpc.StatusCode.CANCELLED, "the caller has cancelled the call")
            return answers[0]

        return grpc.unary_unary_rpc_method_handler(unary, handler.request_deserializer, handler.response_serializer)

    def _stream(
        self,
        behavior: Callable[[Any, grpc.ServicerContext], Iterator[Any]],
        method: str,
        metadata: dict[str, str],
        request: Any,
        context: grpc.ServicerContext,
    ) -> Iterator[Any]:
        fields = {name: metadata[key] for name, key in CONTEXT_FIELDS.items() if key in metadata}
        parent = {key: metadata[key] for key in TRACE_FIELDS & metadata.keys()}
        places = self._asides.get(method, self._places)
        if not places.admitted.acquire(blocking=False):
            metrics.RPC_CALLS.labels(method=method, status=grpc.StatusCode.RESOURCE_EXHAUSTED.name).inc()
            context.abort_with_status(rpc_status_of(Overloaded(f"{method} has as many calls waiting as it may hold")))
        started = time.perf_counter()
        status = grpc.StatusCode.CANCELLED
        try:
            with (
                traces.span(method, kind="server", parent=parent, attributes={"rpc.system": "grpc", **fields}),
                logs.bind(stage=method, **fields),
                metrics.RPC_RUNNING.labels(method=method).track_inprogress(),
            ):
                try:
                    _wait(places, context)
                    try:
                        yield from behavior(request, context)
                    finally:
                        places.running.release()
                    status = grpc.StatusCode.OK
                except LensoraError as error:
                    status = statuses(type(error))[0]
                    internal = status is grpc.StatusCode.INTERNAL
                    _log.warning("call_failed", code=error.code, error=error.message, exc_info=internal)
                    context.abort_with_status(rpc_status_of(error))
                except Exception as error:
                    if not context.is_active():
                        return
                    status = grpc.StatusCode.INTERNAL
                    _log.exception("call_crashed")
                    context.abort_with_status(rpc_status_of(InternalError(f"{type(error).__name__}: {error}")))
        finally:
            places.admitted.release()
            seconds = time.perf_counter() - started
            metrics.RPC_CALLS.labels(method=method, status=status.name).inc()
            metrics.RPC_SECONDS.labels(method=method).observe(seconds)
            _log.info("call_done", method=method, status=status.name, seconds=round(seconds, 4), **fields)


def _wait(places: _Places, context: grpc.ServicerContext) -> None:
    """Take a worker's place; gives up when the caller does."""
    while not places.running.acquire(timeout=0.2):
        check_alive(context)
