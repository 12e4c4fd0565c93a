"""Shared memory for a Triton on the same host, where there is not enough of it."""

from __future__ import annotations

import os
import resource

import numpy as np
import pytest

from lensora.adapters.triton import connect
from lensora.adapters.triton_memory import FOLDER, LEAST_BYTES, SharedInputs, new_region


def _ours() -> list[str]:
    return [path.name for path in FOLDER.glob(f"lensora-in-{os.getpid()}-*")]


def test_a_region_is_all_there_or_is_not_made() -> None:
    """One that is larger than the folder is refused when it is made, not by SIGBUS when it is written to."""
    space = os.statvfs(FOLDER)
    with pytest.raises(OSError, match="No space left"):
        new_region(space.f_blocks * space.f_frsize + 1)
    assert _ours() == []


def test_an_input_without_a_region_goes_over_the_socket() -> None:
    """It is sent with the call, and nothing is left behind. No server is asked; here no file can be opened."""
    array = np.ones(LEAST_BYTES, np.uint8)
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    with connect("127.0.0.1:9") as client:
        inputs = SharedInputs(client)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, usual[1]))
        try:
            with inputs.tensors({"image": array}) as tensors:
                sent = tensors[0]._get_content()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, usual)
    assert sent == array.tobytes()
    assert _ours() == []
