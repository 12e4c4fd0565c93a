"""Real Triton servers over the project's own model repository: with real weights, and with tiny nets."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lensora.models.manifest import Manifest, SnapshotEntry, load_manifest
from lensora.models.repository import assemble
from lensora.models.snapshot import record
from lensora.testing.triton import TritonServer, environment_folder

TEMPLATES = Path(__file__).resolve().parents[3] / "deploy" / "triton"
MODELS_DIR = Path(os.environ.get("LENSORA_MODELS_DIR", "~/.cache/lensora/models")).expanduser()
"""Where ``make setup`` puts the embedded mode's weights."""

ONNX = (
    "isnet-general-use",
    "efficientnet-lite0",
    "ssdlite-coco",
    "ssd-openimages",
    "lensora-shape",
)
TINY = ("z-image-turbo", "flux2-klein-4b", "flux1-schnell", "shap-e-img2img", "florence-2-large")


@dataclass(frozen=True)
class Serving:
    """A server, the manifest that its weights belong to, and the repository that it was started on."""

    server: TritonServer
    manifest: Manifest
    repository: Path


@pytest.fixture(scope="session")
def onnx_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """IS-Net and EfficientNet-Lite0 from the repository, with their real weights."""
    folder = tmp_path_factory.mktemp("onnx")
    assemble(ONNX, templates=TEMPLATES, models_dir=MODELS_DIR, target=folder / "repository")
    with TritonServer(folder / "repository", log=folder / "triton.log", model_config_name="cpu") as server:
        yield server


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """A models folder with tiny nets under the shipped names, locked; the shipped manifest without their digests."""
    folder = tmp_path_factory.mktemp("tiny-models")
    script = Path(__file__).with_name("tiny_nets.py")
    python = environment_folder() / "bin" / "python"
    done = subprocess.run(
        [str(python), str(script), str(folder), *TINY], capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr[-2000:]
    shipped = load_manifest()
    manifest = Manifest(tuple(replace(e, known=()) if isinstance(e, SnapshotEntry) else e for e in shipped.entries))
    for name in TINY:
        entry = manifest.entry(name)
        assert isinstance(entry, SnapshotEntry)
        record(entry, folder, revision="a" * 40 if not entry.pinned else "")
    for name in ONNX:
        weights = shipped.entry(name)
        (folder / weights.file).symlink_to(MODELS_DIR / weights.file)
    return folder, manifest


@pytest.fixture(scope="session")
def tiny_repository(tiny_models: tuple[Path, Manifest], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every net of the repository that runs on a CPU without upstream code: the real ONNX ones, and the tiny ones."""
    models_dir, manifest = tiny_models
    target = tmp_path_factory.mktemp("tiny") / "repository"
    assemble((*ONNX, *TINY), templates=TEMPLATES, models_dir=models_dir, target=target, manifest=manifest)
    return target


@pytest.fixture(scope="session")
def tiny_server(tiny_models: tuple[Path, Manifest], tiny_repository: Path) -> Iterator[Serving]:
    """A server with all of them, for tests that leave it running."""
    log = tiny_repository.parent / "triton.log"
    with TritonServer(tiny_repository, log=log, model_config_name="cpu") as server:
        yield Serving(server, tiny_models[1], tiny_repository)


@pytest.fixture
def mortal_server(tiny_models: tuple[Path, Manifest], tiny_repository: Path, tmp_path: Path) -> Iterator[Serving]:
    """A server with detection and cutout alone, to be killed and started again."""
    models = ("isnet-general-use", "florence-2-large")
    with TritonServer(tiny_repository, log=tmp_path / "triton.log", models=models, model_config_name="cpu") as server:
        yield Serving(server, tiny_models[1], tiny_repository)
