"""TripoSR's and TRELLIS's model.py inside a real Triton, against stand-ins with upstream's documented signatures.

Neither net has run here with its real weights; docs/models says so.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lensora.adapters.runtimes import TritonRuntime
from lensora.models.manifest import Manifest, SnapshotEntry, load_manifest
from lensora.models.repository import assemble
from lensora.models.snapshot import record
from lensora.testing.triton import TritonServer, environment_folder
from services.mesh.backends.registry import BACKENDS
from services.mesh.cutout import read_cutout

HERE = Path(__file__).parent
TEMPLATES = HERE.parents[2] / "deploy" / "triton"
NAMES = ("triposr", "trellis-image-large")

WEIGHTS = """
import sys, torch
state = {"scale": torch.tensor([0.3, 0.45, 0.5])}
# The names that the published checkpoint has: transformers 4's.
model = "image_tokenizer.model."
state[model + "embeddings.cls_token"] = torch.zeros(1, 1, 8)
state[model + "embeddings.position_embeddings"] = torch.zeros(1, 5, 8)
for name, shape in {
    "embeddings.patch_embeddings.projection": (8, 3, 16, 16), "layernorm": (8,), "pooler.dense": (8, 8),
}.items():
    state[model + name + ".weight"], state[model + name + ".bias"] = torch.zeros(shape), torch.zeros(8)
for layer in range(2):
    for name, shape in {
        "attention.attention.query": (8, 8), "attention.attention.key": (8, 8), "attention.attention.value": (8, 8),
        "attention.output.dense": (8, 8), "intermediate.dense": (16, 8), "output.dense": (8, 16),
        "layernorm_before": (8,), "layernorm_after": (8,),
    }.items():
        at = f"{model}encoder.layer.{layer}.{name}"
        state[at + ".weight"], state[at + ".bias"] = torch.zeros(shape), torch.zeros(shape[0])
torch.save(state, sys.argv[1])
"""
HOSTILE = """
import pathlib, sys, torch
class Payload:
    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path(sys.argv[2]),)
torch.save({"scale": Payload()}, sys.argv[1])
"""


def repository(folder: Path, names: tuple[str, ...], checkpoint: str, *arguments: str) -> tuple[Path, Manifest]:
    """An assembled repository in which upstream's packages are the stand-ins."""
    models_dir = folder / "models"
    triposr, trellis = models_dir / "triposr", models_dir / "trellis-image-large"
    (trellis / "ckpts").mkdir(parents=True)
    triposr.mkdir()
    (triposr / "config.yaml").write_text("cond_image_size: 512\n")
    (trellis / "pipeline.json").write_text('{"name": "TrellisImageTo3DPipeline"}')
    python = environment_folder() / "bin" / "python"
    subprocess.run([str(python), "-c", checkpoint, str(triposr / "model.ckpt"), *arguments], check=True)
    shipped = load_manifest()
    manifest = Manifest(tuple(replace(e, known=()) if isinstance(e, SnapshotEntry) else e for e in shipped.entries))
    for name in names:
        entry = manifest.entry(name)
        assert isinstance(entry, SnapshotEntry)
        record(entry, models_dir)
    target = folder / "repository"
    for model in assemble(names, templates=TEMPLATES, models_dir=models_dir, target=target, manifest=manifest):
        for package in ("tsr", "trellis"):
            shutil.copytree(HERE / "standins" / package, model / "1" / package)
    return target, manifest


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonRuntime]:
    """Both nets on a real Triton."""
    folder = tmp_path_factory.mktemp("standins")
    target, manifest = repository(folder, NAMES, WEIGHTS)
    with TritonServer(target, log=folder / "triton.log", model_config_name="cpu") as server:
        yield TritonRuntime(server.target, timeout_s=60, manifest=manifest)


def half_and_half() -> np.ndarray:
    """(240, 240, 4): an upright ellipse, red on its right, blue on its left."""
    y, x = np.mgrid[:240, :240]
    picture = np.zeros((240, 240, 4), np.uint8)
    picture[..., :3] = np.where((x > 120)[..., None], (220, 30, 30), (30, 30, 220))
    picture[..., 3] = np.where(((x - 120) / 81) ** 2 + ((y - 120) / 90) ** 2 <= 1, 255, 0)
    return picture


@pytest.mark.parametrize("name", ["triposr", "trellis"])
def test_upstream_s_mesh_arrives_upright_and_the_right_way_round(runtime: TritonRuntime, name: str) -> None:
    """Called as upstream documents it, the net's mesh comes out with its right side on the right."""
    raw = BACKENDS[name](runtime, None).reconstruct(read_cutout(half_and_half()), lambda *_: None)
    assert raw.solid.is_closed()
    assert raw.solid.volume() > 0
    assert raw.camera is not None
    assert raw.completion is not None
    low, high = raw.solid.vertices.min(axis=0), raw.solid.vertices.max(axis=0)
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    for side, channel in ((1.0, 0), (-1.0, 2)):
        point = (middle + np.array([0.9 * side * half[0], 0.0, 0.0]))[None]
        color = raw.completion.colors(point, np.array([[side, 0.0, 0.0]]))[0]
        assert int(np.argmax(color)) == channel, f"{name}: {color} at x {side:+.0f}"
    assert [(use.name, len(use.sha256)) for use in raw.models] == [
        ({"triposr": "triposr", "trellis": "trellis-image-large"}[name], 64)
    ]


def test_a_checkpoint_with_code_in_it_is_never_run(tmp_path: Path) -> None:
    """Upstream loads a pickle; here torch's restricted loader does, and the model does not load at all."""
    mark = tmp_path / "the-code-ran"
    target, _ = repository(tmp_path, ("triposr",), HOSTILE, str(mark))
    server = TritonServer(target, log=tmp_path / "triton.log", model_config_name="cpu")
    with pytest.raises(RuntimeError, match=r"Weights only load failed|Unsupported global|weights_only"):
        server.start()
    assert not mark.exists()
