"""The contact sheet: which photos it takes, and where they land."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.sheet import GAP, beside, frame_at, joined, spread, squared
from bench.stack import jpeg, photos
from services.render.encode import Mp4Sink


@pytest.mark.parametrize("limit", [1, 3, 5, 50])
def test_photos_are_spread_over_the_folder(limit: int) -> None:
    """At most so many, from the first on, in order; all of them where the limit is not reached."""
    names = [f"photo_{number:02}" for number in range(20)]
    chosen = list(spread(dict.fromkeys(names, b""), limit))
    assert len(chosen) == min(limit, 20) and chosen == sorted(chosen) and chosen[0] == names[0]
    assert limit == 1 or chosen[-1] == names[-1]


def test_both_layouts_of_a_folder_are_read(tmp_path: Path) -> None:
    """Photos in a folder by their names; else the ``input`` of each sample by the sample's."""
    sample = tmp_path / "mug_0"
    sample.mkdir()
    (sample / "input.jpg").write_bytes(jpeg(np.zeros((8, 8, 3), np.uint8)))
    assert list(photos(str(tmp_path))) == ["mug_0"]
    picture = jpeg(np.full((8, 8, 3), 200, np.uint8))
    (tmp_path / "a.png").write_bytes(picture)
    assert photos(str(tmp_path)) == {"a.png": picture}


def test_a_folder_without_photos_ends_the_bench_by_name(tmp_path: Path) -> None:
    """A folder that is not there, one without photos, and a file that is no picture are named before all else."""
    with pytest.raises(SystemExit, match=r"away: no such folder"):
        photos(str(tmp_path / "away"))
    (tmp_path / "notes.txt").write_text("no photo")
    with pytest.raises(SystemExit, match=r"no photo in it \(\.jpeg, \.jpg, \.png, \.webp\)"):
        photos(str(tmp_path))
    (tmp_path / "._mug.jpg").write_bytes(b"a file that some systems leave beside a photo")
    with pytest.raises(SystemExit, match=r"\._mug\.jpg: is no picture"):
        photos(str(tmp_path))


def test_a_row_holds_whole_pictures_beside_each_other() -> None:
    """A wide picture is shown whole on grey; cells stand with a gap between them, blocks with three."""
    wide = np.full((20, 40, 3), 200, np.uint8)
    cell = squared(wide, 60)
    assert (cell[0] == 128).all() and (cell[30] == 200).all()
    row = beside([cell, joined([cell, cell])])
    assert row.shape == (60 + GAP, 3 * 60 + GAP + 3 * GAP, 3)


def test_the_frame_of_a_films_share_is_shown(tmp_path: Path) -> None:
    """The first at 0, the last at 1, that in the middle between."""
    sink = Mp4Sink((32, 32), 12)
    for level in (20, 120, 220):
        sink.write(np.full((32, 32, 3), level, np.uint8))
    (tmp_path / "film.mp4").write_bytes(sink.finish())
    shown = [int(frame_at(tmp_path / "film.mp4", share).mean()) for share in (0.0, 0.5, 1.0)]
    assert shown == pytest.approx([20, 120, 220], abs=4)
