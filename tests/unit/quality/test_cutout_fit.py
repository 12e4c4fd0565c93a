"""The fit of the cutout's judge: how far a rival of the plain candidate must lead, and who is doubtful."""

from __future__ import annotations

import numpy as np

from quality.cutouts.__main__ import Outcome, curve, report
from quality.cutouts.fit import HARM, HIT, MARGINS, doubt, margin


def test_the_lowest_margin_does_where_every_lead_is_right() -> None:
    """Whoever leads is better: nothing is harmed at no margin at all, and things seen once say nothing."""
    odds = [np.array([0.0, lead]) for lead in (-1.0, 0.4, 2.0)]
    ious = [np.array([0.8, 0.8 + change]) for change in (-0.1, 0.05, 0.1)]
    assert margin([*odds, np.array([3.0])], [*ious, np.array([0.2])]) == MARGINS[0]


def test_harm_raises_the_margin_over_its_lead() -> None:
    """A second look that led by 0.4 and took a part off: the margin lies over that, and a small loss is no harm."""
    odds = [np.array([0.0, 0.4]), np.array([0.0, 2.0]), np.array([0.0, 3.0])]
    ious = [np.array([0.9, 0.7]), np.array([0.9, 0.9 - 0.5 * HARM]), np.array([0.5, 0.9])]
    assert margin(odds, ious) == 0.4
    assert margin(odds, [*ious[:2], np.array([0.9, 0.1])]) == 3.0


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
