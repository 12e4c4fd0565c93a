"""Whether a further photo shows the session's thing: the rules, on numbers."""

from __future__ import annotations

import pytest

from gateway.http.studio.matching import ASPECT_ADVICE, RULES, SIDE_ADVICE, UNLIKE_ADVICE, advice, aspect_of, matched
from lensora.core.boxes import FULL_FRAME, FULL_FRAME_LABEL, Box, Category, Proposal
from lensora.core.errors import SubjectUnlike
from lensora.core.words import ViewSide

FIRST = Proposal("mug", Category.PRODUCT, Box(0.1, 0.1, 0.5, 0.9), 0.9)
SECOND = Proposal("spoon", Category.PRODUCT, Box(0.6, 0.1, 0.9, 0.9), 0.4)
FRAME = Proposal(FULL_FRAME_LABEL, Category.FULL_FRAME, FULL_FRAME, 0.0)
ALL = (FIRST, SECOND, FRAME)


def test_the_limits_are_those_that_were_measured() -> None:
    """They stand in one place, in their order."""
    assert (RULES.unlike, RULES.doubtful, RULES.lead) == (0.02, 0.3, 0.2)
    assert 0.0 < RULES.unlike < RULES.doubtful < 1.0 < RULES.aspect_doubtful < RULES.aspect_wrong


def test_the_first_proposal_is_taken_unless_another_is_clearly_more_like() -> None:
    """The plain way wins ties; what it was like, and which thing of the session, is kept."""
    assert matched(ALL, {FIRST: (0.6, 0.1), SECOND: (0.2, 0.7), FRAME: (0.9, 0.9)}, ALL[:2], None).index == 0
    taken = matched(ALL, {FIRST: (0.5, 0.1), SECOND: (0.2, 0.75), FRAME: (0.9, 0.9)}, ALL[:2], None)
    assert (taken.index, taken.thing, taken.likeness) == (1, 1, 0.75)


def test_nothing_is_refused_where_nothing_was_compared() -> None:
    """An older detection service, or one that cannot tell, says nothing."""
    taken = matched(ALL, {}, ALL[:2], ViewSide.BACK)
    assert (taken.index, taken.likeness) == (0, None)
    assert advice(None, ViewSide.BACK, (1.0, 1.0), drawn=False) == ()


def test_the_frame_of_the_first_photo_is_the_thing_only_where_there_is_no_other() -> None:
    """A crop about the thing may look most like the whole first photo, whose shape is not the thing's."""
    taken = matched((FIRST, FRAME), {FIRST: (0.6, 0.2, 0.9)}, ALL, ViewSide.BACK)
    assert (taken.thing, taken.likeness) == (0, 0.9)
    assert matched((FIRST, FRAME), {FIRST: (0.9,)}, (FRAME,), ViewSide.BACK).thing == 0


def test_a_photo_of_nothing_but_its_frame_is_looked_at_as_a_whole() -> None:
    """Where no thing was found, the frame is the thing."""
    assert matched((FRAME,), {FRAME: (0.4,)}, (FRAME,), None).likeness == 0.4


def test_only_what_is_unlike_everything_is_refused() -> None:
    """One thing of the session that is like one of the photo is enough; a detail is never refused."""
    unlike = {FIRST: (0.01, 0.0), SECOND: (0.0, 0.019), FRAME: (0.9, 0.9)}
    with pytest.raises(SubjectUnlike, match=r"likeness of what is in it is 0\.02, and must be at least 0\.02"):
        matched(ALL, unlike, ALL[:2], ViewSide.BACK)
    assert matched(ALL, unlike, ALL[:2], ViewSide.DETAIL).index == 0
    assert matched(ALL, unlike | {SECOND: (0.0, 0.021)}, ALL[:2], ViewSide.BACK).index == 0


@pytest.mark.parametrize("side", [ViewSide.LEFT, ViewSide.RIGHT, ViewSide.TOP, ViewSide.DETAIL, None])
def test_other_sides_may_have_any_shape(side: ViewSide | None) -> None:
    """Only front and back have the first photo's outline. Where no side is named, that is told."""
    assert advice(0.9, side, (0.2, 5.0), drawn=False) == (() if side else (SIDE_ADVICE,))


def test_a_back_of_another_shape_is_told_and_then_refused() -> None:
    """By the factor between the two, whichever is larger; a person's box is believed."""
    assert advice(0.9, ViewSide.BACK, (1.0, 1.7), drawn=False) == ()
    assert advice(0.9, ViewSide.BACK, (2.0, 1.0), drawn=False) == (ASPECT_ADVICE,)
    with pytest.raises(SubjectUnlike, match=r"0\.24 here and 1\.00 there, a factor of 4\.2, and may differ by 4"):
        advice(0.9, ViewSide.FRONT, (1.0, 1 / 4.2), drawn=False)
    assert advice(0.1, ViewSide.BACK, (9.0, 1.0), drawn=True) == (UNLIKE_ADVICE, ASPECT_ADVICE)
    assert advice(0.9, ViewSide.BACK, None, drawn=False) == ()


def test_an_aspect_is_measured_in_pixels() -> None:
    """A square box of a wide photo is a wide thing."""
    assert aspect_of(Box(0.25, 0.25, 0.75, 0.75), 800, 400) == 2.0
