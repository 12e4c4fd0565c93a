"""Writes films: H.264 in MP4, VP9 with alpha in WebM, and the poster. Moving pictures for pages are in ``animation``.

Each writer is a ``Sink``: frames in, bytes out. ``Encoding`` runs one on a thread of its own, so that drawing,
composing and encoding overlap.
"""

from __future__ import annotations

import io
import queue
import tempfile
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.error import FFmpegError
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from lensora.core.errors import EncodeFailed
from services.render.colour import planes

Pixels = NDArray[np.uint8]

BT709 = 1
"""AVCOL_PRI_BT709, AVCOL_TRC_BT709 and AVCOL_SPC_BT709 of libavutil are all 1."""

LIMITED_RANGE = 1
"""AVCOL_RANGE_MPEG: luma 16 to 235."""

X264_CRF = 18
"""Visually lossless on product shots at 768 pixels; about 1 MB for four seconds."""

X264_PRESET = "veryfast"
"""Half the time of ``medium`` for a tenth more bytes (docs/notes/render.md)."""

X264_PARAMS = {X264_PRESET: "subme=1"}
"""What is changed of a preset: refining motion to half pixels alone saves a quarter of the time for a tenth more bytes,
at the same PSNR and SSIM (docs/notes/render.md)."""

NVENC_CQ = 21
"""NVENC's constant quality that looks like x264's CRF 18."""

FRAMES_WAITING = 4
"""Finished frames ahead of an encoder: 7 MB at 768 pixels."""

JPEG_QUALITY = 92


class Sink(Protocol):
    """Takes frames and returns a file."""

    def write(self, frame: Pixels) -> None:
        """Add a frame, (height, width, 3) uint8 sRGB; with straight alpha (height, width, 4) for one that keeps it."""
        ...

    def finish(self) -> bytes:
        """The file. Called once, after the last frame."""
        ...

    def abort(self) -> None:
        """Give everything up."""
        ...


class _ContainerSink:
    """A file written by libavformat in a temporary folder."""

    def __init__(
        self, suffix: str, codec: str, options: dict[str, str], muxer: dict[str, str], fps: int, size: tuple[int, int]
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="lensora-film-")
        self._path = Path(self._folder.name) / f"film{suffix}"
        self._fps = fps
        self._count = 0
        try:
            self._container = av.open(str(self._path), "w", options=muxer)
            stream = self._container.add_stream(codec, rate=Fraction(fps), options=options)
            assert isinstance(stream, VideoStream)
            stream.width, stream.height = size
            stream.time_base = Fraction(1, fps)
            self._stream = stream
        except (FFmpegError, ValueError, OSError) as exc:
            self._folder.cleanup()
            raise EncodeFailed(f"the encoder {codec} cannot be opened: {exc}") from exc

    def _send(self, frame: av.VideoFrame) -> None:
        frame.pts = self._count
        frame.time_base = Fraction(1, self._fps)
        self._count += 1
        try:
            self._container.mux(self._stream.encode(frame))
        except (FFmpegError, ValueError, OSError) as exc:
            raise EncodeFailed(f"frame {self._count - 1} could not be encoded: {exc}") from exc

    def finish(self) -> bytes:
        """See ``Sink``."""
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            return self._path.read_bytes()
        except (FFmpegError, ValueError, OSError) as exc:
            raise EncodeFailed(f"the film could not be finished: {exc}") from exc
        finally:
            self._folder.cleanup()

    def abort(self) -> None:
        """See ``Sink``."""
        try:
            self._container.close()
        except (FFmpegError, ValueError, OSError):
            return
        finally:
            self._folder.cleanup()


class Mp4Sink(_ContainerSink):
    """H.264, yuv420p, BT.709 limited range, index first."""

    def __init__(
        self, size: tuple[int, int], fps: int, encoder: str = "libx264", preset: str = X264_PRESET, threads: int = 0
    ) -> None:
        """
        Args:
            size: width and height, pixels, even each.
            fps: frames per second.
            encoder: ``libx264`` or ``h264_nvenc``.
            preset: x264's preset; not used by NVENC.
            threads: of x264; 0 means one per core and a half.

        Raises:
            EncodeFailed: the encoder cannot be opened on this machine.
        """
        if encoder == "h264_nvenc":
            options = {"preset": "p5", "tune": "hq", "rc": "vbr", "cq": str(NVENC_CQ), "b:v": "0"}
        else:
            options = {"preset": preset, "crf": str(X264_CRF), "x264-params": X264_PARAMS.get(preset, "")}
        super().__init__(".mp4", encoder, options, {"movflags": "+faststart"}, fps, size)
        context = self._stream.codec_context
        context.pix_fmt = "yuv420p"
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = LIMITED_RANGE
        context.thread_count = threads
        try:
            context.open()
        except (FFmpegError, ValueError, OSError) as exc:
            self.abort()
            raise EncodeFailed(f"the encoder {encoder} cannot be opened: {exc}") from exc

    def write(self, frame: Pixels) -> None:
        """See ``Sink``."""
        self._send(_video_frame("yuv420p", planes(frame)))


class WebmAlphaSink(_ContainerSink):
    """VP9 with an alpha channel, which browsers play over a page."""

    def __init__(self, size: tuple[int, int], fps: int) -> None:
        """See ``Mp4Sink``."""
        options = {
            "crf": "28",
            "b": "0",
            "deadline": "realtime",
            "cpu-used": "6",
            "row-mt": "1",
            "auto-alt-ref": "0",  # libvpx cannot code alpha with hidden frames
        }
        super().__init__(".webm", "libvpx-vp9", options, {}, fps, size)
        self._stream.metadata["alpha_mode"] = "1"
        context = self._stream.codec_context
        context.pix_fmt = "yuva420p"
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = LIMITED_RANGE

    def write(self, frame: Pixels) -> None:
        """See ``Sink``; takes (height, width, 4)."""
        y, u, v = planes(np.ascontiguousarray(frame[..., :3]))
        self._send(_video_frame("yuva420p", (y, u, v, np.ascontiguousarray(frame[..., 3]))))


def _video_frame(pix_fmt: str, values: tuple[Pixels, ...]) -> av.VideoFrame:
    height, width = values[0].shape
    frame = av.VideoFrame(width, height, pix_fmt)
    for plane, pixels in zip(frame.planes, values, strict=True):
        target = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)  # type: ignore[call-overload]
        target[:, : plane.width] = pixels
    frame.color_range = LIMITED_RANGE
    frame.colorspace = BT709
    return frame


class PosterSink:
    """One frame of the film as JPEG."""

    def __init__(self, index: int) -> None:
        """
        Args:
            index: of the frame to keep.
        """
        self._index = index
        self._count = 0
        self._frame: Pixels | None = None

    def write(self, frame: Pixels) -> None:
        """See ``Sink``."""
        if self._count <= self._index:
            self._frame = frame
        self._count += 1

    def finish(self) -> bytes:
        """See ``Sink``."""
        if self._frame is None:
            raise EncodeFailed("the film has no frame to make a poster of")
        out = io.BytesIO()
        Image.fromarray(self._frame).save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)
        return out.getvalue()

    def abort(self) -> None:
        """See ``Sink``."""
        self._frame = None


class Encoding:
    """A sink on a thread of its own, fed through a bounded queue."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._frames: queue.Queue[Pixels | None] = queue.Queue(FRAMES_WAITING)
        self._problem: BaseException | None = None
        self._data = b""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="render-encode", daemon=True)
        self._thread.start()

    def write(self, frame: Pixels, check: Callable[[], None]) -> None:
        """Queue a frame.

        Args:
            frame: not changed by anyone from now on.
            check: called while waiting; raises when the film is no longer wanted.

        Raises:
            EncodeFailed: the sink has failed.
        """
        self._put(frame, check)

    def finish(self, check: Callable[[], None]) -> bytes:
        """The file, when every frame is encoded. Raises EncodeFailed."""
        self._put(None, check)
        while self._thread.is_alive():
            check()
            self._thread.join(0.1)
        self._raise()
        return self._data

    def abort(self) -> None:
        """Stop as soon as the frame in hand is done."""
        self._stopped.set()
        self._thread.join(timeout=5.0)

    def _put(self, frame: Pixels | None, check: Callable[[], None]) -> None:
        while True:
            self._raise()
            check()
            try:
                self._frames.put(frame, timeout=0.1)
            except queue.Full:
                continue
            else:
                return

    def _raise(self) -> None:
        problem = self._problem
        if isinstance(problem, EncodeFailed):
            raise problem
        if problem is not None:
            raise EncodeFailed(f"the encoder failed: {type(problem).__name__}: {problem}") from problem

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                try:
                    frame = self._frames.get(timeout=0.1)
                except queue.Empty:
                    continue
                if frame is None:
                    self._data = self._sink.finish()
                    return
                self._sink.write(frame)
        except Exception as exc:  # handed to the thread that feeds us
            self._problem = exc
        self._sink.abort()
