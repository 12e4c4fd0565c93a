"""The Python SDK of the REST API: typed, sync (``Client``) and async (``AsyncClient``) over one set of requests.

Answers are the models of ``lensora.contract``; ``webhooks.verify`` reads a webhook. Errors are those of
``lensora.core.errors``: the class that the server raised, with status and request id as notes.
"""

from lensora.client import webhooks
from lensora.client.asynchronous import AsyncClient
from lensora.client.requests import Background, color, image, prompt, remove, uploaded
from lensora.client.synchronous import Client
from lensora.contract.answers import (
    Account,
    AccountLimits,
    Backplate,
    BilledModel,
    Cancellation,
    Cutout,
    DetectedObject,
    ErrorDetail,
    JobPage,
    JobTicket,
    LedgerEntry,
    LedgerPage,
    Output,
    Quote,
    Result,
    Session,
    Share,
    StageReport,
    SuggestedAction,
)
from lensora.contract.batches import (
    Batch,
    BatchCancellation,
    BatchEnded,
    BatchItem,
    BatchPage,
    BatchQuote,
    BatchRefusal,
    BatchTicket,
)
from lensora.contract.brands import Brand, BrandList
from lensora.contract.events import JobEvent
from lensora.contract.quality import QualityReport, StillReport, ViewReport
from lensora.contract.views import View

__all__ = [
    "Account",
    "AccountLimits",
    "AsyncClient",
    "Background",
    "Backplate",
    "Batch",
    "BatchCancellation",
    "BatchEnded",
    "BatchItem",
    "BatchPage",
    "BatchQuote",
    "BatchRefusal",
    "BatchTicket",
    "BilledModel",
    "Brand",
    "BrandList",
    "Cancellation",
    "Client",
    "Cutout",
    "DetectedObject",
    "ErrorDetail",
    "JobEvent",
    "JobPage",
    "JobTicket",
    "LedgerEntry",
    "LedgerPage",
    "Output",
    "QualityReport",
    "Quote",
    "Result",
    "Session",
    "Share",
    "StageReport",
    "StillReport",
    "SuggestedAction",
    "View",
    "ViewReport",
    "color",
    "image",
    "prompt",
    "remove",
    "uploaded",
    "webhooks",
]
