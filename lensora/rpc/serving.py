"""How every stage's process is put together: settings, logs, its service, the server, and the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import grpc

from lensora.adapters.readiness import ReadinessWatch
from lensora.allocator import bound_arenas
from lensora.core.errors import LensoraError
from lensora.observability.process import begin
from lensora.rpc.server import Server, run
from lensora.settings import ServiceSettings, load

if TYPE_CHECKING:
    from lensora.adapters.inference import Model

S = TypeVar("S", bound=ServiceSettings)


@dataclass(frozen=True)
class Service:
    """What differs between the stages' processes.

    Attributes:
        name: full name of the gRPC service, for health and reflection.
        register: adds its servicer to the server.
        models: health follows whether these answer.
        prepare: loads and warms up while health says NOT_SERVING; what it raises ends the process.
        close: gives back what is held, after the last call.
        asides: methods that run beside all others, one call of each at a time.
    """

    name: str
    register: Callable[[grpc.Server], None]
    models: Sequence[Model] = ()
    prepare: Callable[[], None] = lambda: None
    close: Callable[[], None] = lambda: None
    asides: Collection[str] = ()


def serve(process: str, settings_class: type[S], build: Callable[[S], Service]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code says whether it could start.

    Args:
        process: the process's name in logs and metrics, such as ``mesh``.
        settings_class: what is read from the environment.
        build: the composition: settings to adapters to the service.
    """
    bound_arenas()
    try:
        settings = load(settings_class)
        begin(process, settings)
        service = build(settings)
        server = Server(process, settings, service.register, [service.name], asides=service.asides)
        watch = ReadinessWatch(service.models, server.set_serving)

        def prepare() -> None:
            service.prepare()
            if service.models:
                watch.start()

        try:
            run(server, prepare)
        finally:
            service.close()
    except (LensoraError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0
