"""Single-shot detectors (Liu et al. 2016) of the TensorFlow Object Detection API as ONNX graphs.

Two published forms are read: TensorFlow.js graph models (``tfjs``) and TensorFlow Lite files (``tflite``). Both come
down to the same few steps: convolutions, scales and shifts per channel, additions and ReLU6, then for each of six
feature maps a reshape of its boxes and class scores. The rest, from anchors to boxes, is the same arithmetic for both
and is written here, so that both nets have one interface.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lensora.core.errors import ArtifactCorrupted

SIDE_PX = 300
"""The nets' own input size, pixels."""

INPUT, BOXES, SCORES = "input", "boxes", "scores"

CENTRE_SCALE, SIZE_SCALE = np.float32(0.1), np.float32(0.2)
"""The API's box coder: offsets of the centre are in tenths of the anchor's size, of the logarithm of size in fifths."""

MAP_SIDES = (19, 10, 5, 3, 2, 1)
"""Sides of the feature maps for an input of 300 pixels."""

SMALLEST, LARGEST = 0.2, 0.95
LOWEST_MAP = ((0.1, 1.0), (SMALLEST, 2.0), (SMALLEST, 0.5))
RATIOS = (1.0, 2.0, 0.5, 3.0, 0.3333)
"""Anchors of the API's MobileNet detectors (``ssd_anchor_generator``): scales as shares of the picture, and ratios."""

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Head:
    """Where one feature map's answers are: names of its box encodings and of its class scores, both (n, c, h, w)."""

    boxes: str
    scores: str


class SsdGraph:
    """An ONNX graph as it grows; feature maps are NCHW, names are those of the published file."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._sides: dict[str, tuple[int, int]] = {INPUT: (SIDE_PX, SIDE_PX)}
        self._constant("zero", np.float32(0))
        self._constant("six", np.float32(6))

    def __contains__(self, name: str) -> bool:
        return name in self._sides

    def convolution(
        self, x: str, output: str, kernel: Array, *, stride: int, same: bool = True, depthwise: bool = False
    ) -> None:
        """Add a convolution.

        Args:
            x: a map that is there.
            output: name of the result.
            kernel: (h, w, in, out) as TensorFlow keeps it; (h, w, channels, 1) where ``depthwise``.
            stride: of both axes.
            same: "same" padding; else none.
            depthwise: one filter per channel.

        Raises:
            ArtifactCorrupted: the kernel has another rank, or ``x`` is not there.
        """
        if kernel.ndim != 4 or x not in self:
            raise ArtifactCorrupted(f"{output!r} has a kernel of shape {kernel.shape} on {x!r}")
        height, width, channels, _outputs = kernel.shape
        ordered = kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(3, 2, 0, 1)
        before, after, sides = [], [], []
        for size, extent in zip(self._sides[x], (height, width), strict=True):
            outputs = -(-size // stride) if same else (size - extent) // stride + 1
            total = max(0, (outputs - 1) * stride + extent - size) if same else 0
            before.append(total // 2)
            after.append(total - total // 2)
            sides.append(outputs)
        self._add(
            "Conv",
            [x, self._constant(f"{output}.kernel", ordered)],
            output,
            kernel_shape=[height, width],
            strides=[stride, stride],
            pads=before + after,
            group=channels if depthwise else 1,
        )
        self._sides[output] = (sides[0], sides[1])

    def per_channel(self, operation: str, x: str, output: str, values: Array) -> None:
        """Add (``Add``, ``Mul``) one number per channel."""
        constant = self._constant(f"{output}.values", values.reshape(1, -1, 1, 1))
        self._like(x, self._add(operation, [x, constant], output))

    def sum(self, x: str, other: str, output: str) -> None:
        """The sum of two maps."""
        self._like(x, self._add("Add", [x, other], output))

    def relu6(self, x: str, output: str) -> None:
        """Clip to 0..6."""
        self._like(x, self._add("Clip", [x, "zero", "six"], output))

    def finish(self, name: str, heads: Sequence[Head], classes: int) -> bytes:
        """Add the decoding of the heads, and write the file.

        Args:
            name: the graph's name.
            heads: the six maps' answers, finest first.
            classes: number of class scores of each anchor, the background's included.

        Returns:
            ONNX: ``input`` (n, 3, 300, 300) float32 RGB in -1..1; ``boxes`` (n, anchors, 4) float32, left, top, right,
            bottom as fractions of the picture, unclipped; ``scores`` (n, anchors, classes) float32 in 0..1.

        Raises:
            ArtifactCorrupted: a head is missing, or the maps are not those of the anchors.
        """
        missing = [end for head in heads for end in (head.boxes, head.scores) if end not in self]
        if missing or tuple(self._sides[head.boxes][0] for head in heads) != MAP_SIDES:
            raise ArtifactCorrupted(f"the detector's heads are not the expected six maps; missing are {missing}")
        encoded = self._joined([head.boxes for head in heads], "encoded", 4)
        self._add("Sigmoid", [self._joined([head.scores for head in heads], "logits", classes)], SCORES)
        # Encoded as offset of the centre (y, x) and size (h, w); taken apart into x before y.
        halves = [
            self._add("Gather", [encoded, self._constant(f"pick.{key}", np.array(index, np.int64))], key, axis=2)
            for key, index in (("offsets", [1, 0]), ("growths", [3, 2]))
        ]
        centres, sizes = np.split(anchors()[None], 2, axis=2)
        moved = self._add("Mul", [halves[0], self._constant("tenths", sizes * CENTRE_SCALE)], "moved")
        middles = self._add("Add", [moved, self._constant("centres", centres)], "middles")
        growths = self._add("Mul", [halves[1], self._constant("fifth", SIZE_SCALE)], "log.sizes")
        spans = self._add("Mul", [self._add("Exp", [growths], "grown"), self._constant("halves", sizes / 2)], "spans")
        ends = [self._add(operation, [middles, spans], f"ends.{operation}") for operation in ("Sub", "Add")]
        self._add("Concat", ends, BOXES, axis=2)
        count = len(centres[0])
        model = helper.make_model(
            helper.make_graph(
                self._nodes,
                name,
                [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", 3, SIDE_PX, SIDE_PX])],
                [
                    helper.make_tensor_value_info(BOXES, TensorProto.FLOAT, ["n", count, 4]),
                    helper.make_tensor_value_info(SCORES, TensorProto.FLOAT, ["n", count, classes]),
                ],
                initializer=self._weights,
            ),
            opset_imports=[helper.make_opsetid("", 13)],
            ir_version=8,
            producer_name="lensora",
        )
        return bytes(model.SerializeToString(deterministic=True))

    def _joined(self, maps: Sequence[str], output: str, width: int) -> str:
        shape = self._constant(f"{output}.shape", np.array([0, -1, width], np.int64))
        parts = []
        for index, feature_map in enumerate(maps):
            last = self._add("Transpose", [feature_map], f"{output}.{index}.nhwc", perm=[0, 2, 3, 1])
            parts.append(self._add("Reshape", [last, shape], f"{output}.{index}"))
        return self._add("Concat", parts, output, axis=1)

    def _constant(self, name: str, value: Any) -> str:
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _add(self, operation: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(operation, inputs, [output], name=output, **attributes))
        return output

    def _like(self, x: str, output: str) -> None:
        if x not in self:
            raise ArtifactCorrupted(f"{output!r} needs {x!r}, which is not there")
        self._sides[output] = self._sides[x]


def anchors() -> NDArray[np.float32]:
    """(1917, 4) float32: centre x, centre y, width and height of each anchor as fractions of the picture."""
    steps = len(MAP_SIDES) - 1
    scales = [SMALLEST + (LARGEST - SMALLEST) * index / steps for index in range(steps + 1)] + [1.0]
    found = []
    for index, side in enumerate(MAP_SIDES):
        between = float(np.sqrt(scales[index] * scales[index + 1]))
        shapes = LOWEST_MAP if index == 0 else (*((scales[index], ratio) for ratio in RATIOS), (between, 1.0))
        for y in range(side):
            for x in range(side):
                for scale, ratio in shapes:
                    root = float(np.sqrt(ratio))
                    found.append(((x + 0.5) / side, (y + 0.5) / side, scale * root, scale / root))
    return np.array(found, np.float32)
