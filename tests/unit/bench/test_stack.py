"""Pictures for benches that a stack has not seen."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from bench.stack import jpeg, unseen
from lensora.testing.pictures import saved


def test_repeats_are_new_pictures_of_the_same_thing() -> None:
    """Nine in turn differ from each other, by at most eight levels of brightness; transparency stays."""
    photo = jpeg(np.full((32, 48, 3), 100, np.uint8))
    made = [unseen(photo, number) for number in range(9)]
    assert made[0] == photo
    assert len(set(made)) == 9
    levels = [float(np.asarray(Image.open(io.BytesIO(data))).mean()) for data in made]
    assert np.allclose(levels, 100.0 + np.arange(9), atol=1.0)
    clear = saved(Image.fromarray(np.full((8, 8, 4), 60, np.uint8)), "PNG")
    assert np.asarray(Image.open(io.BytesIO(unseen(clear, 3))))[0, 0].tolist() == [63, 63, 63, 60]
