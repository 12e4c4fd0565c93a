"""Shipping weights, and the picture of the learning curve."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from xml.etree import ElementTree

import pytest
from onnx import TensorProto, helper

from lensora.models import load_manifest, parse_manifest
from lensora.models.store import SHIPPED
from training.plot import CURVES, drawn
from training.ship import entered, refuse_other


def test_shipping_changes_one_entry_of_the_manifest() -> None:
    """Version, digest and size of the network change, in the entry and in its source; every other entry stays."""
    text = (resources.files("lensora.models") / "manifest.toml").read_text("utf-8")
    after = parse_manifest(entered(text, "9.9.9", "ab" * 32, 123))
    entry = after.entry("lensora-shape")
    assert (entry.version, entry.sha256, entry.size_bytes) == ("9.9.9", "ab" * 32, 123)
    assert (entry.sources[0].sha256, entry.sources[0].size_bytes) == ("ab" * 32, 123)
    others = [other for other in after.entries if other.name != "lensora-shape"]
    assert others == [other for other in load_manifest().entries if other.name != "lensora-shape"]


def test_a_manifest_without_the_network_is_left_alone() -> None:
    """There is nothing to change, and that is said."""
    with pytest.raises(ValueError, match="0 entries"):
        entered("", "1", "ab" * 32, 1)


def test_a_file_that_is_not_the_network_is_not_shipped(tmp_path: Path) -> None:
    """The checkpoint or the log that lie beside it, and any other network, are refused by name."""
    refuse_other(SHIPPED / "lensora-shape.onnx")
    log = tmp_path / "log.csv"
    log.write_text("minutes,step\n")
    with pytest.raises(SystemExit, match=r"log\.csv: is no ONNX file"):
        refuse_other(log)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "other", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "other.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(SystemExit, match=r"other\.onnx: is a network from \['x'\] to \['y'\], not from \['picture'\]"):
        refuse_other(tmp_path / "other.onnx")


def test_the_learning_curve_is_drawn_from_the_log() -> None:
    """The picture is well-formed and has one curve for each measure, from the first pictures to the last."""
    rows = [
        {"images": str(320 * k), **{name: str(1 / (k + name_k)) for name_k, name in enumerate(CURVES, 1)}}
        for k in range(1, 60)
    ]
    root = ElementTree.fromstring(drawn(rows))
    curves = [node for node in root if node.tag.endswith("polyline")]
    assert len(curves) == len(CURVES)
    heights = [float(point.split(",")[1]) for point in curves[0].attrib["points"].split()]
    assert heights == sorted(heights), "what falls is drawn falling"
