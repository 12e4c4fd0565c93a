"""Preflight: each problem of a photo is told, and a good photo has none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.detect.preflight import BLURRED, Subject, blur_effect, cut_edges, outline_contrast, suggested_actions
from services.detect.regions import Region, find_patches
from services.detect.translucence import faint_part

HEIGHT, WIDTH = 240, 320


def region(mask: NDArray[np.bool_]) -> Region:
    """A region that stands out perfectly."""
    (patch,) = find_patches(mask.astype(np.float32), np.ones_like(mask))
    (thing,) = patch.things
    return thing


def disc(x: int = 160, y: int = 120, radius: int = 60) -> NDArray[np.bool_]:
    """A disc on the grid."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(mask, (x, y), radius, 1, -1)
    return mask.astype(np.bool_)


def photo(mask: NDArray[np.bool_], *, blur: float = 0.0, tint: int = 90) -> NDArray[np.uint8]:
    """A photo three times the grid's size: a subject with fine print on a plain background that differs by ``tint``."""
    size = (WIDTH * 3, HEIGHT * 3)
    large = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)[..., None].astype(np.bool_)
    print_ = (np.indices((size[1] // 6, size[0] // 6)).sum(axis=0) % 2 * 50).astype(np.uint8)
    subject = 60 + cv2.resize(print_, size, interpolation=cv2.INTER_NEAREST)[..., None].repeat(3, axis=2)
    picture = np.where(large, subject, np.uint8(85 + tint)).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), blur)) if blur else picture


def codes(rgb: NDArray[np.uint8], subject: Subject | None) -> list[str]:
    """Codes of the actions; each must carry a sentence."""
    actions = suggested_actions(rgb, subject)
    assert all(action.message.endswith(".") and len(action.message) > 30 for action in actions)
    return [action.code for action in actions]


def subject_of(mask: NDArray[np.bool_], *, size_px: int = 800, faint: NDArray[np.bool_] | None = None) -> Subject:
    """A subject of that mask."""
    return Subject(region(mask), faint, size_px, size_px // 2)


def test_a_good_photo_has_no_problem() -> None:
    """A sharp, whole, large, distinct subject gives an empty list."""
    assert codes(photo(disc()), subject_of(disc())) == []


def test_no_subject_is_told() -> None:
    """Where nothing was found, the one advice is how to take a better photo."""
    assert codes(photo(disc()), None) == ["no_clear_subject"]


@pytest.mark.parametrize(
    ("x", "y", "edges"),
    [(20, 120, ["left"]), (300, 120, ["right"]), (160, 10, ["top"]), (160, 230, ["bottom"]), (10, 10, ["left", "top"])],
)
def test_a_cropped_subject_is_told_with_its_edges(x: int, y: int, edges: list[str]) -> None:
    """The sentence names the edges of the photo that cut the subject off."""
    mask = disc(x, y)
    assert cut_edges(region(mask)) == edges
    actions = suggested_actions(photo(mask), subject_of(mask))
    assert [action.code for action in actions] == ["subject_cropped"]
    assert all(edge in actions[0].message for edge in edges)


def test_touching_the_edge_with_a_point_is_not_cropped() -> None:
    """A thing that just reaches the border is whole."""
    assert cut_edges(region(disc(60, 120, 60))) == []


def test_a_small_subject_is_told_with_its_size() -> None:
    """Under 256 pixels in the full photo the size is told; at 256 it is not."""
    assert codes(photo(disc()), subject_of(disc(), size_px=255)) == ["subject_small"]
    assert "255 pixels" in suggested_actions(photo(disc()), subject_of(disc(), size_px=255))[0].message
    assert codes(photo(disc()), subject_of(disc(), size_px=256)) == []


def test_a_blurred_subject_is_told() -> None:
    """A strong blur is told, a sharp subject before a blurred background is not, and the measure grows with blur."""
    assert codes(photo(disc(), blur=7), subject_of(disc())) == ["subject_blurred"]
    effects = [blur_effect(photo(disc(), blur=blur), region(disc())) for blur in (0, 2, 4, 8)]
    assert effects == sorted(effects)
    assert effects[0] < BLURRED < effects[-1]


def test_a_subject_thinner_than_a_pixel_has_a_measure_too() -> None:
    """In a photo of fewer pixels than the grid has cells, a line of the grid lies within one pixel."""
    small = cv2.resize(photo(disc()), (64, 48), interpolation=cv2.INTER_AREA)
    for top in range(100, 105):
        line = np.zeros((HEIGHT, WIDTH), np.bool_)
        line[top, 40:300] = True
        thin = Region(line, (40, top, 300, top + 1), 260, 1.0, 1.0, 0.0)
        assert 0.0 <= blur_effect(small, thin) <= 1.0


def test_low_contrast_is_told() -> None:
    """A subject of nearly its background's colour is told; the measure grows with the difference."""
    assert codes(photo(disc(), tint=2), subject_of(disc())) == ["low_contrast"]
    contrasts = [outline_contrast(photo(disc(), tint=tint), region(disc())) for tint in (0, 20, 60, 150)]
    assert contrasts == sorted(contrasts)


def jar() -> tuple[NDArray[np.float32], Region]:
    """The map of a glass jar with an opaque lid: the lid is clear, the jar below it is faint."""
    saliency = np.full((HEIGHT, WIDTH), 0.01, np.float32)
    saliency[90:190, 110:210] = 0.12
    saliency[50:95, 100:220] = 0.98
    return saliency, region(saliency > 0.5)


def test_glass_below_a_lid_is_part_of_the_subject_and_told() -> None:
    """The faint jar is found as part of the lid, and told as see-through."""
    saliency, lid = jar()
    faint = faint_part(lid, saliency)
    assert faint is not None
    assert faint[100:180, 120:200].all() and not faint[:85].any()
    assert codes(photo(lid.mask), Subject(lid, faint, 800, 800)) == ["subject_see_through"]


def test_shadows_and_wires_are_not_glass() -> None:
    """A faint part that runs out of the picture, one that is thin, and a soft edge are no part of the subject."""
    saliency, lid = jar()
    shadow = saliency.copy()
    shadow[90:, 110:210] = 0.12
    assert faint_part(lid, shadow) is None
    wire = np.where(saliency > 0.5, saliency, 0.01).astype(np.float32)
    wire[93:200, 150:153] = 0.4
    assert faint_part(lid, wire) is None
    soft = cv2.GaussianBlur(np.where(saliency > 0.5, saliency, 0).astype(np.float32), (0, 0), 1.5)
    assert faint_part(lid, soft) is None
