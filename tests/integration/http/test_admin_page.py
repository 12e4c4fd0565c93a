"""The operator's page and its calls, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from pydantic import ValidationError

from gateway.http.settings import HttpSettings
from gateway.http.testing import Gateway, Installation, installation
from gateway.jobs.records import JobError
from lensora.core.steps import Step

TOKEN = "an-operator-s-token-for-the-tests-of-the-page"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A gateway with an operator's page."""
    with installation(tmp_path_factory.mktemp("admin"), admin_token=TOKEN) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(stack: Installation) -> Gateway:
    """That gateway."""
    return stack.gateway


@pytest.fixture
def admin(gateway: Gateway) -> Iterator[httpx.Client]:
    """An operator."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=f"{gateway.base_url}/admin/api", headers=headers, timeout=20) as client:
        yield client


def failed_job(gateway: Gateway, account: str, photo: bytes) -> str:
    """A job of an account with 1,000 credits that has failed; a second one waits."""
    headers = {"Authorization": f"Bearer {gateway.api_key(1_000, account)}"}
    with httpx.Client(base_url=gateway.base_url, headers=headers, timeout=20) as api:
        session_id = api.post("/v1/studio/init", files={"image": photo}).json()["session_id"]
        body = {"session_id": session_id, "background": {"type": "remove"}}
        job_id = str(api.post("/v1/studio/transform", json=body).json()["job_id"])
        gateway.take(job_id)
        gateway.fail(job_id, JobError("3D generation timeout", "deadline_exceeded", Step.GENERATING_3D, True))
        api.post("/v1/studio/transform", json=body)
    return job_id


def test_without_a_token_set_there_is_no_such_page(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither the page nor a call answers anything but 404."""
    with installation(tmp_path_factory.mktemp("off")) as running:
        for path in ("/admin", "/admin/api/overview", "/admin/api/accounts"):
            answer = httpx.get(f"{running.gateway.base_url}{path}", headers={"Authorization": f"Bearer {TOKEN}"})
            assert answer.status_code == 404, path


@pytest.mark.parametrize("token", ["short", "with spaces " * 4, "\u00fc" * 40, "x" * 31])
def test_a_weak_token_stops_the_process(token: str) -> None:
    """At least 32 plain characters, or none."""
    with pytest.raises(ValidationError, match="at least 32 ASCII characters"):
        HttpSettings.model_validate({"admin_token": token})


def test_the_page_is_kept_by_nobody_and_listed_by_nobody(gateway: Gateway) -> None:
    """It holds nothing itself, and loads nothing from elsewhere."""
    answer = httpx.get(f"{gateway.base_url}/admin")
    assert answer.status_code == 200
    assert (answer.headers["cache-control"], answer.headers["x-robots-tag"]) == ("no-store", "noindex, nofollow")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy


def test_no_call_answers_without_the_token(gateway: Gateway) -> None:
    """Every one is 401 for an API key too, and nothing of it may be stored."""
    secret = gateway.api_key(10)
    for method, path in (
        ("GET", "overview"),
        ("GET", "accounts"),
        ("POST", "accounts"),
        ("GET", "accounts/x"),
        ("POST", "accounts/x/grants"),
        ("POST", "accounts/x/freeze"),
        ("POST", "accounts/x/keys"),
        ("POST", "accounts/x/keys/y/revoke"),
    ):
        for headers in ({}, {"Authorization": f"Bearer {secret}"}) if path == "overview" else ({},):
            answer = httpx.request(method, f"{gateway.base_url}/admin/api/{path}", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), path
            assert answer.headers["cache-control"] == "no-store"


def test_an_account_is_made_granted_given_a_key_and_frozen(gateway: Gateway, admin: httpx.Client) -> None:
    """A reference is granted once; the whole key is told once; what is done shows at once."""
    assert admin.post("accounts", json={"account_id": "new-shop", "name": "A shop"}).json()["balance"] == 0
    assert admin.post("accounts", json={"account_id": "new-shop"}).status_code == 409
    assert admin.post("accounts", json={"account_id": "no spaces"}).status_code == 400
    grant = {"amount": 500, "memo": "for a start", "reference": "invoice-7"}
    for _ in "ab":
        assert admin.post("accounts/new-shop/grants", json=grant).json() == {"account_id": "new-shop", "balance": 500}
    made = admin.post("accounts/new-shop/keys", json={"name": "till", "test": False}).json()
    own = httpx.get(f"{gateway.base_url}/v1/account", headers={"Authorization": f"Bearer {made['api_key']}"})
    assert own.json()["balance"] == 500
    assert admin.post("accounts/new-shop/freeze", json={"frozen": True}).json()["frozen"] is True
    detail = admin.get("accounts/new-shop")
    assert made["api_key"] not in detail.text
    body = detail.json()
    assert [(key["name"], key["hint"], key["test"]) for key in body["keys"]] == [("till", made["hint"], False)]
    assert [(entry["kind"], entry["amount"], entry["memo"]) for entry in body["ledger"]] == [
        ("grant", 500, "for a start")
    ]
    assert [(day["granted"], day["charged"]) for day in body["usage"]["days"]] == [(500, 0)]
    assert admin.post(f"accounts/another/keys/{made['key_id']}/revoke").status_code == 404
    assert admin.post(f"accounts/new-shop/keys/{made['key_id']}/revoke").json()["revoked_ms"] > 0
    own = httpx.get(f"{gateway.base_url}/v1/account", headers={"Authorization": f"Bearer {made['api_key']}"})
    assert own.status_code == 401


def test_jobs_failures_refunds_and_the_queue_are_seen(gateway: Gateway, admin: httpx.Client, photo: bytes) -> None:
    """Of every account, newest first, with reasons; filters and pages hold."""
    job_id = failed_job(gateway, "jobs-shop", photo)
    page = admin.get("jobs", params={"account": "jobs-shop"}).json()
    assert [row["status"] for row in page["jobs"]] == ["queued", "failed"] and page["next_cursor"] == ""
    (failed,) = admin.get("jobs", params={"status": "failed", "account": "jobs-shop"}).json()["jobs"]
    assert (failed["job_id"], failed["error_message"]) == (job_id, "3D generation timeout")
    assert (failed["error_code"], failed["error_stage"]) == ("deadline_exceeded", "generating-3d")
    assert (failed["price"], failed["refunded"]) == (75, 75)
    assert [row["job_id"] for row in admin.get("jobs?refunded=true&account=jobs-shop").json()["jobs"]] == [job_id]
    first = admin.get("jobs?account=jobs-shop&limit=1").json()
    second = admin.get("jobs", params={"account": "jobs-shop", "limit": 1, "cursor": first["next_cursor"]}).json()
    assert [row["status"] for row in (*first["jobs"], *second["jobs"])] == ["queued", "failed"]
    overview = admin.get("overview").json()
    assert overview["queue"]["waiting"] >= 1 and overview["queue"]["oldest_ms"] > 0
    assert {"account_id": "jobs-shop", "waiting": 1, "running": 0} in overview["queue"]["accounts"]
    assert overview["failures"][0]["job_id"] == job_id
    (day,) = admin.get("accounts/jobs-shop").json()["usage"]["days"]
    assert (day["charged"], day["refunded"], day["granted"]) == (5 + 75 + 75, 75, 1_000)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("jobs?status=lost", "status must be one of"),
        ("jobs?cursor=x", "cursor must be one that a page gave"),
        ("jobs?limit=0", "limit must be an integer"),
        ("accounts/nobody", "There is no account 'nobody'"),
        ("accounts/new-shop?days=1000", "days must be an integer from 1 to 90"),
    ],
)
def test_what_is_wrong_is_named(admin: httpx.Client, path: str, says: str) -> None:
    """As everywhere."""
    assert admin.get(path).json()["detail"].startswith(says)
