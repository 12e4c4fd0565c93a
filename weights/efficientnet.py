"""EfficientNet-Lite0 (Tan and Le 2019; the Lite family of the TensorFlow TPU models) as an ONNX graph.

The weights come as a torch state dict; the architecture is written out here: a stem, sixteen inverted bottlenecks
(expand, depthwise, project) with ReLU6 and without squeeze-and-excitation, a head, the mean, and one linear layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lensora.core.errors import ArtifactCorrupted

SIDE_PX = 224
"""The net's own input size, pixels."""

CLASSES = 1000
INPUT, OUTPUT = "input", "logits"

BATCH_NORM_EPSILON = 1e-3
"""As trained in TensorFlow; torch's own default is 1e-5."""

STEM_CHANNELS = 32
HEAD_CHANNELS = 1280


@dataclass(frozen=True, slots=True)
class Stage:
    """A run of bottlenecks: the first has ``stride`` and changes the width, the others keep both."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
"""EfficientNet-B0's table, as the Lite family keeps it (stem and head are not scaled)."""


class _Graph:
    """Nodes and weights as they are added; each method returns its output's name."""

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        self._weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.constant("zero", np.float32(0))
        self.constant("six", np.float32(6))

    def constant(self, name: str, value: Any) -> str:
        self.initializers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weight(self, name: str, shape: tuple[int, ...]) -> str:
        if name not in self._weights:
            raise ArtifactCorrupted(f"the state dict lacks {name!r}")
        array = np.asarray(self._weights[name], np.float32)
        if array.shape != shape:
            raise ArtifactCorrupted(f"{name!r} has shape {array.shape}, not {shape}")
        return self.constant(name, array)

    def add(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def convolution(
        self, x: str, name: str, norm: str, *, inputs: int, outputs: int, kernel: int, stride: int = 1, group: int = 1
    ) -> str:
        """Convolution with "same" padding as TensorFlow pads, then batch normalisation."""
        # At even sizes a stride of 2 needs kernel - 2 pixels, a stride of 1 kernel - 1; the odd one goes bottom right.
        total = kernel - stride
        before, after = total // 2, total - total // 2
        x = self.add(
            "Conv",
            [x, self.weight(f"{name}.weight", (outputs, inputs // group, kernel, kernel))],
            name,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=group,
        )
        parts = ("weight", "bias", "running_mean", "running_var")
        norms = [self.weight(f"{norm}.{part}", (outputs,)) for part in parts]
        return self.add("BatchNormalization", [x, *norms], norm, epsilon=BATCH_NORM_EPSILON)

    def relu6(self, x: str) -> str:
        return self.add("Clip", [x, "zero", "six"], f"{x}.relu6")

    def bottleneck(self, x: str, name: str, stage: Stage, *, inputs: int, stride: int) -> str:
        skip, wide = x, inputs * stage.expansion
        if stage.expansion != 1:
            x = self.convolution(x, f"{name}._expand_conv", f"{name}._bn0", inputs=inputs, outputs=wide, kernel=1)
            x = self.relu6(x)
        x = self.convolution(
            x,
            f"{name}._depthwise_conv",
            f"{name}._bn1",
            inputs=wide,
            outputs=wide,
            kernel=stage.kernel,
            stride=stride,
            group=wide,
        )
        x = self.relu6(x)
        x = self.convolution(x, f"{name}._project_conv", f"{name}._bn2", inputs=wide, outputs=stage.channels, kernel=1)
        if stride == 1 and inputs == stage.channels:
            x = self.add("Add", [x, skip], f"{name}.skip")
        return x


def graph_of(weights: Mapping[str, NDArray[Any]]) -> bytes:
    """Write the net as ONNX.

    Args:
        weights: the state dict, names as in ``efficientnet_lite_pytorch``.

    Returns:
        ONNX: ``input`` (n, 3, 224, 224) float32, ImageNet-normalised RGB; ``logits`` (n, 1000) float32.

    Raises:
        ArtifactCorrupted: a tensor is missing or has another shape.
    """
    graph = _Graph(weights)
    x = graph.convolution(INPUT, "_conv_stem", "_bn0", inputs=3, outputs=STEM_CHANNELS, kernel=3, stride=2)
    x = graph.relu6(x)
    inputs, index = STEM_CHANNELS, 0
    for stage in STAGES:
        for repeat in range(stage.repeats):
            stride = stage.stride if repeat == 0 else 1
            x = graph.bottleneck(x, f"_blocks.{index}", stage, inputs=inputs, stride=stride)
            inputs, index = stage.channels, index + 1
    x = graph.relu6(graph.convolution(x, "_conv_head", "_bn1", inputs=inputs, outputs=HEAD_CHANNELS, kernel=1))
    x = graph.add("Flatten", [graph.add("GlobalAveragePool", [x], "mean")], "features", axis=1)
    fully = [graph.weight("_fc.weight", (CLASSES, HEAD_CHANNELS)), graph.weight("_fc.bias", (CLASSES,))]
    graph.add("Gemm", [x, *fully], OUTPUT, transB=1)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "efficientnet-lite0",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", 3, SIDE_PX, SIDE_PX])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", CLASSES])],
            initializer=graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=8,
        producer_name="lensora",
    )
    return bytes(model.SerializeToString(deterministic=True))
