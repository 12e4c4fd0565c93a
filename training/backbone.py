"""Features of a network that knows photos: the first eleven blocks of EfficientNet-Lite0, as trained on ImageNet.

The weights are those of the model ``efficientnet-lite0`` that ``lensora models pull`` fetches (Apache-2.0). The shape
network starts from what they see instead of learning to see from renders; they are not trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from weights.efficientnet import BATCH_NORM_EPSILON, STAGES, STEM_CHANNELS

STAGES_KEPT = 5
"""Up to 112 channels at a sixteenth of the picture's side."""

FEATURES = {"quarter": 24, "eighth": 40, "sixteenth": 112}
"""Channels of what is handed on, by its size relative to the picture."""


@dataclass(frozen=True)
class Layer:
    """One convolution: its stride, its groups, and whether a ReLU6 follows."""

    stride: int
    groups: int
    clipped: bool


class Backbone(nn.Module):
    """(n, 3, s, s) pictures, about -1 to 1, to features at a quarter, an eighth and a sixteenth of the size."""

    def __init__(self) -> None:
        super().__init__()
        self.layers: list[Layer] = []
        shapes: list[tuple[int, int, int]] = []

        def layer(inputs: int, outputs: int, kernel: int, stride: int, groups: int, clipped: bool) -> None:
            self.layers.append(Layer(stride, groups, clipped))
            shapes.append((outputs, inputs // groups, kernel))

        layer(3, STEM_CHANNELS, 3, 2, 1, True)
        inputs = STEM_CHANNELS
        self.blocks: list[tuple[int, int, bool]] = []
        self.ends: list[int] = []
        for stage in STAGES[:STAGES_KEPT]:
            for repeat in range(stage.repeats):
                stride, wide, first = stage.stride if repeat == 0 else 1, inputs * stage.expansion, len(self.layers)
                if stage.expansion != 1:
                    layer(inputs, wide, 1, 1, 1, True)
                layer(wide, wide, stage.kernel, stride, wide, True)
                layer(wide, stage.channels, 1, 1, 1, False)
                self.blocks.append((first, len(self.layers), stride == 1 and inputs == stage.channels))
                inputs = stage.channels
            self.ends.append(len(self.blocks))
        self.weights = nn.ParameterList([nn.Parameter(torch.zeros(o, i, k, k), False) for o, i, k in shapes])
        self.biases = nn.ParameterList([nn.Parameter(torch.zeros(o), False) for o, _, _ in shapes])

    def load(self, path: Path) -> None:
        """Take the weights from the ONNX file, batch normalisation folded into the convolutions."""
        graph = onnx.load(str(path)).graph
        arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
        norms = {node.input[0]: node.input[1:] for node in graph.node if node.op_type == "BatchNormalization"}
        nodes = [node for node in graph.node if node.op_type == "Conv"]
        for number, node in enumerate(nodes[: len(self.layers)]):
            scale, bias, mean, variance = (arrays[name].astype(np.float64) for name in norms[node.output[0]])
            factor: NDArray[np.float64] = scale / np.sqrt(variance + BATCH_NORM_EPSILON)
            folded = arrays[node.input[1]] * factor[:, None, None, None]
            self.weights[number].copy_(torch.from_numpy(folded.astype(np.float32)))
            self.biases[number].copy_(torch.from_numpy((bias - mean * factor).astype(np.float32)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The features named in ``FEATURES``."""
        x = self._layer(x, 0)
        said = []
        for number, (first, end, skips) in enumerate(self.blocks):
            y = x
            for index in range(first, end):
                y = self._layer(y, index)
            x = x + y if skips else y
            if number + 1 in (self.ends[1], self.ends[2], self.ends[4]):
                said.append(x)
        return said[0], said[1], said[2]

    def _layer(self, x: Tensor, index: int) -> Tensor:
        layer, weight = self.layers[index], self.weights[index]
        total = weight.shape[2] - layer.stride
        before = total // 2
        if total > 0 and total % 2:
            x = functional.pad(x, (before, total - before, before, total - before))
            before = 0
        x = functional.conv2d(x, weight, self.biases[index], layer.stride, max(before, 0), 1, layer.groups)
        return functional.relu6(x) if layer.clipped else x
