"""The fit of what the solid of all photos is expected to gain."""

from __future__ import annotations

import numpy as np
import pytest

from quality.views.fit import Row, fitted, left_out

TRUE = np.array([0.02, -0.1, 0.15, 0.08])


def rows(count: int, strange: float = 0.0) -> list[Row]:
    """Things whose gain follows from their terms, but for the first one's."""
    random = np.random.default_rng(3)
    terms = np.column_stack(
        [np.ones(count), random.random(count) < 0.3, random.normal(0, 0.3, count), random.normal(0, 0.5, count)]
    )
    gains = terms @ TRUE
    gains[0] += strange
    return [Row(f"thing {k}", tuple(map(float, terms[k])), float(gains[k]), True) for k in range(count)]


def test_weights_are_found_again() -> None:
    """Gains that follow from their terms give their weights; a single strange thing counts for little."""
    assert fitted(rows(200)) == pytest.approx(TRUE, abs=0.02)
    assert fitted(rows(200, strange=5.0)) == pytest.approx(TRUE, abs=0.03)


def test_no_thing_has_a_part_in_its_own_weights() -> None:
    """What a thing gains does not change what is expected of it, however often it was photographed."""
    few = rows(12)
    few += [Row(few[0].name, few[0].terms, few[0].gain, True)]
    changed = [Row(row.name, row.terms, row.gain + 0.1 * (row.name == few[0].name), True) for row in few]
    before, after = left_out(few), left_out(changed)
    assert after[[0, -1]] == pytest.approx(before[[0, -1]])
    assert np.abs(after[1:-1] - before[1:-1]).max() > 1e-4
