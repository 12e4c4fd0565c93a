"""The embedded mode's nets on a real Triton, from the project's model repository, with their real weights."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from lensora.adapters.runtimes import OnnxRuntime, TritonRuntime
from lensora.testing.triton import TritonServer
from services.mesh.cutout import read_cutout
from services.mesh.network import MODEL, ShapeNetwork

MODELS_DIR = Path(os.environ.get("LENSORA_MODELS_DIR", "~/.cache/lensora/models"))
"""Where ``make setup`` puts the embedded mode's weights."""


def photo(height: int, width: int) -> np.ndarray:
    """A real photo (scikit-image's astronaut) as a net's input, roughly normalised: (1, 3, height, width) float32."""
    image = data.astronaut()[:height, :width].astype(np.float32)
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None] / 256 - 0.5)


@pytest.mark.parametrize(
    ("name", "stage", "make"),
    [
        ("isnet-general-use", "detect", lambda: photo(512, 512)),
        ("isnet-general-use", "segment", lambda: photo(448, 320)),
        ("efficientnet-lite0", "detect", lambda: np.concatenate([photo(224, 224)] * 3)),
        ("ssdlite-coco", "detect", lambda: np.concatenate([photo(300, 300)] * 3)),
        ("ssd-openimages", "detect", lambda: np.concatenate([photo(300, 300)] * 3)),
    ],
)
def test_triton_gives_what_onnxruntime_gives(
    onnx_server: TritonServer, name: str, stage: str, make: Callable[[], np.ndarray]
) -> None:
    """The same file gives the same numbers in Triton's process as in ours, to a hundredth of a grey level."""
    inputs = {"input": make()}
    there = TritonRuntime(onnx_server.target, timeout_s=60).open(name, stage)
    here = OnnxRuntime(MODELS_DIR, engine="onnxruntime").open(name, stage)
    assert there.ready()
    assert there.describe() == here.describe()
    got, wanted = there.infer(inputs), here.infer(inputs)
    assert set(got) == set(wanted)
    for output, array in wanted.items():
        np.testing.assert_allclose(got[output], array, atol=0.01 / 255)


def test_the_shape_network_says_the_same_on_triton(onnx_server: TritonServer) -> None:
    """The predictor over Triton gives the field, depth and camera that it gives in this process."""
    rgba = np.zeros((160, 160, 4), np.uint8)
    rgba[..., :3] = data.astronaut()[:160, 100:260]
    rgba[30:130, 40:125, 3] = 255
    cutout = read_cutout(rgba)
    there = ShapeNetwork(TritonRuntime(onnx_server.target, timeout_s=60).open(MODEL, "mesh")).predict(cutout)
    here = ShapeNetwork(OnnxRuntime(MODELS_DIR, engine="onnxruntime").open(MODEL, "mesh")).predict(cutout)
    np.testing.assert_allclose(there.field, here.field, atol=1e-3)
    np.testing.assert_allclose(there.depth, here.depth, atol=1e-4)
    assert abs(there.pitch - here.pitch) < 1e-4
