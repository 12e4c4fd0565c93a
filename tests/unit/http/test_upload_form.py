"""Multipart uploads, read as they arrive."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http.studio.upload import FORM_OVERHEAD_BYTES, Form, check_length, missing, read_form
from lensora.core.errors import InvalidImage, InvalidRequest
from lensora.imaging.limits import MAX_BYTES

TYPE = "multipart/form-data; boundary=XX"


def part(name: str, body: bytes, filename: str | None = None) -> bytes:
    """One part of a body."""
    file = f'; filename="{filename}"' if filename else ""
    return f'--XX\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + body + b"\r\n"


async def parse(body: bytes, *cuts: int, content_type: str = TYPE) -> Form:
    """Read a body that arrives in pieces."""

    async def chunks() -> AsyncIterator[bytes]:
        places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
        for start, end in itertools.pairwise(places):
            yield body[start:end]

    return await read_form(content_type, chunks(), fields=("max_objects",))


@given(st.binary(max_size=300), st.lists(st.integers(0, 10_000), max_size=12))
@settings(deadline=None)
async def test_the_file_comes_out_however_it_is_cut(data: bytes, cuts: list[int]) -> None:
    """The same bytes and fields come out for any cutting of the body into pieces."""
    body = part("max_objects", b"4") + part("image", data, "a.jpg") + b"--XX--\r\n"
    if b"--XX" in data:
        return
    form = await parse(body, *cuts)
    assert form.file == data
    assert form.fields == {"max_objects": "4"}


@given(st.binary(max_size=400))
@settings(deadline=None)
async def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing that a client can send as a body raises anything but the two errors of bad input."""
    for body in (data, b"--XX\r\n" + data, part("image", data, "a") + data):
        try:
            await parse(body)
        except (InvalidRequest, InvalidImage):
            continue


async def test_a_file_over_the_limit_is_counted_but_not_kept() -> None:
    """The error names the limit and the file's size."""
    body = part("image", b"x" * 20_100_000, "big.jpg") + b"--XX--\r\n"
    with pytest.raises(InvalidImage, match=r"at most 20 MB .*not 20\.1 MB \(20,100,000 bytes\)"):
        await parse(body, *range(0, len(body), 65_536))


async def test_an_endless_file_is_cut_off() -> None:
    """Far beyond the limit the reading ends."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--XX\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        while True:
            sent += 1_000_000
            yield b"x" * 1_000_000

    with pytest.raises(InvalidImage, match="at least"):
        await read_form(TYPE, endless())
    assert sent <= 4 * MAX_BYTES


def test_a_declared_length_over_the_limit_is_refused_before_reading() -> None:
    """Content-Length alone is enough; a body within the limit and its overhead passes."""
    with pytest.raises(InvalidImage, match="at most 20 MB"):
        check_length(str(MAX_BYTES + FORM_OVERHEAD_BYTES + 1))
    for length in (None, "", "abc", str(MAX_BYTES + FORM_OVERHEAD_BYTES)):
        check_length(length)


@pytest.mark.parametrize(
    ("body", "content_type", "says"),
    [
        (b"", "application/json", "multipart/form-data"),
        (b"", "multipart/form-data", "boundary"),
        (b"", TYPE, "body is empty"),
        (b"garbage", TYPE, "does not begin with the boundary"),
        (b"x" * 5_000 + part("image", b"x", "a") + b"--XX--\r\n", TYPE, "does not begin with the boundary"),
        (part("image", b"x", "a").replace(b"\r\n", b"\n") + b"--XX--\n", TYPE, "each line ends in CR LF"),
        (part("image", b"x", "a") + b"--XX--\r\n", "multipart/form-data", "leave the header to your HTTP client"),
        (part("image", b"x", "a") + b"--XX--\r\n", "image/jpeg", "the photo is a file in the form's field 'image'"),
        (part("image", b"x", "a"), TYPE, "closing boundary"),
        (part("image", b"x", "a") * 2 + b"--XX--\r\n", TYPE, "once"),
        (part("max_objects", b"x" * 5000) + b"--XX--\r\n", TYPE, "at most 4096 bytes"),
        (part("max_objects", b"2") * 2 + b"--XX--\r\n", TYPE, "max_objects must be given once"),
        (part("note", b"x" * 20_100_000) + b"--XX--\r\n", TYPE, "over 20 MB beside the field 'image'"),
        (b"".join(part(f"f{n}", b"x") for n in range(20)) + b"--XX--\r\n", TYPE, "at most 16 parts"),
    ],
)
async def test_a_bad_form_is_refused_with_its_reason(body: bytes, content_type: str, says: str) -> None:
    """Each way of being malformed has its sentence."""
    with pytest.raises(InvalidRequest, match=says):
        await parse(body, content_type=content_type)


@pytest.mark.parametrize(
    "disposition",
    [
        'form-data; name="image"',
        "form-data; name=image; filename=a.jpg",
        'Form-Data; NAME="image"; FileName="a.jpg"',
        'form-data; name="image"; filename="фото ☕.jpg"',
        "form-data; name=\"image\"; filename*=UTF-8''%E2%98%95.jpg",
        'form-data; name="image"; filename="a\\"b.jpg"',
        'form-data; name="image"; filename="C:\\photos\\a;b.jpg"',
        'form-data; filename="a.jpg"; name="image"',
    ],
)
@pytest.mark.parametrize("header", ["", "Content-Type: text/html\r\n", "Content-Transfer-Encoding: binary\r\n"])
async def test_clients_write_a_part_s_header_in_many_ways(disposition: str, header: str) -> None:
    """The file is the same, whatever its name, type and the header's spelling."""
    start = f"--XX\r\n{header}Content-Disposition: {disposition}\r\n\r\n".encode()
    assert (await parse(start + b"photo\r\n--XX--\r\n")).file == b"photo"


@pytest.mark.parametrize(
    "content_type", ['multipart/form-data; boundary="XX"', "Multipart/Form-Data;Boundary=XX;charset=utf-8"]
)
async def test_text_around_the_form_and_spellings_of_the_type_do_not_matter(content_type: str) -> None:
    """What stands before the first boundary and behind the last is no part of the form, however it is cut."""
    body = b"This is a form.\r\n" + part("image", b"photo", "a") + b"--XX--\r\nbye"
    for cut in range(1, 40):
        assert (await parse(body, cut, content_type=content_type)).file == b"photo"


async def test_other_fields_are_dropped_and_remembered() -> None:
    """A long note beside the photo does no harm; where the photo is missing, the sentence names what came instead."""
    form = await parse(part("note", b"x" * 100_000) + part("image", b"photo", "a") + b"--XX--\r\n")
    assert (form.file, form.fields, form.others) == (b"photo", {}, ["note"])
    wrong = await parse(part("file", b"photo", "a.jpg") + part("Image", b"photo") + b"--XX--\r\n")
    assert missing(wrong).message.endswith("at most 20 MB. The form has 'file', 'Image'.")
    nameless = await parse(b"--XX\r\nContent-Type: image/jpeg\r\n\r\nphoto\r\n--XX--\r\n")
    assert "part has no name" in missing(nameless).message
    assert missing(await parse(b"--XX--\r\n")).message.endswith("20 MB.")
