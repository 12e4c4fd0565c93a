"""Cleaning a cutout."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from lensora.core.errors import InvalidImage, SubjectNotFound
from services.mesh.cutout import kept_thin, read_cutout

Draw = Callable[..., NDArray[np.uint8]]


def test_crumbs_and_pinholes_go(flat_photo: Draw) -> None:
    """Islands and holes that are too small to mean anything do not reach the shape."""
    mask = np.zeros((200, 200), np.uint8)
    mask[40:160, 40:160] = 1
    mask[100, 100] = 0
    mask[5:8, 5:8] = 1
    cutout = read_cutout(flat_photo(mask))
    assert cutout.origin[0] > 20
    assert int(cutout.mask.sum()) == 120 * 120


def test_no_subject_is_said_clearly() -> None:
    """An empty cutout is an error that names the limit and the count."""
    with pytest.raises(SubjectNotFound, match="at least 32 opaque pixels, not 0"):
        read_cutout(np.zeros((64, 64, 4), np.uint8))


def test_other_arrays_are_refused() -> None:
    """Only RGBA bytes are taken."""
    with pytest.raises(InvalidImage, match="RGBA"):
        read_cutout(np.zeros((64, 64, 3), np.uint8))


def test_background_does_not_reach_the_photo(flat_photo: Draw) -> None:
    """Colours near the rim, where a matte mixes in the background, are replaced by the subject's own."""
    mask = np.zeros((200, 200), np.uint8)
    mask[40:160, 40:160] = 1
    rgba = flat_photo(mask, (40, 160, 40))
    rgba[40:42, 40:160, :3] = (255, 0, 255)
    cutout = read_cutout(rgba)
    assert np.abs(cutout.photo.astype(int) - [40, 160, 40]).max() <= 2


def test_thin_wires_survive_scaling() -> None:
    """A wire of a third of a pixel is still inside the matte."""
    alpha = np.zeros((40, 40), np.float32)
    alpha[20] = 0.3
    kept = kept_thin(alpha)
    assert 10 <= int((kept >= 0.5).sum()) <= 40


@pytest.mark.parametrize(("length", "width"), [(2500, 1), (5000, 1), (9000, 2), (20_000, 1)])
def test_a_long_wire_is_a_subject(length: int, width: int, flat_photo: Draw) -> None:
    """A subject that is a wire all along is there from end to end, however far it is scaled down."""
    mask = np.zeros((length + 20, 60), np.uint8)
    mask[10:-10, 30 : 30 + width] = 1
    cutout = read_cutout(flat_photo(mask))
    assert max(cutout.alpha.shape) == 2048
    assert int(cutout.mask.any(axis=1).sum()) == pytest.approx(length * cutout.scale, rel=0.02)
