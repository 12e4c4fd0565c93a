"""Names on made scenes."""

from __future__ import annotations

import pytest

from bench.made import names


@pytest.mark.parametrize(
    ("label", "shows", "right"),
    [
        ("garbage truck", "truck 2", True),
        ("frying pan", "skillet", True),
        ("scissors", "scissors", True),
        ("vase", "flowervase", True),
        ("loudspeaker", "webxr stereo", True),
        ("ox", "box", False),
        ("clock", "shield round", False),
        ("airplane", "car", False),
    ],
)
def test_a_name_is_right_where_words_agree(label: str, shows: str, right: bool) -> None:
    """Shared words and words for the same thing are right, others are not."""
    assert names(label, shows) is right
