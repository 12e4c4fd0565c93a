"""Numbers, cursors and dates from outside: nothing that a client writes makes a reader raise."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensora.core.bounds import http_date, stream_entry, tenths_over, whole

ODD = st.one_of(
    st.text(max_size=40),
    st.text("0123456789٣²௧-+_. ", max_size=40),
    st.integers(4_000, 6_000).map(lambda count: "9" * count),
    st.integers(20, 6_000).map(lambda count: "0" * count + "5"),
)


@given(ODD)
def test_no_text_makes_a_reader_raise(text: str) -> None:
    """What is taken is within bounds; everything else is None."""
    number = whole(text, 1, 100)
    assert number is None or 1 <= number <= 100
    entry = stream_entry(text)
    assert entry is None or entry.isascii()
    assert http_date(text) is None


@pytest.mark.parametrize(("text", "number"), [("7", 7), (" 7 ", 7), ("007", 7), ("101", None), ("0", None), ("", None)])
def test_numbers_are_ascii_digits_within_bounds(text: str, number: int | None) -> None:
    """Spaces around are allowed, signs and other scripts' digits are not."""
    assert whole(text, 1, 100) == number


@pytest.mark.parametrize("text", ["0-0", "00-0", "1", "1-", "-1", "1-1-1", "٣-1", "1" * 16 + "-0", "1-" + "1" * 11])
def test_what_no_ledger_line_is_called_is_no_cursor(text: str) -> None:
    """Redis itself would answer with an error."""
    assert stream_entry(text) is None


@pytest.mark.parametrize(
    "text", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_the_three_forms_of_a_date(text: str) -> None:
    """RFC 9110 has a recipient take all of them."""
    assert http_date(text) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 99999999999999 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 +99999999999999999999",
        "Sun, 06 Nov 1994 99:99:99 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "0",
        None,
    ],
)
def test_absurd_dates_are_no_dates(text: str | None) -> None:
    """Such a header is passed over, as if it were not there."""
    assert http_date(text) is None


@pytest.mark.parametrize(("measure", "said"), [(52.0065, "52.1"), (60.0, "60.0"), (8.0036, "8.1"), (9.0, "9.0")])
def test_what_is_over_its_limit_is_never_said_to_be_the_limit(measure: float, said: str) -> None:
    """It is rounded up; a round number stays."""
    assert tenths_over(measure) == said
