"""Whether the cutout of what is proposed first may well be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from quality.detection.doubt import First, firsts, fitted, told
from services.detect.doubt import FEATURES, Doubt, features_of
from services.detect.fitted import DOUBT
from services.detect.fusion import Thing
from services.detect.ranking import FEATURES as RANKED_BY
from services.detect.ranking import Found
from services.detect.ranking import features_of as ranked_by
from services.detect.regions import Region

SHAPE = (120, 160)


def square() -> np.ndarray:
    """(h, w) bool: a square in the middle."""
    mask = np.zeros(SHAPE, np.bool_)
    mask[30:90, 50:110] = True
    return mask


def found(salience: np.ndarray) -> Found:
    """The square as a map shows it."""
    mask = square()
    inside, outside = float(salience[mask].mean()), float(salience[~mask].mean())
    thing = Thing(
        (region := Region(mask, (50, 30, 110, 90), int(mask.sum()), inside, inside - outside, 0.0)).box(),
        region,
        None,
        1.0,
    )
    (row,) = ranked_by([thing], salience, np.full((*SHAPE, 3), 128, np.uint8))
    return Found(thing, thing.box, None, row)


def test_a_clear_thing_raises_no_doubt_and_a_half_seen_one_does() -> None:
    """What stands out sharply is likelier to be cut out well than what the map shows half, all over."""
    clear = square().astype(np.float32)
    half = np.where(square(), np.float32(0.55), np.float32(0.25))
    sure, unsure = (DOUBT.chances(features_of(found(each), each)[None])[0] for each in (clear, half))
    assert not DOUBT.uncertain(features_of(found(clear), clear))
    assert sure > unsure + 0.1


def test_the_measures_are_what_their_names_say() -> None:
    """Size and contrast are the ranking's; what lies in the box beyond the subject is half seen."""
    salience = square().astype(np.float32)
    thing = found(salience)
    row = dict(zip(FEATURES, features_of(thing, salience), strict=True))
    assert row["one"] == 1.0 and row["half_seen"] == row["undecided"] == 0.0
    assert row["size"] == thing.features[RANKED_BY.index("size")]
    small = thing.thing.region
    assert small is not None
    inner = np.zeros(SHAPE, np.bool_)
    inner[50:70, 70:90] = True
    part = Found(
        Thing(thing.box, Region(inner, small.bounds, 400, 1.0, 1.0, 0.0), None, 1.0), thing.box, None, thing.features
    )
    assert features_of(part, salience)[FEATURES.index("half_seen")] == 1.0


def test_the_level_is_the_highest_under_which_half_are_wrong() -> None:
    """Of the flagged at least half are wrong; the words count both."""
    rng = np.random.default_rng(3)
    known = []
    for _ in range(200):
        seen = rng.random()
        features = np.array([1.0, 0.5, 0.8, seen, 0.2])
        known.append(First(features, bool(rng.random() > seen**3), photograph=False))
    doubt = fitted(known)
    flagged = [each for each in known if doubt.uncertain(each.features)]
    assert 20 < len(flagged) < 160 and np.mean([not each.right for each in flagged]) >= 0.45
    assert told(known, doubt).startswith(f"{sum(not each.right for each in flagged)} of {len(flagged)} flagged wrong")
    assert told([], Doubt((0.0,) * len(FEATURES), 0.5)) == "no pictures"


def test_a_first_proposal_is_right_with_its_box_and_its_cutout(tmp_path: Path) -> None:
    """A box that is another's, or a cutout under 0.95, is wrong; pictures without a measured cutout say nothing."""
    scene = tmp_path / "scenes" / "tune" / "alone_0000"
    (scene / "0").mkdir(parents=True)
    mask = scene / "0" / "mask.png"
    cv2.imwrite(str(mask), square().astype(np.uint8) * 255)
    cv2.imwrite(str(scene / "scene.png"), np.zeros((*SHAPE, 3), np.uint8))
    kept = tmp_path / "scenes" / "found"
    kept.mkdir()
    place = kept / "first_tune_scenes_alone_0000.json"
    cases = [((50, 30, 110, 90), 0.97, True), ((50, 30, 110, 90), 0.94, False), ((50, 30, 80, 90), 0.97, False)]
    for (left, top, right, bottom), iou, is_right in cases:
        place.write_text(json.dumps({"box": [left / 160, top / 120, right / 160, bottom / 120], "features": [1.0] * 5}))
        (one,) = firsts([tmp_path / "scenes"], tmp_path, "tune", {str(mask.resolve()): iou}, None)
        assert one.right is is_right
    assert firsts([tmp_path / "scenes"], tmp_path, "tune", {}, None) == []
