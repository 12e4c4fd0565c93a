"""OpenTelemetry traces from the HTTP request through gRPC to Triton; off unless an OTLP endpoint is configured.

While tracing is off every function here costs a comparison, and nothing of the SDK is imported. The trace's id is a
field of every log line that is written inside a span (``lensora.observability.logs``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from opentelemetry import trace
from opentelemetry.propagate import extract, inject
from opentelemetry.trace import SpanKind

Kind = Literal["internal", "server", "client", "producer", "consumer"]

_NAME = "lensora"
_state = {"enabled": False}


def configure(process: str, version: str, endpoint: str) -> None:
    """Send this process's spans to an OTLP/gRPC collector from now on; an empty endpoint leaves tracing off.

    Spans are sent in batches by a thread of the SDK's; a collector that is away costs spans, never a request. What
    waits at the process's end is sent then. Sampling follows the SDK's own variables (OTEL_TRACES_SAMPLER).

    Args:
        process: the process's name; ``service.name`` becomes ``lensora-<process>``.
        version: ``service.version``.
        endpoint: such as ``http://collector:4317``; ``https://`` for TLS.
    """
    if not endpoint:
        return
    # The SDK and its exporter take a quarter of a second to load.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create({"service.name": f"lensora-{process}", "service.version": version})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    _state["enabled"] = True


def enabled() -> bool:
    """Whether spans are made."""
    return _state["enabled"]


@contextmanager
def span(
    name: str,
    *,
    kind: Kind = "internal",
    parent: Mapping[str, str] | None = None,
    attributes: Mapping[str, str | int | float | bool] | None = None,
) -> Iterator[None]:
    """A span around a block, child of the current one; an exception marks it as failed and goes on.

    Args:
        name: of a bounded set, such as a route's template or a method; never an id.
        kind: what the block is to its neighbours.
        parent: a carrier (W3C ``traceparent``) that takes the current span's place; without one in it, a new trace.
        attributes: what is worth finding it by, such as the job's id.
    """
    if not _state["enabled"]:
        yield
        return
    context = None if parent is None else extract(dict(parent))
    with trace.get_tracer(_NAME).start_as_current_span(
        name, context=context, kind=SpanKind[kind.upper()], attributes=attributes
    ):
        yield


def note(name: str = "", **attributes: str | int | float | bool) -> None:
    """Give the current span its name, where it was not known before, and what was learnt since."""
    if _state["enabled"]:
        current = trace.get_current_span()
        if name:
            current.update_name(name)
        current.set_attributes(attributes)


def carrier() -> dict[str, str]:
    """The current span as headers or metadata for the next process; empty while tracing is off."""
    found: dict[str, str] = {}
    if _state["enabled"]:
        inject(found)
    return found


def fields() -> dict[str, str]:
    """``trace_id`` and ``span_id`` of the current span for a log line; empty outside of spans."""
    if not _state["enabled"]:
        return {}
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
