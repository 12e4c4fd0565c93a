"""How large each file of a job usually is: one table, from real jobs, for the API and the studio alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gateway.jobs.records import OutputChoices
from lensora.core.words import JobPicture, OutputFormat


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes of a file, as a sum of what it always has and what grows.

    Attributes:
        base: bytes whatever the film is.
        pixel: bytes for each pixel of one frame.
        frame: bytes for each pixel of each frame.
        most_side: the longer side has at most so many pixels; 0 for any.
        most_fps: it has at most so many frames a second; 0 for any.
    """

    base: int = 0
    pixel: float = 0.0
    frame: float = 0.0
    most_side: int = 0
    most_fps: float = 0.0

    def of(self, output: OutputChoices) -> int:
        """Bytes for these choices, to two digits."""
        side = min(output.size, self.most_side or output.size)
        width, height = output.aspect.pixels(side)
        fps = min(output.fps, self.most_fps or output.fps)
        exact = self.base + width * height * (self.pixel + self.frame * fps * output.seconds)
        digits = int(10 ** max(0, math.floor(math.log10(max(1.0, exact))) - 1))
        return digits * round(exact / digits)


SIZES: dict[str, Size] = {
    OutputFormat.MP4: Size(frame=0.0105),
    OutputFormat.POSTER: Size(pixel=0.145),
    OutputFormat.GIF: Size(frame=0.30, most_side=512, most_fps=16.0),
    OutputFormat.WEBP: Size(frame=0.0265, most_side=768, most_fps=30.0),
    OutputFormat.WEBM_ALPHA: Size(frame=0.0046),
    JobPicture.SCENE: Size(pixel=0.19),
    JobPicture.REMOVED_BG: Size(base=260_000),
    OutputFormat.GLB: Size(base=530_000),
    OutputFormat.USDZ: Size(base=440_000),
    OutputFormat.OBJ: Size(base=1_100_000),
    OutputFormat.STL: Size(base=600_000),
}
"""By the public name of the file; the model and the cutout do not depend on the film. Medians of 23 films, 27 models
and 28 cutouts of real jobs; GIF and WebP of two of them, further models of two."""
