"""``lensora mcp`` as an agent starts it: the official SDK's client, over standard input and output."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from PIL import Image

from gateway.http.testing import Installation, installation
from lensora.client import Client as StudioClient
from lensora.core.steps import STAGES


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A gateway, without a worker."""
    with installation(tmp_path_factory.mktemp("agents")) as running:
        yield running


@asynccontextmanager
async def agent(stack: Installation, key: str) -> AsyncIterator[Client]:
    """An agent's session with the server."""
    arguments = ["-m", "lensora.cli.main", "mcp", "--base-url", stack.gateway.base_url, "--api-key", key]
    async with Client(StdioServerParameters(command=sys.executable, args=arguments)) as client:
        yield client


def said(answer: Any) -> dict[str, Any]:
    """The JSON of an answer that is no error."""
    assert not answer.is_error, answer.content
    value = json.loads(answer.content[0].text)
    assert isinstance(value, dict)
    return value


async def test_an_agent_makes_a_film(stack: Installation, tmp_path: Path) -> None:
    """From a photo's path to saved files, with the pictures in the answers and the price of each call in its help."""
    photo = tmp_path / "camera.jpg"
    Image.linear_gradient("L").resize((640, 480)).convert("RGB").save(photo)
    gateway = stack.gateway
    key = gateway.api_key(200)
    async with agent(stack, key) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {
            "init", "add_view", "add_turn", "views", "change_view", "delete_view", "cutout",
            "quote", "brands", "transform", "result", "cancel", "render", "download", "account",
            "quote_batch", "create_batch", "batch", "batches", "cancel_batch", "download_batch",
        }  # fmt: skip
        assert "75 credits" in str(tools["transform"].description)
        assert "turntable" in json.dumps(tools["transform"].input_schema)

        session = said(await client.call_tool("init", {"photo": str(photo)}))
        assert session["objects"][0]["category"] == "product"
        back = {"session_id": session["session_id"], "photo": str(photo), "view": "back"}
        view = {
            "session_id": session["session_id"],
            "view_id": said(await client.call_tool("add_view", back))["view_id"],
        }
        assert said(await client.call_tool("change_view", {**view, "view": "left"}))["side"] == "left"
        listed = said(await client.call_tool("views", {"session_id": session["session_id"]}))
        assert [(one["view_id"], one["side"]) for one in listed["views"]] == [(view["view_id"], "left")]
        assert said(await client.call_tool("delete_view", view)) == {"deleted": view["view_id"]}
        asked = {"session_id": session["session_id"], "background": "remove"}
        assert said(await client.call_tool("quote", asked))["credits"] == 75
        assert said(await client.call_tool("brands", {})) == {"brands": []}
        looked = await client.call_tool("cutout", {"session_id": session["session_id"]})
        order = {"session_id": session["session_id"], "background": "remove", "cutout_id": said(looked)["cutout_id"]}
        job_id = said(await client.call_tool("transform", order))["job_id"]
        queued = said(await client.call_tool("result", {"job_id": job_id, "wait_seconds": 0}))
        assert queued["status"] == "queued"

        gateway.take(job_id)
        gateway.do_stages(job_id, *STAGES)
        gateway.finish(job_id)
        finished = await client.call_tool("result", {"job_id": job_id})
        assert said(finished)["status"] == "completed"
        assert [(part.type, part.mime_type) for part in finished.content[1:]] == [
            ("image", "image/png"),
            ("image", "image/jpeg"),
        ]
        files = said(await client.call_tool("download", {"job_id": job_id, "folder": str(tmp_path / "films")}))
        assert Path(files["mp4"]).stat().st_size > 1_000
        again = said(await client.call_tool("render", {"job_id": job_id, "camera_preset": "dolly"}))
        assert again["credits_used"] == 25
        assert said(await client.call_tool("account"))["balance"] == 200 - 5 - 2 - 5 - 75 - 25


async def test_an_agent_orders_many_films(stack: Installation, tmp_path: Path) -> None:
    """One price before, one order, one state, one cancel, one archive; a single film is stopped by itself."""
    photo = tmp_path / "camera.jpg"
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(photo)
    gateway = stack.gateway
    key = gateway.api_key(5 + 3 * 75)
    async with agent(stack, key) as client:
        many = {"photos": 3, "background": "remove"}
        assert said(await client.call_tool("quote_batch", many))["credits"] == 3 * 80
        session_id = said(await client.call_tool("init", {"photo": str(photo)}))["session_id"]
        items = [{"session_id": session_id, "name": "mug", "background": "on a beach"}, {"session_id": session_id}]
        ticket = said(await client.call_tool("create_batch", {"items": items, "background": "remove"}))
        named = {"batch_id": ticket["batch_id"]}
        waiting = said(await client.call_tool("batch", {**named, "wait_seconds": 0}))
        assert waiting["status"] == "queued"
        first = waiting["items"][0]["job_id"]
        gateway.take(first)
        assert gateway.claims[first].job.order.background.prompt == "on a beach"
        gateway.do_stages(first, *STAGES)
        gateway.finish(first)
        assert said(await client.call_tool("cancel_batch", named))["credits_refunded"] == 75
        assert said(await client.call_tool("batch", named))["counts"]["completed"] == 1
        assert len(said(await client.call_tool("batches"))["batches"]) == 1
        archive = said(await client.call_tool("download_batch", {**named, "folder": str(tmp_path / "many")}))["archive"]
        assert {name.partition("/")[0] for name in zipfile.ZipFile(archive).namelist()} == {"films.csv", "mug"}
        order = {"session_id": session_id, "background": "remove"}
        job_id = said(await client.call_tool("transform", order))["job_id"]
        assert said(await client.call_tool("cancel", {"job_id": job_id}))["credits_refunded"] == 75


async def test_an_agent_reads_what_is_wrong(stack: Installation, tmp_path: Path) -> None:
    """An error is the API's own code and sentence; a file that is not there is said without a call."""
    async with agent(stack, stack.gateway.api_key(10)) as client:
        missing = await client.call_tool("init", {"photo": str(tmp_path / "none.jpg")})
        assert missing.is_error and "There is no file" in missing.content[0].text
        unknown = await client.call_tool("result", {"job_id": "e76d4dfc-8e0a-4e1b-a5a2-4f9c8a14e2b3"})
        assert unknown.is_error and "job_not_found: " in unknown.content[0].text


async def test_an_argument_that_a_tool_does_not_take_is_named(stack: Installation) -> None:
    """A film of another size than the agent meant is not ordered, and the schemas say so before."""
    async with agent(stack, stack.gateway.api_key(200)) as client:
        tools = (await client.list_tools()).tools
        assert all(tool.input_schema["additionalProperties"] is False for tool in tools)
        order = {"session_id": "e76d4dfc-8e0a-4e1b-a5a2-4f9c8a14e2b3", "background": "remove"}
        refused = await client.call_tool("transform", {**order, "output": {"size": 256}})
        assert refused.is_error
        assert "output is not an argument of transform, which takes session_id, background" in refused.content[0].text
        assert said(await client.call_tool("account", {}))["balance"] == 200
        nothing = await client.call_tool("account", {"key": "x"})
        assert nothing.is_error and "key is not an argument of account, which takes nothing." in nothing.content[0].text


async def test_an_argument_of_a_wrong_value_is_said_as_the_api_says_it(stack: Installation) -> None:
    """Code, argument, what it takes and what it was given: neither the reader's own words nor links to them."""
    session = {"session_id": "e76d4dfc-8e0a-4e1b-a5a2-4f9c8a14e2b3"}
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("init", {}, "photo is required."),
        ("init", {"photo": 3}, "photo must be a string, not 3."),
        ("init", {"photo": "a", "max_objects": "many"}, "max_objects must be an integer from 2 to 8, not 'many'."),
        ("result", {"job_id": "a", "wait_seconds": 400}, "wait_seconds must be an integer from 0 to 300, not 400."),
        ("transform", {**session, "formats": "gif"}, "formats must be a list, not 'gif'."),
        ("transform", {**session, "aspect": "2:1"}, "aspect must be one of 1:1, 4:5, 9:16 or 16:9, not '2:1'."),
        ("transform", {**session, "real_height_cm": "tall"}, "real_height_cm must be a number, not 'tall'."),
        ("create_batch", {"items": ["a"]}, "items.0 must be an object, not 'a'."),
        ("quote_batch", {"photos": 0}, "photos must be an integer from 1 to 200, not 0."),
        ("cutout", {**session, "bbox": [0.1, "x"]}, "bbox.1 must be a number, not 'x'."),
    ]
    async with agent(stack, stack.gateway.api_key(10)) as client:
        for tool, arguments, says in wrong:
            refused = await client.call_tool(tool, arguments)
            assert refused.is_error and refused.content[0].text == f"invalid_request: {says}"


async def test_a_quote_takes_a_brand_in_place_of_a_background(stack: Installation, tmp_path: Path) -> None:
    """What transform takes can be asked for before; without both the API says what is missing."""
    photo = tmp_path / "camera.jpg"
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(photo)
    key = stack.gateway.api_key(10)
    with StudioClient(stack.gateway.base_url, key) as client:
        client.save_brand("Shop", background="remove")
    async with agent(stack, key) as client:
        session = {"session_id": said(await client.call_tool("init", {"photo": str(photo)}))["session_id"]}
        assert said(await client.call_tool("quote", {**session, "brand": "Shop"}))["credits"] == 75
        refused = await client.call_tool("quote", session)
        assert refused.is_error and refused.content[0].text.endswith("invalid_request: background is required.")
