"""The restricted reader of torch's legacy state dicts."""

from __future__ import annotations

import io
import pickle
import struct
from collections import OrderedDict
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lensora.core.errors import ArtifactCorrupted
from weights.torchfile import MAGIC_NUMBER, PROTOCOL_VERSION, read_state_dict


class FloatStorage:
    """Stands for torch.FloatStorage while a test file is written."""


def _rebuild_tensor_v2(*_args: object) -> None:
    """Stands for torch's function while a test file is written."""


class _TensorStandIn:
    def __init__(self, key: str, array: NDArray[np.float32], stride: tuple[int, ...]) -> None:
        self.key, self.array, self.stride = key, array, stride

    def __reduce__(self) -> tuple[Any, ...]:
        storage = _StorageStandIn(self.key, self.array.size)
        return _rebuild_tensor_v2, (storage, 0, self.array.shape, self.stride, False, OrderedDict())


class _StorageStandIn:
    def __init__(self, key: str, count: int) -> None:
        self.key, self.count = key, count


class _Writer(pickle._Pickler):  # the pure Python one: its global names can be chosen
    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, _StorageStandIn):
            return ("storage", FloatStorage, obj.key, "cpu", obj.count, None)
        return None

    def save_global(self, obj: Any, name: str | None = None) -> None:
        places = {FloatStorage: "torch\nFloatStorage", _rebuild_tensor_v2: "torch._utils\n_rebuild_tensor_v2"}
        if obj in places:
            self.write(pickle.GLOBAL + places[obj].encode() + b"\n")
            self.memoize(obj)
        else:
            super().save_global(obj, name)

    dispatch: ClassVar[dict[Any, Any]] = {
        **pickle._Pickler.dispatch,
        type(_rebuild_tensor_v2): save_global,
        type: save_global,
    }


def legacy_file(arrays: dict[str, NDArray[np.float32]], *, magic: int = MAGIC_NUMBER, cut_storage: int = 0) -> bytes:
    """A file as torch 1.5 and earlier wrote it; Fortran-ordered arrays become strided tensors."""
    out = io.BytesIO()
    for part in (magic, PROTOCOL_VERSION, {"protocol_version": PROTOCOL_VERSION, "little_endian": True}):
        pickle.dump(part, out, protocol=2)
    tensors = OrderedDict()
    for index, (name, array) in enumerate(arrays.items()):
        tensors[name] = _TensorStandIn(str(index), array, tuple(step // 4 for step in array.strides))
    _Writer(out, protocol=2).dump(tensors)
    pickle.dump([str(index) for index in range(len(arrays))], out, protocol=2)
    for array in arrays.values():
        data = array.ravel(order="K").tobytes()
        out.write(struct.pack("<q", array.size))
        out.write(data[: len(data) - cut_storage])
    return out.getvalue()


ARRAYS = {
    "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "turned": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "scalar": np.array(5, np.float32),
}


def test_tensors_come_back_with_shape_and_order() -> None:
    """Values, shapes and strides survive, scalars included."""
    read = read_state_dict(io.BytesIO(legacy_file(ARRAYS)))
    assert list(read) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert read[name].shape == array.shape
        np.testing.assert_array_equal(read[name], array)


class _Trap:
    """Creates a file when it is unpickled carelessly."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.path, "w")


def test_a_name_that_no_state_dict_needs_is_refused(tmp_path: Any) -> None:
    """A file that names any other function is refused, and the function does not run."""
    out = io.BytesIO()
    for part in (MAGIC_NUMBER, PROTOCOL_VERSION, {"little_endian": True}):
        pickle.dump(part, out, protocol=2)
    pickle.dump({"weight": _Trap(str(tmp_path / "sprung"))}, out, protocol=2)
    out.seek(0)
    with pytest.raises(ArtifactCorrupted, match="which a state dict does not need"):
        read_state_dict(out)
    assert not (tmp_path / "sprung").exists()


def test_another_format_and_a_short_file_are_refused() -> None:
    """A wrong magic number, a cut storage and plain rubbish each raise ArtifactCorrupted."""
    for data in (
        legacy_file(ARRAYS, magic=7),
        legacy_file(ARRAYS, cut_storage=2),
        b"",
        b"PK\x03\x04 a newer torch file",
    ):
        with pytest.raises(ArtifactCorrupted):
            read_state_dict(io.BytesIO(data))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 400))
def test_no_bytes_bring_down_the_reader(noise: bytes, at: int) -> None:
    """Whatever is written over a good file, reading gives tensors or ArtifactCorrupted."""
    good = legacy_file(ARRAYS)
    data = good[:at] + noise + good[at + len(noise) :]
    try:
        read = read_state_dict(io.BytesIO(data))
    except ArtifactCorrupted:
        return
    assert all(isinstance(array, np.ndarray) for array in read.values())
