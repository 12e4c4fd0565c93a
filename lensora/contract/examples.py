"""Examples of requests and answers, those of the public page first. A test holds them to their models."""

from __future__ import annotations

from typing import Any

from lensora.contract import answers, batches, brands
from lensora.contract.events import JobEvent
from lensora.contract.shapes import PublicAnswer
from lensora.contract.views import View, ViewList
from lensora.core import errors
from lensora.core.boxes import Category
from lensora.core.steps import STAGES, JobStatus, StageStatus, Step
from lensora.core.words import (
    Aspect,
    BackgroundType,
    BatchEvent,
    CameraMove,
    Corner,
    LedgerKind,
    OutputFormat,
    ViewSide,
    WebhookEvent,
)

Json = dict[str, Any]

_SESSION_ID = "2a91884c-1bb5-44e3-a6e0-7db0a5a56668"
_SECOND_ID = "7f0c2a1e-6b3d-4c55-9a43-2d8f1e6b7c90"
_BATCH_ID = "c4a1d2b3-55e6-4f7a-8b9c-0d1e2f3a4b5c"
_JOB_ID = "e76d4dfc-8e0a-4e1b-a5a2-4f9c8a14e2b3"
_CUTOUT_ID = "0b4f1c9e-5a77-4d42-9c6a-1f0c7b8c2d11"
_VIEW_ID = "c1d6a0f2-9a53-4c1e-8a0d-2f6b7c9d3e14"
_BACKPLATE_ID = "6d1c8f52-3a0e-4b7b-8d57-0c1a9be4f7e0"
_FILES = "https://studio.example.com/v1/files/1795000000.Zm9v"
_MOMENT = "2026-11-29T09:30:00.000Z"

TRANSFORM_BODY: Json = {
    "session_id": _SESSION_ID,
    "object_index": 0,
    "background": {"type": BackgroundType.PROMPT, "prompt": "on a marble countertop with soft natural light"},
    "camera_preset": CameraMove.TURNTABLE,
}
CUTOUT_BODY: Json = {
    "session_id": _SESSION_ID,
    "bbox": [0.18, 0.12, 0.79, 0.93],
    "points": [{"x": 0.5, "y": 0.5, "keep": True}],
}
VIEW_BODY: Json = {"view": ViewSide.BACK, "bbox": [0.22, 0.1, 0.81, 0.95]}
BATCH_BODY: Json = {
    "items": [
        {"session_id": _SESSION_ID, "name": "camera"},
        {"session_id": _SECOND_ID, "name": "red mug", "object_index": 1, "real_height_cm": 9.5},
    ],
    "background": {"type": BackgroundType.PROMPT, "prompt": "on a marble countertop with soft natural light"},
    "camera_preset": CameraMove.TURNTABLE,
    "output": {"aspect": "4:5"},
    "webhook_url": "https://shop.example.com/hooks/films",
}
BATCH_QUOTE_BODY: Json = {"photos": 24, "background": {"type": BackgroundType.REMOVE}}
SHARE_BODY: Json = {"hours": 168, "downloads": True, "listed": False}
RENDER_BODY: Json = {"camera_preset": CameraMove.DOLLY, "background": {"type": BackgroundType.REMOVE}}

_STAGES = [
    {"name": step, "status": StageStatus.DONE, "started_at": _MOMENT, "ms": 800 + 150 * place}
    for place, step in enumerate(STAGES)
]

_BRAND: Json = {
    "name": "shop",
    "saved_at": _MOMENT,
    "background": {"type": BackgroundType.COLOR, "value": "#e4efed"},
    "aspect": Aspect.PORTRAIT,
    "camera_preset": CameraMove.TURNTABLE,
    "logo": {
        "logo_url": f"{_FILES}/logo.png",
        "width": 640,
        "height": 200,
        "corner": Corner.BOTTOM_RIGHT,
        "size": 0.2,
    },
    "end_color": "#1f5c57",
}

EXAMPLES: dict[type[PublicAnswer], Json] = {
    answers.Prices: {
        "init": 5,
        "view": 2,
        "turn": 10,
        "cutout": 5,
        "transform": 75,
        "render": 25,
        "outputs": [{"name": "mp4", "credits": 0, "expected_bytes": 900_000}],
    },
    brands.Brand: _BRAND,
    brands.BrandList: {"brands": [_BRAND]},
    answers.Session: {
        "session_id": _SESSION_ID,
        "source_url": f"{_FILES}/photo.jpg",
        "objects": [
            {
                "label": "vintage twin-lens reflex camera",
                "category": Category.PRODUCT,
                "bbox": [0.18, 0.12, 0.79, 0.93],
            },
            {"label": "entire image (no crop)", "category": Category.FULL_FRAME, "bbox": [0.0, 0.0, 1.0, 1.0]},
        ],
        "suggested_actions": [],
        "credits_used": 5,
        "vlm_elapsed_ms": 842,
    },
    View: {
        "view_id": _VIEW_ID,
        "session_id": _SESSION_ID,
        "source_url": f"{_FILES}/view.jpg",
        "side": ViewSide.BACK,
        "objects": [
            {"label": "camera", "category": Category.PRODUCT, "bbox": [0.22, 0.1, 0.81, 0.95]},
            {"label": "entire image (no crop)", "category": Category.FULL_FRAME, "bbox": [0.0, 0.0, 1.0, 1.0]},
        ],
        "bbox": [0.22, 0.1, 0.81, 0.95],
        "points": [],
        "likeness": 0.83,
        "suggested_actions": [],
        "credits_used": 2,
    },
    answers.Share: {
        "share_url": "https://studio.example.com/s/Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4",
        "embed_url": "https://studio.example.com/s/Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4/embed",
        "expires_at": _MOMENT,
        "downloads": True,
        "listed": False,
    },
    answers.Backplate: {
        "backplate_id": _BACKPLATE_ID,
        "picture_url": f"{_FILES}/background.jpg",
        "width": 1600,
        "height": 1200,
        "expires_at": _MOMENT,
    },
    answers.Cutout: {
        "cutout_id": _CUTOUT_ID,
        "session_id": _SESSION_ID,
        "cutout_url": f"{_FILES}/cutout.png",
        "bbox": [0.18, 0.12, 0.79, 0.93],
        "crop": [0.08, 0.02, 0.89, 1.0],
        "confidence": 0.97,
        "suggested_actions": [],
        "credits_used": 5,
    },
    answers.Quote: {"credits": 75, "estimated_seconds": 240, "balance": 920},
    answers.JobTicket: {
        "job_id": _JOB_ID,
        "status": JobStatus.QUEUED,
        "credits_used": 75,
        "estimated_seconds": 240,
        "poll_url": f"/v1/studio/result/{_JOB_ID}",
    },
    answers.Result: {
        "job_id": _JOB_ID,
        "status": JobStatus.COMPLETED,
        "step": Step.DONE,
        "progress": 100,
        "output": {
            "mp4_url": f"{_FILES}/turntable.mp4",
            "glb_url": f"{_FILES}/model.glb",
            "scene_url": f"{_FILES}/scene.jpg",
            "removed_bg_url": f"{_FILES}/cutout.png",
        },
        "stages": _STAGES,
        "credits_refunded": 0,
        "created_at": _MOMENT,
        "quality": {"silhouette_iou": 0.98, "image_similarity": 0.91},
        "models": [
            {
                "name": "isnet-general-use",
                "version": "1.4.5",
                "sha256": "ab" * 32,
                "license": "MIT",
                "stage": "segment",
            }
        ],
    },
    answers.Cancellation: {
        "job_id": _JOB_ID,
        "status": JobStatus.CANCELED,
        "already_terminal": False,
        "credits_refunded": 75,
    },
    answers.Account: {
        "balance": 920,
        "frozen": False,
        "limits": {"live_jobs": 1000, "requests_per_minute": 6000, "running_jobs": 100, "weight": 1.0},
    },
    answers.LedgerPage: {
        "entries": [
            {
                "id": "1795000000000-0",
                "at": _MOMENT,
                "kind": LedgerKind.CHARGE,
                "amount": -75,
                "balance": 920,
                "reference": _JOB_ID,
                "memo": "transform",
            }
        ],
        "next_cursor": None,
    },
    answers.WebhookSecret: {"secret": "whsec_c2VjcmV0IG9mIHRoZSBhY2NvdW50IQ=="},
    answers.Health: {"status": "ok", "version": "0.1.0"},
    answers.Readiness: {"status": "ready", "checks": {"redis": "ok", "detect": "ok"}},
}
"""By the answer's model."""

EXAMPLES[ViewList] = {"views": [EXAMPLES[View] | {"credits_used": 0}]}
EXAMPLES[answers.JobPage] = {"jobs": [EXAMPLES[answers.Result]], "next_cursor": None}
EXAMPLES[batches.BatchQuote] = {
    "credits": 1920,
    "jobs": 24,
    "refused": [],
    "estimated_seconds": 310,
    "balance": 2400,
}
EXAMPLES[batches.BatchTicket] = {
    "batch_id": _BATCH_ID,
    "status": JobStatus.QUEUED,
    "jobs": 2,
    "refused": [],
    "credits_used": 150,
    "estimated_seconds": 245,
    "poll_url": f"/v1/studio/batches/{_BATCH_ID}",
}
_BATCH: Json = {
    "batch_id": _BATCH_ID,
    "status": JobStatus.COMPLETED,
    "progress": 100,
    "counts": {
        "total": 2,
        JobStatus.QUEUED: 0,
        JobStatus.PROCESSING: 0,
        JobStatus.COMPLETED: 1,
        JobStatus.FAILED: 1,
        JobStatus.CANCELED: 0,
    },
    "credits_used": 150,
    "credits_refunded": 75,
    "created_at": _MOMENT,
    "ended_at": _MOMENT,
    "expires_at": _MOMENT,
    "archive_url": f"https://studio.example.com/v1/studio/batches/{_BATCH_ID}/archive.zip?token=1795000000.Zm9v",
    "order": {
        "background": {"type": BackgroundType.PROMPT, "prompt": "on a marble countertop with soft natural light"},
        "camera_preset": CameraMove.TURNTABLE,
        "output": {
            "aspect": "4:5",
            "size": 768,
            "fps": 24,
            "seconds": 4.0,
            "formats": [OutputFormat.MP4, OutputFormat.GLB],
        },
    },
}
EXAMPLES[batches.Batch] = _BATCH | {
    "items": [
        {
            "index": 0,
            "name": "camera",
            "session_id": _SESSION_ID,
            "job_id": _JOB_ID,
            "status": JobStatus.COMPLETED,
            "progress": 100,
            "scene_url": f"{_FILES}/scene.jpg",
            "credits_refunded": 0,
        },
        {
            "index": 1,
            "name": "red mug",
            "session_id": _SECOND_ID,
            "job_id": "0e7d9a52-1c34-4f0b-9f86-5a2b3c4d5e6f",
            "status": JobStatus.FAILED,
            "progress": 0,
            "error": "3D generation timeout",
            "error_detail": {"code": errors.DeadlineExceeded.code, "stage": Step.GENERATING_3D, "retryable": True},
            "credits_refunded": 75,
        },
    ],
}
EXAMPLES[batches.BatchPage] = {"batches": [_BATCH], "next_cursor": None}
EXAMPLES[batches.BatchCancellation] = {
    "batch_id": _BATCH_ID,
    "status": JobStatus.CANCELED,
    "already_terminal": False,
    JobStatus.CANCELED: 2,
    "credits_refunded": 150,
}
EXAMPLES[batches.BatchEnded] = {
    "type": BatchEvent.ENDED,
    "timestamp": _MOMENT,
    "data": EXAMPLES[batches.Batch],
}
EXAMPLES[JobEvent] = {"type": WebhookEvent.COMPLETED, "timestamp": _MOMENT, "data": EXAMPLES[answers.Result]}
