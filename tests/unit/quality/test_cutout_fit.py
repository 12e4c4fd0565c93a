"""The fit of the cutout's judge: how far a rival of the plain candidate must lead, and who is doubtful."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from lensora.core.boxes import Box
from lensora.core.frames import srgb_from_linear
from quality.cutouts.__main__ import Outcome, curve, report
from quality.cutouts.bars import bars
from quality.cutouts.fit import AIR, APARTS, HIT, MARGINS, doubt, harmless, margin, widest
from quality.cutouts.outlines import HARM, SHARES, net_of, outline, with_share
from quality.cutouts.samples import PHOTOGRAPH, Sample
from services.segment.aim import Aim


def test_a_margin_is_as_high_as_it_may_be_for_nothing() -> None:
    """Whoever is foretold to be better is: the margin lies just under the weaker one of those that count."""
    assert margin(np.array([-0.02, 0.0105, 0.03]), np.array([-0.1, 0.05, 0.1])) == 0.01
    assert margin(np.array([0.002, 0.0105, 0.03]), np.array([0.001, 0.05, 0.1])) == 0.01


def test_harm_raises_the_margin_over_what_was_foretold() -> None:
    """A second look was foretold to gain and took a part off: that weighs thrice a gain; a small loss is none."""
    foretold, small = np.array([0.0105, 0.0205, 0.0405]), -0.5 * HARM
    assert margin(foretold, np.array([-0.2, 0.5, 0.4])) == 0.02
    assert margin(foretold, np.array([0.3, -0.05, 0.4])) == 0.01
    assert margin(foretold, np.array([0.3, -0.11, 0.4])) == 0.04
    assert margin(foretold, np.array([0.3, small, 0.4])) == 0.01
    assert margin(foretold, np.array([0.3, 0.1, -0.2])) == MARGINS[-1]


def test_looks_that_differ_more_are_averaged_only_where_nothing_is_lost() -> None:
    """The level lies under the pair whose mean takes a part off, and over those whose means gain."""
    aparts = np.array([APARTS[0], APARTS[3], APARTS[5]])
    assert widest(aparts, np.array([0.001, 0.002, -0.2])) == APARTS[3]
    assert widest(aparts, np.array([0.001, 0.002, 0.003])) == APARTS[5]


def test_colours_need_a_rise_over_which_nothing_was_lost() -> None:
    """It lies well over the most trusted one of those that took something off; a small loss is none."""
    rises, small = np.array([0.1, 0.415, 0.8, 0.9]), -0.5 * HARM
    assert harmless(rises, np.array([-0.2, -0.1, 0.3, small])) == np.ceil(AIR * 41.5) / 100
    assert harmless(rises, np.array([0.2, 0.1, 0.3, small])) == 0.0


def test_the_doubtful_are_mostly_wrong() -> None:
    """The level is the highest under which enough are wrong; where none are, the lowest that there is."""
    trust = np.linspace(0.0, 0.99, 100)
    right = trust > 0.5
    level = doubt(trust, right)
    assert float((~right[trust < level]).mean()) >= HIT > float((~right[trust < level + 0.03]).mean())
    assert doubt(trust, np.ones(100, np.bool_)) == 0.3


def test_the_report_counts_gains_losses_and_flags() -> None:
    """Two gain, one loses over a hundredth; the flagged one is wrong, the others are right."""
    outcomes = [
        Outcome(0.90, 0.97, 0.98, 0.9, looked=True),
        Outcome(0.95, 0.96, 0.97, 0.9, looked=False),
        Outcome(0.90, 0.90 - 2 * HARM, 0.90, 0.2, looked=False),
    ]
    text = " ".join(report("things", outcomes, 0.5))
    assert "2 gain and 1 lose over 0.005, at worst -0.0100" in text
    assert "33% are flagged, of which 100% are worse than 0.95; of the others 0.0% are" in text
    assert "a second look at 33%" in text
    assert report("nothing", [], 0.5) == []
    assert "| 0.5 | 33.3% | 100.0% | 0.0% |" in curve(outcomes)


def disc(radius: float) -> np.ndarray:
    """(h, w) float32: a disc, its edge as wide as a pixel."""
    y, x = np.indices((200, 200), dtype=np.float32)
    return np.asarray(np.clip(radius - np.hypot(x - 100, y - 100) + 0.5, 0, 1), np.float32)


def thing(kind: str, truth: np.ndarray, shown: np.ndarray) -> Sample:
    """A white thing before black: where it is, and where its light ends."""
    rgb = np.asarray(srgb_from_linear(shown) * 255 + 0.5, np.uint8)[..., None].repeat(3, axis=2)
    aim = Aim.at(rgb, Box(0.1, 0.1, 0.9, 0.9), Box(0.0, 0.0, 1.0, 1.0))
    return Sample("thing", kind, "thing", aim, truth, None, truth, 0, Path("mask.png"))


def test_an_outline_teaches_only_where_it_is_the_thing_s_own() -> None:
    """Rows are true alpha beside the matte's outline; a matte of something else, or of a wire, teaches nothing."""
    sample = thing("alone", disc(70), disc(70))
    found = outline(sample, disc(69))
    assert found is not None and len(found.rows[0]) == len(found.rows[1]) > 500
    assert outline(sample, disc(30)) is None
    wire = np.zeros((200, 200), np.float32)
    wire[98:102, 20:180] = 1.0
    assert outline(thing("alone", wire, wire), wire) is None


def test_more_of_the_network_is_taken_where_both_kinds_of_pictures_agree() -> None:
    """Where light ends at the outline in both, much; where it ends elsewhere in photographs, as little as may be."""
    soft = np.asarray(cv2.GaussianBlur(disc(69), (0, 0), 2), np.float32)
    alike = [thing(kind, disc(70), disc(70)) for kind in ("alone", PHOTOGRAPH)]
    differing = [alike[0], thing(PHOTOGRAPH, disc(69), disc(70))]
    shares = []
    for samples in (alike, differing):
        outlines = [[outline(sample, soft)] for sample in samples]
        net = net_of(outlines, 50)
        shares.append(with_share(net, outlines, 600).share)
    assert shares[0] >= 0.5 and shares[1] == SHARES[0]


def test_bars_show_edges_that_no_photograph_has() -> None:
    """Most end with their pixels, the others share theirs with the ground; a net is asked about both sides of each."""
    drawn = bars(12)
    hard = [alpha for _features, alpha in drawn if set(np.unique(alpha)) == {0.0, 1.0}]
    assert 4 <= len(hard) < len(drawn)
    assert all(len(features) == len(alpha) > 300 and 0.2 < alpha.mean() < 0.8 for features, alpha in drawn)


def test_a_network_that_saw_bars_says_where_one_ends() -> None:
    """Of a razor-sharp bar, what it says of the outermost row is the bar; of the row outside, the ground."""
    net = net_of([], 3000)
    wrong = [np.abs(net.alpha(features) - alpha).mean() for features, alpha in bars()]
    assert float(np.mean(wrong)) < 0.02
