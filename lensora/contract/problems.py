"""What each error of the API means, in words. The codes are those of ``lensora.core.errors``; the statuses lie in
``lensora.rpc.status``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lensora.core import errors
from lensora.core.errors import LensoraError


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means.

    Attributes:
        title: the code in words.
        when: one or two sentences: what has happened, and what to do.
    """

    title: str
    when: str


MEANINGS: Mapping[type[LensoraError], Meaning] = MappingProxyType(
    {
        errors.InvalidImage: Meaning(
            "Invalid image",
            "Not a JPEG, PNG or WebP, cannot be decoded, over 20 MB or 52 megapixels, or a side under 64 px.",
        ),
        errors.InvalidVideo: Meaning(
            "Invalid video",
            "Not an MP4 or MOV film of H.264 or HEVC, cannot be decoded, over 20 MB, not 3 to 15 seconds long, a side "
            "over 4,096 px or under 64, or nothing turns in it.",
        ),
        errors.InvalidRequest: Meaning("Invalid request", "A missing or malformed field."),
        errors.InvalidBackground: Meaning(
            "Invalid background",
            "An unknown background type, an empty or over-long prompt, or a URL that is not public.",
        ),
        errors.ObjectIndexOutOfRange: Meaning(
            "Object index out of range", "The index is not in the session's objects."
        ),
        errors.CropTooSmall: Meaning("Crop too small", "The chosen box, padded, is under 64 px on a side."),
        errors.SubjectUnlike: Meaning(
            "Another subject",
            "A further photo clearly shows another thing, or not the side that it is said to show. A box of your own "
            "(bbox) is taken as it is.",
        ),
        errors.SubjectNotFound: Meaning("Subject not found", "Nothing stands out in the chosen box."),
        errors.Unauthorized: Meaning("Missing or invalid API key", "No API key, or one that is unknown or revoked."),
        errors.InsufficientCredits: Meaning(
            "Insufficient credits", "The balance is under the price; nothing was charged."
        ),
        errors.NotFound: Meaning("Not found", "There is nothing at this path."),
        errors.SessionNotFound: Meaning("Session not found", "Unknown, expired (24 h), or made with another key."),
        errors.CutoutNotFound: Meaning(
            "Cutout not found", "Unknown, expired with its session, or made with another key."
        ),
        errors.ViewNotFound: Meaning(
            "View not found", "Unknown, deleted, expired with its session, or made with another key."
        ),
        errors.JobNotFound: Meaning("Job not found", "Unknown, expired (7 days), or made with another key."),
        errors.BatchNotFound: Meaning("Batch not found", "Unknown, expired (7 days), or made with another key."),
        errors.FileNotFound: Meaning(
            "File not found", "A link that is forged or has expired, or a file that has been deleted."
        ),
        errors.MethodNotAllowed: Meaning("Method not allowed", "The path has other methods; they are in Allow."),
        errors.RequestTooSlow: Meaning(
            "Request too slow",
            "The headers took over 10 s, or the body brought under 4 KB a second; the connection ends.",
        ),
        errors.Conflict: Meaning("Conflict", "At odds with the state of things, such as filming a failed job again."),
        errors.IdempotencyInProgress: Meaning(
            "Idempotent request in progress", "The first request with this Idempotency-Key is still running."
        ),
        errors.TooManyJobs: Meaning("Too many jobs", "The account's limit on live jobs is reached."),
        errors.TooManyViews: Meaning(
            "Too many views", "The session has five further photos, the most that it may have; delete one first."
        ),
        errors.IdempotencyMismatch: Meaning(
            "Idempotency key reused", "The Idempotency-Key was used with another body."
        ),
        errors.HeadersTooLarge: Meaning(
            "Headers too large", "The request line and the headers have over 32 KB or 128 fields; the connection ends."
        ),
        errors.RateLimited: Meaning("Too many requests", "See Retry-After and RateLimit."),
        errors.InternalError: Meaning("Internal error", "A fault of ours; the request id helps us to find it."),
        errors.DetectionUnavailable: Meaning(
            "Object detection unavailable",
            "Object detection is away; retry after a few seconds. Nothing was charged.",
        ),
        errors.Overloaded: Meaning(
            "Overloaded", "Too many uploads or batches are under way; retry after a few seconds. Nothing was charged."
        ),
        errors.TooManyConnections: Meaning(
            "Too many connections", "As many connections are open as may be; close some, or retry after a few seconds."
        ),
        errors.Unavailable: Meaning(
            "Temporarily unavailable", "A needed service is away; retry after a few seconds. Nothing was charged."
        ),
    }
)
"""Every error that an answer of the API may have. A job's own failure has a code of the same tree in
``error_detail``."""


def title_of(code: str) -> str | None:
    """The code in words; None for one that answers do not have."""
    for cls, meaning in MEANINGS.items():
        if cls.code == code:
            return meaning.title
    return None
