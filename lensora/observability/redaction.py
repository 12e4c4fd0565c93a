"""What must never reach a log, on any sink: keys, secrets, passwords and signed links, anywhere in a line."""

from __future__ import annotations

import re

HIDDEN = "[hidden]"

SECRET_SHAPES = re.compile(
    r"""
      (?P<key>lsk_(?:test_)?[A-Za-z0-9_-]{2}) [A-Za-z0-9_-]{6,}           # an API key; the hint's start stays
    | (?P<hook>whsec_) [A-Za-z0-9+/=_-]{8,}                                # a secret that signs webhooks
    | (?P<scheme>\b(?:[Bb]earer|[Bb]asic)\ +) [^\s'",;\\]{6,}                # an Authorization header's credentials
    | (?P<files>/v1/files/) [^\s/'"\\]{6,}                                   # a signed link's right of access
    | (?P<user>\b(?:rediss?|https?|amqps?|postgres(?:ql)?)://[^\s/@:'"]*:) [^\s/@'"]{1,512} (?=@)   # a URL's password
    | (?P<query>[?&](?:X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token|sig|signature|token)=) [^\s&'"\\]+
    | (?P<field>\b(?:AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|requirepass
                    |LENSORA_(?:URL_SIGNING_KEYS|RPC_TOKENS|ADMIN_TOKEN))\b['"]?[=:\ ]\s*['"]?)
      [^\s'";}]+                                                             # several are separated by commas
    """,
    re.VERBOSE,
)
"""Each alternative keeps its named group, which tells a reader what stood there, and loses the rest."""

MARKS = ("lsk_", "whsec_", "earer ", "asic ", "/v1/files/", "://", "=", "requirepass", "AWS_", "SIGNING_KEYS", "_TOKEN")
"""One of these stands in every line that holds a secret: a search for plain text is cheaper than the pattern."""


def redact(text: str) -> str:
    """The text with every secret in it hidden."""
    if not any(mark in text for mark in MARKS):
        return text
    return SECRET_SHAPES.sub(lambda found: f"{found[found.lastgroup or 0]}{HIDDEN}", text)
