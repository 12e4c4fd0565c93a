"""Samples to pixels, and textures as square roots of linear light."""

from __future__ import annotations

import numpy as np

from lensora.core.frames import linear_from_srgb
from services.render.samples import ROOT_FROM_SRGB, SRGB_FROM_ROOT, resolved, root_levels


def test_colours_survive_the_way_there_and_back() -> None:
    """sRGB bytes, as roots and back, differ by at most 1."""
    there_and_back = SRGB_FROM_ROOT[ROOT_FROM_SRGB].astype(int)
    assert np.abs(there_and_back - np.arange(256)).max() <= 1


def test_levels_hold_the_mean_of_the_light() -> None:
    """A black and white chequer becomes half the light, not half the byte, at every coarser level; alpha stays."""
    image = np.zeros((32, 16, 4), np.uint8)
    image[::2, ::2, :3] = image[1::2, 1::2, :3] = 255
    image[..., 3] = 255
    levels = root_levels(image)
    assert [level.shape[:2] for level in levels] == [(32, 16), (16, 8), (8, 4), (4, 2), (2, 1), (1, 1)]
    for level in levels[1:]:
        assert np.abs((level[..., :3] / 255.0) ** 2 - 0.5).max() < 0.005
        assert (level[..., 3] == 255).all()


def test_resolving_keeps_flat_colours() -> None:
    """A flat picture of roots comes out as its sRGB colour, alpha untouched, at the size of the pixels."""
    samples = np.full((12, 8, 4), 128, np.uint8)
    pixels = resolved(samples, 2)
    assert pixels.shape == (6, 4, 4)
    light = linear_from_srgb(pixels[..., :3] / 255.0)
    assert np.abs(light - (128 / 255.0) ** 2).max() < 0.004
    assert (pixels[..., 3] == 128).all()


def test_an_upright_edge_has_steps_between() -> None:
    """As an edge moves by samples, pixels are an eighth, half and seven eighths covered; a box knows the half alone."""
    seen = set()
    for at in range(8, 12):
        samples = np.zeros((8, 24, 4), np.uint8)
        samples[:, at:] = 255
        seen |= set(np.unique(resolved(samples, 2)[2, :, 3]).tolist())
    assert seen - {0, 255} == {32, 128, 223}


def test_memory_that_is_used_again_changes_nothing() -> None:
    """What an earlier, larger picture has left in it is not seen."""
    samples = np.random.default_rng(0).integers(0, 256, (12, 8, 4), np.uint8)
    used = np.full(2 * samples.size, 77, np.uint8)
    assert np.array_equal(resolved(samples, 2, used), resolved(samples, 2))
