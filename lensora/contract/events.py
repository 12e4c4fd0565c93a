"""What a webhook says: the body that is sent, and its model for whoever receives it."""

from __future__ import annotations

from lensora.contract.answers import Result
from lensora.contract.shapes import Moment, PublicAnswer
from lensora.core.words import WebhookEvent


class JobEvent(PublicAnswer):
    """A job has ended. Sent with the headers of Standard Webhooks, signed with the account's webhook secret."""

    type: WebhookEvent
    """How it ended."""
    timestamp: Moment
    """When it ended."""
    data: Result
    """The job, as the poll answers it."""
