"""The release's look at the vulnerability database, against a database of our own: what it does not know for sure stops
the release."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from deploy.images.closure import ROOT
from deploy.release.audit import KNOWN_HOLE, Waiver, audit, page_packages, waivers_of
from deploy.release.plan import ReleaseRefused
from lensora.adapters.redis_server import free_port

TODAY = date(2026, 11, 29)
HASH = f"--hash=sha256:{'0' * 64}"


class Database:
    """Advisories by package; or a way to answer that no database has."""

    def __init__(self, *, status: int = 200, body: bytes | None = None, known: bool = True) -> None:
        """
        Args:
            status: of HTTP, of each answer.
            body: of each answer, in place of what is known.
            known: whether it knows the hole that everybody knows.
        """
        self.status, self.body = status, body
        self.holes = {KNOWN_HOLE[1]: "PYSEC-2014-8"} if known else {}
        self.asked: list[str] = []

    def answer(self, question: dict[str, Any]) -> bytes:
        """What is known of one version of a package."""
        name, ecosystem = question["package"]["name"], question["package"]["ecosystem"]
        self.asked.append(f"{name}=={question['version']}")
        if self.body is not None:
            return self.body
        if name not in self.holes:
            return b"{}"
        ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]
        affected = [{"package": {"name": name, "ecosystem": ecosystem}, "ranges": ranges}]
        return json.dumps({"vulns": [{"id": self.holes[name], "summary": "A hole.", "affected": affected}]}).encode()


@contextmanager
def serving(database: Database) -> Iterator[str]:
    """Its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = database.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(database.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock of two packages."""
    path = tmp_path / "gateway.lock"
    path.write_text(f"idna==3.10 \\\n    {HASH}\nUvicorn[standard]==0.40.0 \\\n    {HASH}\n")
    return path


def test_every_pin_is_looked_up(lock: Path) -> None:
    """Those of the locks and those of the pages; a clean answer lets the release go on."""
    database = Database()
    with serving(database) as url:
        assert audit([lock], [("htm", "3.1.1")], osv_url=url, today=TODAY) == 3
    assert set(database.asked) == {"jinja2==2.4.1", "idna==3.10", "uvicorn==0.40.0", "htm==3.1.1"}


def test_a_hole_stops_the_release_until_it_is_accepted_for_a_while(lock: Path) -> None:
    """In Python's packages and in the pages'; an accepted hole holds up to its last day."""
    database = Database()
    database.holes |= {"idna": "GHSA-idna", "htm": "GHSA-htm"}
    waivers = [Waiver("GHSA-idna", "never called", TODAY), Waiver("GHSA-htm", "never called", TODAY)]
    with serving(database) as url:
        with pytest.raises(ReleaseRefused, match=r"idna==3.10 has GHSA-idna; pages: htm@3.1.1 has GHSA-htm"):
            audit([lock], [("htm", "3.1.1")], osv_url=url, today=TODAY)
        assert audit([lock], [("htm", "3.1.1")], osv_url=url, waivers=waivers, today=TODAY) == 3
        with pytest.raises(ReleaseRefused, match="waivers are over: GHSA-idna"):
            audit([lock], [], osv_url=url, waivers=waivers, today=date(2026, 11, 30))


@pytest.mark.parametrize(
    "database",
    [
        Database(status=500),
        Database(status=404),
        Database(body=b"<html>Please log in</html>"),
        Database(body=b"[]"),
        Database(body=b"{}"),
        Database(known=False),
    ],
    ids=["fault", "no such page", "a page", "a list", "an empty answer", "no known hole"],
)
def test_what_is_no_database_stops_the_release(lock: Path, database: Database) -> None:
    """An answer that a proxy, a mirror without data, or a broken database gives is no clean audit."""
    with serving(database) as url, pytest.raises(ReleaseRefused):
        audit([lock], [], osv_url=url, today=TODAY)


def test_a_pin_that_is_not_looked_up_stops_the_release(tmp_path: Path) -> None:
    """A lock without hashes, one with nothing in it, and no lock at all."""
    loose, empty = tmp_path / "loose.lock", tmp_path / "empty.lock"
    loose.write_text("idna==3.10\n")
    empty.write_text("# nothing\n")
    with serving(Database()) as url:
        for locks in ([loose], [empty], []):
            with pytest.raises(ReleaseRefused):
                audit(locks, [], osv_url=url, today=TODAY)


def test_the_command_fails_where_no_database_answers() -> None:
    """One sentence and status 1, by the command that the pipeline runs."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.release", "audit"],
        env={**os.environ, "OSV_URL": f"http://127.0.0.1:{free_port()}/v1/query"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("release: audit: ") and "Traceback" not in done.stderr


def test_nothing_is_published_without_the_audit() -> None:
    """In the workflow every job that publishes waits for it, directly or through another."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())["jobs"]
    assert [step["run"] for step in jobs["audit"]["steps"] if "make" in step.get("run", "")] == ["make audit"]
    assert "continue-on-error" not in str(jobs["audit"])
    needs = {
        name: [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
        for name, job in jobs.items()
    }
    for name in ("images", "chart", "packages"):
        waits = set(needs[name])
        for _ in needs:
            waits |= {deeper for one in waits for deeper in needs[one]}
        assert "audit" in waits, name


def test_accepted_holes_have_a_reason_and_a_last_day(tmp_path: Path) -> None:
    """Ours do, and a file without one of them is refused."""
    waivers_of()
    bad = tmp_path / "waivers.toml"
    for row in (
        'advisory = "A"\nreason = "r"',
        'advisory = "A"\nuntil = 2027-01-01',
        'advisory="A"\nreason=" "\nuntil=2027-01-01',
    ):
        bad.write_text(f"[[waiver]]\n{row}\n")
        with pytest.raises(ReleaseRefused):
            waivers_of(bad)


def test_the_pages_packages_are_known_by_name_and_version() -> None:
    """Each as npm writes it, scopes too."""
    found = page_packages()
    assert "htm" in dict(found) and any(name.startswith("@") for name in dict(found))
    assert all(version[0].isdigit() for _name, version in found)
