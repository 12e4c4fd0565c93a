"""Things that were found whole and are see-through: what runs on behind them gives them away."""

from __future__ import annotations

import cv2
import numpy as np

from services.segment.clearness import clear_body
from services.segment.glass import cleared

HEIGHT, WIDTH = 420, 360
EDGE_ROW = 230


def table(step: float = 1.0) -> np.ndarray:
    """A wall above a table, with a little grain: (h, w, 3) float32."""
    rng = np.random.default_rng(4)
    picture = np.full((HEIGHT, WIDTH, 3), (190.0, 195.0, 205.0))
    picture[EDGE_ROW:] += step * np.array([-60.0, -80.0, -110.0])
    return np.asarray(picture + rng.normal(0, 3, (HEIGHT, WIDTH, 1)), np.float32)


def tumbler() -> np.ndarray:
    """(h, w) float32: the silhouette of a glass that narrows towards its foot."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(mask, [np.array([(90, 60), (270, 60), (245, 360), (115, 360)], np.int32)], 255, cv2.LINE_AA)
    return mask.astype(np.float32) / 255.0


def glass(back: np.ndarray) -> np.ndarray:
    """The tumbler before a background: it takes a little of its light, mirrors a window, and is dark at its outline."""
    mask = tumbler()[..., None]
    inner = cv2.erode(mask[..., 0], np.ones((9, 9), np.uint8))[..., None]
    body = 0.9 * back + 18.0
    body[100:220, 130:142] += 60.0
    body = body * inner + 0.55 * back * (1.0 - inner)
    return np.asarray(np.clip(back * (1.0 - mask) + body * mask, 0, 255), np.uint8)


def solid(colour: tuple[int, int, int], back: np.ndarray) -> np.ndarray:
    """An opaque cup of that shape."""
    mask = tumbler()[..., None]
    return np.asarray(np.clip(back * (1.0 - mask) + np.array(colour, np.float32) * mask, 0, 255), np.uint8)


def cutout(rgb: np.ndarray) -> np.ndarray:
    """The thing as the net finds it: solid, with what is seen through it."""
    return np.dstack([rgb, np.asarray(tumbler() * 255.0, np.uint8)])


def test_a_table_s_edge_that_runs_on_inside_says_glass() -> None:
    """The walls stay, with their reflections; the step from wall to table inside is gone."""
    rgb = glass(table())
    body = clear_body(tumbler(), rgb)
    assert body is not None
    found = cleared(cutout(rgb), body, rgb)
    clear = found[150:330, 165:195].astype(float)
    assert 0.4 * 255 < clear[..., 3].mean() < 0.8 * 255
    assert found[150, 135, 3] > clear[..., 3].mean() + 10
    over = clear[..., :3] * clear[..., 3:] / 255.0
    above, below = over[: EDGE_ROW - 156].mean(axis=(0, 1)), over[EDGE_ROW - 144 :].mean(axis=(0, 1))
    before = cutout(rgb)[150:330, 165:195, :3].astype(float)
    step = np.abs(before[: EDGE_ROW - 156].mean(axis=(0, 1)) - before[EDGE_ROW - 144 :].mean(axis=(0, 1))).max()
    assert np.abs(above - below).max() < 0.15 * step
    assert found[20:40, :, 3].max() == 0


def test_opaque_things_are_never_cleared() -> None:
    """Of one colour, of the wall's own colour, or of two whose border is the table's edge upside down."""
    back = table()
    for colour in ((210, 60, 40), (190, 195, 205), (250, 250, 250)):
        assert clear_body(tumbler(), solid(colour, back)) is None
    turned = glass(np.ascontiguousarray(table(-1.0)))
    mask = tumbler()[..., None]
    assert clear_body(tumbler(), np.asarray(back * (1 - mask) + turned * mask, np.uint8)) is None


def test_a_plain_background_says_nothing() -> None:
    """Before a wall without any edge glass cannot be told from a grey cup, and stays as it was found."""
    assert clear_body(tumbler(), glass(table(0.0))) is None


def test_what_is_not_round_is_not_glass() -> None:
    """A thing that is not alike on both sides, or in several pieces, or not there, is not looked at."""
    rgb = glass(table())
    lopsided = tumbler()
    lopsided[:200, 170:] = 0.0
    pieces = tumbler()
    pieces[195:225] = 0.0
    for matte in (lopsided, pieces, np.zeros_like(pieces)):
        assert clear_body(matte, rgb) is None


def test_a_glass_of_juice_keeps_its_juice() -> None:
    """Where half of it hides the background, it stays as it was found."""
    rgb = glass(table())
    body = clear_body(tumbler(), rgb)
    assert body is not None
    full = rgb.copy()
    full[EDGE_ROW + 20 : 350, 130:230] = (200, 90, 10)
    kept = cleared(cutout(full), body, full)
    assert np.array_equal(kept, cutout(full))
