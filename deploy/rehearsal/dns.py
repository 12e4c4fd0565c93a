"""A name server for the rehearsal: answers ``<service>.<namespace>.svc`` with the addresses of its ready pods."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address

A_RECORD = 1
TTL_S = 1
"""As short as a cluster's own DNS makes it in effect: pods come and go within seconds."""
NOT_FOUND = 3
DATAGRAM_BYTES = 512

Lookup = Callable[[str], Sequence[str] | None]
"""Addresses of a name; None for a name that there is not. An empty sequence is a Service without ready pods."""


class NameServer:
    """UDP, A records only (RFC 1035): as much of a DNS server as a resolver needs."""

    def __init__(self, address: str, lookup: Lookup) -> None:
        """Listen on a free port of ``address`` from now on."""
        self._lookup = lookup
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self.authority = f"{address}:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, name="rehearsal-dns", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        # A datagram to itself ends the blocking read.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(DATAGRAM_BYTES)
            if not query:
                return
            self._socket.sendto(self._answer(query), client)

    def _answer(self, query: bytes) -> bytes:
        labels, at = [], 12
        while length := query[at]:
            labels.append(query[at + 1 : at + 1 + length].decode("ascii"))
            at += 1 + length
        question = query[12 : at + 5]
        (kind,) = struct.unpack(">H", query[at + 1 : at + 3])
        addresses = self._lookup(".".join(labels).lower())
        code = NOT_FOUND if addresses is None else 0
        answers = [
            struct.pack(">HHHIH", 0xC00C, A_RECORD, 1, TTL_S, 4) + IPv4Address(address).packed
            for address in (addresses or ())
            if kind == A_RECORD
        ]
        # A response, authoritative, recursion as asked for: flags 0x8400.
        flags = 0x8400 | (query[2] & 0x01) << 8 | code
        return query[:2] + struct.pack(">HHHHH", flags, 1, len(answers), 0, 0) + question + b"".join(answers)
