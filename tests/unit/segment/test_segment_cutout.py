"""The matte of one subject, its colours at the edge, and the whole cutout."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lensora.adapters.rechecked import Rechecked
from lensora.core.artifacts import ModelUse
from lensora.core.boxes import FULL_FRAME, Box
from lensora.core.errors import CropTooSmall, SubjectNotFound
from lensora.models.manifest import Doubt
from lensora.testing.inference import FakeModel, TensorSpec
from services.segment.aim import LONGEST_SIDE_PX
from services.segment.cutout import cut_out, encode_png
from services.segment.foreground import estimate_foreground
from services.segment.matte import PixelBox, firmed, isolate, settle

GREY = (120, 120, 120)


def canvas(width: int = 400, height: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """A grey picture and its empty salience."""
    return np.full((height, width, 3), GREY, np.uint8), np.zeros((height, width), np.float32)


def disc(rgb: np.ndarray, salience: np.ndarray, x: int, y: int, r: int, colour: tuple[int, int, int]) -> None:
    """Draw a salient disc."""
    cv2.circle(rgb, (x, y), r, colour, -1, cv2.LINE_AA)
    mask = np.zeros(salience.shape, np.uint8)
    cv2.circle(mask, (x, y), r, 255, -1, cv2.LINE_AA)
    np.maximum(salience, mask.astype(np.float32) / 255.0, out=salience)


class Redness:
    """A backend that finds what is red, and counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def salience(self, rgb: np.ndarray, timeout_s: float | None = None) -> np.ndarray:
        self.calls += 1
        red = rgb[..., 0].astype(np.float32) - rgb[..., 1]
        return np.clip(red / 120.0, 0.0, 1.0)

    def describe(self) -> ModelUse:
        return ModelUse("redness", "1", "", "Apache-2.0", "segment")


def test_a_neighbour_in_the_crop_goes() -> None:
    """Of two salient things, the one in the box stays whole and the other one vanishes."""
    rgb, salience = canvas()
    disc(rgb, salience, 120, 150, 60, (200, 40, 40))
    disc(rgb, salience, 300, 150, 60, (40, 40, 200))
    weight = isolate(salience, rgb, PixelBox(60, 90, 180, 210))
    assert weight[150, 120] == 1.0 and weight[95, 120] > 0.9
    assert float((weight * salience)[:, 230:].max()) < 0.02


def test_a_touching_neighbour_is_cut_at_the_edge_of_colour() -> None:
    """Two things that touch are parted where their colours part, near the box's border."""
    rgb, salience = canvas()
    disc(rgb, salience, 255, 150, 60, (40, 60, 200))
    disc(rgb, salience, 140, 150, 62, (210, 50, 40))
    kept = isolate(salience, rgb, PixelBox(76, 88, 204, 212)) * salience
    red = (rgb[..., 0] > 180) & (rgb[..., 2] < 90)
    blue = (rgb[..., 2] > 180) & (rgb[..., 0] < 90)
    assert float(kept[red].mean()) > 0.97
    assert float(kept[blue].mean()) < 0.10


def test_parts_a_little_outside_of_the_box_stay() -> None:
    """A box that is a few pixels too tight cuts nothing off."""
    rgb, salience = canvas()
    disc(rgb, salience, 200, 150, 80, (200, 40, 40))
    kept = isolate(salience, rgb, PixelBox(124, 74, 276, 226)) * salience
    assert float(np.abs(kept - salience).max()) < 0.02


def test_separate_parts_inside_belong_and_specks_do_not() -> None:
    """A second part of fair size in the box stays; a far speck goes."""
    rgb, salience = canvas()
    disc(rgb, salience, 130, 150, 50, (200, 40, 40))
    disc(rgb, salience, 230, 150, 25, (200, 40, 40))
    disc(rgb, salience, 290, 80, 2, (200, 40, 40))
    weight = isolate(salience, rgb, PixelBox(70, 60, 310, 220))
    assert weight[150, 230] == 1.0 and weight[80, 290] < 0.05


@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_faint_salience_is_no_subject(strength: float) -> None:
    """Nothing, and a faint haze, are answered with subject_not_found."""
    rgb, salience = canvas()
    disc(rgb, salience, 200, 150, 60, (130, 120, 120))
    with pytest.raises(SubjectNotFound, match="no subject found in the box"):
        isolate(salience * strength, rgb, PixelBox(130, 80, 270, 220))


def test_a_subject_elsewhere_is_not_the_box_s() -> None:
    """A clear thing outside of the box does not make up for an empty box."""
    rgb, salience = canvas()
    disc(rgb, salience, 320, 150, 50, (200, 40, 40))
    with pytest.raises(SubjectNotFound):
        isolate(salience, rgb, PixelBox(20, 50, 200, 250))


def test_holes_stay_open_and_solid_things_are_firm() -> None:
    """A handle's hole stays, what is faint deep inside a solid thing becomes solid, and outlines do not move."""
    alpha = np.zeros((400, 400), np.float32)
    cv2.circle(alpha, (160, 200), 110, 0.8, -1)
    cv2.circle(alpha, (320, 200), 60, 1.0, -1)
    cv2.circle(alpha, (330, 200), 30, 0.02, -1)
    firm = firmed(alpha)
    assert firm[200, 330] < 0.1
    assert firm[200, 160] == 1.0
    assert float(np.abs(firm - alpha)[:, :50].max()) == 0.0 and np.array_equal(firm > 0.5, alpha > 0.5)


def test_settling_keeps_the_outline() -> None:
    """The levels take off veil and lift what is all but solid, and leave half at half."""
    out = settle(np.array([0.0, 0.05, 0.505, 0.96, 1.0], np.float32))
    assert out[0] == out[1] == 0.0 and out[3] == out[4] == 1.0
    assert out[2] == pytest.approx(0.5, abs=0.01)


def test_the_old_background_does_not_shine_through() -> None:
    """At a soft edge over a glaring background the estimate is the subject's own colour."""
    soft = np.zeros((300, 300), np.float32)
    cv2.circle(soft, (150, 150), 90, 1.0, -1)
    soft = cv2.GaussianBlur(soft, (0, 0), 3.0)
    own, old = np.array([150.0, 40.0, 30.0]), np.array([60.0, 240.0, 90.0])
    rgb = (own * soft[..., None] + old * (1 - soft[..., None])).astype(np.uint8)
    found = estimate_foreground(rgb, soft).astype(np.float32)
    assert np.abs(found - estimate_foreground(rgb, soft, tile_px=48)).max() <= 1  # no seams
    edge = (soft > 0.1) & (soft < 0.9)
    before = np.abs(rgb[edge] - own).mean()
    after = np.abs(found[edge] - own).mean()
    assert after < 0.15 * before
    inside = soft > 0.999
    assert np.abs(found[inside].astype(int) - rgb[inside].astype(int)).max() <= 1


def test_a_cutout_has_the_crop_s_extent() -> None:
    """RGBA of the crop's size, opaque inside the subject, clear outside, the photo's colours inside."""
    rgb, unused = canvas()
    disc(rgb, unused, 200, 150, 60, (220, 40, 40))
    box = Box(0.35, 0.3, 0.65, 0.7)
    crop = box.padded(400, 300)
    left, top, right, bottom = crop.pixels(400, 300)
    cutout = cut_out(rgb, None, box, crop, Redness())
    assert cutout.rgba.shape == (bottom - top, right - left, 4) and not cutout.own_alpha
    assert cutout.rgba[150 - top, 200 - left].tolist() == [220, 40, 40, 255]
    assert cutout.rgba[0, 0, 3] == 0
    decoded = cv2.imdecode(np.frombuffer(encode_png(cutout.rgba), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(cv2.cvtColor(decoded, cv2.COLOR_BGRA2RGBA), cutout.rgba)


def test_a_large_crop_is_limited() -> None:
    """Cutouts are at most LONGEST_SIDE_PX long, and small photos are never scaled up."""
    rgb, unused = canvas(2400, 1800)
    disc(rgb, unused, 1200, 900, 500, (220, 40, 40))
    assert max(cut_out(rgb, None, Box(0.25, 0.2, 0.75, 0.8), FULL_FRAME, Redness()).rgba.shape) == LONGEST_SIDE_PX


def test_an_undecided_crop_is_seen_wider() -> None:
    """Where the crop leaves much undecided, the net is asked once more with more of the surroundings."""
    rgb, unused = canvas(800, 600)
    disc(rgb, unused, 400, 300, 90, (175, 120, 120))
    disc(rgb, unused, 400, 300, 30, (220, 40, 40))
    box = Box(0.38, 0.33, 0.62, 0.67)
    backend = Redness()
    found = cut_out(rgb, None, box, box.padded(800, 600), backend)
    assert backend.calls == 2
    disc(rgb, unused, 400, 300, 92, (220, 40, 40))
    assert cut_out(rgb, None, box, box.padded(800, 600), Redness()).confidence > found.confidence + 0.1


class Torn(Redness):
    """A backend whose net is never sure in few bits, and counts how often it is opened in many."""

    def __init__(self) -> None:
        super().__init__()
        self.exact = 0
        torn = {"output": np.full((4, 4), 0.5, np.float32)}
        use = self.describe()
        inputs = {"input": TensorSpec(np.float32, (None,))}

        def opened() -> FakeModel:
            self.exact += 1
            return FakeModel(lambda _inputs: torn, inputs=inputs, outputs=["output"], use=use)

        quick = FakeModel(lambda _inputs: torn, inputs=inputs, outputs=["output"], use=use)
        self.net = Rechecked(quick, opened, Doubt("output", ("segment",), share=0.05, reach=0.1))

    def salience(self, rgb: np.ndarray, timeout_s: float | None = None) -> np.ndarray:
        self.net.infer({"input": np.zeros(1, np.float32)})
        return super().salience(rgb, timeout_s)


def test_only_the_first_look_is_worked_out_again() -> None:
    """A cutout whose both looks are doubtful pays for one run in float32: two would take over its three seconds."""
    rgb, unused = canvas(800, 600)
    disc(rgb, unused, 400, 300, 90, (175, 120, 120))
    disc(rgb, unused, 400, 300, 30, (220, 40, 40))
    box = Box(0.38, 0.33, 0.62, 0.67)
    backend = Torn()
    cut_out(rgb, None, box, box.padded(800, 600), backend)
    assert backend.calls == 2 and backend.exact == 1


def test_a_tiny_crop_is_refused() -> None:
    """A crop under 64 pixels names the sizes."""
    rgb, _ = canvas()
    with pytest.raises(CropTooSmall, match="64"):
        cut_out(rgb, None, Box(0.1, 0.1, 0.2, 0.2), Box(0.1, 0.1, 0.2, 0.2), Redness())


def test_own_transparency_is_used_and_stray_clear_pixels_are_not() -> None:
    """A real matte replaces the net; an almost opaque picture goes through the net."""
    rgb, unused = canvas()
    disc(rgb, unused, 200, 150, 60, (40, 200, 40))
    matte = (unused * 255).astype(np.uint8)
    box = Box(0.35, 0.3, 0.65, 0.7)
    own = cut_out(rgb, matte, box, FULL_FRAME, Redness())
    assert own.own_alpha and np.abs(own.rgba[..., 3].astype(int) - matte.astype(int)).max() <= 2
    stray = np.full(matte.shape, 255, np.uint8)
    stray[0, :5] = 0
    rgb[...] = GREY
    disc(rgb, unused, 200, 150, 60, (220, 40, 40))
    assert not cut_out(rgb, stray, box, FULL_FRAME, Redness()).own_alpha


def soft_disc(hidden: int) -> tuple[np.ndarray, np.ndarray]:
    """A green thing that was cut out already, with a soft rim; ``hidden`` is the grey where alpha is 0."""
    alpha = np.zeros((300, 400), np.uint8)
    cv2.circle(alpha, (200, 150), 80, 255, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 12.0)
    rgb = np.full((300, 400, 3), hidden, np.uint8)
    rgb[alpha > 0] = (40, 160, 70)
    return rgb, alpha


@pytest.mark.parametrize("hidden", [0, 255])
def test_colours_that_a_file_hides_do_not_show_at_the_rim(hidden: int) -> None:
    """Two files that look the same become the same cutout: the subject's colour up to its soft end."""
    rgb, alpha = soft_disc(hidden)
    own = cut_out(rgb, alpha, FULL_FRAME, FULL_FRAME, Redness())
    rim = own.rgba[(alpha > 16) & (alpha < 250)].astype(int)
    assert own.own_alpha and np.abs(rim[:, :3] - (40, 160, 70)).max() <= 3


def test_a_soft_end_stays_and_stray_dirt_goes() -> None:
    """The maker's alpha is used to its last step; a faint spot that does not touch the subject is none of it."""
    rgb, alpha = soft_disc(0)
    alpha[10:14, 10:14] = 30
    own = cut_out(rgb, alpha, FULL_FRAME, FULL_FRAME, Redness()).rgba[..., 3].astype(int)
    assert own[10:14, 10:14].max() == 0
    assert np.abs(own - alpha)[20:].max() <= 1


def test_what_a_photo_hides_is_no_subject() -> None:
    """A photo that is see-through everywhere is seen as its viewer sees it, over white, whatever colours it holds."""
    rgb, salience = canvas(300, 300)
    disc(rgb, salience, 150, 150, 80, (200, 40, 40))
    assert cut_out(rgb, None, FULL_FRAME, FULL_FRAME, Redness()).rgba[150, 150, 3] == 255
    with pytest.raises(SubjectNotFound):
        cut_out(rgb, np.zeros((300, 300), np.uint8), FULL_FRAME, FULL_FRAME, Redness())
