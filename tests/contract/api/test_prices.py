"""One table of prices and sizes, for every file that a job can have."""

from __future__ import annotations

import httpx
import pytest

from lensora.core.words import JobPicture, OutputFormat


def test_the_table_has_every_file_once(api: httpx.Client) -> None:
    """The usual film's files are in the job's price, and each has a size."""
    body = api.get("/v1/studio/prices").json()
    assert [body[name] for name in ("init", "view", "cutout", "transform", "render")] == [5, 2, 5, 75, 25]
    names = [row["name"] for row in body["outputs"]]
    assert sorted(names) == sorted([*OutputFormat, *JobPicture])
    assert all(row["credits"] == 0 and 10_000 < row["expected_bytes"] < 20_000_000 for row in body["outputs"])


def test_a_longer_film_costs_what_a_quote_says(api: httpx.Client, session_id: str) -> None:
    """The rows add up to the price of an order with these files, and grow with the film."""
    film = {"size": 1024, "aspect": "9:16", "fps": 24, "seconds": 8.0}
    body = api.get("/v1/studio/prices", params={name: str(value) for name, value in film.items()}).json()
    rows = {row["name"]: row for row in body["outputs"]}
    order = {"session_id": session_id, "background": {"type": "remove"}, "output": {**film, "formats": ["gif", "webp"]}}
    quoted = api.post("/v1/studio/quote", json=order).json()["credits"]
    assert quoted <= body["transform"] + rows["gif"]["credits"] + rows["webp"]["credits"] <= quoted + 2
    assert rows["gif"]["credits"] == rows["webp"]["credits"] == body["transform"] - 75 > 0
    usual = {row["name"]: row for row in api.get("/v1/studio/prices").json()["outputs"]}
    assert rows["mp4"]["expected_bytes"] > usual["mp4"]["expected_bytes"]
    assert rows["glb"] == usual["glb"] and rows["usdz"]["credits"] == 0


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"size": "255"}, "size must be an even integer from 256 to 2160, not 255."),
        ({"size": "1e3"}, "size must be an even integer from 256 to 2160, not 1000.0."),
        ({"seconds": "nan"}, "seconds must be a number from 1 to 20, not 'nan'."),
        ({"fps": "fast"}, "fps must be an integer from 12 to 60, not 'fast'."),
        ({"aspect": "2:1"}, "aspect must be one of"),
        (
            {"size": "2160", "seconds": "20", "fps": "60"},
            "output asks for 1 film(s) of 1200 frames of 2160 x 2160 pixels",
        ),
    ],
)
def test_a_film_that_cannot_be_is_named(api: httpx.Client, query: dict[str, str], says: str) -> None:
    """The field, its limits and the value, as in an order."""
    answer = api.get("/v1/studio/prices", params=query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["detail"].startswith(says)
