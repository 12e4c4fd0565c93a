"""Bodies of the operator's calls. They are no part of the public contract."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, StrictInt, StrictStr

from lensora.contract.requests import RequestBody

MAX_GRANT = 10**9

Name = Annotated[StrictStr, Field(max_length=120)]


class AccountBody(RequestBody):
    """POST /admin/api/accounts."""

    account_id: Annotated[StrictStr, Field(min_length=1, max_length=64)]
    """Letters, digits and dashes."""
    name: Name = ""
    """For people."""


class GrantBody(RequestBody):
    """POST /admin/api/accounts/{account_id}/grants."""

    amount: Annotated[StrictInt, Field(ge=-MAX_GRANT, le=MAX_GRANT)]
    """Credits; negative takes back."""
    memo: Name = ""
    """A note in the ledger."""
    reference: Annotated[StrictStr, Field(min_length=1, max_length=120)]
    """Granted once per reference."""


class FreezeBody(RequestBody):
    """POST /admin/api/accounts/{account_id}/freeze."""

    frozen: StrictBool
    """True: it may read but not spend."""


class KeyBody(RequestBody):
    """POST /admin/api/accounts/{account_id}/keys."""

    name: Name = ""
    """What the key is for."""
    test: StrictBool = False
    """A test key charges nothing, and what it makes bears a mark."""
