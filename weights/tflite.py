"""TensorFlow Lite files: the SSD of MediaPipe's Objectron (Open Images) as ONNX.

A file is a FlatBuffer: tables whose fields are found through small tables of offsets. Only what this kind of net needs
of TensorFlow Lite's schema is read here. Weights are kept in half precision; they are widened, as the runtime does.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensora.core.errors import ArtifactCorrupted
from weights.ssd import INPUT, Head, SsdGraph

MAGIC = b"TFL3"
MAGIC_OFFSET = 4

CLASSES = 24
"""Objectron's 23 of the classes of Open Images, and the background, 0."""

_ADD, _CONCATENATION, _CONV, _DEPTHWISE, _DEQUANTIZE, _RESHAPE = 0, 2, 3, 4, 6, 22
"""Built-in operations by the schema's numbers."""

_RELU6 = 3
_DTYPES = {0: "<f4", 1: "<f2", 2: "<i4"}
_MOST_TENSORS = 10_000

Array = NDArray[Any]


class _Table:
    """A table of a FlatBuffer."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._fields = at - struct.unpack_from("<i", data, at)[0]
        if not 0 <= self._fields < len(data):
            raise ArtifactCorrupted("the TensorFlow Lite file points outside itself")

    def _field(self, index: int) -> int | None:
        size = struct.unpack_from("<H", self._data, self._fields)[0]
        slot = 4 + 2 * index
        offset = struct.unpack_from("<H", self._data, self._fields + slot)[0] if slot < size else 0
        return self._at + offset if offset else None

    def number(self, index: int, kind: str, default: int = 0) -> int:
        """A scalar field; ``kind`` is struct's letter."""
        at = self._field(index)
        return default if at is None else int(struct.unpack_from(f"<{kind}", self._data, at)[0])

    def table(self, index: int) -> _Table | None:
        """A field that is a table."""
        at = self._field(index)
        return None if at is None else _Table(self._data, at + struct.unpack_from("<I", self._data, at)[0])

    def _vector(self, index: int) -> tuple[int, int]:
        at = self._field(index)
        if at is None:
            return 0, 0
        start = at + struct.unpack_from("<I", self._data, at)[0]
        return start + 4, int(struct.unpack_from("<I", self._data, start)[0])

    def tables(self, index: int) -> Iterator[_Table]:
        """A field that is a vector of tables."""
        start, count = self._vector(index)
        for at in range(start, start + 4 * min(count, _MOST_TENSORS), 4):
            yield _Table(self._data, at + struct.unpack_from("<I", self._data, at)[0])

    def integers(self, index: int) -> list[int]:
        """A field that is a vector of 32-bit integers."""
        start, count = self._vector(index)
        return [int(value) for value in np.frombuffer(self._data, "<i4", count, start)]

    def raw(self, index: int) -> bytes:
        """A field that is a vector of bytes."""
        start, count = self._vector(index)
        return self._data[start : start + count]


def ssd(file: bytes) -> bytes:
    """The net as ONNX.

    Args:
        file: the TensorFlow Lite file.

    Returns:
        ONNX as ``SsdGraph.finish`` says, with ``CLASSES`` scores.

    Raises:
        ArtifactCorrupted: the file is damaged, or holds another kind of net.
    """
    if file[MAGIC_OFFSET : MAGIC_OFFSET + len(MAGIC)] != MAGIC:
        raise ArtifactCorrupted("the file is no TensorFlow Lite file")
    try:
        return _Reader(_Table(file, struct.unpack_from("<I", file, 0)[0])).graph()
    except (struct.error, ValueError, KeyError, IndexError) as error:
        raise ArtifactCorrupted(f"cannot read the TensorFlow Lite file: {error!r}") from error


class _Reader:
    def __init__(self, model: _Table) -> None:
        self._codes = [max(code.number(0, "b"), code.number(3, "i")) for code in model.tables(1)]
        self._buffers = [buffer.raw(0) for buffer in model.tables(4)]
        (self._net,) = model.tables(2)
        self._tensors = list(self._net.tables(0))
        self._constants: dict[int, Array] = {}
        for index, tensor in enumerate(self._tensors):
            data = self._buffers[tensor.number(2, "I")]
            if data:
                dtype = _DTYPES[tensor.number(1, "b")]
                self._constants[index] = np.frombuffer(data, dtype).reshape(tensor.integers(0))
        self._ssd = SsdGraph()

    def graph(self) -> bytes:
        (picture,) = self._net.integers(1)
        names = {picture: INPUT}
        boxes: list[str] = []
        scores: list[str] = []
        for operator in self._net.tables(3):
            code = self._codes[operator.number(0, "I")]
            inputs, (output,) = operator.integers(1), operator.integers(2)
            options = operator.table(4)
            names[output] = f"t{output}"
            if code == _DEQUANTIZE:
                self._constants[output] = self._constants[inputs[0]].astype(np.float32)
            elif code in (_CONV, _DEPTHWISE) and options is not None:
                self._convolution(code, names[inputs[0]], inputs[1:], names[output], options)
            elif code == _ADD:
                self._ssd.sum(names[inputs[0]], names[inputs[1]], names[output])
            elif code == _RESHAPE and inputs[0] in names and names[inputs[0]] in self._ssd:
                (boxes if self._tensors[output].integers(0)[-1] == 4 else scores).append(names[inputs[0]])
            elif code not in (_RESHAPE, _CONCATENATION):
                raise ArtifactCorrupted(f"the TensorFlow Lite file has an operation {code}")
        return self._ssd.finish("ssd-openimages", [Head(*ends) for ends in zip(boxes, scores, strict=True)], CLASSES)

    def _convolution(self, code: int, x: str, weights: list[int], output: str, options: _Table) -> None:
        kernel, bias = (self._constants[index] for index in weights)
        depthwise = code == _DEPTHWISE
        # Kernels lie as (1, h, w, channels) for depthwise ones and as (out, h, w, in) for others.
        kernel = kernel.transpose(1, 2, 3, 0)
        active = options.number(4 if depthwise else 3, "b") == _RELU6
        self._ssd.convolution(
            x,
            f"{output}.raw",
            kernel,
            stride=options.number(1, "i"),
            same=not options.number(0, "b"),
            depthwise=depthwise,
        )
        self._ssd.per_channel("Add", f"{output}.raw", f"{output}.sum" if active else output, bias)
        if active:
            self._ssd.relu6(f"{output}.sum", output)
