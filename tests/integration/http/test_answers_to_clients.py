"""Ids as clients write them, and what answers say beside links."""

from __future__ import annotations

import httpx

from gateway.http.testing import Gateway
from lensora.contract.answers import Output
from lensora.core.artifacts import MediaType
from lensora.core.steps import STAGES


def test_an_stl_comes_with_its_unit_and_axes(gateway: Gateway, api: httpx.Client, job_id: str) -> None:
    """The format has no place for them, so the answer says them; without an STL there is nothing to say."""
    assert "stl_frame" not in api.get(f"/v1/studio/result/{job_id}").text
    gateway.take(job_id)
    gateway.do_stages(job_id, *STAGES, extra=(("stl", "model.stl", MediaType.STL),))
    gateway.finish(job_id)
    output = api.get(f"/v1/studio/result/{job_id}").json()["output"]
    assert output["stl_frame"] == "millimetres, +Z up"
    assert httpx.head(output["stl_url"]).headers["content-type"] == "model/stl"
    parsed = Output.model_validate(output)
    assert set(parsed.urls()) == {"mp4", "glb", "scene", "removed_bg", "stl"}


def test_ids_in_capitals_are_the_same_session_and_job(
    gateway: Gateway, api: httpx.Client, key: str, session_id: str
) -> None:
    """Ids are compared without regard to case, in paths and in bodies."""
    body = {"session_id": session_id.upper(), "background": {"type": "remove"}}
    job_id = api.post("/v1/studio/transform", json=body).json()["job_id"]
    shouted = api.get(f"/v1/studio/result/{job_id.upper()}")
    assert shouted.json()["job_id"] == job_id
    gateway.take(job_id)
    assert api.post(f"/v1/studio/jobs/{job_id.upper()}/cancel").json()["job_id"] == job_id
    with api.stream("GET", f"/v1/studio/result/{job_id.upper()}/stream") as stream:
        assert stream.status_code == 200
    assert gateway.balance(key) == 995
