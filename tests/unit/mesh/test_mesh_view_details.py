"""Close-ups: laid on the photo that they are a part of, or left out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lensora.core.words import ViewOmission, ViewSide
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.kinds.inflation import Inflation
from services.mesh.model import ModelRequest, create_model
from services.mesh.views.details import located
from services.mesh.views.sides import FurtherPhoto

Bytes = NDArray[np.uint8]

SHOWN_PX = 260


def printed(seed: int) -> Bytes:
    """(800, 800, 3) a label with words and blots."""
    random = np.random.default_rng(seed)
    label = np.full((800, 800, 3), 200, np.uint8)
    for _ in range(60):
        at = (int(random.integers(20, 700)), int(random.integers(30, 780)))
        color = tuple(int(level) for level in random.integers(0, 160, 3))
        word = "".join(chr(int(letter)) for letter in random.integers(65, 91, 4))
        cv2.putText(label, word, at, cv2.FONT_HERSHEY_SIMPLEX, float(random.uniform(0.6, 1.6)), color, 3)
    return label


def cut_out(picture: Bytes) -> Cutout:
    """A picture that is subject all over, with a margin about it."""
    framed = np.pad(picture, ((20, 20), (20, 20), (0, 0)))
    alpha = np.pad(np.full(picture.shape[:2], 255, np.uint8), 20)
    return read_cutout(np.dstack([framed, alpha]))


def test_a_close_up_is_laid_on_its_part() -> None:
    """A turned, brighter close-up of a quarter of a label lies within a pixel of where it was taken from."""
    label = printed(1)
    shown = cut_out(cv2.resize(label, (SHOWN_PX, SHOWN_PX), interpolation=cv2.INTER_AREA))
    turn = cv2.getRotationMatrix2D((500.0, 300.0), 12.0, 1.1)
    part = cv2.warpAffine(label, turn, (800, 800))[120:480, 300:700]
    detail = cut_out(np.clip(part.astype(np.float64) * 1.1, 0, 255).astype(np.uint8))
    camera = PhotoCamera.frontal((140.0, 130.0), 100.0)
    found = located(detail, shown, camera)
    assert found is not None
    # The middle of the part, as both cameras see one place of the world.
    off = np.array([(500.0 + 0.5) * SHOWN_PX / 800, (300.0 + 0.5) * SHOWN_PX / 800]) + 20 - np.array(shown.origin)
    place = np.array([[(off[0] - 140.0) / 100.0, -(off[1] - 130.0) / 100.0, 0.0]])
    pixel, _ = found.camera.project(place)
    assert found.camera.pixels / camera.pixels > 2.0
    x, y = pixel[0]
    wide = int(20 * found.camera.pixels / camera.pixels / 2)
    seen = found.cutout.rgb[int(y) - wide : int(y) + wide, int(x) - wide : int(x) + wide]
    scale = found.camera.pixels / camera.pixels * SHOWN_PX / 800
    half = wide / scale
    truth = label[round(300 - half) : round(300 + half), round(500 - half) : round(500 + half)]
    truth = cv2.resize(truth, seen.shape[1::-1], interpolation=cv2.INTER_AREA)
    shift, _ = cv2.phaseCorrelate(
        cv2.cvtColor(truth, cv2.COLOR_RGB2GRAY).astype(np.float64),
        cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY).astype(np.float64),
    )
    assert np.hypot(*shift) < 1.0 * found.camera.pixels / camera.pixels


@pytest.mark.parametrize("other", ["another label", "plain", "not sharper"])
def test_what_does_not_belong_is_left_out(other: str) -> None:
    """A close-up of something else, one without features, and one that is no sharper than the photo change nothing."""
    label = printed(1)
    small = cv2.resize(label, (SHOWN_PX, SHOWN_PX), interpolation=cv2.INTER_AREA)
    pictures = {
        "another label": printed(2)[100:500, 200:700],
        "plain": np.full((300, 300, 3), 200, np.uint8),
        "not sharper": small[20:200, 20:200],
    }
    detail = cut_out(pictures[other])
    assert located(detail, cut_out(small), PhotoCamera.frontal((140.0, 130.0), 100.0)) is None


def test_a_close_up_makes_its_part_of_the_texture_sharper() -> None:
    """A close-up that belongs is used, without an agreement of outlines, and its words are sharper in the texture. One
    of something else is left out."""
    label = printed(1)
    shown = cut_out(cv2.resize(label, (SHOWN_PX, SHOWN_PX), interpolation=cv2.INTER_AREA))
    backend = SilhouetteBackend(kinds=[Inflation()])
    close, wrong = (
        FurtherPhoto(cut_out(picture[200:560, 200:600]), ViewSide.DETAIL) for picture in (label, printed(2))
    )
    alone, both = (
        create_model(shown, ModelRequest(name="label"), backend, silent, None, further, backend.explainer)
        for further in ([], [wrong, close])
    )
    assert [use.used for use in both.further] == [False, True]
    assert [use.omission for use in both.further] == [ViewOmission.NO_PLACE, None]
    assert (both.further[1].side, both.further[1].fidelity) == (ViewSide.DETAIL, None)
    edges = [float(np.abs(cv2.Laplacian(one.texture.pixels, cv2.CV_32F)).mean()) for one in (alone, both)]
    assert edges[1] > 1.03 * edges[0]


def silent(_phase: str, _done: float) -> None:
    """Nobody asks how far the work is."""
