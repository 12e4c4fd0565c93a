"""Reading a ``multipart/form-data`` upload as it arrives: one file and a few short fields, within fixed memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

from lensora.core.bounds import WHOLE_CHARACTERS, whole
from lensora.core.errors import InvalidImage, InvalidInput, InvalidRequest, InvalidVideo
from lensora.imaging.limits import MAX_BYTES

MAX_FIELD_BYTES = 4_096
"""Fields beside the file are short: a number, a word, a box, or 32 points."""
MAX_PARTS = 16
MAX_SHOWN_CHARACTERS = 40
"""As much of a field's name as a sentence repeats."""
MAX_PREAMBLE_BYTES = 4_096
"""Text before the first boundary, which is no part of the form."""
FORM_OVERHEAD_BYTES = 64 * 1024
"""What a body may have beside the file: boundaries, part headers, the short fields."""
COUNTED_BYTES = 3 * MAX_BYTES
"""A body without Content-Length is counted, not kept, up to here, so that the answer can name the file's size."""


@dataclass(slots=True)
class Form:
    """A parsed upload.

    Attributes:
        file: what came under ``file_field``.
        fields: the short fields, by name.
        others: names of what was dropped.
    """

    file: bytes | None = None
    fields: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Part:
    name: str = ""
    is_file: bool = False
    size: int = 0
    data: bytearray = field(default_factory=bytearray)


def too_large(size: int, *, at_least: bool = False) -> InvalidImage:
    """The error for a picture over the limit."""
    return InvalidImage(f"image {_over(size, at_least)}", field="image")


def too_large_video(size: int, *, at_least: bool = False) -> InvalidVideo:
    """The error for a film over the limit."""
    return InvalidVideo(f"video {_over(size, at_least)}; film it smaller, 720p is enough.", field="video")


def _over(size: int, at_least: bool) -> str:
    known = "at least " if at_least else ""
    return (
        f"must have at most {MAX_BYTES // 1_000_000} MB ({MAX_BYTES:,} bytes), "
        f"not {known}{size / 1e6:.1f} MB ({size:,} bytes)"
    )


@dataclass(frozen=True, slots=True)
class FileField:
    """The one file of a form.

    Attributes:
        name: of its field.
        most_bytes: that it may have.
        too_large: the error for one of so many bytes; ``at_least`` where there are more.
        field_bytes: most bytes of each field beside it.
        kind: what it must be.
    """

    name: str
    most_bytes: int
    too_large: Callable[..., InvalidInput]
    field_bytes: int = MAX_FIELD_BYTES
    kind: str = "a JPEG, PNG or WebP file"


PICTURE = FileField("image", MAX_BYTES, too_large)
"""A photo or a background."""
VIDEO = FileField("video", MAX_BYTES, too_large_video, kind="an MP4 or MOV file")
"""A film of the thing turning."""


def check_length(content_length: str | None, file: FileField = PICTURE) -> None:
    """Refuse a body that cannot hold a file within the limit before any of it is read.

    Raises:
        InvalidImage, InvalidVideo: as the file is.
    """
    size = whole(content_length or "", 0, 10**WHOLE_CHARACTERS)
    if size is not None and size > MAX_BYTES + FORM_OVERHEAD_BYTES:
        raise file.too_large(size)


async def read_form(
    content_type: str, chunks: AsyncIterator[bytes], *, file: FileField = PICTURE, fields: Collection[str] = ()
) -> Form:
    """Parse a body.

    Args:
        content_type: the request's header.
        chunks: the body as it arrives.
        file: the one file field that is kept.
        fields: names of the short fields that are kept; parts under other names are read and dropped, as unknown
            fields of JSON bodies are.

    Raises:
        InvalidRequest: not multipart, malformed, or too many or too long fields.
        InvalidImage, InvalidVideo: the file is over the limit.
    """
    file_field = file.name
    boundary = _boundary(content_type, file_field)
    collector = _Collector(file, frozenset(fields))
    try:
        parser = MultipartParser(boundary, collector.callbacks())
        async for chunk in _from_boundary(boundary, chunks, file_field):
            if chunk:
                parser.write(chunk)
            if collector.oversize > COUNTED_BYTES:
                raise file.too_large(collector.oversize, at_least=True)
        parser.finalize()
    except FormParserError as error:
        raise InvalidRequest(
            "the body is not well-formed multipart/form-data: a boundary line or a part's header is broken "
            "(each line ends in CR LF)",
            field=file_field,
        ) from error
    if collector.oversize:
        raise file.too_large(collector.oversize)
    if not collector.ended:
        raise InvalidRequest("the multipart body ends before its closing boundary", field=file_field)
    return collector.form


def _boundary(content_type: str, file_field: str) -> bytes:
    """What the header says. Raises InvalidRequest."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind == b"multipart/form-data" and boundary:
        return boundary
    advice = (
        "leave the header to your HTTP client, which knows the boundary"
        if kind == b"multipart/form-data"
        else f"the photo is a file in the form's field {file_field!r}"
    )
    raise InvalidRequest(
        f"Content-Type must be multipart/form-data with a boundary, not {content_type[:80]!r}: {advice}",
        field=file_field,
    )


async def _from_boundary(boundary: bytes, chunks: AsyncIterator[bytes], file_field: str) -> AsyncIterator[bytes]:
    """The body without what may stand before its first boundary (RFC 2046, 5.1.1). Raises InvalidRequest."""
    start, delimiter = b"", b"--" + boundary
    async for chunk in chunks:
        start += chunk
        at = start.find(delimiter)
        if at == 0 or (at > 0 and start[at - 1 : at] == b"\n"):
            yield start[at:]
            break
        if len(start) > MAX_PREAMBLE_BYTES:
            break
    else:
        at = -1
    if at < 0 or (at > 0 and start[at - 1 : at] != b"\n"):
        raise InvalidRequest(
            "the body does not begin with the boundary that Content-Type names" if start else "the body is empty",
            field=file_field,
        )
    async for chunk in chunks:
        yield chunk


def missing(form: Form, file: FileField = PICTURE) -> InvalidRequest:
    """The error for a form without its file."""
    there = ", ".join(map(repr, form.others))
    instead = f" The form has {there}." if any(form.others) else ""
    if form.others and not any(form.others):
        instead = " The form's part has no name: its Content-Disposition must be form-data with one."
    return InvalidRequest(
        f"{file.name} is required: {file.kind} of at most {file.most_bytes // 1_000_000} MB.{instead}",
        field=file.name,
    )


class _Collector:
    """Callbacks of the parser: keeps what is allowed, counts the rest."""

    def __init__(self, file: FileField, fields: frozenset[str]) -> None:
        self.form = Form()
        self._fields = fields
        self.oversize = 0
        self.ended = False
        self._file = file
        self._file_field = file.name
        self._parts = 0
        self._dropped = 0
        self._part = _Part()
        self._header_name = bytearray()
        self._header_value = bytearray()

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise InvalidRequest(f"the form must have at most {MAX_PARTS} parts", field=self._file_field)
        self._part = _Part()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._header_value))
            self._part.name = options.get(b"name", b"").decode("utf-8", "replace")
            self._part.is_file = self._part.name == self._file_field
        self._header_name.clear()
        self._header_value.clear()

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        part.size += end - start
        if not part.is_file and part.name not in self._fields:
            self._dropped += end - start
            if self._dropped > MAX_BYTES:
                raise InvalidRequest(
                    f"the form has over {MAX_BYTES // 1_000_000} MB beside the field {self._file_field!r}",
                    field=self._file_field,
                )
            return
        limit = self._file.most_bytes if part.is_file else self._file.field_bytes
        if part.size <= limit:
            part.data += memoryview(data)[start:end]
        elif part.is_file:
            part.data.clear()
            self.oversize = part.size
        else:
            raise InvalidRequest(f"the form's field {part.name!r} must have at most {limit} bytes", field=part.name)

    def _on_part_end(self) -> None:
        part, form = self._part, self.form
        if part.is_file:
            if form.file is not None:
                raise InvalidRequest(f"{self._file_field} must be given once", field=self._file_field)
            form.file = bytes(part.data)
            part.data = bytearray()
        elif part.name in self._fields:
            if part.name in form.fields:
                raise InvalidRequest(f"{part.name} must be given once", field=part.name)
            form.fields[part.name] = part.data.decode("utf-8", "replace")
        else:
            form.others.append(part.name[:MAX_SHOWN_CHARACTERS])

    def _on_end(self) -> None:
        self.ended = True
