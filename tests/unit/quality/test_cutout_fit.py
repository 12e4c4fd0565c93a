"""The fit of the cutout's judge: how far a rival of the plain candidate must lead, and who is doubtful."""

from __future__ import annotations

import numpy as np

from quality.cutouts.__main__ import Outcome, curve, report
from quality.cutouts.fit import APARTS, HARM, HIT, MARGINS, doubt, margin, widest


def test_the_lowest_margin_does_where_every_gain_is_foretold() -> None:
    """Whoever is foretold to be better is: nothing is harmed at no margin at all."""
    assert margin(np.array([-0.02, 0.01, 0.03]), np.array([-0.1, 0.05, 0.1])) == MARGINS[0]


def test_harm_raises_the_margin_over_what_was_foretold() -> None:
    """A second look was foretold to gain 0.01 and took a part off: the margin lies over that; a small loss is none."""
    foretold = np.array([0.01, 0.02, 0.04])
    assert margin(foretold, np.array([-0.2, -0.5 * HARM, 0.4])) == 0.01
    assert margin(foretold, np.array([-0.2, -0.5 * HARM, -0.8])) == 0.04


def test_looks_that_differ_more_are_averaged_only_where_nothing_is_lost() -> None:
    """The level lies under the pair whose mean takes a part off, and over those whose means gain."""
    aparts = np.array([APARTS[0], APARTS[3], APARTS[5]])
    assert widest(aparts, np.array([0.001, 0.002, -0.2])) == APARTS[3]
    assert widest(aparts, np.array([0.001, 0.002, 0.003])) == APARTS[5]


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
