"""Files that were changed at random, through the same code as uploads: 1,800 here, and 200 more over HTTP
(tests/integration/http/test_fuzzed_uploads.py). ``make bench-photos`` does 20,000 and more."""

from __future__ import annotations

import time

from lensora.core.errors import InvalidImage
from lensora.imaging.photo import decode
from lensora.testing.mutation import mutated, seeds

COUNT = 1_800


def test_sound_files_are_all_taken() -> None:
    """What the fuzz begins with is decoded, each of it."""
    for data in seeds():
        assert decode(data, longest_side_px=64).rgb.size


def test_a_changed_file_is_a_picture_or_invalid_image() -> None:
    """Never another error, never over 5 s of the process's time; and both answers occur often."""
    taken = 0
    for number, data in enumerate(mutated(COUNT)):
        started = time.process_time()
        try:
            photo = decode(data, longest_side_px=64)
        except InvalidImage as error:
            assert error.message.startswith("image ")
        else:
            taken += 1
            assert max(photo.rgb.shape[:2]) <= 64
        assert time.process_time() - started <= 5.0, number
    assert COUNT / 10 <= taken <= COUNT * 9 / 10
