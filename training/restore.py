"""The weights of an exported file by the names that the network has for them.

Whoever has no checkpoint goes on from what is shipped (``training.train --start``). The exporter keeps most names, but
it transposes the matrices of linear layers and turns group norms into a product and a sum, all under numbers that grow
in the order in which the network uses them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

PREFIX = "net."
"""What exported names begin with: the network is a part of ``training.export.Shipped``."""

NUMBERED = re.compile(r"onnx::(MatMul|Mul|Add)_(\d+)")


def restored(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[np.float32]]:
    """Every weight of a network, as ``training.export`` wrote it.

    Args:
        path: the exported file.
        shapes: of the network's weights by name, in the order in which it uses them.

    Raises:
        ValueError: the file holds a network of another size.
    """
    named: dict[str, NDArray[np.float32]] = {}
    numbered: dict[str, list[tuple[int, NDArray[np.float32]]]] = {"MatMul": [], "Mul": [], "Add": []}
    for tensor in onnx.load(str(path)).graph.initializer:
        name, array = tensor.name.removesuffix(".half"), numpy_helper.to_array(tensor).astype(np.float32)
        if name.startswith(PREFIX):
            named[name.removeprefix(PREFIX)] = array
        elif match := NUMBERED.fullmatch(name):
            numbered[match[1]].append((int(match[2]), array))
    waiting = {kind: [array for _, array in sorted(some, key=lambda s: s[0])] for kind, some in numbered.items()}
    weights = {}
    for name, shape in shapes.items():
        array = named.get(name)
        if array is None:
            kind = "MatMul" if len(shape) == 2 else "Mul" if name.endswith("weight") else "Add"
            if not waiting[kind]:
                raise ValueError(f"{path} has no weights for {name}: it holds a network of another size")
            array = waiting[kind].pop(0)
            array = array.T if kind == "MatMul" else array.reshape(-1)
        if array.shape != shape:
            raise ValueError(f"{path}: {name} has the shape {array.shape} there, {shape} here")
        weights[name] = np.ascontiguousarray(array)
    if left := sum(map(len, waiting.values())):
        raise ValueError(f"{path} holds {left} weights more than this network: it is one of another size")
    return weights
