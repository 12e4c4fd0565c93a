"""Messages to core types and back, and the keys of outputs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensora.api.artifact.v1 import artifact_pb2
from lensora.api.scene.v1 import scene_pb2
from lensora.api.segment.v1 import segmenter_pb2
from lensora.core.artifacts import Artifact, MediaType, ModelUse
from lensora.core.boxes import Box
from lensora.core.errors import InvalidRequest
from lensora.core.scene import Scene, studio_lighting
from lensora.rpc import messages, scenes

PHOTO = Artifact(uri="file:///a/photo.jpg", sha256="ab" * 32, size_bytes=12, media_type="image/jpeg")


def test_references_and_boxes_come_back_unchanged() -> None:
    """Artifact, box and model rows survive the round trip."""
    assert messages.artifact_from_proto(messages.artifact_to_proto(PHOTO), field="photo") == PHOTO
    box = Box(0.1, 0.2, 0.3, 0.4)
    assert messages.box_from_proto(messages.box_to_proto(box), field="box") == box
    use = ModelUse("isnet", "1", "cd" * 32, "MIT", "detect")
    assert messages.model_use_from_proto(messages.model_use_to_proto(use)) == use


def test_a_backplate_comes_back_with_its_light() -> None:
    """Horizon, plainness and all 27 numbers of the light survive the round trip."""
    scene = Scene(horizon=0.62, plain=False, lighting=studio_lighting())
    back = scenes.scene_from_proto(scenes.backplate_to_proto(PHOTO, scene))
    assert back.horizon == 0.62
    assert not back.plain
    np.testing.assert_array_equal(back.lighting.sh, scene.lighting.sh)
    np.testing.assert_array_equal(back.lighting.key_direction, scene.lighting.key_direction)


@pytest.mark.parametrize(
    "message", [scene_pb2.Backplate(), scene_pb2.Backplate(horizon=2.0), scene_pb2.Backplate(lighting={"sh": [1.0]})]
)
def test_a_malformed_backplate_names_its_field(message: scene_pb2.Backplate) -> None:
    """A backplate without light, or with a horizon outside the picture, is the caller's fault, said by name."""
    with pytest.raises(InvalidRequest, match=r"^backplate: ") as caught:
        scenes.scene_from_proto(message)
    assert caught.value.field == "backplate"


def test_a_malformed_reference_or_box_names_its_field() -> None:
    """An empty reference or a box of no area is the caller's fault, said by name."""
    with pytest.raises(InvalidRequest, match=r"^photo: sha256 must be 64"):
        messages.artifact_from_proto(artifact_pb2.Artifact(), field="photo")
    with pytest.raises(InvalidRequest, match=r"^crop: box must have"):
        messages.box_from_proto(scene_pb2.Box(), field="crop")


@given(st.text(max_size=40), st.text(max_size=40))
def test_output_keys_follow_the_inputs(one: str, two: str) -> None:
    """The same request gives the same key, another request another; the key is plain and says what it is."""
    requests = [
        segmenter_pb2.CreateBackplateRequest(prompt=segmenter_pb2.PromptBackground(text=text), width=768, height=768)
        for text in (one, two)
    ]
    keys = [messages.output_key("jobs/x/", "backplate", request, MediaType.PNG) for request in requests]
    assert (keys[0] == keys[1]) == (one == two)
    assert keys[0].startswith("jobs/x/backplate-")
    assert keys[0].endswith(".png")
