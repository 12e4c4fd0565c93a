"""What a customer comes back to: a session read again, what a job was ordered with, a job deleted before its time."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.http.testing import Gateway
from lensora.client import Client
from lensora.core.errors import JobNotFound
from lensora.core.steps import STAGES


def submit(api: httpx.Client, session_id: str, **fields: Any) -> str:
    """A job on white."""
    body = {"session_id": session_id, "background": {"type": "remove"}, **fields}
    return str(api.post("/v1/studio/transform", json=body).json()["job_id"])


def completed(gateway: Gateway, api: httpx.Client, session_id: str, **fields: Any) -> str:
    """A job that has its files."""
    job_id = submit(api, session_id, **fields)
    gateway.take(job_id)
    gateway.do_stages(job_id, *STAGES)
    gateway.finish(job_id)
    return job_id


def test_a_session_is_read_again_for_nothing(api: httpx.Client, photo: bytes) -> None:
    """The same answer as of /init, but for its price."""
    opened = api.post("/v1/studio/init", files={"image": photo}).json()
    again = api.get(f"/v1/studio/sessions/{opened['session_id']}")
    assert again.status_code == 200
    assert again.json() == {**opened, "credits_used": 0}


def test_another_key_does_not_read_a_session(gateway: Gateway, session_id: str) -> None:
    """It is unknown to others, as is an id that is none."""
    headers = {"Authorization": f"Bearer {gateway.api_key()}"}
    for name in (session_id, "nonsense"):
        answer = httpx.get(f"{gateway.base_url}/v1/studio/sessions/{name}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")


def test_a_job_says_what_was_ordered_and_what_it_cost(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """Enough to show it, and to order it again with a change; a second film names the first."""
    background = {"type": "prompt", "prompt": "on a beach"}
    job_id = completed(gateway, api, session_id, background=background, output={"formats": ["gif"], "seconds": 2})
    job = api.get(f"/v1/studio/result/{job_id}").json()
    assert job["credits_used"] == 75
    assert job["order"] == {
        "session_id": session_id,
        "label": "vintage twin-lens reflex camera",
        "background": background,
        "camera_preset": "turntable",
        "output": {"aspect": "1:1", "size": 768, "fps": 24, "seconds": 2.0, "formats": ["mp4", "glb", "gif"]},
    }
    again = api.post(f"/v1/studio/jobs/{job_id}/render", json={"camera_preset": "dolly"}).json()["job_id"]
    assert api.get(f"/v1/studio/result/{again}").json()["order"]["rendered_from"] == job_id


def test_a_deleted_job_is_gone_at_once_and_paid_all_the_same(
    gateway: Gateway, api: httpx.Client, key: str, session_id: str
) -> None:
    """It cannot be read, listed, rendered or deleted again, its files are due to be swept, and nothing comes back."""
    kept, gone = (completed(gateway, api, session_id) for _ in range(2))
    before = gateway.balance(key)
    assert api.delete(f"/v1/studio/jobs/{gone.upper()}").status_code == 204
    assert api.get(f"/v1/studio/result/{gone}").json()["code"] == "job_not_found"
    assert api.post(f"/v1/studio/jobs/{gone}/render", json={}).json()["code"] == "job_not_found"
    assert api.delete(f"/v1/studio/jobs/{gone}").status_code == 404
    assert [job["job_id"] for job in api.get("/v1/studio/jobs").json()["jobs"]] == [kept]
    assert gateway.balance(key) == before
    prefixes = {expired.prefix for expired in gateway.run(gateway.store.expiry.due())}
    assert f"jobs/{gone}" in prefixes and f"jobs/{kept}" not in prefixes


def test_files_that_another_film_needs_outlive_the_deleted_one(
    gateway: Gateway, api: httpx.Client, session_id: str
) -> None:
    """A film made from a deleted one goes on, with the model that it took over."""
    first = completed(gateway, api, session_id)
    second = api.post(f"/v1/studio/jobs/{first}/render", json={"camera_preset": "dolly"}).json()["job_id"]
    assert api.delete(f"/v1/studio/jobs/{first}").status_code == 204
    assert f"jobs/{first}" not in {expired.prefix for expired in gateway.run(gateway.store.expiry.due())}
    gateway.take(second)
    gateway.do_stages(second, STAGES[-1])
    gateway.finish(second)
    output = api.get(f"/v1/studio/result/{second}").json()["output"]
    assert httpx.get(output["glb_url"]).status_code == 200


def test_a_live_job_is_not_deleted(api: httpx.Client, session_id: str) -> None:
    """It is canceled first, which gives its price back."""
    job_id = submit(api, session_id)
    answer = api.delete(f"/v1/studio/jobs/{job_id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert api.post(f"/v1/studio/jobs/{job_id}/cancel").status_code == 200
    assert api.delete(f"/v1/studio/jobs/{job_id}").status_code == 204


def test_another_key_deletes_nothing(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """A job is unknown to other keys."""
    job_id = completed(gateway, api, session_id)
    headers = {"Authorization": f"Bearer {gateway.api_key()}"}
    for name in (job_id, "nonsense"):
        assert httpx.delete(f"{gateway.base_url}/v1/studio/jobs/{name}", headers=headers).status_code == 404
    assert api.get(f"/v1/studio/result/{job_id}").status_code == 200


def test_the_client_reads_a_session_and_deletes_a_job(
    gateway: Gateway, api: httpx.Client, key: str, session_id: str
) -> None:
    """The SDK has both calls."""
    job_id = completed(gateway, api, session_id)
    with Client(gateway.base_url, key) as client:
        assert client.session(session_id).session_id == session_id
        client.delete(job_id)
        with pytest.raises(JobNotFound):
            client.delete(job_id)
