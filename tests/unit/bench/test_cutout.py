"""The samples of the cutout bench."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.cutout import samples


def _sample(folder: Path, mask: np.ndarray) -> Path:
    folder.mkdir()
    cv2.imwrite(str(folder / "input.png"), np.full((40, 60, 3), 90, np.uint8))
    cv2.imwrite(str(folder / "mask.png"), mask)
    return folder


def test_a_mask_that_is_not_its_photos_is_named(tmp_path: Path) -> None:
    """One of another size, and one that shows nothing, end the bench before a service is asked."""
    whole = np.zeros((40, 60), np.uint8)
    whole[10:30, 15:45] = 255
    _sample(tmp_path / "a", whole)
    assert [sample.name for sample in samples(tmp_path)] == ["a"]
    _sample(tmp_path / "b", whole[:20, :30])
    with pytest.raises(SystemExit, match=r"b/mask\.png: has 30x20 pixels, and the photo beside it 60x40"):
        list(samples(tmp_path))
    cv2.imwrite(str(tmp_path / "b" / "mask.png"), np.zeros((40, 60), np.uint8))
    with pytest.raises(SystemExit, match=r"b/mask\.png: shows no subject"):
        list(samples(tmp_path))
