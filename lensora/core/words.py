"""The public words for choices and kinds, each defined here and nowhere else.

Those for a job's state and steps lie in ``steps``, those for what a thing is in ``boxes``, error codes in ``errors``.
"""

from __future__ import annotations

from enum import StrEnum


class CameraMove(StrEnum):
    """The words of ``camera_preset``."""

    TURNTABLE = "turntable"
    DOLLY = "dolly"
    CINEMATIC = "cinematic"


class BackgroundType(StrEnum):
    """The words of ``background.type``."""

    REMOVE = "remove"
    IMAGE = "image"
    PROMPT = "prompt"
    COLOR = "color"


class OutputFormat(StrEnum):
    """The words of ``output.formats``; ``mp4`` and ``glb`` are always made."""

    MP4 = "mp4"
    WEBM_ALPHA = "webm_alpha"
    GIF = "gif"
    WEBP = "webp"
    POSTER = "poster"
    GLB = "glb"
    USDZ = "usdz"
    OBJ = "obj"
    STL = "stl"


class JobPicture(StrEnum):
    """The pictures that every job makes beside its formats, by their names in ``output`` without ``_url``."""

    SCENE = "scene"
    REMOVED_BG = "removed_bg"


class StillSubject(StrEnum):
    """The words of ``quality.still.shows``: what stands in the still scene."""

    CUTOUT = "cutout"
    MODEL = "model"


class Aspect(StrEnum):
    """The words of ``output.aspect``: width to height of the film and the still."""

    SQUARE = "1:1"
    PORTRAIT = "4:5"
    STORY = "9:16"
    WIDE = "16:9"

    def pixels(self, size: int) -> tuple[int, int]:
        """Width and height, even pixels, of a frame whose longer side has ``size`` pixels."""
        across, down = (int(part) for part in self.value.split(":"))
        short = 2 * round(size * min(across, down) / max(across, down) / 2)
        return (size, short) if across >= down else (short, size)


class ViewSide(StrEnum):
    """The words of ``view``: what a further photo shows, the first photo's side being the front."""

    FRONT = "front"
    BACK = "back"
    LEFT = "left"
    RIGHT = "right"
    TOP = "top"
    DETAIL = "detail"


class ViewOmission(StrEnum):
    """The words of ``quality.views[].reason``: why a model was made without a further photo."""

    NOTHING_FOUND = "nothing_found"
    SIDE_UNCLEAR = "side_unclear"
    TURN_UNCLEAR = "turn_unclear"
    DISAGREES = "disagrees"
    NO_PLACE = "no_place"
    UNSUPPORTED = "unsupported"


MOST_VIEWS = 5
"""Further photos of one session at a time; a film of a turn counts as one."""

MOST_FRAMES = 8
"""Pictures of a film of a turn that a model may be made with."""


class Corner(StrEnum):
    """The words of ``brand.logo.corner``."""

    TOP_LEFT = "top_left"
    TOP_RIGHT = "top_right"
    BOTTOM_LEFT = "bottom_left"
    BOTTOM_RIGHT = "bottom_right"


class WebhookEvent(StrEnum):
    """What a webhook may be told: a job's end, by its kind."""

    COMPLETED = "job.completed"
    FAILED = "job.failed"
    CANCELED = "job.canceled"


class BatchEvent(StrEnum):
    """What the webhook of a batch is told."""

    ENDED = "batch.ended"


class LedgerKind(StrEnum):
    """Why a balance moved."""

    GRANT = "grant"
    CHARGE = "charge"
    REFUND = "refund"


class DeliveryStatus(StrEnum):
    """What became of a file that was to be sent to the customer's own storage."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
