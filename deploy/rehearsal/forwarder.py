"""What kube-proxy does for a Service with an address: each connection goes to one of its ready pods."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Sequence

CHUNK_BYTES = 65_536
CONNECT_TIMEOUT_S = 5.0

Backends = Callable[[], Sequence[tuple[str, int]]]


class Forwarder:
    """A TCP listener that passes every connection on. A connection stays with its pod until one side closes it."""

    def __init__(self, address: str, port: int, backends: Backends) -> None:
        """Listen from now on.

        Args:
            address: the Service's address.
            port: the Service's port.
            backends: the ready pods' addresses and ports, asked at every connection.
        """
        self.refusals: list[str] = []
        self._backends = backends
        self._listener = socket.create_server((address, port), backlog=128)
        threading.Thread(target=self._accept, name=f"service-{port}", daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        backends = list(self._backends())
        random.shuffle(backends)
        with client:
            if not backends:
                self.refusals.append("no pod was ready")
                return
            try:
                server = socket.create_connection(backends[0], timeout=CONNECT_TIMEOUT_S)
            except OSError as error:
                self.refusals.append(f"{backends[0]}: {error}")
                return
            with server:
                server.settimeout(None)
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                _copy(client, server)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(CHUNK_BYTES):
            target.sendall(data)
    except OSError:
        pass
    finally:
        for end, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
            try:
                end.shutdown(how)
            except OSError:
                continue
