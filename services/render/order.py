"""What is ordered of a film: the subject, the plate, the move, and what is to be written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lensora.core.artifacts import MediaType
from lensora.core.errors import InvalidRequest
from lensora.core.scene import Scene
from lensora.core.staging import SQUARE, FrameShape
from lensora.core.words import CameraMove, OutputFormat
from services.render.branding import UNBRANDED, Branding

SIZE_RANGE = (256, 2160)
FPS_RANGE = (12, 60)
SECONDS_RANGE = (1.0, 30.0)


class VideoFormat(StrEnum):
    """What can be written."""

    MP4 = OutputFormat.MP4
    WEBM_ALPHA = OutputFormat.WEBM_ALPHA
    GIF = OutputFormat.GIF
    WEBP = OutputFormat.WEBP
    POSTER = OutputFormat.POSTER

    @property
    def media_type(self) -> MediaType:
        """IANA media type of the file."""
        return {
            VideoFormat.MP4: MediaType.MP4,
            VideoFormat.WEBM_ALPHA: MediaType.WEBM,
            VideoFormat.GIF: MediaType.GIF,
            VideoFormat.WEBP: MediaType.WEBP,
            VideoFormat.POSTER: MediaType.JPEG,
        }[self]


@dataclass(frozen=True)
class FilmOrder:
    """What to film, and how.

    Attributes:
        glb: the subject, glTF 2.0 binary.
        picture: the backplate's file, PNG or JPEG; not looked at when the scene is plain.
        scene: what is known of the backplate.
        move: the camera move.
        size: sides of the square that is staged, pixels, even.
        fps: frames per second.
        seconds: length; the film has ``round(fps * seconds)`` frames.
        formats: what to write.
        shape: what the film shows of the square.
        branding: what is added to every file but the one with alpha, which lies on other pictures.
        still: look whether the still scene needs the model in it (``services.render.still``).
    """

    glb: bytes
    picture: bytes
    scene: Scene
    move: CameraMove = CameraMove.TURNTABLE
    size: int = 768
    fps: int = 24
    seconds: float = 4.0
    formats: tuple[VideoFormat, ...] = (VideoFormat.MP4,)
    shape: FrameShape = SQUARE
    branding: Branding = UNBRANDED
    still: bool = False

    @property
    def frame(self) -> tuple[int, int]:
        """Width and height of the film, even pixels."""
        left, top, right, bottom = self.shape.box(self.size)
        return right - left, bottom - top

    def __post_init__(self) -> None:
        _within("size", self.size, SIZE_RANGE)
        if self.size % 2:
            raise InvalidRequest(f"size must be even, not {self.size}", field="size")
        _within("fps", self.fps, FPS_RANGE)
        _within("seconds", self.seconds, SECONDS_RANGE)
        if not self.formats:
            raise InvalidRequest("formats must name at least one format", field="formats")

    @property
    def frames(self) -> int:
        """Frames in the film."""
        return round(self.fps * self.seconds)


def _within(field_name: str, value: float, bounds: tuple[float, float]) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise InvalidRequest(f"{field_name} must lie in {bounds[0]}..{bounds[1]}, not {value}", field=field_name)
