"""The still that the film's stage draws on a picture whose camera is not the photo's."""

from __future__ import annotations

import io
import json
import math
import struct
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lensora.core.cameras import turn
from lensora.core.scene import Scene
from lensora.core.staging import FrameShape
from lensora.core.viewpoint import Viewpoint
from services.render.film import Film
from services.render.model import Model
from services.render.order import FilmOrder, VideoFormat
from services.render.planning import photo_yaw

ABOVE = Viewpoint(pitch=math.radians(55.0), pitch_doubt=math.radians(4.0))


def _with_confidence(glb: bytes, confidence: float) -> bytes:
    """The same file whose maker says how sure it is."""
    length = struct.unpack_from("<I", glb, 12)[0]
    document = json.loads(glb[20 : 20 + length])
    document["asset"]["extras"] = {"confidence": confidence}
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    rest = glb[20 + length :]
    return struct.pack("<4sIIII", b"glTF", 2, 20 + len(text) + len(rest), len(text), 0x4E4F534A) + text + rest


def test_the_model_is_drawn_from_the_plates_camera(
    film: Callable[[FilmOrder], Film], subject: bytes, picture: bytes, scene: Scene
) -> None:
    """A sure model stands in the still, in the film's shape; a weak one does not, and none is made unasked."""
    order = FilmOrder(
        glb=_with_confidence(subject, 0.95),
        picture=picture,
        scene=replace(scene, viewpoint=ABOVE),
        size=256,
        fps=12,
        seconds=1.0,
        formats=(VideoFormat.POSTER,),
        shape=FrameShape.of(204, 256),
        still=True,
    )
    still = film(order).still
    assert still is not None and still.jpeg is not None
    assert math.radians(20.0) < still.pitch_gap < math.radians(55.0)
    shown = np.asarray(Image.open(io.BytesIO(still.jpeg)), np.int16)
    assert shown.shape == (256, 204, 3)
    plate = np.asarray(Image.open(io.BytesIO(picture)).resize((256, 256)), np.int16)[:, 26:230]
    changed = np.abs(shown - plate).max(axis=2) > 40
    assert changed[100:200, 80:124].mean() > 0.5 and changed[:40].mean() < 0.1
    weak = film(replace(order, glb=_with_confidence(subject, 0.2))).still
    assert weak is not None and weak.jpeg is None
    assert film(replace(order, still=False)).still is None


@pytest.mark.parametrize("aside", [-0.7, 0.0, 0.5])
def test_the_still_shows_the_photos_side(aside: float) -> None:
    """The side that the photo shows is turned to the camera, wherever the file's front is; from above there is none."""
    side = np.array([math.sin(aside), 0.3, math.cos(aside)])
    model = Model((), True, np.zeros((1, 3)), 1.0, 0.0, photo_sides=side[None] / np.linalg.norm(side))
    faced = turn(photo_yaw(model)) @ side
    assert faced[0] == pytest.approx(0.0, abs=1e-9) and faced[2] > 0.0
    assert photo_yaw(replace(model, photo_sides=np.array([[0.1, 0.99, 0.0]]))) == 0.0
    assert photo_yaw(replace(model, photo_sides=np.zeros((0, 3)))) == 0.0
