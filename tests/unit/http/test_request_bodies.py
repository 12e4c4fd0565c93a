"""Request bodies: what is taken, and the sentences for what is not."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensora.contract.backgrounds import ColorBackground, ImageBackground
from lensora.contract.json_text import json_value
from lensora.contract.prices import parse_prices
from lensora.contract.requests import RenderBody, TransformBody, content, parse_body, parse_max_objects
from lensora.core.errors import InvalidBackground, InvalidRequest
from lensora.core.size import Extent, RealSize

GOOD: dict[str, Any] = {"session_id": "s", "background": {"type": "remove"}}


def transform(**changes: Any) -> TransformBody:
    """A body with changes, parsed."""
    return parse_body(TransformBody, json.dumps(GOOD | changes).encode())


def test_the_smallest_body_takes_the_defaults() -> None:
    """Only session and background are required."""
    body = transform()
    assert (body.object_index, body.camera_preset, body.webhook_url) == (0, "turntable", None)
    assert (body.output.size, body.output.fps, body.output.seconds) == (768, 24, 4.0)


def test_unknown_fields_are_passed_over() -> None:
    """A client of a later version is not turned away."""
    assert transform(tomorrow=1, seed=7).session_id == "s"


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        (
            {"output": {"aspect_ratio": "9:16"}},
            InvalidRequest,
            r"output\.aspect_ratio is not a field .*; output takes size, aspect, fps, seconds, formats, max_glb_bytes",
        ),
        ({"output": {"size": 512, "width": 512}}, InvalidRequest, r"output\.width is not a field"),
        (
            {"background": {"type": "remove", "prompt": "a beach"}},
            InvalidBackground,
            r"background\.prompt must not be given with type remove, which takes type\.",
        ),
        (
            {"background": {"type": "prompt", "prompt": "a beach", "seed": 7}},
            InvalidBackground,
            r"background\.seed must not be given with type prompt, which takes type, prompt\.",
        ),
    ],
)
@pytest.mark.parametrize("model", [TransformBody, RenderBody])
def test_a_choice_that_is_not_known_is_refused_by_name(
    model: type[TransformBody], changes: dict[str, Any], error: type[Exception], says: str
) -> None:
    """What somebody pays for is not passed over: neither in the film's choices nor in the background."""
    with pytest.raises(error, match=says):
        parse_body(model, json.dumps(GOOD | changes).encode())


def test_the_content_of_a_body_is_what_it_says() -> None:
    """Spacing, order, escapes, an id's case, 4 or 4.0 and unknown fields make no other request; a choice does."""
    plain = b'{"session_id":"abc","background":{"type":"prompt","prompt":"caf\xc3\xa9"},"output":{"seconds":4}}'
    same = (
        b'{ "background": {"prompt": "caf\\u00e9", "type": "prompt"},\n"output": {"seconds": 4.0}, "session_id":"ABC"}',
        plain[:-1] + b',"later": true}',
    )
    assert {content(TransformBody, raw) for raw in same} == {content(TransformBody, plain)}
    other = plain.replace(b'"seconds":4', b'"seconds":5')
    assert content(TransformBody, other) != content(TransformBody, plain)


def test_the_content_of_a_bad_body_is_its_json_or_its_bytes() -> None:
    """Errors are repeated too: for the same wrong object, and for the same bytes that are none."""
    assert content(TransformBody, b'{"a":1,"b":[2]}') == content(TransformBody, b'{ "b": [2], "a": 1 }')
    assert content(TransformBody, b"{") != content(TransformBody, b"{ ")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "JSON object"),
        (b"[]", "JSON object"),
        (b"null", "JSON object"),
        (b"\xff\xfe", "JSON object"),
        (b"", r"The body is empty; it must be a JSON object\."),
        (b'{"a": 1,}', "in UTF-8: .* at line 1, column 9"),
        (b"{'a': 1}", "in double quotes at line 1, column 2"),
        (b'{"a": 1}\n{"a": 1}', "extra data at line 2, column 1"),
        (b"session_id=s", "at line 1, column 1"),
        (b'{"session_id": "caf\xe9"}', "the byte at 19 is not UTF-8"),
        (b'{"session_id": "a", "session_id": "b"}', "'session_id' is given twice"),
        (b'{"a": {"b": 1, "c": 2, "b": 1}}', "'b' is given twice"),
        (b'{"session_id": NaN}', "NaN is no number of JSON"),
        (b'{"session_id": -Infinity}', "-Infinity is no number of JSON"),
        (b'{"real_height_cm": 1e400}', r"The body must be a JSON object in UTF-8: the number 1e400 is too large\."),
        (b'{"real_height_cm": -1.5E+999}', r"the number -1\.5E\+999 is too large\."),
        (b'{"real_height_cm": ' + b"9" * 400 + b".5}", r"the number 9{60}\.\.\. is too large\."),
        (b"null", "must be a JSON object, not null"),
        (b'{"session_id": "\\ud800", "background": {"type": "remove"}}', "half of a surrogate pair"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"object_index": ' + b"9" * 5000 + b"}", "too many digits"),
        (b"{}", r"session_id is required\."),
        (b'{"session_id": 7, "background": {"type": "remove"}}', r"session_id must be a string, not 7\."),
        (b'{"session_id": "s"}', r"background is required\."),
        (b'{"session_id": "s", "background": "remove"}', r"background must be an object, not 'remove'\."),
    ],
)
def test_a_malformed_body_is_refused(raw: bytes, says: str) -> None:
    """What is no object, or lacks a field, is invalid_request."""
    with pytest.raises(InvalidRequest, match=says):
        parse_body(TransformBody, raw)


def test_a_body_of_any_depth_is_refused() -> None:
    """The deepest that can be read has its sentence, too: it is told of from further down the stack."""
    most = sys.getrecursionlimit()
    for depth in range(most - 200, most):
        with pytest.raises(InvalidRequest, match=r"nested too deeply|must be a string, not "):
            parse_body(TransformBody, b'{"session_id": %b%b}' % (b"[" * depth, b"]" * depth))


def test_a_name_that_is_given_twice_is_found_in_no_time() -> None:
    """However many names stand before it."""
    names = ",".join(f'"{number}": 0' for number in range(40_000))
    began = time.process_time()
    with pytest.raises(InvalidRequest, match=r"'39999' is given twice\."):
        json_value(f'{{{names}, "39999": 1}}'.encode())
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"object_index": "0"}, r"object_index must be an integer, not '0'\."),
        ({"object_index": 1.5}, r"object_index must be an integer, not 1\.5\."),
        ({"object_index": True}, r"object_index must be an integer, not true\."),
        ({"object_index": None}, r"object_index must be an integer, not null\."),
        ({"points": [{"x": 0.5, "y": 0.5, "keep": True, "label": 1}]}, r"points\.0\.label is not a field .*takes x, y"),
        ({"deliver_to": {"type": "gcs", "presigned": {"mp4": "u"}}}, r"deliver_to\.type must be s3, not 'gcs'\."),
        ({"deliver_to": {"type": "s3", "bucket": "b"}}, r"deliver_to\.(presigned is required|bucket is not a field)"),
        ({"camera_preset": "orbit"}, r"camera_preset must be one of turntable, dolly or cinematic, not 'orbit'\."),
        ({"output": {"size": 301}}, r"output\.size must be an even integer from 256 to 2160, not 301\."),
        ({"output": {"size": 100}}, r"output\.size must be an even integer from 256 to 2160, not 100\."),
        ({"output": {"size": 9999}}, r"output\.size must be an even integer from 256 to 2160, not 9999\."),
        ({"output": {"fps": 61}}, r"output\.fps must be an integer from 12 to 60, not 61\."),
        ({"output": {"seconds": "4"}}, r"output\.seconds must be a number from 1 to 20, not '4'\."),
        ({"output": {"max_glb_bytes": 1}}, r"max_glb_bytes must be an integer from 100000 to 100000000, not 1\."),
        ({"output": {"formats": ["avi"]}}, r"output\.formats\.0 must be one of mp4, .*, not 'avi'\."),
        ({"real_height_cm": 0}, r"real_height_cm must be a number from 0\.1 to 10000, not 0\."),
        ({"real_depth_cm": "12"}, r"real_depth_cm must be a number from 0\.1 to 10000, not '12'\."),
        (
            {"real_height_cm": 12, "real_depth_cm": 3},
            r"real_depth_cm must not be given beside real_height_cm: the other measures follow from one\.",
        ),
        (
            {"real_width_cm": 12, "real_depth_cm": 3},
            r"real_depth_cm must not be given beside real_width_cm: the other measures follow from one\.",
        ),
        (
            {"deliver_to": {"type": "s3", "url": "https://a.test/x/", "presigned": {"mp4": "https://b.test/m?s"}}},
            r"deliver_to has an address for mp4 that does not lie under url, 'https://a\.test/x/'\.",
        ),
        (
            {"deliver_to": {"type": "s3", "url": "https://a.test/x/", "presigned": {"mp4": "m" * 4_090}}},
            r"deliver_to makes a URL of more than 4,096 characters for mp4\.",
        ),
        ({"webhook_events": []}, r"webhook_events must have at least 1 entry, not \[\]\."),
        ({"bbox": [0.1]}, r"bbox must have at least 4 entries, not \[0\.1\]\."),
        ({"webhook_url": ""}, r"webhook_url must not be empty\."),
    ],
)
def test_a_wrong_field_is_named_with_its_limit_and_value(changes: dict[str, Any], says: str) -> None:
    """The sentence says the field, what it takes and what it has."""
    with pytest.raises(InvalidRequest, match=says):
        transform(**changes)


@pytest.mark.parametrize(
    ("background", "says"),
    [
        ({}, r"background\.type is required: it must be one of remove, image, prompt, color\."),
        ({"type": "video"}, r"background\.type must be one of remove, image, prompt, color, not 'video'\."),
        ({"type": ["remove"]}, r'background\.type must be one of .*, not \["remove"\]\.'),
        ({"type": None}, r"background\.type must be one of .*, not null\."),
        ({"type": 1}, r"background\.type must be one of .*, not 1\."),
        ({"type": "prompt"}, r"background\.prompt is required\."),
        ({"type": "prompt", "prompt": ""}, r"background\.prompt must not be empty\."),
        ({"type": "prompt", "prompt": " \n"}, r"background\.prompt must not be empty\."),
        ({"type": "prompt", "prompt": "\u200b\u00a0\0"}, r"background\.prompt must not be empty\."),
        (
            {"type": "prompt", "prompt": "x" * 1001},
            r"background\.prompt must have at most 1,000 characters, not 1,001\.",
        ),
        ({"type": "prompt", "prompt": 5}, r"background\.prompt must be a string, not 5\."),
        ({"type": "image"}, r"background\.url is required, or backplate_id in its place\."),
        ({"type": "image", "url": 5}, r"background\.url must be a string, not 5\."),
        ({"type": "color"}, r"background\.value is required\."),
        (
            {"type": "color", "value": "red"},
            r"background\.value must be a colour as #rrggbb, such as #1f5c57, not 'red'\.",
        ),
        ({"type": "color", "value": "#12345"}, r"background\.value must be a colour as #rrggbb"),
        ({"type": "color", "value": "#123456\n"}, r"background\.value must be a colour as #rrggbb"),
        ({"type": "color", "value": 5}, r"background\.value must be a string, not 5\."),
        (
            {"type": "color", "value": "#123456", "url": "x"},
            r"background\.url must not be given with type color, .* value",
        ),
    ],
)
def test_a_bad_background_has_its_own_code(background: dict[str, Any], says: str) -> None:
    """What is wrong within the background is invalid_background."""
    with pytest.raises(InvalidBackground, match=says):
        transform(background=background)


def test_a_prompt_of_a_thousand_characters_is_taken() -> None:
    """The limit itself is allowed, counted in characters, not bytes."""
    assert transform(background={"type": "prompt", "prompt": "\u00fc" * 1000}).background.type == "prompt"


def test_a_colour_is_kept_in_lower_case() -> None:
    """The same colour is the same order, however it is written."""
    background = transform(background={"type": "color", "value": "#1F5C57"}).background
    assert isinstance(background, ColorBackground) and background.value == "#1f5c57"


def test_a_true_size_is_one_measure() -> None:
    """Centimetres come in, metres go on."""
    assert transform().real_size is None
    assert transform(real_height_cm=12.5).real_size == RealSize(Extent.HEIGHT, 0.125)
    assert transform(real_width_cm=0.1).real_size == RealSize(Extent.WIDTH, 0.001)
    assert transform(real_depth_cm=10_000).real_size == RealSize(Extent.DEPTH, 100.0)


def test_a_delivery_may_name_its_folder_once() -> None:
    """What is presigned is a whole URL, or what comes after ``url``."""
    given = {"mp4": "m.mp4?X-Amz-Signature=1", "glb": "https://shop.test/r/42/m.glb?X-Amz-Signature=2"}
    body = transform(deliver_to={"type": "s3", "url": "https://shop.test/r/42/", "presigned": given})
    assert body.deliver_to is not None
    assert body.deliver_to.urls == {
        "mp4": "https://shop.test/r/42/m.mp4?X-Amz-Signature=1",
        "glb": "https://shop.test/r/42/m.glb?X-Amz-Signature=2",
    }


def test_a_render_may_change_nothing() -> None:
    """Every field of a second film is optional."""
    assert parse_body(RenderBody, b"{}").camera_preset is None


@pytest.mark.parametrize("text", ["", "1", "9", "-3", "2.5", "six", "0x4", "\u0664", "9" * 5000])
def test_max_objects_is_two_to_eight(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(InvalidRequest, match="max_objects must be an integer from 2 to 8"):
        parse_max_objects(text)


def test_max_objects_has_a_default() -> None:
    """Six when it is not given."""
    assert parse_max_objects(None) == 6
    assert [parse_max_objects(str(number)) for number in range(2, 9)] == list(range(2, 9))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["session_id", "background", "type", "prompt", "url", "output", "formats"]), inner
            )
        ),
    )
)
def test_any_json_is_taken_or_refused(value: Any) -> None:
    """No JSON raises anything but the errors of bad input, and every sentence ends in a full stop."""
    try:
        parse_body(TransformBody, json.dumps(value).encode())
    except (InvalidRequest, InvalidBackground) as error:
        assert error.message.endswith(".")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_of_every_unicode_encoding_is_read(encoding: str) -> None:
    """As RFC 4627 had it: by the byte order mark, or by the zeros among the first bytes."""
    assert parse_body(TransformBody, json.dumps(GOOD).encode(encoding)).session_id == "s"


def test_spaces_around_an_id_do_not_count() -> None:
    """They come with copying; the content is the same."""
    spaced = json.dumps(GOOD | {"session_id": " S\n"}).encode()
    assert parse_body(TransformBody, spaced).session_id == "s"
    assert content(TransformBody, spaced) == content(TransformBody, json.dumps(GOOD).encode())


def test_spaces_around_an_id_and_its_case_do_not_count() -> None:
    """Neither of a session's, nor of a cutout's, nor of an uploaded background's."""
    body = transform(session_id=" AB ", cutout_id="CD ", background={"type": "image", "backplate_id": " EF\n"})
    assert isinstance(body.background, ImageBackground)
    assert (body.session_id, body.cutout_id, body.background.backplate_id) == ("ab", "cd", "ef")


@pytest.mark.parametrize("text", ["1_0", "\uff11\uff10", "+10", "nan", "", "0x10", "10s"])
def test_a_number_of_a_query_is_written_with_ascii_digits(text: str) -> None:
    """What Python alone reads as a number is refused, and shown as it was given."""
    with pytest.raises(InvalidRequest, match=f"seconds must be a number from 1 to 20, not {re.escape(repr(text))}"):
        parse_prices({"seconds": text})
    assert [parse_prices({"seconds": good}).seconds for good in (" 10.0 ", "10", "1e1")] == [10.0] * 3
