"""Checking webhooks: what our server signs is believed, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from lensora.client import webhooks
from lensora.core.errors import Unauthorized
from lensora.core.words import WebhookEvent

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSBhY2NvdW50IQ=="
NOW = 1_795_000_000
DATA = {"job_id": "j", "status": "failed", "error": "3D generation timeout", "progress": 0, "stages": []}
DATA |= {"credits_refunded": 75, "created_at": "2026-11-29T09:30:00.000Z"}
BODY = json.dumps({"type": "job.failed", "timestamp": "2026-11-29T09:31:00+00:00", "data": DATA}).encode()


def signed(body: bytes = BODY, *, secret: str = SECRET, at: int = NOW) -> dict[str, str]:
    """Headers as the reference implementation of the scheme writes them."""
    signature = Webhook(secret).sign("msg-1", datetime.fromtimestamp(at, UTC), body.decode())
    return {"Webhook-Id": "msg-1", "Webhook-Timestamp": str(at), "Webhook-Signature": signature}


def test_a_signed_event_is_read() -> None:
    """The job of a genuine message, also where an older secret signs beside the present one."""
    event = webhooks.verify(SECRET, signed(), BODY, now=NOW + 10)
    assert event.type is WebhookEvent.FAILED
    assert event.data.error == "3D generation timeout"
    headers = signed()
    headers["Webhook-Signature"] = f"v1,bm90IHRoaXMgb25l {headers['Webhook-Signature']}"
    assert webhooks.verify(SECRET, headers, BODY, now=NOW).data.job_id == "j"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (signed(), BODY.replace(b"75", b"76")),
        (signed(at=NOW - 301), BODY),
        (signed(at=NOW + 301), BODY),
        (signed(secret="whsec_b3RoZXIgc2VjcmV0"), BODY),
        ({**signed(), "Webhook-Id": "msg-2"}, BODY),
        ({**signed(), "Webhook-Timestamp": "soon"}, BODY),
        ({**signed(), "Webhook-Timestamp": "9" * 400}, BODY),
        ({"Webhook-Id": "msg-1"}, BODY),
        (signed(b"{}"), b"{}"),
    ],
)
def test_anything_else_is_refused(headers: dict[str, str], body: bytes) -> None:
    """A changed body, another time, another key, a missing header, and what is no event."""
    with pytest.raises(Unauthorized):
        webhooks.verify(SECRET, headers, body, now=NOW)


@pytest.mark.parametrize("secret", ["", "whsec_"])
def test_an_empty_secret_lets_nothing_through(secret: str) -> None:
    """Anybody can sign with it: a setting that was forgotten must not open the door."""
    signature = hmac.new(b"", b"msg-1.%d." % NOW + BODY, hashlib.sha256).digest()
    headers = {**signed(), "Webhook-Signature": f"v1,{base64.b64encode(signature).decode()}"}
    with pytest.raises(Unauthorized, match="empty"):
        webhooks.verify(secret, headers, BODY, now=NOW)
