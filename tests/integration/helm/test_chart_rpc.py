"""Calls between the chart's processes: encrypted and mutually proven by default, by certificates that it makes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from deploy.rehearsal.chart import Manifest, named, of_kind, render
from lensora.api.segment.v1 import segmenter_pb2 as pb
from lensora.api.segment.v1 import segmenter_pb2_grpc as rpc
from lensora.rpc.channels import open_channel
from lensora.rpc.server import Server
from lensora.rpc.trust import CERTIFICATE_FILES, TLS_NAME, Trust
from lensora.settings import ServiceSettings

PROCESSES = ("gateway", "worker", "detect", "segment", "mesh", "render")
STAGES = PROCESSES[2:]
SECRET = "studio-lensora-rpc-tls"


def pod_of(manifests: list[Manifest], component: str) -> dict[str, Any]:
    """The pod's specification of a component's Deployment."""
    spec: dict[str, Any] = named(manifests, "Deployment", f"studio-lensora-{component}")["spec"]["template"]["spec"]
    return spec


def settings_of(manifests: list[Manifest], component: str) -> dict[str, str]:
    """The data of its ConfigMap."""
    data: dict[str, str] = named(manifests, "ConfigMap", f"studio-lensora-{component}")["data"]
    return data


class _Segmenter(rpc.SegmenterServicer):
    def Cutout(self, request: pb.CutoutRequest, context: grpc.ServicerContext) -> Iterator[pb.CutoutResponse]:
        yield pb.CutoutResponse(result=pb.CutoutResult())


async def test_the_chart_s_own_certificate_is_what_the_processes_take(tmp_path: Path) -> None:
    """One authority for each install, a certificate for servers and clients for ten years; a server and a channel that
    have it talk to each other, and one of another install is turned away."""
    folders = []
    for version in ("1.33", "1.34"):
        secret = named(render(kube_version=version), "Secret", SECRET)
        assert secret["type"] == "kubernetes.io/tls"
        assert secret["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
        folder = tmp_path / version
        folder.mkdir()
        for name in CERTIFICATE_FILES:
            (folder / name).write_bytes(base64.b64decode(secret["data"][name]))
        folders.append(folder)
    own = x509.load_pem_x509_certificate((folders[0] / "tls.crt").read_bytes())
    own.verify_directly_issued_by(x509.load_pem_x509_certificate((folders[0] / "ca.crt").read_bytes()))
    assert own.not_valid_after_utc > datetime.now(UTC) + timedelta(days=3_600)
    usages = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH} <= set(usages)
    names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [TLS_NAME]
    server = Server(
        "segment",
        ServiceSettings(port=0, drain_seconds=0.1, rpc_tls_dir=folders[0]),
        lambda grpc_server: rpc.add_SegmenterServicer_to_server(_Segmenter(), grpc_server),
        ["lensora.api.segment.v1.Segmenter"],
    )
    server.start()
    try:
        for folder, taken in zip(folders, (True, False), strict=True):
            channel = open_channel(f"127.0.0.1:{server.port}", Trust((), folder))
            call: Any = rpc.SegmenterStub(channel).Cutout(pb.CutoutRequest(), timeout=10)
            if taken:
                assert (await call.read()).WhichOneof("outcome") == "result"
            else:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await call.read()
                assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            await channel.close()
    finally:
        server.stop()


def test_every_process_has_the_certificate_and_stages_answer_the_kubelet_apart() -> None:
    """It is mounted where the settings say; probes, which have none, go to a port of health alone."""
    manifests = render()
    for component in PROCESSES:
        pod = pod_of(manifests, component)
        assert {"name": "rpc-tls", "secret": {"secretName": SECRET}} in pod["volumes"]
        folder = settings_of(manifests, component)["LENSORA_RPC_TLS_DIR"]
        mount = {"name": "rpc-tls", "mountPath": folder, "readOnly": True}
        assert mount in pod["containers"][0]["volumeMounts"]
    for stage in STAGES:
        (container,) = pod_of(manifests, stage)["containers"]
        port = int(settings_of(manifests, stage)["LENSORA_HEALTH_PORT"])
        assert {container[probe]["grpc"]["port"] for probe in ("startupProbe", "readinessProbe")} == {port}
        (service,) = named(manifests, "Service", f"studio-lensora-{stage}")["spec"]["ports"]
        assert service["port"] == 50051
        assert "appProtocol" not in service


def test_cert_manager_makes_them_instead() -> None:
    """An authority of the release's own signs the certificate that the pods mount; the chart makes no key."""
    manager = "rpc.tls.certManager"
    manifests = render(sets=(f"{manager}.enabled=true", f"{manager}.duration=24h", f"{manager}.renewBefore=8h"))
    assert SECRET not in {secret["metadata"]["name"] for secret in of_kind(manifests, "Secret")}
    authority, own = (named(manifests, "Certificate", name)["spec"] for name in (f"{SECRET}-ca", SECRET))
    assert authority["isCA"] is True
    assert named(manifests, "Issuer", authority["issuerRef"]["name"])["spec"] == {"selfSigned": {}}
    assert named(manifests, "Issuer", own["issuerRef"]["name"])["spec"] == {
        "ca": {"secretName": authority["secretName"]}
    }
    assert (own["secretName"], own["dnsNames"], own["duration"]) == (SECRET, [TLS_NAME], "24h")
    assert {"server auth", "client auth"} <= set(own["usages"])


def test_a_secret_of_one_s_own() -> None:
    """It is mounted, and nothing is made."""
    manifests = render(sets=("rpc.tls.existingSecret=ours",))
    assert not of_kind(manifests, "Certificate")
    assert SECRET not in {secret["metadata"]["name"] for secret in of_kind(manifests, "Secret")}
    for component in PROCESSES:
        assert {"name": "rpc-tls", "secret": {"secretName": "ours"}} in pod_of(manifests, component)["volumes"]


def test_without_certificates_a_token_alone_tells_callers_apart() -> None:
    """Every process reads it from the Secret; probes go to the port of calls, which answers health to all."""
    manifests = render(sets=("rpc.tls.enabled=false", "rpc.tokensSecret=ours"))
    assert SECRET not in {secret["metadata"]["name"] for secret in of_kind(manifests, "Secret")}
    source = {"secretKeyRef": {"name": "ours", "key": "rpc-tokens"}}
    for component in PROCESSES:
        pod = pod_of(manifests, component)
        assert "LENSORA_RPC_TLS_DIR" not in settings_of(manifests, component)
        assert all(volume["name"] != "rpc-tls" for volume in pod["volumes"])
        assert {"name": "LENSORA_RPC_TOKENS", "valueFrom": source} in pod["containers"][0]["env"]
    for stage in STAGES:
        assert pod_of(manifests, stage)["containers"][0]["readinessProbe"]["grpc"]["port"] == 50051
        assert "LENSORA_HEALTH_PORT" not in settings_of(manifests, stage)
