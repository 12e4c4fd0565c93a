"""The Dockerfile and the images' locks, as far as they can be held without building anything."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deploy.images.closure import ROOT, TARGETS, distributions
from deploy.images.locks import LOCKS, requirements

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
IMAGES = (*TARGETS, "triton")


@dataclass
class Stage:
    """One FROM of the Dockerfile: its base and its instructions."""

    base: str
    lines: list[str] = field(default_factory=list)

    def values(self, instruction: str) -> list[str]:
        """What follows each occurrence of an instruction."""
        return [line.partition(" ")[2].strip() for line in self.lines if line.startswith(f"{instruction} ")]


def stages() -> dict[str, Stage]:
    """Every stage by its name."""
    found: dict[str, Stage] = {}
    current: Stage | None = None
    for line in _logical(DOCKERFILE.read_text()):
        match = re.fullmatch(r"FROM (\S+) AS (\S+)", line)
        if match:
            current = found[match[2]] = Stage(match[1])
        elif current is not None:
            current.lines.append(line)
    return found


def _logical(text: str) -> Iterator[str]:
    joined = re.sub(r"\\\n\s*", " ", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    yield from (line for line in joined.splitlines() if line.strip())


def test_hadolint_is_content() -> None:
    """hadolint finds nothing in the Dockerfile."""
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([str(hadolint), str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("image", IMAGES)
def test_image_is_lean_and_labelled(image: str) -> None:
    """Each process has a target on the runtime's base, without the build stage's layers, as a user without rights."""
    stage = stages()[image]
    # The renderer's root has Mesa beside what the runtime has, and the weights' image needs pip; no other can install.
    assert stage.base == {"triton": "${TRITON_IMAGE}", "render": "scratch", "models": "base"}.get(image, "runtime")
    assert stage.values("USER")[-1] == "10001:10001"
    (label,) = stage.values("LABEL")
    for name in ("title", "description", "version", "revision", "licenses"):
        assert f"org.opencontainers.image.{name}=" in label
    assert f'title="lensora-{image}"' in label
    assert len(stage.values("ENTRYPOINT")) == 1
    assert not stage.values("HEALTHCHECK"), "probes are the chart's"


def test_bases_are_arguments() -> None:
    """Every foreign base is an ARG, so that a build can pin it by its digest."""
    text = DOCKERFILE.read_text()
    foreign = {stage.base for stage in stages().values()} - set(stages()) - {"scratch"}
    assert foreign == {"${BASE_IMAGE}", "${TRITON_IMAGE}"}
    for base in foreign:
        assert re.search(rf"(?m)^ARG {base[2:-1]}=\S+$", text)


@pytest.mark.parametrize("lock", ["build", "triton", "triton-cpu", "mesh-usd", *TARGETS])
def test_lock_pins_everything_with_hashes(lock: str) -> None:
    """Each line of a lock is one exact version with at least one hash."""
    text = re.sub(r"\\\n\s*", " ", (LOCKS / f"{lock}.lock").read_text())
    packages = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert packages
    for line in packages:
        assert re.match(r"^[a-z0-9][a-z0-9._-]*==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line[:80]


@pytest.mark.parametrize("target", TARGETS)
def test_lock_holds_what_the_process_imports(target: str) -> None:
    """Every package that the process imports is in its lock; ``make locks`` writes it anew."""
    locked = set(re.findall(r"(?m)^([a-z0-9][a-z0-9._-]*)==", (LOCKS / f"{target}.lock").read_text()))
    missing = distributions(TARGETS[target]) - locked
    assert not missing, f"run: python -m deploy.images.locks {target}"


def test_images_leave_out_what_they_do_not_call() -> None:
    """The gateway holds nothing that computes on pictures; SciPy is the mesh stage's alone, usd-core an extra's."""
    locked = {
        path.stem: set(re.findall(r"(?m)^([a-z0-9][a-z0-9._-]*)==", path.read_text())) for path in LOCKS.iterdir()
    }
    assert not locked["gateway"] & {"numpy", "pillow", "opencv-python-headless"}
    assert [name for name, packages in sorted(locked.items()) if "scipy" in packages] == ["mesh", "mesh-usd"]
    assert [name for name, packages in sorted(locked.items()) if "usd-core" in packages] == ["mesh-usd"]


def test_requirements_take_the_projects_ranges() -> None:
    """A lock is resolved within the ranges of pyproject.toml."""
    assert any(line.startswith("numpy>=2") for line in requirements("mesh"))
    assert any(re.match(r"redis(\[\w+\])?>=6", line) for line in requirements("gateway"))


def test_no_server_carries_the_stages_of_others() -> None:
    """The gateway holds no neural net's runtime and no OpenGL; the stages hold no Redis client and no web server."""
    gateway = distributions(TARGETS["gateway"]) | distributions(TARGETS["worker"])
    assert not {"onnxruntime", "moderngl", "trimesh", "av"} & gateway
    assert not {"onnxruntime", "openvino", "tritonclient", "scipy"} & distributions(TARGETS["render"])
    for stage in ("detect", "segment", "mesh", "render"):
        assert not {"redis", "uvicorn", "starlette", "fastapi"} & distributions(TARGETS[stage]), stage
