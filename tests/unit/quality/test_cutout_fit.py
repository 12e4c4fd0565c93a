"""The fit of the cutout's judge: how much better a rival of the plain candidate must be foretold to be."""

from __future__ import annotations

import numpy as np
import pytest

from lensora.core.boxes import FULL_FRAME
from quality.cutouts.__main__ import Outcome, report
from quality.cutouts.fit import HARM, MARGINS, Case, margins
from quality.cutouts.samples import Sample
from services.segment.aim import Aim
from services.segment.candidates import Candidate
from services.segment.judge import GAIN_FEATURES, RIVALS, Bench

PICTURE = np.full((64, 64, 3), 128, np.uint8)
PLANE = np.zeros((64, 64), np.float32)
PLANE[16:48, 16:48] = 1.0


def case(number: int, strength: float, changes: tuple[float, ...], plain: float = 0.8) -> Case:
    """A thing whose rivals change its IoU so much, and one feature that says how strongly they differ."""
    aim = Aim.at(PICTURE, FULL_FRAME, FULL_FRAME)
    sample = Sample(str(number), "alone", f"thing {number}", aim, PLANE, PLANE, PLANE, 0)
    features = np.zeros((len(RIVALS), len(GAIN_FEATURES)))
    features[:, 0] = 1.0
    features[:, 3] = strength
    found = [Candidate(name, PLANE) for name in ("plain", *RIVALS)]
    ious = np.array([plain, *(plain + change for change in changes)])
    return Case(sample, Bench(PICTURE, aim.within, PLANE), found, ious, features)


def test_what_is_always_foretold_rightly_needs_the_least_margin() -> None:
    """Where every gain is as the features say, nothing is harmed at the lowest margin, and no error is added."""
    cases = [case(n, float(n % 2), (0.01 * (n % 2),) * 4) for n in range(20)]
    assert margins(cases) == pytest.approx((MARGINS[0],) * 4, abs=0.004)


def test_harm_raises_every_margin_over_what_was_foretold() -> None:
    """One rival in ten takes a part off: the margin lies over all that is foretold, so that none is taken."""
    cases = [case(n, 1.0, (-0.03 if n % 10 == 0 else 0.012,) * 4) for n in range(40)]
    calm = [case(n, 1.0, (0.012,) * 4) for n in range(40)]
    assert min(margins(cases)) > max(margins(calm)[:2])


def test_a_second_look_must_be_better_by_its_usual_error() -> None:
    """Gains of a second look that scatter ask for more than those of the first look, which do not."""
    rng = np.random.default_rng(0)
    cases = [case(n, 1.0, (0.02, 0.02, *rng.choice([0.0, 0.03], 2))) for n in range(60)]
    meant, coloured, wide, wider = margins(cases)
    assert meant == coloured
    assert min(wide, wider) > meant + 0.01


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
