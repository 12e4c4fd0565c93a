"""The pages for people."""

from __future__ import annotations

import re
from urllib.parse import quote

import httpx
import pytest

from gateway.http.testing import Gateway


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_needs_nothing_from_elsewhere(gateway: Gateway, path: str) -> None:
    """Every script, style and picture of a page comes from here, exists, and may be run by the page's own policy."""
    page = httpx.get(f"{gateway.base_url}{path}")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self' 'wasm-unsafe-eval'" in page.headers["content-security-policy"]
    assert "<script>" not in page.text
    addresses = re.findall(r'(?:src|href)="(/[^"]*)"', page.text)
    assert addresses
    for address in addresses:
        assert httpx.get(f"{gateway.base_url}{address}").status_code == 200, address
    assert not re.findall(r'(?:src|href)="https?://', page.text)


def test_scripts_import_only_what_is_there(gateway: Gateway) -> None:
    """Static imports resolve; the 3D viewer alone is optional."""
    for name in ("studio.js", "api.js"):
        text = httpx.get(f"{gateway.base_url}/web/{name}").text
        for address in re.findall(r'^import .* from "([^"]+)"', text, re.MULTILINE):
            assert httpx.get(f"{gateway.base_url}{address}").status_code == 200


def test_the_page_names_elements_that_exist(gateway: Gateway) -> None:
    """Every id that the script asks for is in the page."""
    page = httpx.get(f"{gateway.base_url}/").text
    script = httpx.get(f"{gateway.base_url}/web/studio.js").text
    ids = set(re.findall(r'id="([^"]+)"', page))
    asked = set(re.findall(r'\$\("([^"$]+)"\)', script))
    assert asked
    assert asked <= ids


@pytest.mark.parametrize(
    "name", ["../app.py", "..%2fapp.py", "vendor%2f..%2findex.html", ".hidden", "missing.js", "index.html/", "vendor"]
)
def test_no_other_file_is_served(gateway: Gateway, name: str) -> None:
    """Only plain names of the folder."""
    response = httpx.get(f"{gateway.base_url}/web/{name}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_pages_are_cached_by_tag(gateway: Gateway) -> None:
    """A browser that has the page gets 304."""
    tag = httpx.get(f"{gateway.base_url}/docs").headers["etag"]
    assert httpx.get(f"{gateway.base_url}/docs", headers={"If-None-Match": tag}).status_code == 304


def test_the_document_is_served(gateway: Gateway) -> None:
    """As JSON, for this server."""
    api = httpx.get(f"{gateway.base_url}/openapi.json").json()
    assert api["openapi"] == "3.1.0"
    assert api["servers"] == [{"url": gateway.base_url}]


@pytest.mark.parametrize("name", ["a" * 300 + ".js", "../../etc/passwd", "a\x00.js", "..%2f..%2fsecret.js", "%ff.js"])
def test_a_path_never_reaches_the_file_system(gateway: Gateway, name: str) -> None:
    """The files are listed once, at the start; a name that is not among them is 404, at once."""
    response = httpx.get(f"{gateway.base_url}/web/{quote(name)}")
    assert response.status_code == 404 and response.json()["code"] == "not_found"
