"""The Python SDK of the REST API: typed, sync (``Client``) and async (``AsyncClient``) over one set of requests.

Errors are those of ``lensora.core.errors``: the class that the server raised, with status and request id as notes.
"""

from lensora.client.answers import (
    Account,
    Cancellation,
    Cutout,
    DetectedObject,
    ErrorDetail,
    JobPage,
    JobTicket,
    LedgerEntry,
    LedgerPage,
    Output,
    Result,
    Session,
    StageReport,
    SuggestedAction,
)
from lensora.client.asynchronous import AsyncClient
from lensora.client.requests import Background, image, prompt, remove
from lensora.client.synchronous import Client

__all__ = [
    "Account",
    "AsyncClient",
    "Background",
    "Cancellation",
    "Client",
    "Cutout",
    "DetectedObject",
    "ErrorDetail",
    "JobPage",
    "JobTicket",
    "LedgerEntry",
    "LedgerPage",
    "Output",
    "Result",
    "Session",
    "StageReport",
    "SuggestedAction",
    "image",
    "prompt",
    "remove",
]
