"""Ranges and conditions of file requests."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from gateway.http.files import Span, Unsatisfiable, entity_tag, not_modified, parse_range, range_applies
from lensora.adapters.artifacts import Stored

WHEN = datetime(2026, 11, 23, 7, 0, 0, 250_000, tzinfo=UTC)
TAG = entity_tag(Stored("a", 10, WHEN))


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", Span(0, 1)),
        ("bytes=0-", Span(0, 10)),
        ("bytes=3-5", Span(3, 6)),
        ("bytes=3-99", Span(3, 10)),
        ("bytes=-4", Span(6, 10)),
        ("bytes=-99", Span(0, 10)),
        ("BYTES=9-9", Span(9, 10)),
        ("bytes=5-3", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
    ],
)
def test_ranges_of_ten_bytes(header: str, span: Span | None) -> None:
    """One range of bytes is served; what is malformed or more than one is passed over."""
    assert parse_range(header, 10) == span


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=99-100", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_a_range_behind_the_end_is_not_satisfiable(header: str, size: int) -> None:
    """It gets 416."""
    with pytest.raises(Unsatisfiable):
        parse_range(header, size)


@given(st.text(max_size=30), st.integers(0, 10**12))
def test_any_range_lies_within_the_file(header: str, size: int) -> None:
    """Whatever a client writes, what is served exists."""
    for text in (header, f"bytes={header}"):
        try:
            span = parse_range(text, size)
        except Unsatisfiable:
            continue
        assert span is None or 0 <= span.start < span.end <= size


def test_conditions() -> None:
    """The tag goes before the date; weak and several tags count; If-Range needs the very version."""
    assert not_modified(Headers({"if-none-match": TAG}), TAG, WHEN)
    assert not_modified(Headers({"if-none-match": f'"x", W/{TAG}'}), TAG, WHEN)
    assert not_modified(Headers({"if-none-match": "*"}), TAG, WHEN)
    assert not not_modified(
        Headers({"if-none-match": '"x"', "if-modified-since": "Mon, 23 Nov 2026 07:00:00 GMT"}), TAG, WHEN
    )
    assert not_modified(Headers({"if-modified-since": "Mon, 23 Nov 2026 07:00:00 GMT"}), TAG, WHEN)
    assert not not_modified(Headers({"if-modified-since": "Mon, 23 Nov 2026 06:59:59 GMT"}), TAG, WHEN)
    assert not not_modified(Headers({"if-modified-since": "yesterday"}), TAG, WHEN)
    assert range_applies(Headers({}), TAG, WHEN)
    assert range_applies(Headers({"if-range": TAG}), TAG, WHEN)
    assert not range_applies(Headers({"if-range": '"x"'}), TAG, WHEN)
    assert range_applies(Headers({"if-range": "Mon, 23 Nov 2026 07:00:00 GMT"}), TAG, WHEN)
    assert not range_applies(Headers({"if-range": "Mon, 23 Nov 2026 06:00:00 GMT"}), TAG, WHEN)


def test_two_versions_have_two_tags() -> None:
    """Another size or another time of writing is another tag."""
    assert entity_tag(Stored("a", 11, WHEN)) != TAG
    assert entity_tag(Stored("a", 10, WHEN.replace(microsecond=250_001))) != TAG
