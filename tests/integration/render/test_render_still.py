"""The still that the film's stage draws on a picture whose camera is not the photo's."""

from __future__ import annotations

import io
import json
import math
import struct
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image

from lensora.core.scene import Scene
from lensora.core.staging import FrameShape
from lensora.core.viewpoint import Viewpoint
from services.render.film import Film
from services.render.order import FilmOrder, VideoFormat

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
