"""What is proposed, and in which order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lensora.core.boxes import Box, Category
from quality.detection.finds import Scene
from quality.detection.fit import fitted, name_level, of_scenes, releveled, report
from quality.detection.names import shares
from services.detect.fitted import RANKING
from services.detect.fusion import Thing
from services.detect.labels import Name, modest
from services.detect.ranking import FEATURES, Found, Ranking, features_of, meant, proposed
from services.detect.regions import Region

SHAPE = (240, 320)
GREY, RED = 120, (200, 40, 40)


def disc_at(x: int, y: int, radius: int) -> np.ndarray:
    """(h, w) bool."""
    rows, columns = np.indices(SHAPE)
    return np.asarray((rows - y) ** 2 + (columns - x) ** 2 < radius**2, np.bool_)


def thing_of(mask: np.ndarray, salience: np.ndarray) -> Thing:
    """A thing without a sighting, as saliency shows it."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    bounds = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    inside, outside = float(salience[mask].mean()), float(salience[~mask].mean())
    region = Region(mask, bounds, int(mask.sum()), inside, inside - outside, 0.0)
    return Thing(region.box(), region, None, region.contrast)


def found(things: list[Thing], salience: np.ndarray, rgb: np.ndarray) -> list[Found]:
    """The things with what is measured of them."""
    features = features_of(things, salience, rgb)
    return [Found(thing, thing.box, None, row) for thing, row in zip(things, features, strict=True)]


def test_a_clear_thing_is_proposed_and_a_faint_scrap_is_not() -> None:
    """A disc that stands out in colour and in the map is one thing; a faint patch in a corner is not worth a box."""
    disc, scrap = disc_at(160, 120, 60), disc_at(12, 12, 9)
    salience = np.where(disc, 0.98, np.where(scrap, 0.45, 0.01)).astype(np.float32)
    rgb = np.full((*SHAPE, 3), GREY, np.uint8)
    rgb[disc] = RED
    both = found([thing_of(scrap, salience), thing_of(disc, salience)], salience, rgb)
    assert [each.thing.region for each in proposed(both, RANKING)] == [both[1].thing.region]
    assert both[1].chance(RANKING) > 0.8 > 0.4 > both[0].chance(RANKING)


def test_features_are_finite_and_have_their_names() -> None:
    """Every thing has every feature, also one that only a detector saw."""
    disc = disc_at(160, 120, 60)
    salience = disc.astype(np.float32)
    alone = replace(thing_of(disc, salience), region=None)
    rows = features_of([thing_of(disc, salience), alone], salience, np.full((*SHAPE, 3), GREY, np.uint8))
    assert rows.shape == (2, len(FEATURES)) == (2, len(RANKING.weights)) and np.isfinite(rows).all()
    assert features_of([], salience, np.full((*SHAPE, 3), GREY, np.uint8)).shape == (0, len(FEATURES))


def test_a_large_whole_thing_in_the_middle_is_meant_most() -> None:
    """Small ones, those aside, those that the frame cuts, and parts come after it."""
    middle = Thing(Box(0.3, 0.3, 0.7, 0.7), None, None, 1.0)
    others = [
        replace(middle, box=Box(0.45, 0.45, 0.55, 0.55)),
        replace(middle, box=Box(0.55, 0.55, 0.95, 0.95)),
        replace(middle, box=Box(0.0, 0.3, 0.4, 0.7)),
        replace(middle, part=True),
    ]
    assert all(meant(other) < meant(middle) for other in others)


def test_a_name_that_is_not_likely_enough_gives_way_to_the_category() -> None:
    """Words of a category stay as they are, whatever their probability."""
    fork = Name("fork", Category.PRODUCT, 0.8)
    assert modest(fork, 0.7) is fork
    assert modest(fork, 0.9) == Name("product", Category.PRODUCT, 0.8)
    general = Name("vehicle", Category.VEHICLE, 0.3)
    assert modest(general, 0.9) is general


def made_scene(index: int) -> Scene:
    """A scene with one thing, which is salient, and one find that is none, which is not."""
    rng = np.random.default_rng(index)
    features = np.zeros((2, len(FEATURES)))
    features[:, 0] = 1.0
    features[:, FEATURES.index("contrast")] = np.array([0.9, 0.3]) + rng.normal(0, 0.02, 2)
    box, none = Box(0.3, 0.3, 0.7, 0.7), Box(0.0, 0.0, 0.1, 0.1)
    names = [("mug", 0.95 if index % 2 else 0.65), ("product", 0.9)]
    return Scene(str(index), [box], [], [box, none], features, np.ones(2), names, ["mug" if index % 2 else "cow", ""])


def test_the_fit_tells_things_from_finds_that_are_none() -> None:
    """On scenes where contrast says all, every thing is proposed and nothing else."""
    scenes = [made_scene(index) for index in range(40)]
    ranking = fitted(scenes)
    assert "recall 1.000 (40 of 40), precision 1.000 (40 of 40), first right 40 of 40" in report(scenes, ranking)
    everything = Ranking(tuple(float(name == "contrast") for name in FEATURES), 0.0)
    assert "precision 0.500 (40 of 80)" in report(scenes, everything)


def test_the_fit_proposes_nothing_on_empty_scenes() -> None:
    """Finds of empty scenes that look a little like things raise the least chance above theirs."""
    scenes = [made_scene(index) for index in range(60)]
    for scene in list(scenes[::6]):
        faint = scene.features[:1].copy()
        faint[:, FEATURES.index("contrast")] = 0.6
        boxes, names = scene.boxes[:1], [("object", 0.0)]
        scenes.append(Scene("empty", [], [], boxes, faint, np.ones(1), names, [""]))
    assert "first right 60 of 60, nothing on 10 of 10 empty" in report(scenes, fitted(scenes))


def test_the_level_alone_rises_over_finds_of_empty_scenes() -> None:
    """The weights stay; a level under a find of an empty scene goes over it, and one that is too high comes down."""
    scenes = [made_scene(index) for index in range(60)]
    weights = tuple({"one": -5.0, "contrast": 10.0}.get(name, 0.0) for name in FEATURES)
    faint = scenes[0].features[:1].copy()
    faint[:, FEATURES.index("contrast")] = 0.5
    empty = Scene("empty", [], [], scenes[0].boxes[:1], faint, np.ones(1), [("object", 0.0)], [""])
    for level in (0.1, 0.8):
        ranking = releveled([*scenes, empty], Ranking(weights, level))
        assert ranking.weights == weights and 0.5 < ranking.least < 0.6
        assert "recall 1.000 (60 of 60)" in report(scenes, ranking)
        assert "nothing on 1 of 1 empty" in report([empty], ranking)
    assert releveled(scenes, Ranking(weights, 0.8)).least < 0.5


def test_the_level_of_names_leaves_nine_in_ten_right() -> None:
    """Unlikely names are wrong here, likely ones are right: the level lies between them."""
    things = of_scenes([made_scene(index) for index in range(40)], Ranking((0.0,) * len(FEATURES), 0.0))
    level = name_level(things)
    assert 0.65 < level <= 0.95
    assert shares(things, level) == (20, 20) and shares(things, 0.0) == (40, 20)
