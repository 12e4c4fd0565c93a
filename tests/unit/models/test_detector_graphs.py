"""The detectors' graphs: one small net, written as TensorFlow.js and as TensorFlow Lite would, read from both."""

from __future__ import annotations

import hashlib
import json
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from lensora.core.errors import ArtifactCorrupted
from lensora.models.manifest import Source, SourceKind
from lensora.models.recipes import recipe_of
from weights import ssd, tfjs, tflite
from weights.recipes import tar_folder

Array = NDArray[np.float32]

CHANNELS = 4
HEAD_AT = (3, 4, 5, 6, 7, 8)
"""Nine convolutions, each of stride 2 but the last, take 300 pixels to 150, 75, 38, 19, 10, 5, 3, 2, 1."""

ANCHORS = (3, 6, 6, 6, 6, 6)


@dataclass(frozen=True)
class Net:
    """Weights, in half precision's numbers: a chain of depthwise and plain convolutions, and six heads."""

    stem: Array
    depthwise: list[Array]
    plain: list[Array]
    biases: list[Array]
    boxes: list[Array]
    scores: dict[int, list[Array]]


def net_of(seed: int, classes: int) -> Net:
    """Random weights whose activations stay of order one."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int, scale: float = 0.4) -> Array:
        return (scale * rng.standard_normal(shape)).astype(np.float16).astype(np.float32)

    return Net(
        stem=draw(3, 3, 3, CHANNELS),
        depthwise=[draw(3, 3, CHANNELS, 1) for _ in range(8)],
        plain=[draw(1, 1, CHANNELS, CHANNELS, scale=0.8) for _ in range(8)],
        biases=[draw(CHANNELS) for _ in range(9)],
        boxes=[draw(1, 1, CHANNELS, 4 * count) for count in ANCHORS],
        scores={classes: [draw(1, 1, CHANNELS, classes * count) for count in ANCHORS]},
    )


def convolved(x: Array, kernel: Array, stride: int) -> Array:
    """TensorFlow's "same" convolution in plain numpy: (h, w, in) with (kh, kw, in, out)."""
    high, wide = kernel.shape[:2]
    size = [-(-side // stride) for side in x.shape[:2]]
    total = [max(0, (n - 1) * stride + k - side) for n, k, side in zip(size, (high, wide), x.shape[:2], strict=True)]
    padded = np.pad(x, [(t // 2, t - t // 2) for t in total] + [(0, 0)])
    out = np.zeros((*size, kernel.shape[3]), np.float32)
    for row in range(high):
        for column in range(wide):
            part = padded[row : row + (size[0] - 1) * stride + 1 : stride]
            part = part[:, column : column + (size[1] - 1) * stride + 1 : stride]
            out += part @ kernel[row, column]
    return out


def expected(net: Net, classes: int, picture: Array) -> tuple[Array, Array]:
    """Boxes and scores of a picture (300, 300, 3), by an independent forward pass."""
    x = np.clip(convolved(picture, net.stem, 2) + net.biases[0], 0, 6)
    maps = [x]
    for depthwise, plain, bias in zip(net.depthwise, net.plain, net.biases[1:], strict=True):
        diagonal = np.zeros((3, 3, CHANNELS, CHANNELS), np.float32)
        for channel in range(CHANNELS):
            diagonal[:, :, channel, channel] = depthwise[:, :, channel, 0]
        x = np.clip(convolved(convolved(x, diagonal, 2), plain, 1) + bias, 0, 6)
        maps.append(x)
    ends = [maps[index] for index in HEAD_AT]
    codes = np.concatenate([(end @ head[0, 0]).reshape(-1, 4) for end, head in zip(ends, net.boxes, strict=True)])
    logits = [(end @ head[0, 0]).reshape(-1, classes) for end, head in zip(ends, net.scores[classes], strict=True)]
    centres, sizes = np.split(ssd.anchors(), 2, axis=1)
    middle = codes[:, [1, 0]] / 10 * sizes + centres
    half = np.exp(codes[:, [3, 2]] / 5) * sizes / 2
    return np.concatenate([middle - half, middle + half], 1), 1 / (1 + np.exp(-np.concatenate(logits)))


def as_tfjs(net: Net) -> tuple[bytes, dict[str, bytes]]:
    """The net as ``model.json`` and two shards, biases as scaled batch normalisation and as plain additions."""
    nodes: list[dict[str, Any]] = []
    weights: list[tuple[str, Array]] = []

    def constant(name: str, value: Array) -> str:
        weights.append((name, np.asarray(value, np.float32)))
        return name

    def node(op: str, name: str, *inputs: str, **attributes: Any) -> str:
        nodes.append({"name": name, "op": op, "input": list(inputs), "attr": attributes})
        return name

    def conv(op: str, name: str, x: str, kernel: Array, stride: int) -> str:
        steps = {"list": {"i": ["1", str(stride), str(stride), "1"]}}
        return node(op, name, x, constant(f"{name}/w", kernel), strides=steps, padding={"s": list(b"SAME")})

    x = conv("Conv2D", "stem", "Preprocessor/sub", net.stem, 2)
    x = node("Relu6", "stem/relu", node("BiasAdd", "stem/bias", x, constant("stem/b", net.biases[0])))
    maps = [x]
    for index, (depthwise, plain) in enumerate(zip(net.depthwise, net.plain, strict=True)):
        x = conv("DepthwiseConv2dNative", f"d{index}", x, depthwise, 2)
        x = conv("Conv2D", f"p{index}", x, plain, 1)
        unit = np.ones(CHANNELS, np.float32)
        parts = (unit, net.biases[index + 1], 0 * unit, unit - np.float32(0.001))
        names = [constant(f"n{index}/{part}", value) for part, value in enumerate(parts)]
        x = node("FusedBatchNorm", f"n{index}", x, *names, epsilon={"f": 0.001})
        maps.append(node("Relu6", f"r{index}", x))
        x = maps[-1]
    for index, at in enumerate(HEAD_AT):
        for end, kernel in (("", net.boxes[index]), ("_1", net.scores[tfjs.CLASSES][index])):
            found = conv("Conv2D", f"head{index}{end}", maps[at], kernel, 1)
            node("Reshape", f"BoxPredictor_{index}/Reshape{end}", found, "shape")
    data = b"".join(value.tobytes() for _name, value in weights)
    listed = [{"name": name, "shape": list(value.shape), "dtype": "float32"} for name, value in weights]
    model = {"modelTopology": {"node": nodes}, "weightsManifest": [{"paths": ["one", "two"], "weights": listed}]}
    return json.dumps(model).encode(), {"one": data[:1001], "two": data[1001:]}


class LiteWriter:
    """Writes a TensorFlow Lite file, as far as such nets go."""

    def __init__(self) -> None:
        self.builder = flatbuffers.Builder(1 << 16)
        self.buffers = [b""]
        self.tensors: list[tuple[list[int], int, int]] = []
        self.operators: list[tuple[int, list[int], int, dict[int, tuple[str, int]]]] = []
        self.codes = [0, 2, 3, 4, 6, 22]

    def tensor(self, shape: tuple[int, ...], data: Array | None = None, kind: int = 0) -> int:
        """A tensor; with ``data`` a constant."""
        if data is not None:
            self.buffers.append(data.tobytes())
        self.tensors.append((list(shape), kind, len(self.buffers) - 1 if data is not None else 0))
        return len(self.tensors) - 1

    def halved(self, value: Array) -> int:
        """A constant in half precision, and the operation that widens it."""
        narrow = self.tensor(value.shape, value.astype(np.float16), 1)
        return self.operator(6, [narrow], value.shape)

    def operator(
        self, code: int, inputs: list[int], shape: tuple[int, ...], options: dict[int, tuple[str, int]] | None = None
    ) -> int:
        """An operation; the number of its result."""
        output = self.tensor(shape)
        self.operators.append((code, inputs, output, options or {}))
        return output

    def _table(self, fields: dict[int, tuple[str, int]]) -> int:
        self.builder.StartObject(max(fields, default=0) + 1)
        for slot, (kind, value) in fields.items():
            add = {
                "b": self.builder.PrependInt8Slot,
                "i": self.builder.PrependInt32Slot,
                "I": self.builder.PrependUint32Slot,
                "t": self.builder.PrependUOffsetTRelativeSlot,
            }[kind]
            add(slot, value, 0)
        return int(self.builder.EndObject())

    def _offsets(self, values: list[int]) -> int:
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependUOffsetTRelative(value)
        return int(self.builder.EndVector())

    def _numbers(self, values: list[int]) -> int:
        return int(self.builder.CreateNumpyVector(np.array(values, np.int32)))

    def file(self, picture: int) -> bytes:
        """The file."""
        buffers = [
            self._table({0: ("t", self.builder.CreateByteVector(data))} if data else {}) for data in self.buffers
        ]
        tensors = [
            self._table({0: ("t", self._numbers(shape)), 1: ("b", kind), 2: ("I", buffer)})
            for shape, kind, buffer in self.tensors
        ]
        operators = []
        for code, inputs, output, options in self.operators:
            fields = {
                1: ("t", self._numbers(inputs)),
                2: ("t", self._numbers([output])),
                4: ("t", self._table(options)),
            }
            operators.append(self._table({0: ("I", self.codes.index(code)), **fields}))
        net = {0: tensors, 3: operators}
        tables = {slot: ("t", self._offsets(values)) for slot, values in net.items()}
        graph = self._table({**tables, 1: ("t", self._numbers([picture])), 2: ("t", self._numbers([]))})
        codes = [self._table({0: ("b", code), 3: ("i", code)}) for code in self.codes]
        lists = {1: codes, 2: [graph], 4: buffers}
        model = self._table({slot: ("t", self._offsets(values)) for slot, values in lists.items()})
        self.builder.Finish(model, file_identifier=tflite.MAGIC)
        return bytes(self.builder.Output())


def as_tflite(net: Net) -> bytes:
    """The net as a TensorFlow Lite file."""
    writer = LiteWriter()
    picture = x = writer.tensor((1, 300, 300, 3))
    sides = (150, 75, 38, 19, 10, 5, 3, 2, 1)
    shape: tuple[int, ...] = (1, 150, 150, CHANNELS)
    plain = {1: ("i", 1), 2: ("i", 1)}
    strided = {1: ("i", 2), 2: ("i", 2)}
    ordered = (3, 0, 1, 2)
    weights = [writer.halved(np.ascontiguousarray(net.stem.transpose(ordered))), writer.halved(net.biases[0])]
    x = writer.operator(3, [x, *weights], shape, {**strided, 3: ("b", 3)})
    maps = [x]
    nothing = np.zeros(CHANNELS, np.float32)
    for index, side in enumerate(sides[1:]):
        shape = (1, side, side, CHANNELS)
        kernel = writer.halved(np.ascontiguousarray(net.depthwise[index].transpose(ordered)))
        x = writer.operator(4, [x, kernel, writer.halved(nothing)], shape, strided)
        kernel = writer.halved(np.ascontiguousarray(net.plain[index].transpose(ordered)))
        x = writer.operator(3, [x, kernel, writer.halved(net.biases[index + 1])], shape, {**plain, 3: ("b", 3)})
        maps.append(x)
    for index, at in enumerate(HEAD_AT):
        side, count = sides[at], ANCHORS[index]
        for width, kernel in ((4, net.boxes[index]), (tflite.CLASSES, net.scores[tflite.CLASSES][index])):
            bias = writer.halved(np.zeros(kernel.shape[3], np.float32))
            weight = writer.halved(np.ascontiguousarray(kernel.transpose(ordered)))
            found = writer.operator(3, [maps[at], weight, bias], (1, side, side, kernel.shape[3]), plain)
            writer.operator(22, [found], (1, side * side * count, width))
    return writer.file(picture)


def run(graph: bytes, pictures: Array) -> tuple[Array, Array]:
    """Boxes and scores of (n, 300, 300, 3) pictures."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    boxes, scores = session.run(["boxes", "scores"], {"input": np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))})
    return boxes, scores


PICTURES = np.random.default_rng(5).uniform(-1, 1, (2, 300, 300, 3)).astype(np.float32)


def test_a_tensorflow_js_model_computes_the_same() -> None:
    """What is read from the nodes and shards agrees with an independent forward pass, for a batch."""
    net = net_of(1, tfjs.CLASSES)
    boxes, scores = run(tfjs.ssdlite(*as_tfjs(net)), PICTURES)
    assert boxes.shape == (2, 1917, 4) and scores.shape == (2, 1917, tfjs.CLASSES)
    for index, picture in enumerate(PICTURES):
        wanted = expected(net, tfjs.CLASSES, picture)
        np.testing.assert_allclose(boxes[index], wanted[0], atol=1e-4)
        np.testing.assert_allclose(scores[index], wanted[1], atol=1e-4)


def test_a_tensorflow_lite_file_computes_the_same() -> None:
    """What is read from the FlatBuffer, half-precision weights widened, agrees with an independent forward pass."""
    net = net_of(2, tflite.CLASSES)
    boxes, scores = run(tflite.ssd(as_tflite(net)), PICTURES[:1])
    wanted = expected(net, tflite.CLASSES, PICTURES[0])
    np.testing.assert_allclose(boxes[0], wanted[0], atol=1e-4)
    np.testing.assert_allclose(scores[0], wanted[1], atol=1e-4)


def test_the_same_input_gives_the_same_bytes() -> None:
    """The manifest holds one digest for what every machine writes."""
    files = [tfjs.ssdlite(*as_tfjs(net_of(1, tfjs.CLASSES))) for _ in range(2)]
    files += [tflite.ssd(as_tflite(net_of(2, tflite.CLASSES))) for _ in range(2)]
    assert len({hashlib.sha256(file).hexdigest() for file in files}) == 2


def test_anchors_cover_the_picture() -> None:
    """1917 of them, centres inside, the finest three per cell at a tenth and a fifth of the picture."""
    anchors = ssd.anchors()
    assert anchors.shape == (1917, 4)
    assert anchors[:, :2].min() > 0 and anchors[:, :2].max() < 1
    np.testing.assert_allclose(anchors[0], [0.5 / 19, 0.5 / 19, 0.1, 0.1], rtol=1e-6)
    np.testing.assert_allclose(anchors[-1, :2], [0.5, 0.5])


def test_damaged_files_are_refused() -> None:
    """Missing nodes, short shards, other operations and files cut off are told as damage."""
    topology, shards = as_tfjs(net_of(1, tfjs.CLASSES))
    for damaged in (
        b"{}",
        b"not json",
        topology.replace(b"Relu6", b"Gelu"),
        topology.replace(b'"name": "head5_1"', b'"name": "lost"'),
    ):
        with pytest.raises(ArtifactCorrupted):
            tfjs.ssdlite(damaged, shards)
    with pytest.raises(ArtifactCorrupted):
        tfjs.ssdlite(topology, {**shards, "two": shards["two"][:-8]})
    file = as_tflite(net_of(2, tflite.CLASSES))
    for short in (b"", file[:8], file[: len(file) // 2], file[:4] + b"TFL9" + file[8:]):
        with pytest.raises(ArtifactCorrupted):
            tflite.ssd(short)


def packed(folder: Path, files: dict[str, bytes]) -> Path:
    """A package with these files."""
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, BytesIO(data))
    return path


def test_recipes_find_the_nets_in_their_packages(tmp_path: Path) -> None:
    """The graph model's shards lie beside it; the TensorFlow Lite file lies at the end of the packed assets."""
    topology, shards = as_tfjs(net_of(1, tfjs.CLASSES))
    lite = as_tflite(net_of(2, tflite.CLASSES))
    files = {"package/net/model.json": topology, **{f"package/net/{name}": data for name, data in shards.items()}}
    package = packed(tmp_path, {**files, "package/packed.data": b"labels\n" + lite, "package/net/deep/other": b"x"})

    def source(recipe: str, member: str) -> Source:
        return Source(SourceKind.NPM, "detectors", "1.0.0", "0" * 64, 1, recipe, member)

    made = recipe_of("tfjs-ssdlite")(package, source("tfjs-ssdlite", "package/net/model.json"))
    assert made == tfjs.ssdlite(topology, shards)
    assert recipe_of("tflite-ssd")(package, source("tflite-ssd", "package/packed.data")) == tflite.ssd(lite)
    assert set(tar_folder(package, "package/net")) == set(files)
    for recipe in ("tfjs-ssdlite", "tflite-ssd"):
        with pytest.raises(ArtifactCorrupted):
            recipe_of(recipe)(package, source(recipe, "package/net/nothing"))
    (tmp_path / "cut.tgz").write_bytes(package.read_bytes()[:-200])
    with pytest.raises(ArtifactCorrupted):
        tar_folder(tmp_path / "cut.tgz", "package/net")
