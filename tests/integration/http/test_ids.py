"""Ids as clients write them."""

from __future__ import annotations

import httpx

from gateway.http.testing import Gateway


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
