"""Brands: choices saved under a name, given to jobs, and gone without harm."""

from __future__ import annotations

import io
import json
import zlib
from typing import Any

import httpx
import pytest
from PIL import Image

from gateway.http.testing import Gateway
from gateway.jobs.brands import MOST_BRANDS
from lensora.client import Client
from lensora.core.branding import LogoPlace
from lensora.core.errors import Conflict, InvalidRequest, NotFound
from lensora.core.words import Aspect, CameraMove, Corner
from lensora.imaging.png_logo import MAX_LOGO_BYTES

CHOICES = {
    "background": {"type": "color", "value": "#E4EFED"},
    "aspect": "4:5",
    "camera_preset": "dolly",
    "logo": {"corner": "top_left", "size": 0.3},
    "end_color": "#1f5c57",
}


def logo(width: int = 60, height: int = 20, kind: str = "PNG") -> bytes:
    """A logo's file."""
    file = io.BytesIO()
    Image.new("RGBA" if kind == "PNG" else "RGB", (width, height), (200, 20, 20)).save(file, kind)
    return file.getvalue()


def save(api: httpx.Client, name: str, brand: Any, file: bytes | None = None) -> httpx.Response:
    """POST /v1/studio/brands."""
    files: dict[str, Any] = {
        "name": (None, name),
        "brand": (None, brand if isinstance(brand, str) else json.dumps(brand)),
    }
    return api.post("/v1/studio/brands", files=files if file is None else {**files, "logo": ("logo.png", file)})


def order_of(gateway: Gateway, api: httpx.Client, session_id: str, **body: Any) -> Any:
    """What the worker reads of a job with this body."""
    answer = api.post("/v1/studio/transform", json={"session_id": session_id, **body})
    assert answer.status_code == 200, answer.text
    job_id = answer.json()["job_id"]
    gateway.take(job_id)
    return gateway.claims[job_id].job.order


def test_a_brand_is_saved_listed_shown_and_deleted_for_nothing(gateway: Gateway, api: httpx.Client, key: str) -> None:
    """Its answer says all of it; the logo opens without a key; what is deleted is gone."""
    before = gateway.balance(key)
    answer = save(api, " Shop ", CHOICES, logo())
    assert answer.status_code == 200, answer.text
    body = answer.json()
    shown = {"width": 60, "height": 20, "corner": "top_left", "size": 0.3, "logo_url": body["logo"]["logo_url"]}
    assert body == {
        "name": "shop",
        "saved_at": body["saved_at"],
        "background": {"type": "color", "value": "#e4efed"},
        "aspect": "4:5",
        "camera_preset": "dolly",
        "logo": shown,
        "end_color": "#1f5c57",
    }
    opened = httpx.get(body["logo"]["logo_url"])
    assert (opened.content, opened.headers["content-type"]) == (logo(), "image/png")
    save(api, "another", {})
    assert [one["name"] for one in api.get("/v1/studio/brands").json()["brands"]] == ["another", "shop"]
    assert api.get("/v1/studio/brands/SHOP").json()["end_color"] == "#1f5c57"
    assert api.delete("/v1/studio/brands/shop").status_code == 204
    assert api.get("/v1/studio/brands/shop").json()["code"] == "not_found"
    assert api.delete("/v1/studio/brands/shop").status_code == 404
    assert gateway.balance(key) == before


def test_a_job_takes_what_it_does_not_say_from_the_brand(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """Everything of the brand where the body is silent; what the body says wins, field by field."""
    save(api, "shop", CHOICES, logo())
    order = order_of(gateway, api, session_id, brand="Shop")
    assert (order.background.color, order.camera, order.output.aspect) == ("#e4efed", CameraMove.DOLLY, Aspect.PORTRAIT)
    assert (order.branding.name, order.branding.end_color) == ("shop", "#1f5c57")
    assert order.branding.logo.place == LogoPlace(Corner.TOP_LEFT, 0.3)
    assert gateway.run(gateway.artifacts.get_async(order.branding.logo.picture)) == logo()
    said: dict[str, Any] = {
        "background": {"type": "remove"},
        "camera_preset": "turntable",
        "output": {"aspect": "1:1", "seconds": 2.0},
    }
    order = order_of(gateway, api, session_id, brand="shop", **said)
    assert (order.background.type, order.camera, order.output.aspect) == ("remove", "turntable", "1:1")
    assert order.branding.logo is not None
    order = order_of(gateway, api, session_id, brand="shop", output={"seconds": 2.0})
    assert (order.output.aspect, order.output.seconds) == ("4:5", 2.0)


def test_the_poll_and_the_quote_know_the_brand(api: httpx.Client, session_id: str) -> None:
    """A quote needs no background where the brand has one, and a job says which brand it was."""
    save(api, "shop", CHOICES, logo())
    assert api.post("/v1/studio/quote", json={"session_id": session_id, "brand": "shop"}).json()["credits"] == 75
    job = api.post("/v1/studio/transform", json={"session_id": session_id, "brand": "shop"}).json()
    assert api.get(f"/v1/studio/result/{job['job_id']}").json()["order"]["brand"] == "shop"


def test_a_deleted_or_changed_brand_does_not_touch_jobs_in_flight(
    gateway: Gateway, api: httpx.Client, session_id: str
) -> None:
    """Their orders hold its values and their logo's file stays, whatever becomes of the brand."""
    save(api, "shop", CHOICES, logo())
    order = order_of(gateway, api, session_id, brand="shop")
    save(api, "shop", {"end_color": "#000000"})
    api.delete("/v1/studio/brands/shop")
    assert gateway.run(gateway.store.expiry.kept("brands", order.branding.logo.picture.uri.split("/")[-2]))
    assert gateway.run(gateway.artifacts.get_async(order.branding.logo.picture)) == logo()
    answer = api.post("/v1/studio/transform", json={"session_id": session_id, "brand": "shop"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["detail"].startswith("brand 'shop' is not saved under this key")


def test_a_brand_that_is_saved_again_keeps_its_logo_where_it_still_has_one(api: httpx.Client) -> None:
    """brand.logo without a file moves the logo; without brand.logo it goes."""
    save(api, "shop", CHOICES, logo())
    moved = save(api, "shop", {"logo": {"corner": "bottom_left"}}).json()
    assert (moved["logo"]["corner"], moved["logo"]["size"], moved["logo"]["width"]) == ("bottom_left", 0.18, 60)
    assert httpx.get(moved["logo"]["logo_url"]).content == logo()
    assert "logo" not in save(api, "shop", {}).json()
    answer = save(api, "shop", {"logo": {}})
    assert (answer.status_code, answer.json()["detail"][:34]) == (400, "logo is required as a file of the ")


def test_an_uploaded_background_lives_as_long_as_the_brand(
    gateway: Gateway, api: httpx.Client, session_id: str
) -> None:
    """It is copied: the day that the upload itself is kept does not matter."""
    file = logo(100, 100, "JPEG")
    kept = api.post("/v1/studio/backplates", files={"image": file}).json()["backplate_id"]
    body = save(api, "shop", {"background": {"type": "image", "backplate_id": kept}}).json()
    assert httpx.get(body["picture_url"]).content == file
    order = order_of(gateway, api, session_id, brand="shop")
    assert "/brands/" in order.background.picture.uri
    gateway.run(gateway.store.scripts.client.delete(gateway.store.scripts.key(f"backplate:{kept}")))
    again = save(api, "shop", {"background": {"type": "image", "backplate_id": kept}, "aspect": "4:5"}).json()
    assert httpx.get(again["picture_url"]).content == file and again["aspect"] == "4:5"


def test_a_job_needs_a_background_from_somewhere(api: httpx.Client, session_id: str) -> None:
    """Neither the body nor the brand has one."""
    save(api, "bare", {"camera_preset": "dolly"})
    answer = api.post("/v1/studio/transform", json={"session_id": session_id, "brand": "bare"})
    assert answer.json()["detail"] == "background is required: the brand 'bare' leaves it to each job."
    answer = api.post("/v1/studio/transform", json={"session_id": session_id})
    assert answer.json()["detail"] == "background is required."


def test_another_key_has_other_brands(gateway: Gateway, api: httpx.Client) -> None:
    """One's names are nobody else's."""
    save(api, "shop", {})
    with Client(gateway.base_url, gateway.api_key(10)) as other:
        assert other.brands().brands == ()
        with pytest.raises(NotFound):
            other.delete_brand("shop")


def damaged() -> bytes:
    """A logo whose picture breaks off inside, with a right checksum."""
    whole = logo()
    at = whole.index(b"IDAT")
    packed = zlib.compress(b"\0" * 10)
    chunk = b"IDAT" + packed
    return whole[: at - 4] + len(packed).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + whole[-12:]


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (b"", "logo must be a PNG file, not an empty one."),
        (b"no picture", "logo must be a PNG file, not "),
        (logo(kind="JPEG"), "logo must be a PNG file, not a JPEG"),
        (logo(15, 40), "logo must have 16 to 4,096 pixels on each side, not 15 x 40."),
        (logo(5000, 16), "logo must have 16 to 4,096 pixels on each side, not 5000 x 16."),
        (logo(3000, 3000), "logo must have at most 8 megapixels, not 9.0 (3000 x 3000)."),
        (logo()[:40], "logo "),
        (damaged(), "logo cannot be decoded: its picture is damaged or cut off."),
        (logo() + bytes(MAX_LOGO_BYTES), "logo must have at most 2 MB (2,000,000 bytes), not "),
    ],
)
def test_a_bad_logo_is_named_with_its_limit_and_value(api: httpx.Client, file: bytes, says: str) -> None:
    """Before anything is saved."""
    answer = save(api, "bad", {}, file)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_image"), answer.text
    assert answer.json()["detail"].startswith(says)
    assert api.get("/v1/studio/brands/bad").status_code == 404


@pytest.mark.parametrize(
    ("name", "brand", "says"),
    [
        ("", {}, "name must be 1 to 40 small letters, digits, dashes and underscores"),
        ("a b", {}, "name must be 1 to 40"),
        ("../x", {}, "name must be 1 to 40"),
        ("x" * 41, {}, "name must be 1 to 40"),
        (
            "shop",
            "{",
            "brand must be a JSON object in UTF-8: expecting property name enclosed in double quotes at line 1",
        ),
        ("shop", " ", "brand is empty; it must be a JSON object."),
        (
            "shop",
            '{"aspect": "4:5", "aspect": "1:1"}',
            "brand must be a JSON object in UTF-8: 'aspect' is given twice.",
        ),
        ("shop", "[]", "brand must be an object, not []."),
        ("shop", "[" * 9000, "brand must be a JSON object in UTF-8: it is nested too deeply."),
        ("shop", {"colour": 1}, "brand.colour is not a field that is known here; brand takes background, aspect,"),
        ("shop", {"aspect": "2:1"}, "brand.aspect must be one of"),
        ("shop", {"camera_preset": "pan"}, "brand.camera_preset must be one of"),
        ("shop", {"end_color": "red"}, "brand.end_color must be a colour as #rrggbb, such as #1f5c57, not 'red'."),
        ("shop", {"logo": {"size": 0.9}}, "brand.logo.size must be a number from 0.05 to 0.5, not 0.9."),
        ("shop", {"logo": {"corner": "left"}}, "brand.logo.corner must be one of"),
        ("shop", {"background": {"type": "prompt", "prompt": ""}}, "brand.background.prompt must not be empty."),
        (
            "shop",
            {"background": {"type": "remove", "url": "x"}},
            "brand.background.url must not be given with type remove, which takes type.",
        ),
        ("shop", {"background": {"type": "image", "url": "http://10.0.0.1/a.jpg"}}, "background.url's host"),
    ],
)
def test_what_is_wrong_with_a_brand_is_named(api: httpx.Client, name: str, brand: Any, says: str) -> None:
    """The field, what it takes, and what it has."""
    answer = save(api, name, brand)
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"].startswith(says)


def test_a_form_without_a_name_says_so(api: httpx.Client) -> None:
    """Nothing else is required."""
    answer = api.post("/v1/studio/brands", files={"brand": (None, "{}")})
    assert (answer.status_code, answer.json()["detail"][:17]) == (400, "name is required:")


def test_a_key_keeps_a_bounded_number(gateway: Gateway) -> None:
    """They are free, so they are counted; a name that is there may be used again."""
    with Client(gateway.base_url, gateway.api_key()) as client:
        for number in range(MOST_BRANDS):
            client.save_brand(f"brand-{number}")
        with pytest.raises(Conflict, match="at most 50 brands"):
            client.save_brand("one-more")
        client.save_brand("brand-0", end_color="#ffffff")
        assert len(client.brands().brands) == MOST_BRANDS


def test_the_python_client_saves_and_orders(gateway: Gateway, photo: bytes) -> None:
    """A logo alone is enough to be drawn; what the server would refuse is found before it is sent."""
    with Client(gateway.base_url, gateway.api_key(1_000)) as client:
        saved = client.save_brand("shop", background="#e4efed", logo=logo())
        assert saved.logo is not None and saved.logo.corner == "bottom_right"
        session = client.init(photo)
        result = client.result(client.transform(session.session_id, brand="shop"))
        assert result.order is not None and result.order.background.value == "#e4efed"
        with pytest.raises(InvalidRequest, match=r"brand\.aspect"):
            client.save_brand("shop", aspect="2:1")
        client.delete_brand("shop")
