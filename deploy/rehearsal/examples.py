"""``make rehearsal``: each example of the chart rendered, validated and, where it needs no GPU, run to a job's end.

``python -m deploy.rehearsal.examples [NAME ...]``. What it expects outside of the cluster is here for it: a bucket
(moto's server), a Redis that speaks TLS, and the Secrets that name them. ``helm test``'s own pod runs the job.
"""

from __future__ import annotations

import datetime
import ipaddress
import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import boto3
import httpx
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from moto.server import ThreadedMotoServer

from deploy.rehearsal.chart import EXAMPLES, Manifest, lint, named, pod_templates, render
from deploy.rehearsal.cluster import Cluster
from deploy.rehearsal.probes import run_command
from deploy.rehearsal.schemas import validate
from lensora.adapters.redis_server import RedisServer, free_port

VERSIONS = ("1.30", "1.33", "1.36")
MODELS = Path("~/.cache/lensora/models").expanduser()
HOST = "127.0.0.1"
PASSWORD = "rehearsed-password"  # noqa: S105 - of a server that lives as long as the rehearsal
BUCKET_KEYS = {"AWS_ACCESS_KEY_ID": "rehearsal", "AWS_SECRET_ACCESS_KEY": "rehearsal"}
SIGNING_KEY = "0123456789abcdef0123456789abcdef"
JOB_S = 240.0
CUSTOM = ("monitoring.coreos.com", "keda.sh", "gateway.networking.k8s.io", "cert-manager.io")
"""API groups that Kubernetes's own schemas do not have; tests/integration/helm holds these to schemas of ours."""


def main() -> int:
    """Print a line for each example; status 1 where one fails."""
    # The bucket's server tells of every request.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    wanted = sys.argv[1:] or [path.stem for path in EXAMPLES]
    for example in EXAMPLES:
        if example.stem not in wanted:
            continue
        lint(example)
        manifests = render(example)
        for version in VERSIONS:
            for manifest in manifests:
                if not manifest["apiVersion"].startswith(CUSTOM):
                    validate(manifest, version)
        what = f"{example.stem}: {len(manifests)} objects, strict lint, valid for {', '.join(VERSIONS)}"
        if _asks_for_gpus(manifests):
            sys.stdout.write(f"{what}; needs GPUs, not run\n")
            continue
        with tempfile.TemporaryDirectory() as folder:
            pods, ready_s, job_s = run(example, Path(folder))
        sys.stdout.write(f"{what}; {pods} pods ready after {ready_s:.0f} s, helm test's job after {job_s:.0f} s more\n")
        sys.stdout.flush()
    return 0


def run(example: Path, folder: Path) -> tuple[int, float, float]:
    """Start everything that the example makes and run ``helm test``.

    Returns:
        How many pods there were, the seconds until all were ready, and those of the test.

    Raises:
        RuntimeError: a pod did not become ready, or the test failed; with what it wrote.
    """
    with outside(example, folder) as (sets, secrets):
        manifests = [*render(example, sets=sets), *secrets]
        claims = {"studio-lensora-models": MODELS}
        for claim in ("data", "studio-lensora-artifacts"):
            claims[claim] = folder / claim
            claims[claim].mkdir()
        with Cluster(manifests, folder / "pods", claims) as cluster:
            begun = time.monotonic()
            cluster.start()
            ready = time.monotonic()
            pod = cluster.pod_of("helm-test", named(manifests, "Pod", "studio-lensora-test"))
            command = [*pod.container["command"], *pod.container["args"]]
            status, output = run_command(command, pod.process_environment(), str(pod.folder), JOB_S)
            if status != 0:
                logs = "\n".join(f"== {one.name}\n{one.tail(8)}" for one in cluster.pods)
                raise RuntimeError(f"helm test of {example.stem} failed:\n{output}\n{logs}")
            return len(cluster.pods), ready - begun, time.monotonic() - ready


@contextmanager
def outside(example: Path, folder: Path) -> Iterator[tuple[tuple[str, ...], list[Manifest]]]:
    """What the example expects to find: values that say where it is here, and Secrets that an operator makes."""
    values = yaml.safe_load(example.read_text())
    # No collector of traces is here.
    sets = ["tracing.otlpEndpoint="]
    secrets = [_secret("lensora-signing", {"url-signing-keys": SIGNING_KEY})]
    with ExitStack() as stack:
        if values.get("artifacts", {}).get("type") == "s3":
            endpoint = stack.enter_context(_bucket(values["artifacts"]["s3"]))
            sets += [f"artifacts.s3.endpoint={endpoint}", "artifacts.s3.existingSecret=lensora-s3"]
            sets.append('podDefaults.extraEnv=[{"name": "AWS_ALLOW_HTTP", "value": "true"}]')
            secrets.append(_secret("lensora-s3", BUCKET_KEYS))
        if values.get("redis", {}).get("mode") == "external":
            port, authority = stack.enter_context(_redis_over_tls(folder / "redis"))
            url = f"rediss://lensora:{PASSWORD}@{HOST}:{port}/0?ssl_ca_certs=/etc/lensora/redis-ca/ca.crt"
            secrets.append(_secret("lensora-redis", {"url": url, "password": PASSWORD}))
            secrets.append(_secret("lensora-redis-ca", {"ca.crt": authority}))
        if values.get("rpc", {}).get("tls", {}).get("certManager", {}).get("enabled"):
            # What cert-manager would write: a certificate of the same shape as the chart's own.
            secrets.append(named(render(), "Secret", "studio-lensora-rpc-tls"))
        yield tuple(sets), secrets


@contextmanager
def _bucket(s3: Mapping[str, str]) -> Iterator[str]:
    """The endpoint of a real S3 API that has the example's bucket."""
    server = ThreadedMotoServer(ip_address=HOST, port=0, verbose=False)
    server.start()
    try:
        endpoint = f"http://{HOST}:{server.get_host_and_port()[1]}"
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=s3["region"],
            aws_access_key_id=BUCKET_KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=BUCKET_KEYS["AWS_SECRET_ACCESS_KEY"],
        )
        # The server's state is the process's.
        httpx.post(f"{endpoint}/moto-api/reset", trust_env=False).raise_for_status()
        client.create_bucket(Bucket=s3["bucket"], CreateBucketConfiguration={"LocationConstraint": s3["region"]})
        client.close()
        yield endpoint
    finally:
        server.stop()


@contextmanager
def _redis_over_tls(folder: Path) -> Iterator[tuple[int, str]]:
    """The TLS port of a Redis with a certificate of an authority of its own, and that authority's certificate."""
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rehearsal")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "tls.crt").write_bytes(certificate)
    (folder / "tls.key").write_bytes(private)
    port = free_port()
    config = folder / "redis.conf"
    config.write_text(
        f"tls-port {port}\ntls-auth-clients no\n"
        f"tls-cert-file {folder / 'tls.crt'}\ntls-key-file {folder / 'tls.key'}\n"
        f"tls-ca-cert-file {folder / 'tls.crt'}\n"
        f"user lensora on >{PASSWORD} ~* &* +@all\n"
    )
    with RedisServer(folder / "data", config=config):
        yield port, certificate.decode()


def _secret(name: str, values: Mapping[str, str]) -> Manifest:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": dict(values)}


def _asks_for_gpus(manifests: Sequence[Manifest]) -> bool:
    containers = [container for _, template in pod_templates(manifests) for container in template["spec"]["containers"]]
    return any("gpu" in name for one in containers for name in one.get("resources", {}).get("limits", {}))


if __name__ == "__main__":
    sys.exit(main())
