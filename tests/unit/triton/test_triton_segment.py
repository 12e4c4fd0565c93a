"""Nets of the segment stage that run on Triton: pre- and post-processing; the nets are functions."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from lensora.core.artifacts import ModelUse
from lensora.core.errors import InferenceFailed
from lensora.testing.inference import FakeModel, TensorSpec
from services.segment.backends.birefnet import BiRefNet
from services.segment.backends.diffusion import DiffusionScenery, painted_size, wrapped


def test_birefnet_s_logits_become_a_matte_of_the_photo_s_size() -> None:
    """The picture goes in normalised as ImageNet is, logits come out as shares of opacity, at the photo's size."""
    rgb = data.astronaut()[:300, :400]
    seen: list[np.ndarray] = []

    def respond(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        seen.append(inputs["input_image"])
        logits = np.full((1, 1, 1024, 1024), -60.0, np.float32)
        logits[..., :512] = 60.0
        logits[..., 1000:] = -1e30
        return {"output_image": logits}

    net = FakeModel(
        respond,
        inputs={"input_image": TensorSpec(np.float32, (1, 3, 1024, 1024))},
        outputs=["output_image"],
        use=ModelUse("birefnet-general", "1", "", "MIT", "segment"),
    )
    matte = BiRefNet(net).salience(rgb)
    assert matte.shape == (300, 400)
    assert matte[:, :190].min() == 1.0
    assert matte[:, 210:].max() == 0.0
    middle = seen[0].mean(axis=(0, 2, 3)) * np.array([0.229, 0.224, 0.225]) + np.array([0.485, 0.456, 0.406])
    np.testing.assert_allclose(middle * 255, rgb.mean(axis=(0, 1)), atol=2)


@pytest.mark.parametrize(
    ("wished", "asked"),
    [((768, 768), (768, 768)), ((2160, 2160), (1280, 1280)), ((256, 256), (512, 512)), ((1920, 1080), (1280, 720))],
)
def test_nets_are_asked_for_sizes_that_they_do_well(wished: tuple[int, int], asked: tuple[int, int]) -> None:
    """Whole steps of 16 pixels, neither tiny nor huge, in the wished shape."""
    assert painted_size(*wished) == asked


def scenery(answer: np.ndarray) -> tuple[DiffusionScenery, FakeModel]:
    """A backend whose net paints that picture, and the net."""
    net = FakeModel(
        lambda _inputs: {"image": answer},
        inputs={
            "prompt": TensorSpec(object, (1, 1)),
            "width": TensorSpec(np.int32, (1, 1)),
            "height": TensorSpec(np.int32, (1, 1)),
            "seed": TensorSpec(np.int64, (1, 1)),
        },
        outputs=["image"],
        use=ModelUse("z-image-turbo", "1", "", "Apache-2.0", "segment"),
    )
    return DiffusionScenery(net), net


def test_the_prompt_is_wrapped_and_the_picture_has_the_wished_size() -> None:
    """The user's words stand in the middle of a demand for an empty place; the answer is brought to size."""
    backend, net = scenery(np.full((1, 1280, 1280, 3), 90, np.uint8))
    painted = backend.paint("on a  marble\ncountertop.", 2160, 2160, 2**64 - 1, 0.1)
    assert painted.rgb.shape == (2160, 2160, 3)
    assert painted.horizon is None
    prompt = bytes(net.calls[0]["prompt"][0, 0]).decode()
    assert prompt == wrapped("on a marble countertop", 0.1)
    assert "without any product" in prompt
    assert "completely empty" in prompt
    assert int(net.calls[0]["seed"][0, 0]) >= 0


@pytest.mark.parametrize(
    ("degrees", "said"),
    [(5.0, "Eye level"), (22.0, "about 20 degrees"), (45.0, "about 45 degrees"), (80.0, "flat lay")],
)
def test_the_net_is_told_where_the_camera_stands(degrees: float, said: str) -> None:
    """The words that a net gets say from how high the scene is seen, as the subject's photo was."""
    assert said in wrapped("on a marble countertop", float(np.radians(degrees)))


def test_a_picture_of_another_size_is_told() -> None:
    """A server that paints another size than it was asked for is told, with the net's name."""
    backend, _ = scenery(np.zeros((1, 64, 64, 3), np.uint8))
    with pytest.raises(InferenceFailed, match="z-image-turbo painted"):
        backend.paint("x", 768, 768, 1, 0.1)
