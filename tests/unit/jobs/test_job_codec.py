"""Records to what lies in Redis, and back."""

from __future__ import annotations

import dataclasses
import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.jobs.codec import order_from_json, order_to_json, session_from_hash, session_to_json
from gateway.jobs.records import ApiKey, Background, OutputChoices
from gateway.jobs.testing import order, session
from lensora.core.artifacts import ModelUse
from lensora.core.boxes import Category
from lensora.core.size import Extent, RealSize
from lensora.core.words import BackgroundType, CameraMove, WebhookEvent

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


sizes = st.none() | st.builds(RealSize, st.sampled_from(Extent), st.floats(0.001, 100.0))


@given(backgrounds, choices, st.sampled_from(CameraMove), texts, st.sets(st.sampled_from(WebhookEvent)), sizes)
def test_an_order_survives_the_store(
    background: Background,
    output: OutputChoices,
    camera: CameraMove,
    label: str,
    events: set[WebhookEvent],
    size: RealSize | None,
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
