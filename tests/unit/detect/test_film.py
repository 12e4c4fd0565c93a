"""A stranger's film: what is taken, what is refused with a sentence, and that no file brings the decoder down."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lensora.core.errors import Cancelled, InvalidVideo
from lensora.testing.films import drum, film_of, turning
from services.detect.film import stills_of

SHORT = film_of(turning(36), rate=12)
"""Three seconds."""


def test_pictures_are_spread_over_the_film() -> None:
    """Sixty at most, in order, each a JPEG of the film's size; of a film with fewer, all."""
    stills = stills_of(film_of(turning(144), rate=24))
    assert len(stills) == 60
    seconds = np.array([still.second for still in stills])
    assert seconds[0] == 0.0 and seconds[-1] > 5.8 and np.diff(seconds).max() < 0.15
    assert (stills[0].width, stills[0].height, stills[0].grey.shape) == (64, 64, (64, 64))
    with Image.open(io.BytesIO(stills[0].jpeg)) as picture:
        off = np.abs(np.asarray(picture, np.float64) - drum(0.0)).mean()
    assert off < 12.0
    assert len(stills_of(SHORT)) == 36


def test_phones_hevc_is_taken() -> None:
    """In a MOV file, as iPhones write it."""
    film = film_of(turning(36), rate=12, codec="libx265", container="mov", **{"x265-params": "log-level=none"})
    assert len(stills_of(film)) == 36


def test_a_phone_held_upright_gives_upright_pictures() -> None:
    """The turn that the file's display matrix asks for is done: phones write each film lying on its side."""
    picture = np.full((64, 96, 3), 40, np.uint8)
    picture[:, :48] = (220, 30, 30)
    film = bytearray(film_of([picture] * 36, rate=12, container="mov"))
    # The matrix of the track's header (ISO 14496-12, 8.3.2): a quarter turn clockwise, as iPhones write it.
    at = film.index(b"tkhd") + 4 + 40
    one = (1 << 16).to_bytes(4, "big")
    matrix = [bytes(4), one, bytes(4), (-(1 << 16)).to_bytes(4, "big", signed=True), *[bytes(4)] * 4, b"\x40\0\0\0"]
    film[at : at + 36] = b"".join(matrix)
    still = stills_of(bytes(film))[0]
    assert (still.width, still.height) == (64, 96)
    with Image.open(io.BytesIO(still.jpeg)) as upright:
        top, low = (np.asarray(upright)[row, 32, 0] for row in (10, 86))
    assert top > 180 > 80 > low


@pytest.mark.parametrize(
    ("film", "says"),
    [
        (b"no film at all", "video must be an MP4 or MOV film."),
        (SHORT[:24] + bytes(600), "that can be decoded; this one is broken"),
        (film_of(turning(12), rate=12), "video must be 3 to 15 seconds long, not 1.0."),
        (film_of(turning(34), rate=2), "video must be 3 to 15 seconds long, not 17.0."),
        (film_of(turning(15), rate=5), "must have at least 20 pictures, not 15"),
        (film_of(turning(36, side_px=32), rate=12), "at least 64 pixels on each side, not 32 x 32"),
        (film_of(turning(36), rate=12, codec="mpeg4"), "must be H.264 or HEVC, not mpeg4"),
        (film_of([np.zeros((64, 4_224, 3), np.uint8)] * 3, rate=1), "side and 9.4 million in all, not 4224 x 64"),
    ],
    ids=["text", "truncated", "short", "long", "slow", "tiny", "codec", "large"],
)  # fmt: skip
def test_what_is_no_film_of_a_turn_is_refused_by_a_sentence(film: bytes, says: str) -> None:
    """The field, the limit and the value."""
    with pytest.raises(InvalidVideo) as refusal:
        stills_of(film)
    assert says in refusal.value.message and refusal.value.field == "video"


def film_of_sizes(*shapes: tuple[int, int], each: int = 24, rate: int = 12) -> bytes:
    """An MP4 of plain pictures, so many of each size (rows, columns) in turn: the stream's headers lie among them."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=rate)
        stream.height, stream.width = shapes[0]
        for part, shape in enumerate(shapes):
            encoder = av.CodecContext.create("libx264", "w")
            encoder.height, encoder.width = shape
            encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, rate)
            encoder.options = {"x264-params": "repeat-headers=1", "tune": "zerolatency"}
            for number in range(part * each, (part + 1) * each):
                frame = av.VideoFrame.from_ndarray(np.full((*shape, 3), 90, np.uint8), format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, rate)
                for packet in encoder.encode(frame):
                    packet.stream = stream
                    output.mux(packet)
    return file.getvalue()


def test_a_film_whose_pictures_change_size_is_refused() -> None:
    """By a sentence: what moves cannot be told between pictures of two sizes."""
    assert len(stills_of(film_of_sizes((64, 96), (64, 96)))) == 48
    with pytest.raises(InvalidVideo, match="must have pictures of one size, not 96 x 64 and then 64 x 96"):
        stills_of(film_of_sizes((64, 96), (96, 64)))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_broken_films_are_decoded_or_refused(data: st.DataObject) -> None:
    """Whatever bytes are changed, cut out or cut off."""
    film = bytearray(SHORT)
    for _ in range(data.draw(st.integers(1, 12))):
        film[data.draw(st.integers(0, len(film) - 1))] = data.draw(st.integers(0, 255))
    start, size = data.draw(st.integers(0, len(film))), data.draw(st.integers(0, 200))
    del film[start : start + size]
    try:
        assert len(stills_of(bytes(film))) <= 60
    except InvalidVideo as error:
        assert error.message.startswith("video must")


def test_decoding_ends_when_nobody_waits() -> None:
    """Between two pictures."""
    looks = []

    def alive() -> None:
        looks.append(1)
        if len(looks) == 3:
            raise Cancelled("nobody waits")

    with pytest.raises(Cancelled):
        stills_of(SHORT, alive)
    assert len(stills_of(SHORT)) == 36


@pytest.mark.parametrize(("box", "place"), [(b"stsz", 8), (b"stts", 8)])
def test_a_film_that_claims_millions_of_samples_costs_nothing(box: bytes, place: int) -> None:
    """FFmpeg makes room for each before it decodes anything: 11 KB took 2.9 GB."""
    film = bytearray(SHORT)
    at = film.index(box) + 4 + place
    film[at : at + 4] = (80_000_000).to_bytes(4, "big")
    with pytest.raises(InvalidVideo, match=r"at most 3,000,000 samples in all its tracks together, not 80,000,000\."):
        stills_of(bytes(film))
