"""The mesh stage's two questions of a cutout, its model and its camera, over what both of them look at."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.errors import InferenceFailed, InvalidImage, SubjectNotFound
from lensora.core.viewpoint import Viewpoint
from lensora.core.words import MOST_VIEWS, ViewSide
from lensora.observability import logs
from lensora.rpc.call import UNWATCHED, Call
from services.mesh.backends import MeshBackend
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.explanation import Explained, Explainer
from services.mesh.memory import Memory
from services.mesh.model import Model, ModelRequest, create_model
from services.mesh.viewpoint import estimate_camera
from services.mesh.views.sides import Filmed, FurtherPhoto

_log = logs.get(__name__)

MOST_CUTOUTS = 3 + MOST_VIEWS
"""Cutouts that are kept for the other call of their job."""

MAX_CUTOUT_PIXELS = 64_000_000
"""Larger cutouts are refused before they are decoded; the public limit for photos is 50 megapixels."""


@dataclass(frozen=True)
class GivenPhoto:
    """A further photo as it comes in.

    Attributes:
        png: its cutout.
        side: the side that it shows, if that is known.
        filmed: where it is in a film of the thing turning; None for a photo.
    """

    png: bytes
    side: ViewSide | None = None
    filmed: Filmed | None = None


class Modeller:
    """Makes models with one backend, and tells the cameras of their photos; safe to use from several threads."""

    def __init__(self, backend: MeshBackend, explainer: Explainer | None = None) -> None:
        """
        Args:
            backend: makes the meshes.
            explainer: tells cameras: the backend's own where it has one, so that a job's photo is explained once.
        """
        self._backend = backend
        self._explainer = explainer or Explainer()
        self._cutouts: Memory[str, Cutout] = Memory(MOST_CUTOUTS)

    def warm_up(self) -> None:
        """Make one small model, so that the first caller does not pay for first calls."""
        rgba = np.zeros((96, 96, 4), np.uint8)
        cv2.circle(rgba, (48, 48), 36, (180, 120, 60, 255), -1)
        create_model(read_cutout(rgba), ModelRequest(), self._backend, UNWATCHED.report)

    def make(
        self,
        png: bytes,
        request: ModelRequest,
        call: Call = UNWATCHED,
        further: Sequence[GivenPhoto] = (),
    ) -> Model:
        """The model of a cutout.

        Args:
            png: the cutout.
            request: what to make.
            call: whose work it is.
            further: other photos of the thing.
        """
        call.check()
        cutout = self._cutout(png, call)
        photos = [FurtherPhoto(self._further(n, each, call), each.side, each.filmed) for n, each in enumerate(further)]
        return create_model(cutout, request, self._backend, call.report, call.time_left_s(), photos, self._explainer)

    def _further(self, number: int, given: GivenPhoto, call: Call) -> Cutout:
        try:
            # A film has many pictures, and nobody asks for one of them twice.
            return self._cutout(given.png, call) if given.filmed is None else read_cutout(decode_cutout(given.png))
        except (InvalidImage, SubjectNotFound) as error:
            field = f"views[{number}].cutout"
            raise type(error)(f"{field}: {error.message}", field=field) from error

    def camera(self, png: bytes, name: str, call: Call = UNWATCHED) -> Viewpoint:
        """Where the photo of a cutout was taken from; ``name`` is the thing's, or empty."""
        cutout = self._cutout(png, call)
        explained: Explained | None = None
        try:
            explained = self._explainer.explain(cutout, lambda _share: call.check(), call.time_left_s())
        except InferenceFailed as error:
            # A network that fails says nothing: the rules do.
            _log.warning("shape_network_failed", error=error.message)
        return estimate_camera(cutout, name, explained=explained)

    def _cutout(self, png: bytes, call: Call) -> Cutout:
        digest = hashlib.sha256(png).hexdigest()
        return self._cutouts.get(digest, lambda: read_cutout(decode_cutout(png)), call.check)


def decode_cutout(png: bytes) -> NDArray[np.uint8]:
    """(h, w, 4) uint8 sRGB straight alpha.

    Raises:
        InvalidImage: not an RGBA PNG that can be decoded, or a too large one.
    """
    if len(png) < 33 or not png.startswith(b"\x89PNG\r\n\x1a\n"):
        raise InvalidImage("cutout must be a PNG file", field="cutout")
    width, height = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    if width * height > MAX_CUTOUT_PIXELS:
        raise InvalidImage(
            f"cutout must have at most {MAX_CUTOUT_PIXELS} pixels, not {width} x {height}", field="cutout"
        )
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise InvalidImage("cutout cannot be decoded as PNG", field="cutout")
    if image.ndim != 3 or image.shape[2] != 4 or image.dtype != np.uint8:
        raise InvalidImage(
            f"cutout must have four channels of 8 bits, not {image.dtype} of shape {image.shape}", field="cutout"
        )
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA), dtype=np.uint8)
