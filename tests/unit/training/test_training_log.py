"""The tables of a training."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from training import plot
from training.log import add_line


def test_a_later_line_may_have_more_columns_or_fewer(tmp_path: Path) -> None:
    """What the first run had no objects of stays empty there, and is not lost of the others."""
    path = tmp_path / "reserved.csv"
    add_line(path, {"images": 8, "mean": 0.1})
    add_line(path, {"images": 16, "box": 0.4, "mean": 0.3})
    add_line(path, {"images": 24, "mean": 0.5})
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["images"] for row in rows] == ["8", "16", "24"]
    assert [row["mean"] for row in rows] == ["0.1", "0.3", "0.5"]
    assert [row["box"] for row in rows] == ["", "0.4", ""]


def test_a_run_too_short_for_a_line_has_no_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No log, or one with half a line alone, is said and no error: the network is still to be exported."""
    log, curve = tmp_path / "log.csv", tmp_path / "log.svg"
    monkeypatch.setattr("sys.argv", ["plot", str(log), str(curve)])
    plot.main()
    log.write_text("images,entropy,iou,normals,pitch\n320,0.4,0.1")
    plot.main()
    assert capsys.readouterr().out.count("has no line yet") == 2
    assert not curve.exists()
    log.write_text("images,entropy,iou,normals,pitch\n320,0.4,0.1,0.7,0.5\n640,0.3,0.2,0.6,0.4\n")
    plot.main()
    assert curve.read_text("utf-8").count("<polyline") == 4
