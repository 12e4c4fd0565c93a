"""Calls that do not bear what the installation asks for are turned away: tokens, certificates, Unix sockets."""

from __future__ import annotations

import contextlib
import datetime
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from pydantic import SecretStr

from lensora.adapters.redis_server import free_port
from lensora.api.segment.v1 import segmenter_pb2 as pb
from lensora.api.segment.v1 import segmenter_pb2_grpc as rpc
from lensora.core.errors import ConfigurationError
from lensora.listeners import socket_address
from lensora.rpc.channels import TrustedChannel, open_channel
from lensora.rpc.server import Server
from lensora.rpc.trust import CERTIFICATE_FILES, TLS_NAME, Trust
from lensora.settings import ServiceSettings

FIRST, SECOND, WRONG = "first-token-" * 4, "second-token-" * 4, "another-token-" * 4
REFUSED = grpc.StatusCode.UNAUTHENTICATED


class PlainSegmenter(rpc.SegmenterServicer):
    """Answers at once."""

    def Composite(self, request: pb.CompositeRequest, context: grpc.ServicerContext) -> pb.CompositeResponse:
        return pb.CompositeResponse()

    def Cutout(self, request: pb.CutoutRequest, context: grpc.ServicerContext) -> Iterator[pb.CutoutResponse]:
        yield pb.CutoutResponse(result=pb.CutoutResult())


@contextlib.contextmanager
def served(**settings: Any) -> Iterator[Server]:
    """A running server of these settings."""
    server = Server(
        "segment",
        ServiceSettings(port=0, drain_seconds=0.1, **settings),
        lambda grpc_server: rpc.add_SegmenterServicer_to_server(PlainSegmenter(), grpc_server),
        ["lensora.api.segment.v1.Segmenter"],
    )
    server.start()
    server.serve()
    try:
        yield server
    finally:
        server.stop()


async def status_of(channel: grpc.aio.Channel) -> grpc.StatusCode:
    """How a unary and a streaming call end over a channel, which is closed after it."""
    stub: Any = rpc.SegmenterStub(channel)
    found = set()
    try:
        for work in (
            stub.Composite(pb.CompositeRequest(), timeout=10),
            stub.Cutout(pb.CutoutRequest(), timeout=10).read(),
        ):
            try:
                await work
                found.add(grpc.StatusCode.OK)
            except grpc.aio.AioRpcError as error:
                found.add(error.code())
    finally:
        await channel.close()
    (status,) = found
    return status


@pytest.mark.parametrize(
    ("borne", "status"),
    [
        (None, REFUSED),
        (Trust((WRONG,)), REFUSED),
        (Trust((FIRST[:-1],)), REFUSED),
        (Trust((FIRST,)), grpc.StatusCode.OK),
        (Trust((SECOND, WRONG)), grpc.StatusCode.OK),
    ],
)
async def test_a_call_must_bear_one_of_the_tokens(borne: Trust | None, status: grpc.StatusCode) -> None:
    """None, a wrong one and a cut one are turned away; while tokens overlap, each of them is taken."""
    with served(rpc_tokens=SecretStr(f"{FIRST}, {SECOND}")) as server:
        assert await status_of(open_channel(f"127.0.0.1:{server.port}", borne)) is status


async def test_health_alone_is_open() -> None:
    """Kubelets have no token; whoever has none learns nothing but that, not even what services there are."""
    with served(rpc_tokens=SecretStr(FIRST)) as server, grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as caught:
            ProtoReflectionDescriptorDatabase(channel).get_services()
        assert caught.value.code() is REFUSED


def test_a_token_that_could_be_guessed_stops_the_process() -> None:
    """Less than 32 characters are no secret."""
    with pytest.raises(ConfigurationError, match="LENSORA_RPC_TOKENS"):
        Trust.of(ServiceSettings(port=0, rpc_tokens=SecretStr(f"{FIRST},short")))


@pytest.mark.parametrize("between", ["\n", "\t", "\u00e9"])
def test_a_token_that_cannot_be_sent_stops_the_process(between: str) -> None:
    """Such as two tokens on two lines: every call would fail with "Invalid metadata"."""
    with pytest.raises(ConfigurationError, match="LENSORA_RPC_TOKENS: takes printable ASCII characters alone"):
        Trust.of(ServiceSettings(port=0, rpc_tokens=SecretStr(f"{FIRST}{between}{SECOND}")))


def certify(folder: Path) -> Path:
    """An authority and a certificate of it, as a mounted Secret has them."""
    folder.mkdir(exist_ok=True)
    now = datetime.datetime.now(datetime.UTC)

    def signed(name: str, key: ec.EllipticCurvePrivateKey, issuer: str, by: ec.EllipticCurvePrivateKey) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=name == issuer, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        )
        return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    secret = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    texts = (signed("ca", authority, "ca", authority), signed(TLS_NAME, own, "ca", authority), secret)
    for name, text in zip(CERTIFICATE_FILES, texts, strict=True):
        (folder / name).write_bytes(text)
    return folder


async def test_both_sides_must_have_a_certificate_of_the_authority(tmp_path: Path) -> None:
    """Plain calls, TLS without a certificate, and another authority's certificate get no connection."""
    ours, theirs = certify(tmp_path / "ours"), certify(tmp_path / "theirs")
    with served(rpc_tls_dir=ours) as server:
        target = f"127.0.0.1:{server.port}"
        options = [("grpc.ssl_target_name_override", TLS_NAME)]
        nameless = grpc.ssl_channel_credentials((ours / "ca.crt").read_bytes())
        assert await status_of(open_channel(target, Trust((), ours))) is grpc.StatusCode.OK
        assert await status_of(open_channel(target)) is grpc.StatusCode.UNAVAILABLE
        assert await status_of(open_channel(target, Trust((), theirs))) is grpc.StatusCode.UNAVAILABLE
        assert await status_of(grpc.aio.secure_channel(target, nameless, options)) is grpc.StatusCode.UNAVAILABLE


async def test_certificates_and_tokens_together(tmp_path: Path) -> None:
    """A certificate does not stand for the token."""
    folder = certify(tmp_path / "tls")
    with served(rpc_tls_dir=folder, rpc_tokens=SecretStr(FIRST)) as server:
        target = f"127.0.0.1:{server.port}"
        assert await status_of(open_channel(target, Trust((FIRST,), folder))) is grpc.StatusCode.OK
        assert await status_of(open_channel(target, Trust((), folder))) is REFUSED


async def test_new_certificates_are_taken_while_running(tmp_path: Path) -> None:
    """Both sides read the files again: a channel that was open goes on, and the old authority's callers are out."""
    folder, old = certify(tmp_path / "tls"), tmp_path / "old"
    old.mkdir()
    for name in CERTIFICATE_FILES:
        (old / name).write_bytes((folder / name).read_bytes())
    with served(rpc_tls_dir=folder) as server:
        target = f"127.0.0.1:{server.port}"
        channel = TrustedChannel(target, Trust((), folder), look_s=0.0)
        stub: Any = rpc.SegmenterStub(channel)
        await stub.Composite(pb.CompositeRequest(), timeout=10)
        certify(folder)
        await stub.Composite(pb.CompositeRequest(), timeout=10)
        assert await status_of(open_channel(target, Trust((), old))) is grpc.StatusCode.UNAVAILABLE
        (folder / "tls.key").unlink()
        await stub.Composite(pb.CompositeRequest(), timeout=10)
        # Here something is there, but it cannot be read.
        (folder / "tls.key").mkdir()
        await stub.Composite(pb.CompositeRequest(), timeout=10)
        await channel.close()


def test_certificates_that_are_missing_stop_the_process(tmp_path: Path) -> None:
    """The sentence names the variable and the file."""
    with pytest.raises(ConfigurationError, match=r"LENSORA_RPC_TLS_DIR=.*ca\.crt"):
        Trust.of(ServiceSettings(port=0, rpc_tls_dir=tmp_path))


def test_health_has_a_plain_port_beside_certificates(tmp_path: Path) -> None:
    """For probes that have no certificate; nothing else is served there."""
    port = free_port()
    with (
        served(rpc_tls_dir=certify(tmp_path / "tls"), health_port=port),
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as caught:
            rpc.SegmenterStub(channel).Composite(pb.CompositeRequest(), timeout=10)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("folder", ["run", "shop #1", "100% wood", "why?", "%41", "Möbel"])
async def test_a_unix_socket_in_place_of_a_port(tmp_path: Path, folder: str) -> None:
    """The service answers there, also where a process that was killed has left its socket behind; whatever the folder
    is called, though gRPC reads the address as a URI."""
    path = tmp_path / folder / "segment.sock"
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    with served(listen_socket=path):
        assert stat.S_ISSOCK(path.stat().st_mode)
        assert await status_of(open_channel(socket_address(path))) is grpc.StatusCode.OK
