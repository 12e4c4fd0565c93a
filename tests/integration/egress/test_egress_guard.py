"""The guarded way out against real servers on loopback that must, or must not, be reached."""

from __future__ import annotations

import asyncio
import datetime
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.egress import AnsweredLate, Egress, EgressPolicy, EgressRefused, FetchFailed

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 100
Respond = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Listener:
    """A server that counts who reached it."""

    port: int
    connections: int = 0
    requests: list[str] = field(default_factory=list)


def answer(body: bytes, status: str = "200 OK", **headers: str) -> Respond:
    """An answer with Content-Length."""

    async def respond(_head: str, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return respond


@asynccontextmanager
async def listening(
    respond: Respond, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Listener]:
    """A server on loopback."""
    listener = Listener(0)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            listener.requests.append(head)
            await respond(head, writer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, host, 0, ssl=tls)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        server.close()
        await server.wait_closed()


def names(**addresses: Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A DNS in which names have the given addresses."""

    async def resolve(host: str, _port: int) -> Sequence[str]:
        found = addresses.get(host.replace(".", "_"))
        if found is None:
            raise OSError("no such name")
        return found

    return resolve


def policy(port: int, *private: str, **more: object) -> EgressPolicy:
    """Allows the listener's port; reaches private addresses only under the given names."""
    return replace(EgressPolicy(ports=frozenset({port, 80, 443}), private_hosts=frozenset(private)), **more)  # type: ignore[arg-type]


async def test_the_listener_can_be_reached_when_it_is_allowed() -> None:
    """The positive control: with the name allowed, the very same request arrives, with the name in its Host header."""
    async with listening(answer(PNG)) as there:
        egress = Egress(policy(there.port, "plates.test"), resolver=names(plates_test=["127.0.0.1"]))
        fetched = await egress.fetch_image(f"http://plates.test:{there.port}/a.png?x=1")
        assert fetched.data == PNG
        assert fetched.media_type == "image/png"
        assert "GET /a.png?x=1 HTTP/1.1" in there.requests[0]
        assert f"Host: plates.test:{there.port}" in there.requests[0]


HOSTS = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "017700000001",
    "0177.0.0.1",
    "0.0.0.0",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "\uff11\uff12\uff17.0.0.1",
    "127\u30020\u30020\u30021",
    "user@127.0.0.1",
    "user:secret@localhost",
    "example.com\\@127.0.0.1",
    "loopback.test",
    "mixed.test",
    "mapped.test",
    "metadata.test",
]


@pytest.mark.parametrize("host", HOSTS)
async def test_no_form_of_a_host_reaches_loopback(host: str) -> None:
    """However loopback is written or named, the server there sees no connection, from check, fetch and post alike."""
    resolver = names(
        localhost=["127.0.0.1", "::1"],
        loopback_test=["127.0.0.1"],
        mixed_test=["8.8.8.8", "127.0.0.1"],
        mapped_test=["::ffff:127.0.0.1"],
        metadata_test=["169.254.169.254"],
    )
    async with listening(answer(PNG)) as there:
        egress = Egress(policy(there.port), resolver=resolver)
        url = f"http://{host}:{there.port}/a.png"
        with pytest.raises(EgressRefused):
            await egress.check(url)
        with pytest.raises(EgressRefused):
            await egress.fetch_image(url)
        with pytest.raises(EgressRefused):
            await egress.post(url, b"{}", {}, timeout_s=2.0)
        assert there.connections == 0


async def test_the_systems_own_resolver_is_guarded_too() -> None:
    """With no stand-in for the DNS, localhost is refused as well."""
    async with listening(answer(PNG)) as there:
        with pytest.raises(EgressRefused, match="not lead to a public address"):
            await Egress(policy(there.port)).fetch_image(f"http://localhost:{there.port}/")
        assert there.connections == 0


@pytest.mark.parametrize("scheme", ["ftp", "file", "gopher", "unix", "HTTP+UNIX"])
async def test_other_schemes_reach_nothing(scheme: str) -> None:
    """Only http and https are spoken."""
    async with listening(answer(PNG)) as there:
        with pytest.raises(EgressRefused):
            await Egress(policy(there.port, "127.0.0.1")).fetch_image(f"{scheme}://127.0.0.1:{there.port}/")
        assert there.connections == 0


async def test_another_port_reaches_nothing() -> None:
    """A port that is not allowed is refused even on a host that is."""
    async with listening(answer(PNG)) as there:
        egress = Egress(EgressPolicy(private_hosts=frozenset({"127.0.0.1"})))
        with pytest.raises(EgressRefused, match="port"):
            await egress.fetch_image(f"http://127.0.0.1:{there.port}/")
        assert there.connections == 0


async def test_an_address_that_changes_after_the_check_is_refused() -> None:
    """A DNS that answers a public address to the check and loopback to the fetch gets no connection."""
    answers = [["8.8.8.8"], ["127.0.0.1"]]

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return answers.pop(0)

    async with listening(answer(PNG)) as there:
        egress = Egress(policy(there.port), resolver=resolve)
        url = f"http://rebind.test:{there.port}/"
        await egress.check(url)
        with pytest.raises(EgressRefused, match="not lead to a public address"):
            await egress.fetch_image(url)
        assert there.connections == 0
        assert answers == []


async def test_the_name_is_resolved_once_per_connection() -> None:
    """The address that was checked is the address that is connected to: there is no second look-up to be lied to."""
    looked_up: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        looked_up.append(host)
        return ["127.0.0.1"] if len(looked_up) == 1 else ["127.0.0.2"]

    async with listening(answer(PNG)) as there:
        egress = Egress(policy(there.port, "once.test"), resolver=resolve)
        await egress.fetch_image(f"http://once.test:{there.port}/")
        assert looked_up == ["once.test"]
        assert there.connections == 1


@pytest.mark.parametrize(
    "to",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://2130706433:{port}/",
        "//127.0.0.1:{port}/",
        "file:///etc/passwd",
    ],
)
async def test_a_redirect_to_a_private_address_is_not_followed(to: str) -> None:
    """Each hop meets the same guard as the first."""
    async with listening(answer(PNG)) as hidden:
        location = to.format(port=hidden.port)
        async with listening(answer(b"", "302 Found", Location=location)) as open_host:
            allowed = replace(policy(open_host.port, "cdn.test"), ports=frozenset({open_host.port, hidden.port}))
            egress = Egress(allowed, resolver=names(cdn_test=["127.0.0.1"], localhost=["127.0.0.1"]))
            with pytest.raises(EgressRefused):
                await egress.fetch_image(f"http://cdn.test:{open_host.port}/")
            assert open_host.connections == 1
            assert hidden.connections == 0


async def test_redirects_are_followed_three_times_and_no_more() -> None:
    """Three hops arrive, a fourth is refused."""

    async def respond(head: str, writer: asyncio.StreamWriter) -> None:
        left = int(head.split()[1].strip("/"))
        respond_now = answer(PNG) if left == 0 else answer(b"", "307 Temporary Redirect", Location=f"/{left - 1}")
        await respond_now(head, writer)

    async with listening(respond) as there:
        egress = Egress(policy(there.port, "cdn.test"), resolver=names(cdn_test=["127.0.0.1"]))
        assert (await egress.fetch_image(f"http://cdn.test:{there.port}/3")).data == PNG
        with pytest.raises(FetchFailed, match="more than 3 times"):
            await egress.fetch_image(f"http://cdn.test:{there.port}/4")


async def test_a_body_over_the_limit_is_cut_off() -> None:
    """Neither a declared length nor an endless stream puts more than the limit into memory."""
    sent = 0

    async def endless(_head: str, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + PNG.ljust(0x10000, b"\x00") + b"\r\n")
            await writer.drain()
            sent += 0x10000

    limit = 300_000
    async with listening(endless) as there:
        egress = Egress(policy(there.port, "127.0.0.1", max_bytes=limit))
        with pytest.raises(FetchFailed, match=r"at most 0\.3 MB"):
            await egress.fetch_image(f"http://127.0.0.1:{there.port}/")
        assert sent < 20_000_000
    async with listening(answer(PNG.ljust(limit + 1, b"\x00"))) as there:
        egress = Egress(policy(there.port, "127.0.0.1", max_bytes=limit))
        with pytest.raises(FetchFailed, match=r"at most 0\.3 MB"):
            await egress.fetch_image(f"http://127.0.0.1:{there.port}/")


async def test_a_slow_server_is_given_up() -> None:
    """The time limit holds for the whole, however slowly the bytes come."""

    async def trickle(_head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            writer.write(b"\x89")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with listening(trickle) as there:
        egress = Egress(policy(there.port, "127.0.0.1", timeout_s=0.3))
        with pytest.raises(FetchFailed, match=r"within 0\.3 seconds") as failed:
            await egress.fetch_image(f"http://127.0.0.1:{there.port}/")
        assert failed.value.retryable


@pytest.mark.parametrize(
    ("respond", "says", "retryable"),
    [
        (answer(b"<html></html>", Content_Type="image/png"), "not a JPEG, PNG or WebP", False),
        (answer(PNG, "404 Not Found"), "status 404", False),
        (answer(PNG, "503 Service Unavailable"), "status 503", True),
        (answer(PNG, Content_Encoding="gzip"), "compressed", False),
        (answer(b"", "302 Found"), "status 302", False),
    ],
)
async def test_what_is_no_picture_is_said_so(respond: Respond, says: str, retryable: bool) -> None:
    """A wrong answer gives a sentence, and whether another try may do."""
    async with listening(respond) as there:
        with pytest.raises(FetchFailed, match=says) as failed:
            await Egress(policy(there.port, "127.0.0.1")).fetch_image(f"http://127.0.0.1:{there.port}/")
        assert failed.value.retryable is retryable


async def test_nobody_there_and_no_such_name() -> None:
    """A closed port may be tried again; a name that does not exist is refused."""
    async with listening(answer(PNG)) as there:
        port = there.port
    with pytest.raises(FetchFailed, match="could not be reached") as failed:
        await Egress(policy(port, "127.0.0.1")).fetch_image(f"http://127.0.0.1:{port}/")
    assert failed.value.retryable
    with pytest.raises(EgressRefused, match="not lead to a public address"):
        await Egress(policy(80), resolver=names()).check("http://nowhere.test/")


async def test_the_next_address_is_tried_when_the_first_is_dead() -> None:
    """A name with several addresses is reached while one of them answers."""
    async with listening(answer(PNG), host="127.0.0.1") as there:
        resolver = names(both_test=["127.0.0.2", "127.0.0.1"])
        egress = Egress(policy(there.port, "both.test"), resolver=resolver)
        assert (await egress.fetch_image(f"http://both.test:{there.port}/")).data == PNG


async def test_tls_keeps_the_name_while_the_address_is_pinned(tmp_path: Path) -> None:
    """The certificate is checked against the URL's name, and another name's certificate is refused."""
    server_tls, client_tls = _certificate(tmp_path, "secure.test")
    asked: list[str | None] = []
    server_tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    async with listening(answer(PNG), tls=server_tls) as there:
        resolver = names(secure_test=["127.0.0.1"], other_test=["127.0.0.1"])
        egress = Egress(policy(there.port, "secure.test", "other.test"), resolver=resolver, tls=client_tls)
        assert (await egress.fetch_image(f"https://secure.test:{there.port}/")).data == PNG
        with pytest.raises(FetchFailed):
            await egress.fetch_image(f"https://other.test:{there.port}/")
        assert asked == ["secure.test", "other.test"]


async def test_a_webhook_is_posted_and_its_redirect_is_an_answer() -> None:
    """The body and the headers arrive; a redirect is not followed."""
    bodies: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        bodies.append(head + await reader.readexactly(11))
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        egress = Egress(policy(port, "hooks.test"), resolver=names(hooks_test=["127.0.0.1"]))
        answered = await egress.post(
            f"http://hooks.test:{port}/in", b'{"ok":true}', {"webhook-id": "m1"}, timeout_s=2.0
        )
    finally:
        server.close()
        await server.wait_closed()
    assert (answered.status, answered.body) == (302, b"no")
    assert len(bodies) == 1
    assert bodies[0].startswith(b"POST /in HTTP/1.1\r\n")
    assert b"webhook-id: m1" in bodies[0]
    assert bodies[0].endswith(b'{"ok":true}')


def _certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for the name, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(pem)
    client_tls = ssl.create_default_context(cadata=certificate.public_bytes(serialization.Encoding.PEM).decode())
    return server_tls, client_tls


@pytest.mark.parametrize(
    "location",
    ["http://[::1", "//[", "http://[v1.x]/", "http://a:99999999/", "http://\xe9\xff/", "http://a b/"],
)
async def test_a_redirect_that_cannot_be_read_is_refused(location: str) -> None:
    """Never an error of ours, which would be tried three times and end the job as a fault of the service."""
    async with listening(answer(b"", "302 Found", Location=location)) as there:
        egress = Egress(policy(there.port, "plates.test"), resolver=names(plates_test=["127.0.0.1"]))
        with pytest.raises(EgressRefused):
            await egress.fetch_image(f"http://plates.test:{there.port}/a.png")
        assert there.connections == 1


@pytest.mark.parametrize("method", ["post", "put"])
async def test_an_answer_that_drips_is_its_status(method: str) -> None:
    """A receiver or a storage that has said its status and drips on for ever is waited for a second."""

    async def drip(_head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with listening(drip) as listener:
        egress = Egress(policy(listener.port, "hooks.test"), resolver=names(hooks_test=["127.0.0.1"]))
        began = time.monotonic()
        send = getattr(egress, method)
        answered = await send(f"http://hooks.test:{listener.port}/in", b"x", {}, timeout_s=30.0)
        assert answered.status == 200
        assert time.monotonic() - began < 15.0


async def test_silence_is_told_apart_from_a_fault() -> None:
    """Whoever says nothing in the time that it had is too late; whoever closes at once is not reached."""

    async def silent(_head: str, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2.0)

    async def closed(_head: str, writer: asyncio.StreamWriter) -> None:
        writer.close()

    for respond, late in ((silent, True), (closed, False)):
        async with listening(respond) as listener:
            egress = Egress(policy(listener.port, "hooks.test"), resolver=names(hooks_test=["127.0.0.1"]))
            with pytest.raises(FetchFailed) as caught:
                await egress.put(f"http://hooks.test:{listener.port}/in", b"x", {}, timeout_s=0.5)
            assert isinstance(caught.value, AnsweredLate) is late


@pytest.mark.parametrize("rest", [b"ab", b"not a chunk\r\n"])
async def test_an_answer_that_is_cut_off_after_its_status_is_its_status(rest: bytes) -> None:
    """A receiver that has said 200 has the message, whatever becomes of the rest: a repeat would be a second one."""

    async def cut(_head: str, writer: asyncio.StreamWriter) -> None:
        length = b"Content-Length: 9" if rest == b"ab" else b"Transfer-Encoding: chunked"
        writer.write(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n" + rest)

    async with listening(cut) as listener:
        egress = Egress(policy(listener.port, "hooks.test"), resolver=names(hooks_test=["127.0.0.1"]))
        answered = await egress.post(f"http://hooks.test:{listener.port}/in", b"x", {}, timeout_s=5.0)
        assert answered.status == 200
