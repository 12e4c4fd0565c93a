"""Reading a ``multipart/form-data`` upload as it arrives: one file and a few short fields, within fixed memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

from lensora.core.bounds import WHOLE_CHARACTERS, whole
from lensora.core.errors import InvalidImage, InvalidRequest
from lensora.imaging.limits import MAX_BYTES

MAX_FIELD_BYTES = 1_024
"""Fields beside the file are short numbers."""
MAX_PARTS = 16
FORM_OVERHEAD_BYTES = 64 * 1024
"""What a body may have beside the file: boundaries, part headers, the short fields."""
COUNTED_BYTES = 3 * MAX_BYTES
"""A body without Content-Length is counted, not kept, up to here, so that the answer can name the file's size."""


@dataclass(slots=True)
class Form:
    """A parsed upload: the file under ``file_field``, and the short fields by name."""

    file: bytes | None = None
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Part:
    name: str = ""
    is_file: bool = False
    size: int = 0
    data: bytearray = field(default_factory=bytearray)


def check_length(content_length: str | None) -> None:
    """Refuse a body that cannot hold a file within the limit before any of it is read. Raises InvalidImage."""
    size = whole(content_length or "", 0, 10**WHOLE_CHARACTERS)
    if size is not None and size > MAX_BYTES + FORM_OVERHEAD_BYTES:
        raise too_large(size)


def too_large(size: int, *, at_least: bool = False) -> InvalidImage:
    """The error for a file over the limit."""
    known = "at least " if at_least else ""
    return InvalidImage(
        f"image must have at most {MAX_BYTES // 1_000_000} MB ({MAX_BYTES:,} bytes), "
        f"not {known}{size / 1e6:.1f} MB ({size:,} bytes)",
        field="image",
    )


async def read_form(content_type: str, chunks: AsyncIterator[bytes], *, file_field: str) -> Form:
    """Parse a body.

    Args:
        content_type: the request's header.
        chunks: the body as it arrives.
        file_field: the name of the one file field that is kept; parts under other names are read and dropped.

    Raises:
        InvalidRequest: not multipart, malformed, or too many or too long fields.
        InvalidImage: the file is over the limit.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise InvalidRequest(
            f"Content-Type must be multipart/form-data with a boundary, not {content_type[:80]!r}", field="image"
        )
    collector = _Collector(file_field)
    try:
        parser = MultipartParser(boundary, collector.callbacks())
        async for chunk in chunks:
            if chunk:
                parser.write(chunk)
            if collector.oversize > COUNTED_BYTES:
                raise too_large(collector.oversize, at_least=True)
        parser.finalize()
    except FormParserError as error:
        raise InvalidRequest("the body is not well-formed multipart/form-data", field=file_field) from error
    if collector.oversize:
        raise too_large(collector.oversize)
    if not collector.ended:
        raise InvalidRequest("the multipart body ends before its closing boundary", field=file_field)
    return collector.form


class _Collector:
    """Callbacks of the parser: keeps what is allowed, counts the rest."""

    def __init__(self, file_field: str) -> None:
        self.form = Form()
        self.oversize = 0
        self.ended = False
        self._file_field = file_field
        self._parts = 0
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
        limit = MAX_BYTES if part.is_file else MAX_FIELD_BYTES
        if part.size <= limit:
            part.data += memoryview(data)[start:end]
        elif part.is_file:
            part.data.clear()
            self.oversize = part.size
        elif part.size > FORM_OVERHEAD_BYTES:
            raise InvalidRequest(
                f"the form's field {part.name[:40]!r} must have at most {MAX_FIELD_BYTES} bytes", field=part.name[:40]
            )

    def _on_part_end(self) -> None:
        part = self._part
        if part.is_file:
            if self.form.file is not None:
                raise InvalidRequest(f"{self._file_field} must be given once", field=self._file_field)
            self.form.file = bytes(part.data)
            part.data = bytearray()
        elif part.size <= MAX_FIELD_BYTES:
            self.form.fields[part.name] = part.data.decode("utf-8", "replace")
        else:
            raise InvalidRequest(
                f"the form's field {part.name[:40]!r} must have at most {MAX_FIELD_BYTES} bytes, not {part.size}",
                field=part.name[:40],
            )

    def _on_end(self) -> None:
        self.ended = True
