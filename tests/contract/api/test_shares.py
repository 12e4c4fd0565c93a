"""Public pages of films: switched on and off by their owner, unguessable, expiring, and no more than is allowed."""

from __future__ import annotations

import re

import httpx
import pytest

from gateway.http.testing import Gateway
from lensora.client import Client
from lensora.core.artifacts import MediaType
from lensora.core.errors import Conflict
from lensora.core.steps import STAGES

USDZ = ("usdz", "model.usdz", MediaType.USDZ)


def completed(gateway: Gateway, api: httpx.Client, session_id: str) -> str:
    """A job that has its files."""
    body = {"session_id": session_id, "background": {"type": "remove"}}
    job_id = str(api.post("/v1/studio/transform", json=body).json()["job_id"])
    gateway.take(job_id)
    gateway.do_stages(job_id, *STAGES, extra=(USDZ,))
    gateway.finish(job_id)
    return job_id


def test_a_shared_film_is_seen_by_whoever_has_its_link(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """The page needs no key, shows film and model with their AR files, tells Open Graph, and is not to be listed."""
    job_id = completed(gateway, api, session_id)
    share = api.post(f"/v1/studio/jobs/{job_id}/share", json={}).json()
    assert list(share) == ["share_url", "embed_url", "expires_at", "downloads", "listed"]
    assert re.fullmatch(rf"{gateway.base_url}/s/[A-Za-z0-9_-]{{32}}", share["share_url"])
    page = httpx.get(share["share_url"])
    assert (page.status_code, page.headers["x-robots-tag"]) == (200, "noindex, nofollow")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    url = share["share_url"]
    for part in (
        f'<meta property="og:image" content="{url}/scene">',
        f'<meta property="og:video" content="{url}/mp4">',
        f'<video src="{url}/mp4"',
        f'<model-viewer src="{url}/glb" ios-src="{url}/usdz"',
        "Vintage twin-lens reflex camera",
        f'href="{url}/removed_bg" download',
        "noindex",
    ):
        assert part in page.text
    for name in ("mp4", "glb", "usdz", "scene", "removed_bg"):
        opened = httpx.get(f"{url}/{name}", follow_redirects=True)
        assert (opened.status_code, opened.content[: len(name)]) == (200, name.encode())
    frame = httpx.get(share["embed_url"])
    assert "frame-ancestors *" in frame.headers["content-security-policy"] and "download" not in frame.text
    assert api.get(f"/v1/studio/result/{job_id}").json()["share"] == share


def test_the_owner_decides_what_may_be_taken_and_listed(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """The link stays the same; what is only looked at cannot be taken."""
    job_id = completed(gateway, api, session_id)
    first = api.post(f"/v1/studio/jobs/{job_id}/share", json={}).json()
    how = {"hours": 1, "downloads": False, "listed": True}
    second = api.post(f"/v1/studio/jobs/{job_id}/share", json=how).json()
    assert second["share_url"] == first["share_url"] and second["expires_at"] < first["expires_at"]
    page = httpx.get(second["share_url"])
    assert "x-robots-tag" not in page.headers and "noindex" not in page.text and "download" not in page.text
    assert httpx.get(f"{second['share_url']}/removed_bg").status_code == 404
    assert httpx.get(f"{second['share_url']}/glb").status_code == 307


def test_a_link_that_is_taken_back_shows_nothing_ever_again(
    gateway: Gateway, api: httpx.Client, session_id: str
) -> None:
    """Page, frame and files are gone at once; sharing again makes another link."""
    job_id = completed(gateway, api, session_id)
    old = api.post(f"/v1/studio/jobs/{job_id}/share", json={}).json()["share_url"]
    assert api.delete(f"/v1/studio/jobs/{job_id}/share").status_code == 204
    for path in ("", "/embed", "/mp4"):
        assert httpx.get(f"{old}{path}").status_code == 404
    assert "share" not in api.get(f"/v1/studio/result/{job_id}").json()
    new = api.post(f"/v1/studio/jobs/{job_id}/share", json={}).json()["share_url"]
    assert new != old and httpx.get(new).status_code == 200 and httpx.get(old).status_code == 404
    assert api.delete(f"/v1/studio/jobs/{job_id}").status_code == 204
    assert httpx.get(new).status_code == 404


def test_a_link_ends_with_its_time(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """Then it shows a page that says so; sharing again makes another link."""
    job_id = completed(gateway, api, session_id)
    url = api.post(f"/v1/studio/jobs/{job_id}/share", json={"hours": 0.1}).json()["share_url"]
    token = url.rsplit("/", 1)[-1]
    scripts = gateway.store.scripts
    gateway.run(scripts.client.pexpire(scripts.key(f"share:{token}"), 1))
    gateway.run(scripts.client.hset(scripts.key(f"job:{job_id}"), "share_expires", "1"))
    answer = httpx.get(url)
    assert (answer.status_code, answer.headers["x-robots-tag"]) == (404, "noindex, nofollow")
    assert "not shown any more" in answer.text
    assert api.post(f"/v1/studio/jobs/{job_id}/share", json={}).json()["share_url"] != url


def test_only_the_owner_shares_and_only_what_is_complete(
    gateway: Gateway, api: httpx.Client, key: str, session_id: str
) -> None:
    """Another key's job is unknown; a job that runs has nothing to show; a wrong time is refused."""
    job_id = completed(gateway, api, session_id)
    headers = {"Authorization": f"Bearer {gateway.api_key()}"}
    path = f"{gateway.base_url}/v1/studio/jobs/{job_id}/share"
    assert httpx.post(path, json={}, headers=headers).json()["code"] == "job_not_found"
    assert httpx.delete(path, headers=headers).json()["code"] == "job_not_found"
    assert "hours must be a number" in api.post(f"/v1/studio/jobs/{job_id}/share", json={"hours": 0}).json()["detail"]
    body = {"session_id": session_id, "background": {"type": "remove"}}
    live = api.post("/v1/studio/transform", json=body).json()["job_id"]
    with Client(gateway.base_url, key) as client:
        with pytest.raises(Conflict, match=f"Only a completed job can be shared; job {live} is (queued|processing)."):
            client.share(live)
        assert httpx.get(client.share(job_id, hours=2).share_url).status_code == 200
        client.unshare(job_id)


@pytest.mark.parametrize("token", ["x", "a" * 32, "..%2f..%2fjobs", "a" * 5000])
def test_a_guess_is_told_nothing(gateway: Gateway, token: str) -> None:
    """Every wrong token gets the same page."""
    assert httpx.get(f"{gateway.base_url}/s/{token}").status_code == 404
