"""Candidates, the judge that picks one, and a person's points."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.segment.candidates import Candidate, candidates, coloured
from services.segment.edges import EdgeNet, band_of, guided, refined
from services.segment.fitted import EDGE_NET, JUDGEMENT
from services.segment.judge import (
    EDGE_FEATURES,
    GAIN_FEATURES,
    RIVALS,
    SURE_FEATURES,
    Bench,
    Judgement,
    confidence,
    pick,
    takes_edge,
)
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


def test_the_plain_candidate_comes_first_and_is_the_salience_itself() -> None:
    """Whatever else there is, the net's own map is among the candidates, unchanged."""
    salience = disc(120, 120, 60)
    found = list(candidates(salience, painted((salience, RED)), WITHIN))
    assert found[0].name == "plain" and found[0].matte is salience
    assert [each.name for each in found] == ["plain", "meant", "coloured"]


def test_where_nothing_stands_out_only_the_plain_candidate_is_left() -> None:
    """A box without a subject makes no other candidates."""
    nothing = np.zeros((SIZE, SIZE), np.float32)
    assert [each.name for each in candidates(nothing, painted(), WITHIN)] == ["plain"]


def test_an_edge_that_is_a_little_off_goes_where_the_picture_has_it() -> None:
    """A soft salience, two pixels too large and one to the side, takes the picture's own outline."""
    truth = disc(120, 120, 60)
    soft = cv2.GaussianBlur(disc(121, 120, 62), (0, 0), 2)
    assert iou(refined(soft, painted((truth, RED)), EDGE_NET), truth) > iou(soft, truth) + 0.01


def test_a_refined_edge_changes_nothing_away_from_the_outline() -> None:
    """Deep inside and far outside, the matte is the net's own, settled."""
    soft = cv2.GaussianBlur(disc(121, 120, 62), (0, 0), 2)
    noise = np.random.default_rng(3).integers(0, 255, (SIZE, SIZE, 3)).astype(np.uint8)
    found = refined(soft, noise, EDGE_NET)
    away = band_of(soft) == 0.0
    assert away.sum() > 0.7 * away.size
    assert np.array_equal(found[away], settle(soft)[away]) and 0.0 <= found.min() <= found.max() <= 1.0


def test_the_guided_filter_repeats_a_matte_that_its_picture_explains() -> None:
    """A matte that is a linear function of the colours comes back as it is (He et al. 2010, equation 1)."""
    image = np.random.default_rng(0).random((40, 50, 3)).astype(np.float32)
    matte = np.asarray(0.5 * image[..., 0] + 0.3 * image[..., 1], np.float32)
    assert float(np.abs(guided(matte, image, 4, 1e-4) - matte).max()) < 0.005


def test_a_net_of_one_unit_is_a_logistic_curve() -> None:
    """The edge network's arithmetic, by hand: tanh of the scaled sum, then a logistic."""
    net = EdgeNet((1.0, 0.0), (2.0, 1.0), ((0.5, -1.0),), (0.25,), (3.0,), -0.5)
    (found,) = net.alpha(np.array([[2.0, 0.5]], np.float32))
    odds = 3.0 * np.tanh(0.5 * 0.5 - 1.0 * 0.5 + 0.25) - 0.5
    assert found == pytest.approx(1.0 / (1.0 + np.exp(-odds)), abs=1e-6)


def test_colours_add_whole_pieces_and_leave_edges_alone() -> None:
    """A half-seen half of a thing comes back by its colour; the outline of the rest does not move."""
    truth = disc(120, 120, 60)
    half = truth.copy()
    half[:, 130:] *= 0.4
    found = coloured(half, painted((truth, RED)))
    assert iou(half, truth) < 0.65 < 0.97 < iou(found, truth)
    assert np.array_equal(found[:, :100], half[:, :100])


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.2, 0.0), st.integers(0, 3))
def test_the_plain_candidate_wins_ties(bias: float, which: int) -> None:
    """Nothing that is not foretold to be better by the margin is ever taken."""
    salience = disc(120, 120, 60)
    picture = painted((salience, RED))
    found = list(candidates(salience, picture, WITHIN))
    bench = Bench(picture, WITHIN, salience)
    flat = Judgement(
        (bias, *(0.0,) * (len(GAIN_FEATURES) - 1)),
        (0.0,) * len(RIVALS),
        (bias, *(0.0,) * (len(EDGE_FEATURES) - 1)),
        0.0,
        (0.0,) * len(SURE_FEATURES),
        0.5,
        0.5,
    )
    assert not takes_edge(bench, salience, found[1].matte, found, flat)
    assert pick(bench, [found[0], found[1 + which % (len(found) - 1)]], flat) is found[0]


def test_a_rival_is_taken_over_its_own_margin_alone() -> None:
    """Of two with the same foretold gain, the one that asks for more stays; one that nothing is known of asks most."""
    salience = disc(120, 120, 60)
    bench = Bench(painted((salience, RED)), WITHIN, salience)
    gain, edge, sure = (
        (0.02, *(0.0,) * (len(GAIN_FEATURES) - 1)),
        (0.0,) * len(EDGE_FEATURES),
        (0.0,) * len(SURE_FEATURES),
    )
    strict = Judgement(gain, (0.01, 0.01, 0.03, 0.03), edge, 0.0, sure, 0.5, 0.5)
    plain, meant, wider, asked = (Candidate(name, salience) for name in ("plain", "meant", "wider", "prompted"))
    assert pick(bench, [plain, meant, wider], strict) is meant
    assert pick(bench, [plain, wider, asked], strict) is plain
    assert strict.margin("prompted") == 0.03


def test_a_clear_thing_is_cut_out_plainly_and_surely() -> None:
    """What was fitted leaves a clear matte as it is, and is surer of it than of a ragged one."""
    salience = disc(120, 120, 78)
    picture = painted((salience, RED))
    bench = Bench(picture, WITHIN, salience)
    found = list(candidates(salience, picture, WITHIN))
    chosen = pick(bench, found, JUDGEMENT)
    assert iou(chosen.matte, salience) > 0.99
    ragged = np.asarray(salience * np.random.default_rng(1).random((SIZE, SIZE)), np.float32)
    others = [Candidate("plain", ragged), Candidate("coloured", salience)]
    sure = confidence(bench, salience, found, JUDGEMENT)
    assert sure > confidence(Bench(picture, WITHIN, ragged), ragged, others, JUDGEMENT) + 0.2


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
def test_a_point_is_always_obeyed(keep: bool) -> None:
    """Even where colours say nothing, the place itself is as the person says."""
    matte = disc(120, 120, 60) if not keep else np.zeros((SIZE, SIZE), np.float32)
    found = corrected(matte, painted(), [Mark(120, 120, keep=keep)])
    assert (found[120, 120] > 0.5) == keep
