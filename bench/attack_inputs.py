"""What attackers send: files that unfold, servers that drip or stay silent. All on loopback."""

from __future__ import annotations

import asyncio
import functools
import io
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from PIL import Image

from lensora.imaging.header import MAX_BYTES

UNFOLDED_PX = 7070
"""Just under the API's 52 megapixels."""

FLOOD_JPEG = b"\xff\xd8" + b"\xff\xd0" * ((MAX_BYTES - 1_000) // 2)
"""A JPEG of restart markers alone."""


@functools.cache
def tiny_webp() -> bytes:
    """A lossless, see-through WebP of one colour: about a hundred bytes for 50 megapixels."""
    data = io.BytesIO()
    Image.new("RGBA", (UNFOLDED_PX, UNFOLDED_PX)).save(data, "WEBP", lossless=True)
    return data.getvalue()


@functools.cache
def whole_pictures() -> tuple[bytes, ...]:
    """A picture in each format."""
    seeds = []
    picture = Image.linear_gradient("L").resize((320, 240)).convert("RGB")
    for name, options in (("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {"lossless": True})):
        data = io.BytesIO()
        picture.save(data, name, **options)
        seeds.append(data.getvalue())
    return tuple(seeds)


def mutated(number: int) -> bytes:
    """The same damaged picture for the same number."""
    chance = random.Random(number)
    data = bytearray(chance.choice(whole_pictures()))
    for _ in range(chance.randint(1, 12)):
        if not data:  # a small picture that has been cut away whole
            break
        place = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[place] = chance.randrange(256)
            case 1:
                del data[place : place + chance.randint(1, 64)]
            case 2:
                data[place:place] = data[place : place + chance.randint(1, 64)]
            case _:
                data[place : place + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"))
    return bytes(data) or b"\0"


@asynccontextmanager
async def silent_name_server() -> AsyncIterator[str]:
    """``address:port`` of a name server that never answers."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    try:
        yield f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()


@asynccontextmanager
async def drip_server(port: int) -> AsyncIterator[None]:
    """A web server whose answers come a byte at a time: pictures, and what receivers and storages say."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n\x89PNG\r\n\x1a\n")
            while not writer.is_closing():
                writer.write(b"a")
                await writer.drain()
                await asyncio.sleep(0.2)
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
