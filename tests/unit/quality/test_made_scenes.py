"""Made scenes: their truth is what is seen, and their parts are split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quality.scenes.backdrop import ROOMS, Backdrop, rooms, studio
from quality.scenes.folders import refuse_without_scenes
from quality.scenes.plan import KINDS, Stock, made
from quality.scenes.sprite import Sprite
from quality.scenes.stage import Light, Placed, staged

LIGHT = Light(lean=0.2, length=0.3, blur=0.02, dark=0.5, mirror=0.0)


def ball(name: str = "ball", color: float = 0.8) -> Sprite:
    """A ball of one colour with a ball's normals."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    inside = x**2 + y**2 < 1
    depth = np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))
    normals = np.dstack([x, -y, depth]) * inside[..., None]
    return Sprite(
        name,
        "ball",
        np.full((64, 64, 3), color, np.float32),
        inside.astype(np.float32),
        np.asarray(normals, np.float32),
        np.zeros((64, 64), np.float32),
    )


def plain(tone: float = 0.5) -> Backdrop:
    """A backdrop of one grey."""
    return Backdrop(np.full((200, 200, 3), tone, np.float32), 0.5)


def test_a_matte_is_what_is_seen_of_a_thing() -> None:
    """The thing in front hides the other: their mattes share no pixel, and the picture has their colours there."""
    behind, front = ball(color=0.9), ball(color=0.1)
    picture, mattes = staged(plain(), [Placed(behind, 90, 150, 80), Placed(front, 120, 160, 80)], LIGHT)
    assert float((mattes[0] * mattes[1]).max()) < 0.3 and float((mattes[0] + mattes[1]).max()) <= 1.0
    assert picture[mattes[1] > 0.99].mean() == pytest.approx(0.1, abs=0.02)
    assert picture[mattes[0] > 0.99].mean() == pytest.approx(0.9, abs=0.02)


def test_an_edge_mixes_light() -> None:
    """A pixel that white covers by half before black is as bright as half the light, not as half of sRGB's numbers."""
    half = replace(ball(color=1.0), alpha=np.full((64, 64), 0.5, np.float32))
    picture, (matte,) = staged(plain(0.0), [Placed(half, 100, 150, 64)], replace(LIGHT, dark=0.0))
    middle = (slice(110, 130), slice(90, 110))
    assert matte[middle].mean() == pytest.approx(0.5, abs=0.01)
    assert picture[middle].mean() == pytest.approx(0.735, abs=0.01)


def test_a_shadow_is_no_part_of_the_thing() -> None:
    """The ground beside a thing is darker, and the matte does not hold it."""
    picture, (matte,) = staged(plain(), [Placed(ball(), 100, 150, 80)], LIGHT)
    darker = (picture.mean(axis=2) < 0.45) & (matte < 0.01)
    assert int(darker.sum()) > 50


def test_glass_shows_what_is_behind_it() -> None:
    """Through a clear ball the stripes of the wall are seen, bent; through an opaque one they are not."""
    wall = plain()
    wall.rgb[:, ::8] = 1.0
    clear = replace(ball(), clear=np.ones((64, 64), np.float32))
    middle = (slice(95, 125), slice(85, 115))
    through = staged(wall, [Placed(clear, 100, 150, 80)], LIGHT)[0][middle]
    opaque = staged(wall, [Placed(ball(), 100, 150, 80)], LIGHT)[0][middle]
    assert float(through.std()) > 0.05 > float(opaque.std())


def test_parts_share_no_background() -> None:
    """Rooms of the unseen part are never among those that are tuned on, and both parts have some."""
    tune, unseen = rooms("tune"), rooms("unseen")
    assert tune and unseen and sorted(tune + unseen) == sorted(ROOMS) and not set(tune) & set(unseen)


@pytest.mark.parametrize("kind", ["alone", "touching", "cut", "empty", "white"])
def test_every_kind_is_put_together(kind: str) -> None:
    """The same seed gives the same scene; one that is cut reaches the frame, an empty one has no things."""
    stock = Stock([ball(f"ball {n}", 0.2 + 0.1 * n) for n in range(6)], [ball("glass")], [], [])
    one, again = (made(kind, stock, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one.rgb, again.rgb)
    assert len(one.mattes) == len(one.things) == {"touching": 2, "empty": 0}.get(kind, 1)
    assert all(one.cut) if kind == "cut" else True
    assert set(KINDS) >= {kind}


def test_a_studio_of_a_given_tone_is_that_bright() -> None:
    """White before white needs a white wall."""
    assert studio((64, 48), np.random.default_rng(0), tone=0.95).rgb.mean() > 0.75


def test_a_set_is_a_thing_on_a_dish() -> None:
    """The dish is the widest and is hidden by what stands on it, half of which comes with something small."""
    stock = Stock([ball(f"ball {n}", 0.2 + 0.1 * n) for n in range(6)], [], [], [])
    counts = set()
    for seed in (0, 1):
        scene = made("set", stock, np.random.default_rng(seed))
        assert scene.things[0].name == "dish" and (scene.mattes[0] > 0.5).any(axis=0).sum() > 100
        whole = np.maximum.reduce(scene.mattes)
        assert (
            float(np.sum(scene.mattes, axis=0).max()) <= 1.01
            and (whole > 0.5).any(axis=0).sum() == (scene.mattes[0] > 0.5).any(axis=0).sum()
        )
        counts.add(len(scene.things))
    assert counts == {2, 3}


def test_nothing_is_fitted_on_folders_without_scenes(tmp_path: Path) -> None:
    """A folder that is not there, and folders that lack a part, are named; one folder may lack what another has."""
    one, other = tmp_path / "one", tmp_path / "other"
    with pytest.raises(SystemExit, match=r"one: no such folder"):
        refuse_without_scenes([one])
    for folder, part in ((one, "tune"), (other, "unseen")):
        (folder / part / "alone_0000").mkdir(parents=True)
        (folder / part / "alone_0000" / "scene.json").write_text("{}")
    with pytest.raises(SystemExit, match=r"no scene in unseen/"):
        refuse_without_scenes([one])
    with pytest.raises(SystemExit, match=r"no scene in tune/"):
        refuse_without_scenes([one / "tune"])
    refuse_without_scenes([one, other])
