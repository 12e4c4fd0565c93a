"""Write the images' locks: ``python -m deploy.images.locks [TARGET ...]``.

Each lock pins every package of one image with the hashes of its files. Which packages an image needs is read from its
imports (``closure``), which versions are allowed from pyproject.toml, and uv resolves the rest. ``build.lock`` is what
the build stage needs to make our own wheel.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from deploy.images.closure import ROOT, TARGETS, distributions

LOCKS = ROOT / "deploy" / "locks"

PYTHON_VERSIONS = {"triton": "3.12"}
"""Of NVIDIA's image; every other one has Debian bookworm's 3.11."""

ON_CPU = ("numpy", "onnxruntime", "pillow")
"""What the nets need that run in Triton without a GPU: those whose weights are ONNX files of the manifest."""


def main() -> int:
    wanted = sys.argv[1:] or ["build", "triton", "triton-cpu", "mesh-usd", *TARGETS]
    for name in wanted:
        write(name, requirements(name))
        sys.stdout.write(f"deploy/locks/{name}.lock\n")
    return 0


def requirements(name: str) -> list[str]:
    """What an image asks for, with the version ranges of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    if name in ("triton", "triton-cpu"):
        lines = (ROOT / "deploy" / "triton" / "requirements.txt").read_text().splitlines()
        nets = sorted(line for line in lines if line and not line.startswith("#"))
        return nets if name == "triton" else [line for line in nets if line.startswith(ON_CPU)]
    if name == "build":
        return sorted(project["build-system"]["requires"])
    ranges: dict[str, str] = {}
    for requirement in [
        *project["project"]["dependencies"],
        *(one for extra in project["project"]["optional-dependencies"].values() for one in extra),
    ]:
        ranges.setdefault(re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-"), requirement)
    found = distributions(TARGETS["mesh"]) | {"usd-core"} if name == "mesh-usd" else distributions(TARGETS[name])
    return sorted(ranges.get(distribution, distribution) for distribution in found)


def write(name: str, wanted: list[str]) -> None:
    """Resolve and write one lock; raises CalledProcessError when the requirements do not fit together."""
    lock = LOCKS / f"{name}.lock"
    command = [
        str(Path(sys.executable).parent / "uv"),
        *("pip", "compile", "--quiet", "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"),
        *("--python-version", PYTHON_VERSIONS.get(name, "3.11"), "--python-platform", "x86_64-manylinux_2_36"),
        *("--output-file", str(lock), "-"),
    ]
    subprocess.run(command, input="\n".join(wanted), text=True, check=True, cwd=ROOT)  # noqa: S603
    header = f"# Packages of the image {name!r}. Written by: python -m deploy.images.locks {name}\n"
    lock.write_text(header + lock.read_text())


if __name__ == "__main__":
    sys.exit(main())
