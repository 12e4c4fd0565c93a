"""The one runner of the gRPC services: bounded thread pool, health, reflection, drain on SIGTERM."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from lensora import __version__
from lensora.listeners import authority, effective_host, socket_address
from lensora.observability import logs
from lensora.rpc.interceptors import ASIDE_WAITING, CallInterceptor
from lensora.rpc.trust import TokenInterceptor, Trust
from lensora.settings import ServiceSettings
from lensora.termination import Termination

_log = logs.get(__name__)

HEALTH_THREADS = 2
"""Threads beside the workers, so that health answers while every worker is busy."""

KEEPALIVE_PERMIT_MS = 10_000
"""Clients ping every 20 s (``lensora.rpc.channels``); half of that is allowed."""


CONNECTION_AGE_S = 120.0
"""Clients connect anew after this, and look the name up again: so pods that an autoscaler adds get their share."""
CONNECTION_GRACE_MS = 3_600_000
"""Calls that run then go on to their end."""


class Server:
    """A gRPC server in this process: started, drained and stopped by its owner, or run until a signal by ``run``."""

    def __init__(
        self,
        process: str,
        settings: ServiceSettings,
        register: Callable[[grpc.Server], None],
        service_names: Sequence[str],
        *,
        connection_age_s: float = CONNECTION_AGE_S,
        asides: Collection[str] = (),
    ) -> None:
        """Bind the port; nothing answers SERVING before ``serve``.

        Args:
            process: the process's name in logs and metrics, such as ``mesh``.
            settings: address, workers, drain time.
            register: adds the servicers to the server.
            service_names: full names of the services, for health and reflection.
            connection_age_s: seconds after which a client connects anew.
            asides: methods that run beside all others, see ``CallInterceptor``.

        Raises:
            OSError: the port is taken.
        """
        self._process = process
        self._settings = settings
        self._names = ["", *service_names]
        trust = Trust.of(settings)
        self._server = grpc.server(
            ThreadPoolExecutor(
                settings.workers + settings.max_waiting + HEALTH_THREADS + len(asides) * (1 + ASIDE_WAITING),
                thread_name_prefix=process,
            ),
            interceptors=[
                TokenInterceptor(trust),
                CallInterceptor(workers=settings.workers, max_waiting=settings.max_waiting, asides=asides),
            ],
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.http2.min_ping_interval_without_data_ms", KEEPALIVE_PERMIT_MS),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.max_connection_age_ms", round(connection_age_s * 1000)),
                ("grpc.max_connection_age_grace_ms", CONNECTION_GRACE_MS),
            ],
        )
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        register(self._server)
        reflection.enable_server_reflection(
            [*service_names, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server
        )
        host = effective_host(settings.host)
        socket = settings.listen_socket
        self._address = socket_address(socket) if socket is not None else authority(host, settings.port)
        try:
            self.port = self._listen(trust)
        except RuntimeError as error:
            what = f"LENSORA_LISTEN_SOCKET={socket}" if socket is not None else f"LENSORA_PORT={settings.port}"
            raise OSError(f"{what}: cannot listen on {self._address}: {error}") from error
        if socket is None:
            self._address = authority(host, self.port)
        self._plain_health, self.health_port = self._health_server(host, settings.health_port)
        self._stopped = threading.Event()

    def _listen(self, trust: Trust) -> int:
        if trust.folder is None:
            return int(self._server.add_insecure_port(self._address))
        return int(self._server.add_secure_port(self._address, trust.server_credentials()))

    def _health_server(self, host: str, port: int) -> tuple[grpc.Server | None, int]:
        """A server of health alone, and its port; none for port 0. Raises OSError."""
        if not port:
            return None, 0
        server = grpc.server(ThreadPoolExecutor(1, thread_name_prefix="health"), options=[("grpc.so_reuseport", 0)])
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        try:
            return server, int(server.add_insecure_port(authority(host, port)))
        except RuntimeError as error:
            raise OSError(f"LENSORA_HEALTH_PORT={port}: cannot listen on {host}: {error}") from error

    def start(self) -> None:
        """Open the port: health answers NOT_SERVING until ``serve``."""
        self._server.start()
        if self._plain_health is not None:
            self._plain_health.start()

    def serve(self) -> None:
        """Say SERVING: the models are loaded."""
        self._set_health(health_pb2.HealthCheckResponse.SERVING)
        _log.info("serving", address=self._address, version=__version__)

    def set_serving(self, serving: bool) -> None:
        """Change health while running, such as when Triton goes away."""
        self._set_health(
            health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        )

    def stop(self) -> None:
        """Say NOT_SERVING, let running calls finish within the drain time, then stop."""
        self._health.enter_graceful_shutdown()
        _log.info("draining", seconds=self._settings.drain_seconds)
        self._server.stop(self._settings.drain_seconds).wait()
        if self._plain_health is not None:
            self._plain_health.stop(None).wait()
        _log.info("stopped")
        self._stopped.set()

    def _set_health(self, status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        for name in self._names:
            self._health.set(name, status)


def run(server: Server, prepare: Callable[[], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Args:
        server: not yet started.
        prepare: loads models and warms up while health says NOT_SERVING. What it raises ends the process.
    """
    with Termination() as stop:
        server.start()
        if prepare is not None:
            prepare()
        if not stop.is_set():
            server.serve()
        stop.wait()
    server.stop()
