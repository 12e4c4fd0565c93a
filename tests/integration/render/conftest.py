"""One engine on the machine's OpenGL for all tests of this folder, and things to film."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from lensora.core.scene import Scene
from lensora.testing.meshes import Finish, glb, vase
from services.render.backends.opengl import OpenGLRenderer
from services.render.engine import Engine
from services.render.film import EncoderChoice, Film, FilmMaker
from services.render.order import FilmOrder


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Our renderer on the CPU's rasteriser."""
    made = Engine(lambda: OpenGLRenderer("cpu"))
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="session")
def maker(engine: Engine) -> FilmMaker:
    """Makes films with it."""
    return FilmMaker(engine, EncoderChoice())


@pytest.fixture(scope="session")
def film(maker: FilmMaker) -> Callable[[FilmOrder], Film]:
    """Makes one film to its end."""

    return maker.make


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A backplate: a light wall over a brown floor, with some things on the wall."""
    image = np.zeros((320, 320, 3), np.uint8)
    image[:170] = (188, 196, 205)
    image[170:] = (122, 92, 66)
    for k in range(6):
        cv2.circle(image, (30 + 52 * k, 60 + 30 * (k % 2)), 18, (60 + 30 * k, 200 - 25 * k, 120), -1)
    return bytes(cv2.imencode(".png", image[..., ::-1])[1])


@pytest.fixture(scope="session")
def subject() -> bytes:
    """A vase with a striped texture."""
    stripes = np.full((64, 64, 3), (60, 90, 190), np.uint8)
    stripes[::8] = stripes[1::8] = (230, 230, 220)
    return glb(vase(), Finish(texture=bytes(cv2.imencode(".png", stripes[..., ::-1])[1])))


@pytest.fixture(scope="session")
def scene() -> Scene:
    """What is known of the backplate."""
    return Scene(horizon=0.53, plain=False)
