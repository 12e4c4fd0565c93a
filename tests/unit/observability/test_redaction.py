"""What a line must never show, wherever it stands in it."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensora.observability.redaction import redact

TOKEN = st.text(string.ascii_letters + string.digits + "_-", min_size=32, max_size=48)


@given(TOKEN, st.text(max_size=40), st.text(max_size=40))
def test_a_key_is_hidden_between_any_words(token: str, before: str, after: str) -> None:
    """Only the first characters of an API key stay, as in its hint, whatever stands around it."""
    line = redact(f"{before} lsk_{token} {after}")
    assert f"lsk_{token}" not in line and f"lsk_{token[:2]}[hidden]" in line


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ('{"authorization": "Bearer abcDEF123456.-_~"}', "abcDEF123456.-_~"),
        ("(b'authorization', b'bearer abcDEF123456')", "abcDEF123456"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("GET http://a/v1/files/67ab12.c2lnbmF0dXJl/jobs/1/a.mp4", "c2lnbmF0dXJl"),
        ("redis://:0123456789abcdef@10.0.0.1:6379/0 is away", "0123456789abcdef"),
        ("rediss://lensora:pass-word@cache:6379", "pass-word"),
        ("https://bucket/x?X-Amz-Signature=deadbeef00&y=1", "deadbeef00"),
        ("AWS_SECRET_ACCESS_KEY='wJalrXUtnFEMI'", "wJalrXUtnFEMI"),
        ("LENSORA_URL_SIGNING_KEYS=newer12,old0123456789", "old0123456789"),
        ('{"LENSORA_RPC_TOKENS": "newer12,old0123456789"}', "old0123456789"),
        ("LENSORA_ADMIN_TOKEN: 0123456789abcdef", "0123456789abcdef"),
    ],
)
def test_each_shape_of_a_secret_is_hidden(line: str, secret: str) -> None:
    """And the rest of the line stays, so that it still says what happened."""
    shown = redact(line)
    assert secret not in shown and "[hidden]" in shown
    assert len(shown) >= len(line) - len(secret)


def test_other_lines_stay_as_they_are() -> None:
    """Events, paths and times have nothing to hide."""
    for line in ("job_taken attempt=1", "GET /v1/studio/result/5f0c=", "https://example.com/a?b=c", "the bearer of it"):
        assert redact(line) == line
