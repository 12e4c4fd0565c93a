"""What a release is made of, as data: versions, images with their platforms, and the commands of each part."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from deploy.images.closure import ROOT, TARGETS

CHART = ROOT / "deploy" / "helm" / "lensora"
NODE_CLIENT = ROOT / "clients" / "node"
REGISTRY_VARIABLE = "OCI_REGISTRY"
"""The one variable that says where a release goes; without it the chart's own ``image.registry`` is meant."""

BOTH = ("linux/amd64", "linux/arm64")
AMD64 = ("linux/amd64",)

PLATFORMS = {
    # xatlas (mesh) and glcontext (render) publish no wheels for arm64; Triton's nodes are amd64.
    **dict.fromkeys(TARGETS, BOTH),
    "mesh": AMD64,
    "render": AMD64,
    "triton": AMD64,
}
"""Platforms by image: those for which every package of its lock has a wheel."""

_TAG = re.compile(r"^v(\d+\.\d+\.\d+(?:-[0-9A-Za-z.]+)?)$")


class ReleaseRefused(Exception):
    """This tree cannot be released; ``str()`` says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a release: a title for people, and its arguments."""

    title: str
    command: tuple[str, ...]
    folder: Path = ROOT


PAGES_STEP = Step("Fetch what the pages are made of", ("python", "tools/node_packages.py", "--pages"))
"""Wheels and images hold it; a clean checkout does not."""


def registry() -> str:
    """``host/path`` that images and chart are pushed to."""
    default: str = yaml.safe_load((CHART / "values.yaml").read_text())["image"]["registry"]
    return os.environ.get(REGISTRY_VARIABLE, "").strip().rstrip("/") or default


def version_of(tag: str) -> str:
    """The version that a git tag names, held to every place that says one.

    Raises:
        ReleaseRefused: the tag is no version, or a file says another one.
    """
    match = _TAG.match(tag)
    if match is None:
        raise ReleaseRefused(f"{tag!r} is no tag of a release, such as v0.1.0")
    wrong = {place: said for place, said in said_versions().items() if said != match[1]}
    if wrong:
        raise ReleaseRefused(
            f"{tag} is tagged, but " + "; ".join(f"{where} says {said}" for where, said in wrong.items())
        )
    return match[1]


def said_versions() -> dict[str, str]:
    """The version by the file that says it."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    package = re.search(r'__version__ = "([^"]+)"', (ROOT / "lensora" / "__init__.py").read_text())
    said = {
        "lensora/__init__.py": package[1] if package else "nothing",
        "Chart.yaml: version": chart["version"],
        "Chart.yaml: appVersion": chart["appVersion"],
    }
    if (NODE_CLIENT / "package.json").is_file():
        said["clients/node/package.json"] = json.loads((NODE_CLIENT / "package.json").read_text())["version"]
    return said


def image_name(target: str, version: str) -> str:
    """The image's name with its tag, as the chart writes it."""
    return f"{registry()}/lensora-{target}:{version}"


def image_steps(target: str, version: str, revision: str, metadata: Path) -> tuple[Step, ...]:
    """Build one image, push it with a bill of materials and provenance; buildx writes its digest to ``metadata``."""
    build = (
        *("docker", "buildx", "build", "--file", "deploy/Dockerfile", "--target", target),
        *("--platform", ",".join(PLATFORMS[target])),
        *("--build-arg", f"VERSION={version}", "--build-arg", f"REVISION={revision}"),
        *("--sbom=true", "--provenance=mode=max", "--push", "--metadata-file", str(metadata)),
        *("--tag", image_name(target, version), "."),
    )
    return (
        PAGES_STEP,
        Step(f"Build and push {target} ({', '.join(PLATFORMS[target])})", build),
    )


def sign_step(reference: str) -> Step:
    """Sign what a digest names, without a key of ours: the forge's identity vouches for it."""
    if "@sha256:" not in reference:
        raise ReleaseRefused(f"{reference} is no digest: only what cannot change is signed")
    return Step(f"Sign {reference}", ("cosign", "sign", "--yes", "--recursive", reference))


def chart_steps(archive: Path) -> tuple[Step, ...]:
    """Push the packaged chart."""
    return (Step("Push the chart", ("helm", "push", str(archive), f"oci://{registry()}/charts")),)


def package_steps(folder: Path) -> tuple[Step, ...]:
    """Build the wheel, its source, and the npm package where there is one; publish them when all are built."""
    builds = [PAGES_STEP, Step("Build the wheel and the source", ("uv", "build", "--out-dir", str(folder)))]
    publishes = [Step("Publish the wheel", ("uv", "publish", "--trusted-publishing", "always", f"{folder}/*"))]
    if (NODE_CLIENT / "package.json").is_file():
        builds.append(Step("Fetch the npm package's compiler", ("npm", "ci"), NODE_CLIENT))
        builds.append(Step("Compile the npm package", ("npm", "run", "build"), NODE_CLIENT))
        publish = ("npm", "publish", "--provenance", "--access", "public")
        publishes.append(Step("Publish the npm package", publish, NODE_CLIENT))
    return (*builds, *publishes)


def shown(steps: Sequence[Step]) -> str:
    """The commands for people."""
    return "\n".join(f"# {step.title}\n{' '.join(step.command)}" for step in steps)
