"""Weights of an exported file, by the names that the network has for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from training.restore import restored

RNG = np.random.default_rng(0)
STEM = RNG.normal(size=(4, 3, 2, 2)).astype(np.float32)
FIRST, SECOND = (RNG.normal(size=(5, 7)).astype(np.float32) for _ in range(2))
SCALE, SHIFT = (RNG.normal(size=5).astype(np.float32) for _ in range(2))
SHAPES = {
    "stem.weight": (4, 3, 2, 2),
    "blocks.0.mixed.weight": (7, 5),
    "last.weight": (5,),
    "last.bias": (5,),
    "blocks.1.mixed.weight": (7, 5),
}


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A file as the exporter writes one: some names kept, matrices transposed, norms as a product and a sum."""
    tensors: dict[str, NDArray[np.floating]] = {
        "onnx::MatMul_107": SECOND,
        "net.stem.weight.half": STEM.astype(np.float16),
        "onnx::Add_13": SHIFT.reshape(5, 1, 1),
        "onnx::MatMul_99.half": FIRST.astype(np.float16),
        "onnx::Mul_12": SCALE.reshape(5, 1, 1),
        "shape.of.something": np.zeros(2, np.float32),
    }
    graph = helper.make_graph([], "net", [], [], [numpy_helper.from_array(a, n) for n, a in tensors.items()])
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph), str(path))
    return path


def test_every_weight_comes_back_under_its_name(exported: Path) -> None:
    """Named ones by their names, the others in the order of their numbers, turned back as the network holds them."""
    weights = restored(exported, SHAPES)
    assert list(weights) == list(SHAPES)
    assert np.array_equal(weights["stem.weight"], STEM.astype(np.float16).astype(np.float32))
    assert np.array_equal(weights["blocks.0.mixed.weight"], FIRST.T.astype(np.float16).astype(np.float32))
    assert np.array_equal(weights["blocks.1.mixed.weight"], SECOND.T)
    assert np.array_equal(weights["last.weight"], SCALE)
    assert np.array_equal(weights["last.bias"], SHIFT)


@pytest.mark.parametrize(
    ("shapes", "problem"),
    [
        (SHAPES | {"blocks.2.mixed.weight": (7, 5)}, "no weights for blocks.2.mixed.weight"),
        (SHAPES | {"stem.weight": (8, 3, 2, 2)}, r"stem.weight has the shape \(4, 3, 2, 2\) there"),
        ({name: shape for name, shape in SHAPES.items() if name != "last.bias"}, "1 weights more"),
    ],
)
def test_a_network_of_another_size_is_refused(exported: Path, shapes: dict[str, tuple[int, ...]], problem: str) -> None:
    """Too few, too many or other weights are an error that says which."""
    with pytest.raises(ValueError, match=problem):
        restored(exported, shapes)
