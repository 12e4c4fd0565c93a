"""TensorFlow.js graph models: the SSDLite of COCO (``coco-ssd``) as ONNX.

A graph model is a JSON file with the nodes of a frozen TensorFlow graph and a list of the weights, whose bytes lie one
after the other in the shards beside it. What is before the net (resizing) and behind it (non-maximum suppression) is
left out.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensora.core.errors import ArtifactCorrupted
from weights.ssd import INPUT, Head, SsdGraph

CLASSES = 91
"""COCO's numbers 1 to 90 and the background, 0."""

_NET_INPUT = "Preprocessor/sub"
_MAPS = 6

_DTYPES = {"float32": "<f4", "int32": "<i4"}

Array = NDArray[Any]


def ssdlite(topology: bytes, shards: Mapping[str, bytes]) -> bytes:
    """The net of ``coco-ssd`` as ONNX.

    Args:
        topology: ``model.json``.
        shards: the files beside it by their names.

    Returns:
        ONNX as ``SsdGraph.finish`` says, with ``CLASSES`` scores.

    Raises:
        ArtifactCorrupted: the files are damaged, or hold another kind of graph.
    """
    try:
        model = json.loads(topology)
        nodes = {str(node["name"]): node for node in model["modelTopology"]["node"]}
        weights = _weights(model["weightsManifest"], shards)
        reader = _Reader(nodes, weights)
        heads = []
        for index in range(_MAPS):
            boxes, scores = (
                reader.feature_map(nodes[f"BoxPredictor_{index}/Reshape{end}"]["input"][0]) for end in ("", "_1")
            )
            heads.append(Head(boxes, scores))
        return reader.graph.finish("ssdlite-coco", heads, CLASSES)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ArtifactCorrupted(f"cannot read the TensorFlow.js graph model: {error!r}") from error


def _weights(manifest: Sequence[Mapping[str, Any]], shards: Mapping[str, bytes]) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for group in manifest:
        data, offset = b"".join(shards[path] for path in group["paths"]), 0
        for entry in group["weights"]:
            dtype = np.dtype(_DTYPES[entry["dtype"]])
            count = int(np.prod(entry["shape"], dtype=np.int64))
            found[str(entry["name"])] = np.frombuffer(data, dtype, count, offset).reshape(entry["shape"])
            offset += count * dtype.itemsize
    return found


class _Reader:
    """Adds the nodes that a feature map needs, each once."""

    def __init__(self, nodes: Mapping[str, Any], weights: Mapping[str, Array]) -> None:
        self._nodes = nodes
        self._weights = weights
        self.graph = SsdGraph()

    def feature_map(self, name: str) -> str:
        """The map's name, with all that it depends on in the graph."""
        if name == _NET_INPUT:
            return INPUT
        if name in self.graph:
            return name
        node = self._nodes[name]
        operation, inputs = str(node["op"]), [str(value) for value in node["input"]]
        attributes = node.get("attr", {})
        if operation in ("Conv2D", "DepthwiseConv2dNative"):
            stride = int(attributes["strides"]["list"]["i"][1])
            same = _text(attributes["padding"]["s"]) == "SAME"
            depthwise = operation != "Conv2D"
            x = self.feature_map(inputs[0])
            self.graph.convolution(x, name, self._weights[inputs[1]], stride=stride, same=same, depthwise=depthwise)
        elif operation == "FusedBatchNorm":
            scale, shift, mean, variance = (self._weights[value] for value in inputs[1:5])
            factor = scale / np.sqrt(variance + np.float32(attributes["epsilon"]["f"]))
            self.graph.per_channel("Mul", self.feature_map(inputs[0]), f"{name}.scaled", factor)
            self.graph.per_channel("Add", f"{name}.scaled", name, shift - mean * factor)
        elif operation in ("Add", "AddV2", "AddN", "BiasAdd", "Mul"):
            self._combine("Mul" if operation == "Mul" else "Add", inputs, name)
        elif operation == "Relu6":
            self.graph.relu6(self.feature_map(inputs[0]), name)
        else:
            raise ArtifactCorrupted(f"the graph model has an operation {operation!r} at {name!r}")
        return name

    def _combine(self, operation: str, inputs: Sequence[str], name: str) -> None:
        maps = [value for value in inputs if value not in self._weights]
        constants = [self._weights[value] for value in inputs if value in self._weights]
        if len(maps) == 1 and len(constants) == 1:
            self.graph.per_channel(operation, self.feature_map(maps[0]), name, constants[0])
        elif len(maps) == 2 and not constants and operation == "Add":
            self.graph.sum(self.feature_map(maps[0]), self.feature_map(maps[1]), name)
        else:
            raise ArtifactCorrupted(f"the graph model joins {inputs} at {name!r}")


def _text(value: Any) -> str:
    """A string attribute: a list of bytes, or base64."""
    return (bytes(value) if isinstance(value, list) else base64.b64decode(value)).decode("ascii")
