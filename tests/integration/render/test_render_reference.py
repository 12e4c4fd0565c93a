"""Our renderer held to pyrender: the same mesh, camera and lights behind the same Protocol."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from lensora.core.cameras import frame_poses
from lensora.core.errors import ConfigurationError
from lensora.core.words import CameraMove
from lensora.settings import load
from lensora.testing.meshes import Finish, box, glb, vase
from services.render.backends import BACKENDS
from services.render.engine import Engine
from services.render.framing import fit_rig
from services.render.glb import read_glb
from services.render.light import even_illumination
from services.render.model import prepare
from services.render.settings import RenderSettings
from services.render.shot import Shot

LEAST_IOU = 0.995
"""The issue's figure; 0.997 to 0.999 is seen, the rest is where 4 samples a pixel differ from 4 others."""

MEAN_DIFFERENCE = 4.0
"""Of 255, over pixels that both cover fully. Two differences are known and wanted: reflections of the surroundings at
grazing angles, which pyrender has not, and sRGB encoding, for which pyrender has a power of 1/2.2 (up to 3 of 255 in
the shadows)."""

MOST_DIFFERENCE = 16.0
"""Of 255, for 95% of those pixels: the rim, where the reflections are."""


@pytest.fixture(scope="module")
def reference() -> Iterator[Engine]:
    """The engine with pyrender behind it."""
    settings = RenderSettings(render_backend="pyrender")
    made = Engine(lambda: BACKENDS[settings.render_backend](settings))
    made.start()
    yield made
    made.close()


def _texture() -> bytes:
    random = np.random.default_rng(2)
    coarse = random.integers(40, 215, (8, 8, 3)).astype(np.uint8)
    return bytes(cv2.imencode(".png", cv2.resize(coarse, (256, 256), interpolation=cv2.INTER_CUBIC))[1])


MESHES = {
    "untextured vase": glb(vase(40, 80), Finish((0.5, 0.4, 0.3, 1.0))),
    "textured vase": glb(vase(40, 80), Finish(texture=_texture())),
    "untextured box": glb(box(), Finish((0.2, 0.5, 0.3, 1.0), roughness=0.9)),
    "textured box": glb(box(), Finish(texture=_texture(), roughness=0.9)),
}


@pytest.mark.parametrize("name", MESHES)
def test_agrees_with_pyrender(engine: Engine, reference: Engine, name: str) -> None:
    """Silhouettes overlap by at least 0.995 and shading agrees within the stated tolerance, from four sides."""
    model = prepare(read_glb(MESHES[name]))
    poses = frame_poses(CameraMove.CINEMATIC, 4)
    rig = fit_rig(model.support, CameraMove.CINEMATIC, poses, 0.1)
    shot = Shot(model, even_illumination(0.45, 0.4, (-0.4, 0.7, 0.6)), rig, poses, 768)
    for ours, theirs in zip(engine.layers(shot, lambda: None), reference.layers(shot, lambda: None), strict=True):
        window, a = ours.window, ours.pixels
        whole = theirs.pixels
        b = whole[window.top : window.bottom, window.left : window.right]
        assert int(whole[..., 3].sum(dtype=np.int64)) == int(b[..., 3].sum(dtype=np.int64))
        inside = a[..., 3] > 127, b[..., 3] > 127
        iou = (inside[0] & inside[1]).sum() / (inside[0] | inside[1]).sum()
        assert iou >= LEAST_IOU
        full = (a[..., 3] == 255) & (b[..., 3] == 255)
        difference = np.abs(a[..., :3].astype(int) - b[..., :3])[full]
        assert difference.mean() <= MEAN_DIFFERENCE
        assert np.percentile(difference, 95) <= MOST_DIFFERENCE


def test_backend_is_chosen_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """LENSORA_RENDER_BACKEND=pyrender selects the reference; another word is refused with the variable's name."""
    monkeypatch.setenv("LENSORA_RENDER_BACKEND", "pyrender")
    assert load(RenderSettings).render_backend == "pyrender"
    monkeypatch.setenv("LENSORA_RENDER_BACKEND", "blender")
    with pytest.raises(ConfigurationError, match="LENSORA_RENDER_BACKEND='blender'"):
        load(RenderSettings)
