"""Reads a state dict in torch's legacy pickle format, without torch and without running anything that it names.

Layout (torch 0.1.10 to 1.5, ``torch.serialization._legacy_save``): five pickles one after the other (magic number,
protocol version, system information, the object, the list of storage keys), then for each key a little-endian int64
count and that many raw elements.
"""

from __future__ import annotations

import math
import pickle
import struct
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lensora.core.errors import ArtifactCorrupted

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
"""First pickle of every file in this format."""

PROTOCOL_VERSION = 1001

_DTYPES: dict[str, np.dtype[Any]] = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
}


@dataclass(frozen=True, slots=True)
class _StorageType:
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class _Tensor:
    key: str
    dtype: np.dtype[Any]
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def _rebuild_tensor(
    storage: tuple[str, np.dtype[Any]], offset: int, shape: Sequence[int], stride: Sequence[int], *_hooks: object
) -> _Tensor:
    key, dtype = storage
    return _Tensor(key, dtype, int(offset), tuple(map(int, shape)), tuple(map(int, stride)))


class _Restricted(pickle.Unpickler):
    """Knows the few names that a state dict needs; any other name is refused before it is looked up."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module_name, global_name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module_name == "torch" and global_name in _DTYPES:
            return _StorageType(_DTYPES[global_name])
        raise ArtifactCorrupted(f"the weights file names {module_name}.{global_name}, which a state dict does not need")

    def persistent_load(self, pid: Any) -> tuple[str, np.dtype[Any]]:
        match pid:
            case ("storage", _StorageType(dtype), str(key), str(), int(), None):
                return key, dtype
        raise ArtifactCorrupted("the weights file holds a storage reference of an unknown form")


def read_state_dict(file: BinaryIO) -> dict[str, NDArray[Any]]:
    """The tensors of a state dict, by name.

    Args:
        file: open for reading, at the start of the format.

    Raises:
        ArtifactCorrupted: not in this format, or it names anything that a state dict does not need.
    """
    try:
        return _read(file)
    except ArtifactCorrupted:
        raise
    except Exception as error:  # broken pickles raise nearly anything
        raise ArtifactCorrupted(f"the weights file is not a legacy torch state dict: {error!r}") from error


def _read(file: BinaryIO) -> dict[str, NDArray[Any]]:
    if _Restricted(file).load() != MAGIC_NUMBER:
        raise ArtifactCorrupted("the weights file does not start with torch's magic number")
    if (version := _Restricted(file).load()) != PROTOCOL_VERSION:
        raise ArtifactCorrupted(f"the weights file has protocol version {version}, not {PROTOCOL_VERSION}")
    if not _Restricted(file).load().get("little_endian", False):
        raise ArtifactCorrupted("the weights file is not little-endian")
    tensors: dict[str, _Tensor] = dict(_Restricted(file).load())
    keys = _Restricted(file).load()
    dtypes = {tensor.key: tensor.dtype for tensor in tensors.values()}
    storages: dict[str, NDArray[Any]] = {}
    for key in keys:
        dtype = dtypes[key] if key in dtypes else _missing(key)
        (count,) = struct.unpack("<q", file.read(8))
        if count < 0:
            raise ArtifactCorrupted(f"the weights file holds a storage of {count} elements")
        data = file.read(count * dtype.itemsize)
        storages[key] = np.frombuffer(data, dtype=dtype, count=count)
    return {name: _view(tensor, storages) for name, tensor in tensors.items()}


def _missing(key: object) -> np.dtype[Any]:
    raise ArtifactCorrupted(f"the weights file holds storage {key!r}, which no tensor uses")


def _view(tensor: _Tensor, storages: dict[str, NDArray[Any]]) -> NDArray[Any]:
    if tensor.key not in storages:
        raise ArtifactCorrupted(f"the weights file lacks storage {tensor.key!r}")
    storage = storages[tensor.key]
    if len(tensor.shape) != len(tensor.stride) or tensor.offset < 0 or min((0, *tensor.shape, *tensor.stride)) < 0:
        raise ArtifactCorrupted("the weights file holds a tensor of impossible shape")
    last = tensor.offset + sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride, strict=True))
    if math.prod(tensor.shape) and last >= storage.size:
        raise ArtifactCorrupted("the weights file holds a tensor that reaches beyond its storage")
    strides = [step * storage.itemsize for step in tensor.stride]
    view = np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides, writeable=False)
    return np.ascontiguousarray(view).reshape(tensor.shape)
