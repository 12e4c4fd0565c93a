"""Golden frames: the three moves before two backgrounds and one from above, on Mesa's software rasteriser.

Each picture in this folder holds three frames of one film side by side: the first, the middle and the last. The same
Mesa draws the same bytes; another version of Mesa or OpenCV may round otherwise, so the tolerance is
``MEAN_DIFFERENCE`` on average and ``MOST_DIFFERENCE`` for 99.5% of all pixels (edges may move by a sample). On failure
the frames and the difference, eight times enlarged in value, are kept in ``$RENDER_GOLDEN_KEPT`` (default:
``golden-failures`` in the temporary folder), and the message says where. After a wanted change:
``RENDER_GOLDEN_UPDATE=1 python -m pytest tests/golden/render`` writes them anew.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from lensora.core.scene import Scene
from lensora.core.words import CameraMove
from lensora.testing.meshes import Finish, glb, vase
from services.render.backends.opengl import OpenGLRenderer
from services.render.composition import Compositor
from services.render.engine import Engine
from services.render.order import FilmOrder
from services.render.planning import set_up

FOLDER = Path(__file__).parent
SIZE = 256
FRAMES = 24

MEAN_DIFFERENCE = 1.0
"""Of 255."""

MOST_DIFFERENCE = 14
"""Of 255, for 99.5% of the values."""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """The software rasteriser."""
    made = Engine(lambda: OpenGLRenderer("cpu"))
    made.start()
    yield made
    made.close()


SCENES = {
    "room": Scene(horizon=136 / SIZE, plain=False),
    "plain": Scene(horizon=136 / SIZE, plain=True),
    "above": Scene(horizon=30 / SIZE, plain=False, pitch=0.45, mirror=0.25, roughness=0.2),
}
"""A room at eye level, the white plate, and a polished table that is looked down upon."""


def _texture() -> bytes:
    image = np.full((128, 128, 3), (170, 80, 50), np.uint8)
    image[:, 40:64] = (225, 215, 190)
    for k in range(4):
        cv2.circle(image, (16 + 32 * k, 90), 10, (40, 90, 120), -1)
    return bytes(cv2.imencode(".png", image[..., ::-1])[1])


def _room(edge: int) -> bytes:
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    image[:edge] = (150, 165, 172)
    image[edge:] = (140, 104, 74)
    for k in range(8):
        cv2.line(image, (128 + 12 * (k - 4), edge), (128 + 90 * (k - 4), SIZE), (104, 72, 48), 2)
        cv2.circle(image, (16 + 32 * k, 50 + 30 * (k % 3)), 9, (255, 236, 170), -1)
    return bytes(cv2.imencode(".png", image[..., ::-1])[1])


def _strip(engine: Engine, move: CameraMove, background: str) -> np.ndarray:
    scene = SCENES[background]
    subject = glb(vase(40, 60), Finish(texture=_texture(), roughness=0.4))
    order = FilmOrder(subject, _room(round(scene.horizon * SIZE)), scene, move, SIZE, FRAMES, 1.0)
    shot, plate = set_up(order)
    compositor = Compositor(shot, plate, scene)
    wanted = (0, FRAMES // 2, FRAMES - 1)
    layers = engine.layers(shot, lambda: None)
    return np.hstack([compositor.frame(layer) for layer in layers if layer.index in wanted])


@pytest.mark.parametrize(
    ("move", "background"),
    [*((move, plate) for move in CameraMove for plate in ("room", "plain")), (CameraMove.TURNTABLE, "above")],
)
def test_frames_are_the_golden_ones(engine: Engine, move: CameraMove, background: str) -> None:
    """Frames of each move before each background look as they did when they were judged."""
    drawn = _strip(engine, move, background)
    path = FOLDER / f"{move.value}_{background}.png"
    if os.environ.get("RENDER_GOLDEN_UPDATE") == "1":
        cv2.imwrite(str(path), drawn[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    kept = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert kept is not None, f"{path} is missing: run with RENDER_GOLDEN_UPDATE=1 and look at what it draws"
    difference = np.abs(drawn.astype(int) - kept[..., ::-1])
    if difference.mean() > MEAN_DIFFERENCE or np.percentile(difference, 99.5) > MOST_DIFFERENCE:
        folder = Path(os.environ.get("RENDER_GOLDEN_KEPT", Path(tempfile.gettempdir()) / "golden-failures"))
        folder.mkdir(parents=True, exist_ok=True)
        seen = np.vstack([drawn, kept[..., ::-1], np.minimum(difference * 8, 255).astype(np.uint8)])
        cv2.imwrite(str(folder / path.name), seen[..., ::-1])
        pytest.fail(
            f"{path.name}: mean difference {difference.mean():.2f} (at most {MEAN_DIFFERENCE}), 99.5% "
            f"under "
            f"{np.percentile(difference, 99.5):.0f} (at most {MOST_DIFFERENCE}); drawn, golden, difference in "
            f"{folder}"
        )
