"""Names that nobody answers for: whoever gives them waits, and nobody else does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.egress import Egress, EgressPolicy, EgressRefused, FetchFailed, HostUnresolved
from gateway.resolver import CaresResolver

DEAD = 16
"""Dead names of one customer: as many as stopped a process whose look-ups took threads."""


class NameServer(asyncio.DatagramProtocol):
    """Answers for ``good.test`` and ``inside.test``; silent for names that begin with ``dead``; no such name else."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if b"dead" in data:
            return
        end = data.index(b"\0", 12) + 5
        question, kind = data[12:end], data[end - 3]
        address = {b"\x04good": bytes([93, 184, 216, 34]), b"\x06inside": bytes([10, 0, 0, 7])}
        found = next((value for name, value in address.items() if question.startswith(name)), b"")
        answers = 1 if found and kind == 1 else 0
        status = b"\x81\x80" if found else b"\x81\x83"
        head = data[:2] + status + b"\0\1" + bytes([0, answers]) + b"\0\0\0\0"
        record = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + found if answers else b""
        self.transport.sendto(head + question + record, addr)  # type: ignore[attr-defined]


@asynccontextmanager
async def name_server() -> AsyncIterator[Egress]:
    """A guard whose names come from a name server of our own."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    resolver = CaresResolver([f"127.0.0.1:{port}"], try_s=0.3)
    try:
        yield Egress(EgressPolicy(), resolver=resolver)
    finally:
        await resolver.close()
        transport.close()


async def test_names_are_looked_up_and_held_to_the_same_rules() -> None:
    """A public address is taken, a private one and none at all are refused with the same words."""
    async with name_server() as egress:
        target = await egress.check("http://good.test/a.png")
        assert target.host == "good.test"
        for host in ("inside.test", "missing.test", "localhost"):
            with pytest.raises(EgressRefused, match=f"url's host {host} does not lead to a public address"):
                await egress.check(f"http://{host}/a.png")


async def test_dead_names_of_one_customer_delay_no_other() -> None:
    """While a customer's names time out, another's is looked up at once; each dead one ends as 'not known now'."""
    async with name_server() as egress:
        dead = [
            asyncio.create_task(egress.check(f"http://dead{number}.test/", account_id="one")) for number in range(DEAD)
        ]
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await egress.check("http://good.test/", account_id="two")
        assert time.monotonic() - began < 0.5
        ended = await asyncio.gather(*dead, return_exceptions=True)
        assert {type(error) for error in ended} == {HostUnresolved}, ended[:5]
        assert time.monotonic() - began < 8.0


async def test_a_picture_behind_a_dead_name_may_be_tried_again() -> None:
    """The worker's download says 'not now' instead of 'never'."""
    async with name_server() as egress:
        with pytest.raises(FetchFailed) as caught:
            await egress.fetch_image("http://dead.test/a.png")
        assert caught.value.retryable
