"""Candidates, the judge that picks one, and a person's points."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lensora.core.frames import linear_from_srgb, srgb_from_linear
from lensora.imaging.background import unlike
from services.segment.candidates import Candidate, wider
from services.segment.edges import RULES, EdgeNet, band_of, edge_features, refined
from services.segment.fitted import EDGE_NET, JUDGEMENT
from services.segment.judge import FEATURES, Bench, Judgement, confidence, pick
from services.segment.marks import Mark, corrected
from services.segment.matte import PixelBox, settle

SIZE = 240
RED, BLUE, GREY = (200, 40, 40), (40, 60, 200), (120, 120, 120)
WITHIN = PixelBox(40, 40, 200, 200)


def disc(x: int, y: int, r: int) -> np.ndarray:
    """(h, w) float32: a disc with an edge of one pixel."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.circle(mask, (x, y), r, 255, -1, cv2.LINE_AA)
    return mask.astype(np.float32) / 255.0


def painted(*parts: tuple[np.ndarray, tuple[int, int, int]]) -> np.ndarray:
    """A grey picture with parts in their colours, the later ones in front."""
    picture = np.full((SIZE, SIZE, 3), GREY, np.float32)
    for mask, colour in parts:
        picture += mask[..., None] * (np.array(colour, np.float32) - picture)
    return picture.astype(np.uint8)


def iou(alpha: np.ndarray, truth: np.ndarray) -> float:
    """Overlap at half alpha."""
    found, wanted = alpha > 0.5, truth > 0.5
    return float((found & wanted).sum() / (found | wanted).sum())


def test_a_wider_view_counts_only_for_what_belongs_to_the_box() -> None:
    """A neighbour that the second look shows as well goes; where nothing of it is in the box, there is no candidate."""
    thing, neighbour = disc(120, 120, 60), disc(225, 20, 14)
    found = wider(np.maximum(thing, neighbour), painted((thing, RED), (neighbour, BLUE)), WITHIN)
    assert found is not None and found.name == "wider" and iou(found.matte, thing) > 0.98
    assert wider(neighbour, painted((neighbour, BLUE)), WITHIN) is None


def test_an_edge_that_is_a_little_off_goes_where_the_picture_has_it() -> None:
    """A soft salience that is a pixel too large, or a pixel to the side, takes the picture's own outline."""
    truth = disc(120, 120, 60)
    for off in (disc(120, 120, 61), disc(121, 120, 60)):
        soft = cv2.GaussianBlur(off, (0, 0), 2)
        assert 1 - iou(refined(soft, painted((truth, RED)), EDGE_NET), truth) < 0.7 * (1 - iou(soft, truth))


def test_thin_parts_keep_the_net_s_own_edge() -> None:
    """A rod, and a slit, are narrower than where the light beside the outline is read: nothing of them changes."""
    block = np.zeros((SIZE, SIZE), np.float32)
    block[60:180, 40:200] = 1.0
    block[10:60, 118:124] = 1.0
    block[100:180, 150:158] = 0.0
    band = band_of(block)
    assert band[12:55, 110:132].max() == 0.0 and band[110:175, 142:166].max() == 0.0
    assert band[90:150, 40].min() > 0.9


def test_a_refined_edge_changes_nothing_away_from_the_outline() -> None:
    """Deep inside and far outside, the matte is the net's own, settled."""
    soft = cv2.GaussianBlur(disc(121, 120, 62), (0, 0), 2)
    noise = np.random.default_rng(3).integers(0, 255, (SIZE, SIZE, 3)).astype(np.uint8)
    found = refined(soft, noise, EDGE_NET)
    away = band_of(soft) == 0.0
    assert away.sum() > 0.7 * away.size
    assert np.array_equal(found[away], settle(soft)[away]) and 0.0 <= found.min() <= found.max() <= 1.0


def large(radius: float) -> np.ndarray:
    """(h, w) float32: a disc in the middle of a large crop, its edge as wide as a pixel."""
    y, x = np.indices((900, 900), dtype=np.float32)
    return np.asarray(np.clip(radius - np.hypot(x - 450, y - 450) + 0.5, 0, 1), np.float32)


def test_the_edge_of_a_large_crop_goes_where_the_light_changes() -> None:
    """A soft outline that is a pixel too small takes the picture's own, whose edge is a mixture of light."""
    truth = large(300.0)
    soft = cv2.GaussianBlur(large(299.0), (0, 0), 2)
    red, grey = (linear_from_srgb(np.array(colour) / 255) for colour in (RED, GREY))
    light = truth[..., None] * red + (1 - truth[..., None]) * grey
    picture = np.asarray(srgb_from_linear(light) * 255 + 0.5, np.uint8)
    found = refined(soft, picture, EDGE_NET)
    assert 1 - iou(found, truth) < 0.7 * (1 - iou(soft, truth))
    away = band_of(soft) == 0.0
    assert np.array_equal(found[away], settle(soft)[away])


def test_a_profile_tells_how_much_of_a_pixel_is_the_subject_s() -> None:
    """Along a straight edge between black and white, the mixture of light is the true alpha, whatever the map says."""
    alpha = np.zeros((60, 900), np.float32)
    alpha[:, 451:] = 1.0
    alpha[:, 450] = 0.3
    picture = np.asarray(srgb_from_linear(alpha) * 255 + 0.5, np.uint8)[..., None].repeat(3, axis=2)
    off = np.roll(cv2.GaussianBlur(alpha, (0, 0), 1.5), 1, axis=1)
    where = np.zeros(alpha.shape, bool)
    where[20:40, 448:454] = True
    here = RULES.across.index(0.0)
    found = edge_features(off, picture, where)[:, here].reshape(20, 6)
    assert np.allclose(found + 0.5, alpha[20:40, 448:454], atol=0.08)


def test_a_net_of_one_unit_is_a_logistic_curve() -> None:
    """The edge network's arithmetic, by hand: tanh of the scaled sum, then a logistic."""
    net = EdgeNet((1.0, 0.0), (2.0, 1.0), ((0.5, -1.0),), (0.25,), (3.0,), -0.5)
    (found,) = net.alpha(np.array([[2.0, 0.5]], np.float32))
    odds = 3.0 * np.tanh(0.5 * 0.5 - 1.0 * 0.5 + 0.25) - 0.5
    assert found == pytest.approx(1.0 / (1.0 + np.exp(-odds)), abs=1e-6)


FITTING = tuple(float(name == "fit") for name in FEATURES)
"""Weights for which a matte is the better, the better it fills its box."""


def rivals(*radii: int) -> tuple[Bench, list[Candidate]]:
    """A plain disc and others, all in the box's middle."""
    found = [Candidate("wider" if place else "plain", disc(120, 120, radius)) for place, radius in enumerate(radii)]
    return Bench(painted((disc(120, 120, 78), RED)), WITHIN, found[0].matte), found


@settings(max_examples=25, deadline=None)
@given(st.integers(20, 78))
def test_the_plain_candidate_wins_ties(radius: int) -> None:
    """Nothing that is not foretold to be better by more than the margin is ever taken."""
    bench, found = rivals(radius, radius)
    assert pick(bench, found, Judgement(FITTING, FITTING, 0.0, 0.5, 0.5, 0.5, -1.0, 1.0)) is found[0]
    assert pick(bench, found[:1], Judgement(FITTING, FITTING, 0.0, 0.5, 0.5, 0.5, -1.0, 1.0)) is found[0]


def test_the_best_is_taken_where_its_lead_is_clear() -> None:
    """Of two that fill the box better the best one is taken; none of them, where the margin asks for more."""
    bench, found = rivals(40, 78, 60)
    assert pick(bench, found, Judgement(FITTING, FITTING, 0.3, 0.5, 0.5, 0.5, -1.0, 1.0)) is found[1]
    assert pick(bench, found, Judgement(FITTING, FITTING, 0.9, 0.5, 0.5, 0.5, -1.0, 1.0)) is found[0]


def test_two_looks_at_the_same_thing_are_averaged() -> None:
    """Where they differ by an outline alone, their mean is taken; where one shows a part more, the plain one stays."""
    judgement = Judgement(FITTING, FITTING, 0.9, 0.5, 0.5, 0.5, 0.01, 1.0)
    bench, found = rivals(70, 71)
    chosen = pick(bench, found, judgement)
    assert chosen.name == "averaged" and np.allclose(chosen.matte, (found[0].matte + found[1].matte) / 2)
    more = Candidate("wider", np.maximum(found[1].matte, disc(190, 50, 20)))
    assert pick(bench, [found[0], more], judgement) is found[0]


def test_a_clear_thing_is_sure_and_a_ragged_or_half_found_one_is_not() -> None:
    """The confidence falls with half-seen pixels, and where the box holds more that looks unlike its background."""
    salience = disc(120, 120, 78)
    picture = painted((salience, RED))
    sure = confidence(Bench(picture, WITHIN, salience), salience, JUDGEMENT)
    ragged = np.asarray(salience * np.random.default_rng(1).random((SIZE, SIZE)), np.float32)
    assert sure > confidence(Bench(picture, WITHIN, ragged), ragged, JUDGEMENT) + 0.2
    half = disc(120, 84, 42)
    assert sure > confidence(Bench(picture, WITHIN, half), half, JUDGEMENT) + 0.2


def test_what_was_left_out_is_told_by_its_colour() -> None:
    """The half of the box that the matte lacks is unexplained where it is red, not where it is as grey as around."""
    whole, half = disc(120, 120, 78), disc(120, 84, 42)
    place = FEATURES.index("unexplained")
    seen = Bench(painted((whole, RED)), WITHIN, half).features(half)[place]
    assert seen > 0.5 and Bench(painted((half, RED)), WITHIN, half).features(half)[place] == 0.0


def test_colours_that_the_background_has_are_alike() -> None:
    """A shade beside a frequent one counts as alike, another colour does not; without background nothing is known."""
    picture = np.full((40, 40, 3), GREY, np.uint8)
    picture[:, 20:30], picture[:, 30:] = (124, 124, 124), RED
    background = np.zeros((40, 40), np.bool_)
    background[:, :20] = True
    found = unlike(picture, background)
    assert not found[:, :30].any() and found[:, 30:].all()
    assert not unlike(picture, np.zeros_like(background)).any()


def test_points_that_agree_change_nothing() -> None:
    """A matte that is as a person says stays bit for bit."""
    matte = disc(120, 120, 60)
    marks = [Mark(120, 120, keep=True), Mark(10, 10, keep=False), Mark(-5, 500, keep=True)]
    assert corrected(matte, painted((matte, RED)), marks) is matte


def test_a_point_takes_a_neighbour_off_at_the_edge_of_colour() -> None:
    """Of two things that were found as one, the one that does not belong goes, the other stays."""
    thing, neighbour = disc(90, 120, 50), disc(185, 120, 45)
    picture = painted((neighbour, BLUE), (thing, RED))
    found = corrected(np.maximum(thing, neighbour), picture, [Mark(200, 120, keep=False)])
    assert iou(found, thing) > 0.95


def test_a_point_brings_a_missed_part_back() -> None:
    """A part of another colour that was not found comes with its whole piece."""
    body, head = disc(100, 150, 55), disc(170, 70, 35)
    picture = painted((head, BLUE), (body, RED))
    found = corrected(body, picture, [Mark(170, 70, keep=True)])
    assert iou(found, np.maximum(body, head)) > 0.93


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(("x", "y"), [(120, 120), (0, 0), (SIZE, 120), (120, SIZE), (SIZE, SIZE)])
def test_a_point_is_always_obeyed(x: int, y: int, keep: bool) -> None:
    """Even where colours say nothing, the place itself is as the person says; also where the picture ends."""
    matte = np.full((SIZE, SIZE), 0.0 if keep else 1.0, np.float32)
    found = corrected(matte, painted(), [Mark(x, y, keep=keep)])
    assert (found[min(y, SIZE - 1), min(x, SIZE - 1)] > 0.5) == keep
