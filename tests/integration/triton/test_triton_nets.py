"""The repository's python-backend nets inside a real Triton, tiny and random, called through the services' backends."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from lensora.adapters.runtimes import Runtime, TritonRuntime
from lensora.core.boxes import FULL_FRAME_LABEL
from lensora.core.errors import DeadlineExceeded
from lensora.imaging.photo import decode
from lensora.models.manifest import Manifest
from lensora.rpc.call import Call
from lensora.testing.triton import TritonServer
from services.detect.backends.registry import DETECT_BACKENDS
from services.mesh.backends.registry import BACKENDS
from services.mesh.model import ModelRequest, create_model
from services.segment.backends.registry import BACKPLATE_BACKENDS


class Serving(Protocol):
    """What conftest's fixture gives."""

    server: TritonServer
    manifest: Manifest


@pytest.fixture(scope="module")
def runtime(tiny_server: Serving) -> Runtime:
    """Models on the server with the tiny nets."""
    return TritonRuntime(tiny_server.server.target, timeout_s=120, manifest=tiny_server.manifest)


@pytest.mark.parametrize("name", ["z-image-turbo", "flux2-klein-4b", "flux1-schnell"])
def test_a_text_to_image_net_paints_through_the_segment_stage(runtime: Runtime, name: str) -> None:
    """The pipeline's own classes run; one seed gives one picture, another seed another, and the bill names the net."""
    backend = BACKPLATE_BACKENDS[name](runtime)
    first, again, other = (
        backend.paint("on a marble table, Götterspeise", 256, 320, seed, 0.1).rgb for seed in (1, 1, 2)
    )
    assert first.shape == (320, 256, 3)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 1
    use = backend.describe()
    assert (use.name, use.license, len(use.sha256)) == (name, "Apache-2.0", 64)


def test_pictures_in_a_batch_are_those_painted_alone(runtime: Runtime) -> None:
    """Requests that Triton joins keep their own seeds and words."""
    backend = BACKPLATE_BACKENDS["flux1-schnell"](runtime)

    def paint(seed: int) -> np.ndarray:
        return backend.paint(f"scene {seed}", 256, 256, seed, 0.1).rgb

    alone = [paint(seed) for seed in range(3)]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(paint, range(3)))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one.astype(int), other.astype(int), atol=2)


def test_a_picture_that_nobody_waits_for_is_given_up(runtime: Runtime) -> None:
    """A deadline ends the call, and the server paints the next picture."""
    backend = BACKPLATE_BACKENDS["z-image-turbo"](runtime)
    with pytest.raises(DeadlineExceeded, match="z-image-turbo"):
        backend.paint("late", 768, 768, 1, 0.1, Call(time_left_s=lambda: 0.05))
    assert backend.paint("next", 256, 256, 1, 0.1, Call(time_left_s=lambda: 60.0)).rgb.shape == (256, 256, 3)


def test_florence_s_words_become_proposals(runtime: Runtime) -> None:
    """Generated tokens become a box with free words; the tiny net was taught to see a red cup in every picture."""
    detector = DETECT_BACKENDS["florence-2"](runtime)
    stored = io.BytesIO()
    Image.fromarray(data.coffee()).save(stored, "PNG")
    found = detector.detect(decode(stored.getvalue(), longest_side_px=detector.working_side_px), 4)
    assert [p.label for p in found.proposals] == ["red cup", FULL_FRAME_LABEL]
    box = found.proposals[0].box
    np.testing.assert_allclose((box.x1, box.y1, box.x2, box.y2), (0.25, 0.3, 0.6, 0.8), atol=0.002)
    assert found.proposals[0].category == "product"
    assert [(use.name, len(use.sha256)) for use in found.models] == [("florence-2-large", 64)]


def test_shap_e_s_mesh_becomes_a_model(runtime: Runtime) -> None:
    """Diffusion, decoding and marching cubes run in Triton; the mesh stage closes, turns and paints what comes out."""
    rgba = np.zeros((200, 200, 4), np.uint8)
    cv2.ellipse(rgba, (100, 110), (60, 80), 0, 0, 360, (200, 120, 60, 255), -1)
    model = create_model(rgba, ModelRequest(), BACKENDS["shap-e"](runtime, None), lambda *_: None)
    assert model.glb.startswith(b"glTF")
    assert model.solid.is_closed()
    assert 1_000 < len(model.surface.faces) <= 60_000
    assert [(use.name, use.stage, len(use.sha256)) for use in model.models] == [("shap-e-img2img", "mesh", 64)]
