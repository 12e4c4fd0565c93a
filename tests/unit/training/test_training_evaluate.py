"""Measuring a network on reserved objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from quality.split import is_reserved
from services.mesh.network import OUTPUTS, FieldFrame
from training import evaluate


class _Untrained:
    """A model that has learned nothing."""

    def infer(self, inputs: dict[str, np.ndarray], **_: object) -> dict[str, np.ndarray]:
        count, frame = len(next(iter(inputs.values()))), FieldFrame()
        cells, side = frame.cells, frame.image_px
        shapes = [(count, cells, cells, cells), (count, 5, side, side), (count, 6)]
        return {name: np.full(shape, -1.0, np.float32) for name, shape in zip(OUTPUTS, shapes, strict=True)}


def _measure(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(evaluate, "OnnxModel", lambda *_, **__: _Untrained())
    monkeypatch.setattr("sys.argv", ["evaluate", "--model", "x.onnx", *map(str, arguments)])
    evaluate.main()


def test_one_object_makes_a_table_and_a_sheet_and_a_broken_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder of two meshes, one of them broken: the other is measured, and its sheet has one column."""
    whole, broken = [f"thing_{k}" for k in range(40) if is_reserved(f"thing_{k}")][:2]
    trimesh.creation.box((1.0, 0.6, 0.4)).export(tmp_path / f"{whole}.glb")
    (tmp_path / f"{broken}.glb").write_bytes(b"")
    sheet = tmp_path / "sheet.jpg"
    _measure(monkeypatch, "--meshes", tmp_path, "--made", 0, "--sheet", sheet)
    said = capsys.readouterr().out
    assert f"left out: {broken}.glb" in said
    assert "| all | 1 |" in said
    assert sheet.stat().st_size > 1000


def test_nothing_to_measure_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without reserved meshes, and no made objects, is no table of nothing."""
    with pytest.raises(SystemExit, match="nothing to measure"):
        _measure(monkeypatch, "--meshes", tmp_path, "--made", 0)
