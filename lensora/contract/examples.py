"""Examples of requests and answers, those of the public page first. A test holds them to their models."""

from __future__ import annotations

from typing import Any

from lensora.contract import answers, brands
from lensora.contract.events import JobEvent
from lensora.contract.shapes import PublicAnswer
from lensora.contract.views import View, ViewList
from lensora.core.boxes import Category
from lensora.core.steps import STAGES, JobStatus, StageStatus, Step
from lensora.core.words import Aspect, BackgroundType, CameraMove, Corner, LedgerKind, ViewSide, WebhookEvent

Json = dict[str, Any]

_SESSION_ID = "2a91884c-1bb5-44e3-a6e0-7db0a5a56668"
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
EXAMPLES[JobEvent] = {"type": WebhookEvent.COMPLETED, "timestamp": _MOMENT, "data": EXAMPLES[answers.Result]}
