"""The guarded way out: every request to a URL that a client gave us (backplates, webhooks) goes through here.

The guard sits where the connection is made: a name is resolved, every address it has is checked, and the connection
goes to an address that was checked, in one step. So an answer of the DNS that changes between a check and a connect
cannot slip through, and each hop of a redirect meets the same guard. TLS and the Host header keep the name.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import httpcore

from gateway.addresses import IPAddress, is_public, literal
from gateway.resolver import CaresResolver, Resolver
from lensora.contract.requests import MAX_PRESIGNED_CHARACTERS
from lensora.contract.wording import shown
from lensora.core.artifacts import MediaType
from lensora.core.bounds import WHOLE_CHARACTERS, tenths_over, whole

MAX_REDIRECTS = 3
"""A picture host may send http to https and on to its CDN; more hops are a loop or a game."""

REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
SCHEME_PORTS = {"http": 80, "https": 443}
DNS_TIMEOUT_S = 5.0
LOOK_UPS_PER_ACCOUNT = 4
"""Names of one account that are looked up at a time, when its URLs are checked."""
CONNECT_TIMEOUT_S = 4.0
"""For each address of a name: one that swallows packets must not use up the time of the next."""
URL_SAFE = "/?%:@!$&'()*+,;=-._~"
"""Characters of a path or query that are sent as they are (RFC 3986); ``%`` because a URL comes already escaped."""
MAX_ANSWER_BYTES = 1_024
"""As much of a webhook receiver's answer as a log line may want."""
LINGER_S = 1.0
"""What is waited for the rest of such an answer: its status has said all, and whoever drips holds nobody up. A rest
that is cut off changes nothing either."""
USER_AGENT = "lensora-studio"


_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9.])?|[0-9a-f:.]+")


class EgressRefused(Exception):
    """The URL may not be requested; ``str()`` is one sentence for the client, without internals."""


class HostUnknown(EgressRefused):
    """The host's name has no address now; it may have one later. The words are those for one that is not public."""


class HostUnresolved(HostUnknown):
    """No name server says whether the host has an address; it may be known a moment later."""


class FetchFailed(Exception):
    """The URL may be requested, but did not yield what was asked for; ``str()`` is one sentence for the client."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class AnsweredLate(FetchFailed):
    """Not answered in the time that it had."""


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """What may be requested.

    Attributes:
        ports: TCP ports that a URL may name or imply.
        private_hosts: host names and addresses, lower case, that are taken without the check of their address: for
            private clusters with a picture host of their own, and for tests.
        max_bytes: most bytes of a body.
        timeout_s: seconds for the whole of a request, redirects and body included.
    """

    ports: frozenset[int] = frozenset({80, 443})
    private_hosts: frozenset[str] = frozenset()
    max_bytes: int = 20_000_000
    timeout_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that has passed the checks of its form. ``host`` is ASCII, lower case, without brackets."""

    scheme: str
    host: str
    port: int
    url: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A picture from outside: its bytes, what its first bytes say it is, and where it was found after redirects."""

    data: bytes
    media_type: MediaType
    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a webhook's receiver said: its status and the first bytes of its body."""

    status: int
    body: bytes


def parse(url: str, policy: EgressPolicy) -> Target:
    """Check the form of a URL: scheme, credentials, host, port. Nothing is resolved.

    Raises:
        EgressRefused: names what is wrong.
    """
    if len(url) > MAX_PRESIGNED_CHARACTERS:
        raise EgressRefused(f"url must have at most {MAX_PRESIGNED_CHARACTERS} characters, not {len(url)}")
    if not url or any(ord(character) <= 0x20 or character in "\\\x7f" for character in url):
        raise EgressRefused(
            "url must be an absolute http or https URL without spaces, backslashes or control characters"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise EgressRefused(f"url must be a well-formed http or https URL ({error})") from error
    if parts.scheme not in SCHEME_PORTS:
        given = f"{parts.scheme[:20]}:" if parts.scheme else shown(url.partition("?")[0])
        raise EgressRefused(f"url must start with http:// or https://, not {given}")
    if "@" in parts.netloc:
        raise EgressRefused("url must not carry a user name or password")
    host = _ascii_host(parts)
    try:
        address = literal(host)
    except ValueError as error:
        raise EgressRefused(f"url's {error}") from error
    port = SCHEME_PORTS[parts.scheme] if port is None else port
    if port not in policy.ports:
        allowed = ", ".join(str(number) for number in sorted(policy.ports))
        raise EgressRefused(f"url's port must be one of {allowed}, not {port}")
    if address is not None and not is_public(address) and host not in policy.private_hosts:
        raise EgressRefused(_not_public(host))
    netloc = f"[{host}]" if ":" in host else host
    if port != SCHEME_PORTS[parts.scheme]:
        netloc = f"{netloc}:{port}"
    path = quote(parts.path or "/", safe=URL_SAFE)
    query = f"?{quote(parts.query, safe=URL_SAFE)}" if parts.query else ""
    return Target(parts.scheme, host, port, f"{parts.scheme}://{netloc}{path}{query}")


def _ascii_host(parts: SplitResult) -> str:
    """The host as it is resolved: full-width digits and dots become what they stand for before anything is checked."""
    host = (parts.hostname or "").lower()
    if not host or "%" in host:
        raise EgressRefused("url must name a host")
    try:
        host = host if host.isascii() else host.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise EgressRefused("url's host is not a valid name") from error
    if not _HOST.fullmatch(host):
        raise EgressRefused("url's host is not a valid name")
    return host


def sniff(data: bytes) -> MediaType | None:
    """What the first bytes say: JPEG, PNG or WebP; None for anything else. Headers and names are not trusted."""
    if data.startswith(b"\xff\xd8\xff"):
        return MediaType.JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaType.PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return MediaType.WEBP
    return None


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Opens TCP connections for httpcore: resolve, check every address, connect to a checked one."""

    def __init__(self, policy: EgressPolicy, resolver: Resolver) -> None:
        self._policy = policy
        self._resolver = resolver
        self._network = httpcore.AnyIOBackend()

    async def checked_addresses(self, host: str, port: int) -> list[str]:
        """Every address of a host, all of them public.

        A name that has none and a name that has a private one are refused with the same words, so that nobody learns
        which names exist in our own network.

        Raises:
            HostUnknown: there is no address.
            EgressRefused: one is not public.
        """
        if literal(host) is not None:
            found: Sequence[str] = [host]
        else:
            try:
                async with asyncio.timeout(DNS_TIMEOUT_S):
                    found = await self._resolver(host, port)
            except TimeoutError as error:
                raise HostUnresolved(f"url's host {host} could not be looked up in time") from error
            except (OSError, UnicodeError) as error:
                raise HostUnknown(_not_public(host)) from error
        if not found:
            raise HostUnknown(_not_public(host))
        if host not in self._policy.private_hosts and not all(is_public(_address(text)) for text in found):
            raise EgressRefused(_not_public(host))
        return list(found)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        patience_s = CONNECT_TIMEOUT_S if timeout is None else timeout
        for address in await self.checked_addresses(host, port):
            try:
                return await self._network.connect_tcp(address, port, patience_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise EgressRefused("url must not name a socket")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _not_public(host: str) -> str:
    return f"url's host {host} does not lead to a public address"


def _address(text: str) -> IPAddress:
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise EgressRefused("url's host has an address that cannot be read") from error


@dataclass(slots=True)
class _LookUps:
    """An account's names that are being looked up."""

    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LOOK_UPS_PER_ACCOUNT))
    present: int = 0


class Egress:
    """Requests to URLs of clients. One object a process; each request opens a connection of its own."""

    def __init__(
        self,
        policy: EgressPolicy,
        *,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """
        Args:
            policy: what may be requested.
            resolver: names to addresses; None takes the system's name servers.
            tls: verifies certificates; None takes the usual authorities.
        """
        self._policy = policy
        self._network = _GuardedNetwork(policy, resolver or CaresResolver())
        self._tls = tls
        self._looking: dict[str, _LookUps] = {}

    def parsed(self, url: str) -> Target:
        """A URL whose form is sound. Raises EgressRefused."""
        return parse(url, self._policy)

    async def check(self, url: str, *, account_id: str = "") -> Target:
        """Check a URL before it is accepted: its form, and that its host has public addresses only, now.

        Args:
            url: a client's.
            account_id: whose; each account has a few look-ups under way at a time, and waits for its own alone.

        Raises:
            HostUnresolved: no name server answers in time.
            EgressRefused: names what is wrong.
        """
        target = self.parsed(url)
        looking = self._looking.setdefault(account_id, _LookUps())
        looking.present += 1
        try:
            async with asyncio.timeout(DNS_TIMEOUT_S), looking.places:
                await self._network.checked_addresses(target.host, target.port)
        except TimeoutError as error:
            raise HostUnresolved(f"url's host {target.host} could not be looked up in time") from error
        finally:
            looking.present -= 1
            if not looking.present:
                del self._looking[account_id]
        return target

    async def fetch_image(self, url: str) -> Fetched:
        """Download a JPEG, PNG or WebP.

        Raises:
            EgressRefused: the URL, or one that it redirects to, may not be requested.
            FetchFailed: not reachable, too slow, too large, or not a picture.
        """
        try:
            async with asyncio.timeout(self._policy.timeout_s):
                return await self._follow(url)
        except HostUnresolved as error:
            raise FetchFailed(str(error), retryable=True) from error
        except TimeoutError as error:
            message = f"url did not answer within {self._policy.timeout_s:g} seconds"
            raise FetchFailed(message, retryable=True) from error
        except httpcore.TimeoutException as error:
            raise FetchFailed("url did not answer in time", retryable=True) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise FetchFailed("url could not be reached", retryable=True) from error
        except ValueError as error:
            # Whatever a library could not parse of what the other side said: never a reason to try again.
            raise EgressRefused("url answered with something that cannot be read") from error

    async def post(self, url: str, body: bytes, headers: dict[str, str], *, timeout_s: float) -> Answer:
        """Deliver a webhook. Redirects are not followed: their status is the answer.

        Raises:
            EgressRefused: the URL may not be requested.
            FetchFailed: not reachable or too slow.
        """
        return await self._send("POST", url, body, headers, timeout_s=timeout_s)

    async def put(self, url: str, body: bytes, headers: dict[str, str], *, timeout_s: float) -> Answer:
        """Deliver a file. Redirects are not followed: their status is the answer.

        Raises:
            EgressRefused: the URL may not be requested.
            AnsweredLate: too slow.
            FetchFailed: not reachable.
        """
        return await self._send("PUT", url, body, headers, timeout_s=timeout_s)

    async def _send(self, method: str, url: str, body: bytes, headers: dict[str, str], *, timeout_s: float) -> Answer:
        target = parse(url, self._policy)
        sent = [("Host", _host_header(target)), ("User-Agent", USER_AGENT), ("Accept-Encoding", "identity")]
        sent += [*headers.items(), ("Content-Length", str(len(body)))]
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._pool() as pool,
                pool.stream(method, target.url, headers=sent, content=body) as response,
            ):
                start = b""
                with contextlib.suppress(TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):
                    async with asyncio.timeout(LINGER_S):
                        async for chunk in response.aiter_stream():
                            start += chunk
                            if len(start) >= MAX_ANSWER_BYTES:
                                break
                return Answer(response.status, start[:MAX_ANSWER_BYTES])
        except (TimeoutError, httpcore.TimeoutException) as error:
            raise AnsweredLate(f"url did not answer within {timeout_s:g} seconds", retryable=True) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise FetchFailed("url could not be reached", retryable=True) from error

    def _pool(self) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(ssl_context=self._tls, network_backend=self._network, retries=0)

    async def _follow(self, url: str) -> Fetched:
        async with self._pool() as pool:
            for _hop in range(MAX_REDIRECTS + 1):
                target = parse(url, self._policy)
                headers = [
                    ("Host", _host_header(target)),
                    ("User-Agent", USER_AGENT),
                    ("Accept", "image/webp,image/png,image/jpeg"),
                    # A compressed body could unfold to any size; pictures gain nothing by it.
                    ("Accept-Encoding", "identity"),
                ]
                async with pool.stream("GET", target.url, headers=headers) as response:
                    received = {name.lower(): value for name, value in response.headers}
                    if response.status in REDIRECT_STATUSES and b"location" in received:
                        url = _redirected(target.url, received[b"location"].decode("latin-1"))
                        continue
                    if response.status != 200:
                        again = response.status >= 500 or response.status == 429
                        raise FetchFailed(f"url answered with status {response.status}, not 200", retryable=again)
                    data = await self._body(response, received)
                media_type = sniff(data)
                if media_type is None:
                    raise FetchFailed("url is not a JPEG, PNG or WebP picture")
                return Fetched(data, media_type, target.url)
        raise FetchFailed(f"url redirects more than {MAX_REDIRECTS} times")

    async def _body(self, response: httpcore.Response, headers: dict[bytes, bytes]) -> bytes:
        """The whole body, never more than the limit in memory."""
        limit = self._policy.max_bytes
        sentence = f"url's picture must have at most {limit / 1e6:g} MB"
        if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            raise FetchFailed("url answered with a compressed body that was not asked for")
        declared = whole(headers.get(b"content-length", b"").decode("latin-1"), 0, 10**WHOLE_CHARACTERS) or 0
        if declared > limit:
            raise FetchFailed(f"{sentence}, not {tenths_over(declared / 1e6)} MB")
        data = bytearray()
        async for chunk in response.aiter_stream():
            data += chunk
            if len(data) > limit:
                raise FetchFailed(sentence)
        return bytes(data)


def _redirected(url: str, location: str) -> str:
    """Where a redirect leads. Raises EgressRefused for what cannot be read as a URL, such as ``http://[::1``."""
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise EgressRefused("url redirects to something that is not a well-formed URL") from error


def _host_header(target: Target) -> str:
    return urlsplit(target.url).netloc
