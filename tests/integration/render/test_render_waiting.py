"""Waiting for the rasteriser, on a real OpenGL."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from services.render.backends.device import is_software, open_context, outwaiting

LONG_DRAWING = """#version 330 core
out vec4 color;
void main() {
    float value = 0.0;
    for (int k = 0; k < 4000; k++) value += sin(value + float(k) + gl_FragCoord.x);
    color = vec4(0.5 + 0.0 * value, 0.25, 1.0, 1.0);
}"""


@pytest.fixture
def rare_switches() -> Iterator[None]:
    """Threads of Python take turns only where one of them waits, or gives the interpreter's lock away."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(60.0)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("rare_switches")
def test_python_runs_while_the_rasteriser_draws() -> None:
    """Other threads go on while one waits for its drawing, which is all there afterwards."""
    context = open_context("cpu")
    assert is_software(context)
    program = context.program(
        vertex_shader="#version 330 core\nin vec2 at; void main() { gl_Position = vec4(at, 0.0, 1.0); }",
        fragment_shader=LONG_DRAWING,
    )
    target = context.simple_framebuffer((256, 256))
    corners = context.buffer(np.array([-1.0, -1.0, 3.0, -1.0, -1.0, 3.0], np.float32))
    triangle = context.simple_vertex_array(program, corners, "at")
    turns, over = [0], threading.Event()

    def count() -> None:
        while not over.is_set():
            turns[0] += 1
            time.sleep(0.001)

    other = threading.Thread(target=count)
    other.start()
    try:
        target.use()
        triangle.render()
        before = turns[0]
        outwaiting(context)()
        during = turns[0] - before
    finally:
        over.set()
        other.join()
    assert during > 0
    assert set(target.read(components=3)) == {64, 128, 255}
    context.release()
