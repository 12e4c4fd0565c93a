"""The large corpus, drawn from a folder of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import trimesh

from quality import large
from quality.measure.sample import samples_in


def test_a_folder_of_ones_own_is_drawn_and_what_is_broken_in_it_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mesh without texture becomes a sample; a broken file beside it is named, and does not end the work."""
    meshes, out = tmp_path / "meshes", tmp_path / "out"
    meshes.mkdir()
    with pytest.raises(SystemExit):
        large.main(["--meshes", str(meshes), "--out", str(out)])
    assert "no folder with .glb files in it" in capsys.readouterr().err
    (meshes / "broken.glb").write_bytes(b"glTF")
    trimesh.creation.box((1.0, 0.6, 0.4)).export(meshes / "carton.glb")
    large.main(["--meshes", str(meshes), "--out", str(out), "--views", "1"])
    assert "left out: broken.glb" in capsys.readouterr().out
    samples = [sample for part in ("tune", "held", "unseen") for sample in samples_in(out / part)]
    assert [sample.thing for sample in samples] == ["carton"]
    assert samples[0].rgba().shape == (512, 512, 4)
