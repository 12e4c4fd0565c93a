"""Records to what lies in Redis, and back."""

from __future__ import annotations

import dataclasses
import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.jobs.codec import (
    order_from_json,
    order_to_json,
    quality_field,
    session_from_hash,
    session_to_json,
    still_quality_field,
    view_quality_fields,
)
from gateway.jobs.photos import OrderedView, ViewQuality
from gateway.jobs.records import ApiKey, Background, OutputChoices, Quality, StillQuality
from gateway.jobs.testing import PHOTO, order, session
from lensora.core.artifacts import ModelUse
from lensora.core.boxes import Box, Category, Point
from lensora.core.size import Extent, RealSize
from lensora.core.words import BackgroundType, CameraMove, StillSubject, ViewOmission, ViewSide, WebhookEvent

texts = st.text(max_size=50)
backgrounds = st.builds(Background, st.sampled_from(BackgroundType), texts, texts, color=texts)
choices = st.builds(
    OutputChoices,
    st.integers(256, 2160),
    st.integers(12, 60),
    st.floats(1, 20),
    st.lists(st.sampled_from(["mp4", "gif", "webp", "usdz"]), max_size=3).map(tuple),
    st.integers(0, 10**9),
)


sides = st.sampled_from(ViewSide)
sizes = st.none() | st.builds(RealSize, st.sampled_from(Extent), st.floats(0.001, 100.0))


@given(backgrounds, choices, st.sampled_from(CameraMove), texts, st.sets(st.sampled_from(WebhookEvent)), sizes, sides)
def test_an_order_survives_the_store(
    background: Background,
    output: OutputChoices,
    camera: CameraMove,
    label: str,
    events: set[WebhookEvent],
    size: RealSize | None,
    side: ViewSide,
) -> None:
    """Any order comes back equal, whatever characters it holds."""
    use = ModelUse("net", "1", "", "MIT", "detect")
    whole = dataclasses.replace(
        order(background=background, webhook_url="https://example.com/hook", webhook_events=sorted(events)),
        output=output,
        camera=camera,
        label=label,
        category=Category.VEHICLE,
        session_models=(use,),
        real_size=size,
        views=(
            OrderedView("v", side, PHOTO, 640, 480, Box(0.1, 0.2, 0.3, 0.4), (Point(0.2, 0.3, False),), (use,)),
            OrderedView("w", None, PHOTO, 640, 480, Box(0.1, 0.2, 0.3, 0.4)),
        ),
    )
    assert order_from_json(order_to_json(whole)) == whole


def test_an_order_of_an_older_release_is_read_with_defaults() -> None:
    """Fields that the release before did not write take their defaults."""
    document = json.loads(order_to_json(order()))
    for newer in (
        "output",
        "webhook_url",
        "webhook_events",
        "session_models",
        "request_id",
        "camera",
        "category",
        "real_size",
        "views",
        "branding",
    ):
        del document[newer]
    read = order_from_json(json.dumps(document))
    assert read.output == OutputChoices() and read.camera is CameraMove.TURNTABLE and read.webhook_events == ()


def test_output_choices_of_two_releases_are_read_by_both() -> None:
    """An ordinary film has no name that the release before lacks, and names that this one lacks are left alone."""
    document = json.loads(order_to_json(order()))
    assert set(document["output"]) == {"size", "fps", "seconds", "formats", "max_glb_bytes"}
    document["output"]["of_a_later_release"] = 1
    assert order_from_json(json.dumps(document)).output == OutputChoices()


def test_a_session_survives_the_store() -> None:
    """Proposals, actions and the photo come back equal."""
    made = session(ApiKey("key", "account", "", "", 0))
    fields = {"key": "key", "account": "account", "document": session_to_json(made), "created": "5", "expires": "9"}
    assert session_from_hash(made.session_id, fields) == dataclasses.replace(made, created_ms=5, expires_ms=9)


def test_the_reports_on_further_photos_and_the_still_have_fields_of_their_own() -> None:
    """The release before reads every name in ``quality`` as a field, and knows neither of views nor of a still."""
    still, reason = StillQuality(21.5, StillSubject.MODEL), ViewOmission.SIDE_UNCLEAR
    quality = Quality(0.98, 0.9, 0.7, views=(ViewQuality("v", None, False, reason=reason),), still=still)
    name, text = quality_field(quality)
    assert name == "quality" and set(json.loads(text)) == {"silhouette_iou", "image_similarity", "confidence"}
    told = dict(view_quality_fields(quality.views))
    assert set(told) == {"view_quality", "view_details"} and len({name, *told, still_quality_field(still)[0]}) == 4
    (row,) = json.loads(told["view_quality"])
    assert "reason" not in row and json.loads(told["view_details"]) == {"v": {"reason": "side_unclear"}}
