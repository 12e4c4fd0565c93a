"""The graphs that Lensora writes: EfficientNet-Lite0 from its weights, and IS-Net's derived form."""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lensora.core.errors import ArtifactCorrupted
from weights import efficientnet, isnet

Array = NDArray[np.float32]

BLOCKS = [
    "r1_k3_s11_e1_i32_o16",
    "r2_k3_s22_e6_i16_o24",
    "r2_k5_s22_e6_i24_o40",
    "r3_k3_s22_e6_i40_o80",
    "r3_k5_s11_e6_i80_o112",
    "r4_k5_s22_e6_i112_o192",
    "r1_k3_s11_e6_i192_o320",
]
"""The architecture as its authors' code writes it: repeats, kernel, stride, expansion, width in, width out."""


def block_arguments() -> list[tuple[int, int, int, int, int]]:
    """(kernel, stride, expansion, in, out) of each of the sixteen bottlenecks."""
    found = []
    for text in BLOCKS:
        repeats, kernel, stride, expansion, inputs, outputs = (
            int(part[-1:] if part[0] == "s" else part[1:]) for part in text.split("_")
        )
        for repeat in range(repeats):
            first = repeat == 0
            found.append((kernel, stride if first else 1, expansion, inputs if first else outputs, outputs))
    return found


def random_weights(seed: int) -> dict[str, Array]:
    """A state dict of the right shapes whose activations stay of order one."""
    rng = np.random.default_rng(seed)
    weights: dict[str, Array] = {}

    def conv(name: str, norm: str, outputs: int, inputs: int, kernel: int) -> None:
        scale = 1.5 / np.sqrt(inputs * kernel * kernel)
        weights[f"{name}.weight"] = (scale * rng.standard_normal((outputs, inputs, kernel, kernel))).astype(np.float32)
        weights[f"{norm}.weight"] = rng.uniform(0.5, 1.5, outputs).astype(np.float32)
        weights[f"{norm}.bias"] = rng.uniform(-0.5, 1.0, outputs).astype(np.float32)
        weights[f"{norm}.running_mean"] = rng.uniform(-0.2, 0.2, outputs).astype(np.float32)
        weights[f"{norm}.running_var"] = rng.uniform(0.5, 2.0, outputs).astype(np.float32)

    conv("_conv_stem", "_bn0", 32, 3, 3)
    for index, (kernel, _stride, expansion, inputs, outputs) in enumerate(block_arguments()):
        name, wide = f"_blocks.{index}", inputs * expansion
        if expansion != 1:
            conv(f"{name}._expand_conv", f"{name}._bn0", wide, inputs, 1)
        conv(f"{name}._depthwise_conv", f"{name}._bn1", wide, 1, kernel)
        conv(f"{name}._project_conv", f"{name}._bn2", outputs, wide, 1)
    conv("_conv_head", "_bn1", 1280, 320, 1)
    weights["_fc.weight"] = (0.05 * rng.standard_normal((1000, 1280))).astype(np.float32)
    weights["_fc.bias"] = rng.standard_normal(1000).astype(np.float32)
    return weights


def forward(weights: dict[str, Array], x: Array) -> Array:
    """The net in plain numpy, for one picture of shape (3, 224, 224): logits of shape (1000,)."""

    def padded(x: Array, kernel: int, stride: int) -> Array:
        # TensorFlow's "same": as many outputs as size / stride rounded up, the odd pixel at the bottom right.
        sides = []
        for size in x.shape[1:]:
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            sides.append((total // 2, total - total // 2))
        return np.pad(x, ((0, 0), *sides))

    def norm(x: Array, name: str) -> Array:
        scale = weights[f"{name}.weight"] / np.sqrt(weights[f"{name}.running_var"] + 1e-3)
        return (x - weights[f"{name}.running_mean"][:, None, None]) * scale[:, None, None] + weights[f"{name}.bias"][
            :, None, None
        ]

    def windows(x: Array, kernel: int, stride: int) -> Array:
        return sliding_window_view(padded(x, kernel, stride), (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]

    def dense(x: Array, name: str, stride: int) -> Array:
        w = weights[f"{name}.weight"]
        return np.einsum("ihwkl,oikl->ohw", windows(x, w.shape[2], stride), w, optimize=True)

    def depthwise(x: Array, name: str, stride: int) -> Array:
        w = weights[f"{name}.weight"]
        return np.einsum("chwkl,ckl->chw", windows(x, w.shape[2], stride), w[:, 0], optimize=True)

    def relu6(x: Array) -> Array:
        return np.clip(x, 0, 6)

    x = relu6(norm(dense(x, "_conv_stem", 2), "_bn0"))
    for index, (_kernel, stride, expansion, inputs, outputs) in enumerate(block_arguments()):
        name, skip = f"_blocks.{index}", x
        if expansion != 1:
            x = relu6(norm(dense(x, f"{name}._expand_conv", 1), f"{name}._bn0"))
        x = relu6(norm(depthwise(x, f"{name}._depthwise_conv", stride), f"{name}._bn1"))
        x = norm(dense(x, f"{name}._project_conv", 1), f"{name}._bn2")
        if stride == 1 and inputs == outputs:
            x = x + skip
    x = relu6(norm(dense(x, "_conv_head", 1), "_bn1")).mean(axis=(1, 2))
    return weights["_fc.weight"] @ x + weights["_fc.bias"]


def test_efficientnet_agrees_with_an_independent_forward_pass() -> None:
    """The graph gives what a plain numpy implementation of the authors' table gives, for every picture of a batch."""
    weights = random_weights(1)
    session = onnxruntime.InferenceSession(efficientnet.graph_of(weights), providers=["CPUExecutionProvider"])
    pictures = np.random.default_rng(2).standard_normal((2, 3, 224, 224)).astype(np.float32)
    logits = session.run(["logits"], {"input": pictures})[0]
    for picture, row in zip(pictures, logits, strict=True):
        np.testing.assert_allclose(row, forward(weights, picture), rtol=2e-3, atol=2e-3)
    assert np.ptp(logits) > 1


def test_the_same_weights_give_the_same_bytes() -> None:
    """Writing the graph is deterministic: its digest can be kept in the manifest."""
    digests = {hashlib.sha256(efficientnet.graph_of(random_weights(3))).hexdigest() for _ in range(2)}
    assert len(digests) == 1


def test_missing_or_misshapen_weights_are_refused() -> None:
    """A state dict that lacks a tensor, or holds one of another shape, is told by its name."""
    weights = random_weights(1)
    del weights["_fc.bias"]
    with pytest.raises(ArtifactCorrupted, match=r"_fc\.bias"):
        efficientnet.graph_of(weights)
    weights["_fc.bias"] = np.zeros(10, np.float32)
    with pytest.raises(ArtifactCorrupted, match=r"_fc\.bias.*shape"):
        efficientnet.graph_of(weights)


def published_form(side: int = 1024) -> bytes:
    """A net with IS-Net's peculiarities: fp16 weights between casts, fixed resize targets, extra outputs."""
    rng = np.random.default_rng(5)
    size = helper.make_tensor("size", TensorProto.INT64, [4], [1, 2, side, side])
    nodes = [
        helper.make_node("Cast", ["input"], ["x16"], to=TensorProto.FLOAT16),
        helper.make_node("Conv", ["x16", "w", "b"], ["y16"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["y16"], ["r16"]),
        helper.make_node("Cast", ["r16"], ["r32"], to=TensorProto.FLOAT),
        helper.make_node("Resize", ["r32", "", "", "size"], ["up32"], mode="linear"),
        helper.make_node("Cast", ["up32"], ["up16"], to=TensorProto.FLOAT16),
        helper.make_node("Conv", ["up16", "v"], ["s16"], kernel_shape=[1, 1]),
        helper.make_node("Cast", ["s16"], ["s32"], to=TensorProto.FLOAT),
        helper.make_node("Sigmoid", ["s32"], ["s"]),
        helper.make_node("Cast", ["s"], ["output"], to=TensorProto.FLOAT),
        helper.make_node("Sigmoid", ["r32"], ["side_output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "published",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, side, side])],
        [
            helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, side, side]),
            helper.make_tensor_value_info("side_output", TensorProto.FLOAT, [1, 2, side // 2, side // 2]),
        ],
        initializer=[
            numpy_helper.from_array(rng.standard_normal((2, 3, 3, 3)).astype(np.float16), "w"),
            numpy_helper.from_array(rng.standard_normal(2).astype(np.float16), "b"),
            numpy_helper.from_array(rng.standard_normal((1, 2, 1, 1)).astype(np.float16), "v"),
            size,
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8).SerializeToString()


def test_the_derived_isnet_computes_the_same_at_any_size() -> None:
    """At the published size the outputs agree to fp16's precision; other sizes and batches run too."""
    derived = isnet.dynamic_fp32(published_form())
    published_session = onnxruntime.InferenceSession(published_form(), providers=["CPUExecutionProvider"])
    derived_session = onnxruntime.InferenceSession(derived, providers=["CPUExecutionProvider"])
    picture = np.random.default_rng(6).uniform(-0.5, 0.5, (1, 3, 1024, 1024)).astype(np.float32)
    wanted = published_session.run(["output"], {"input": picture})[0]
    np.testing.assert_allclose(derived_session.run(["output"], {"input": picture})[0], wanted, atol=4e-3)
    small = np.zeros((2, 3, 128, 192), np.float32)
    assert derived_session.run(None, {"input": small})[0].shape == (2, 1, 128, 192)
    assert {node.op_type for node in onnx.load_model_from_string(derived).graph.node} == {
        "Conv",
        "Relu",
        "Resize",
        "Sigmoid",
    }


def test_a_graph_that_is_not_isnet_is_refused() -> None:
    """Nothing is derived from a graph that lacks the output."""
    other = onnx.load_model_from_string(published_form())
    other.graph.output[0].name = "mask"
    other.graph.node[9].output[0] = "mask"
    with pytest.raises(ArtifactCorrupted, match="input and output"):
        isnet.dynamic_fp32(other.SerializeToString())
