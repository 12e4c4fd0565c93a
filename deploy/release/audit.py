"""Look every pinned package up in the vulnerability database (OSV), and refuse the release for what is found.

It fails closed: a database that does not answer, that answers something else, or that knows nothing of a hole which
everybody knows, is no clean audit. Python's locks are read by pip-audit; what the pages in the browser are made of is
asked for directly. A finding that is accepted for a while stands in ``waivers.toml`` with its reason and its last day.
"""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from deploy.images.closure import ROOT
from deploy.release.plan import ReleaseRefused

LOCKS = ROOT / "deploy" / "locks"
WAIVERS = ROOT / "deploy" / "release" / "waivers.toml"
OSV_URL = "https://api.osv.dev/v1/query"
"""``POST`` of a package and its version; the database holds PyPA's and GitHub's advisories."""
OSV_VARIABLE = "OSV_URL"
"""Names a mirror of the database."""
KNOWN_HOLE = ("PyPI", "jinja2", "2.4.1")
"""A package with holes since 2014: a database that has none for it is not asked further."""
TIMEOUT_S = 30.0

_PIN = re.compile(r"(?m)^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")


@dataclass(frozen=True, slots=True)
class Finding:
    """A pinned package with a known hole: where it is pinned, what, and the advisory's id."""

    where: str
    package: str
    advisory: str

    def __str__(self) -> str:
        return f"{self.where}: {self.package} has {self.advisory}"


@dataclass(frozen=True, slots=True)
class Waiver:
    """A hole that is accepted for a while.

    Attributes:
        advisory: its id, as the database writes it.
        reason: why it cannot be reached in our use.
        until: the last day on which it is accepted.
    """

    advisory: str
    reason: str
    until: date


def waivers_of(path: Path = WAIVERS) -> tuple[Waiver, ...]:
    """The accepted holes.

    Raises:
        ReleaseRefused: an entry has no reason or no last day.
    """
    rows = tomllib.loads(path.read_text()).get("waiver", [])
    try:
        waivers = tuple(Waiver(row["advisory"], row["reason"].strip(), row["until"]) for row in rows)
    except KeyError as error:
        raise ReleaseRefused(f"{path.name}: an entry has no {error}") from error
    if not all(one.reason and isinstance(one.until, date) for one in waivers):
        raise ReleaseRefused(f"{path.name}: each entry needs a reason, and a date of its last day")
    return waivers


def audit(
    locks: Sequence[Path],
    pages: Iterable[tuple[str, str]],
    *,
    osv_url: str,
    waivers: Sequence[Waiver] = (),
    today: date,
) -> int:
    """Look everything up; the number of packages that were.

    Args:
        locks: requirements files with hashes.
        pages: names and versions of npm packages.
        osv_url: the database.
        waivers: accepted holes.
        today: a waiver holds up to its last day.

    Raises:
        ReleaseRefused: a hole, a waiver that is over, or no answer that can be believed.
    """
    if not locks:
        raise ReleaseRefused("audit: there is no lock to look up")
    over = [one.advisory for one in waivers if one.until < today]
    if over:
        raise ReleaseRefused(f"audit: waivers are over: {', '.join(over)}")
    if not _advisories(osv_url, *KNOWN_HOLE):
        raise ReleaseRefused(f"audit: {osv_url} knows of no hole in {'=='.join(KNOWN_HOLE[1:])}: it is no database")
    count, found = 0, list[Finding]()
    for lock in locks:
        looked_up = _audited(lock, osv_url)
        count += len(looked_up)
        found += [Finding(lock.name, package, name) for package, names in looked_up.items() for name in names]
    for name, version in pages:
        count += 1
        found += [
            Finding("pages", f"{name}@{version}", advisory) for advisory in _advisories(osv_url, "npm", name, version)
        ]
    accepted = {one.advisory for one in waivers}
    open_ones = [str(one) for one in found if one.advisory not in accepted]
    if open_ones:
        raise ReleaseRefused("audit: " + "; ".join(open_ones))
    return count


def page_packages() -> list[tuple[str, str]]:
    """Names and versions of the npm packages that the pages are made of."""
    pages = runpy.run_path(str(ROOT / "tools" / "node_packages.py"))["PAGES"]
    pinned = {package for package, _member in pages.values()}
    return [(name, version) for name, _, version in (package.rpartition("@") for package in sorted(pinned))]


def _audited(lock: Path, osv_url: str) -> Mapping[str, list[str]]:
    """``name==version`` -> advisories, of every pin of a lock, by pip-audit."""
    pinned = {f"{_plain(name)}=={version}" for name, version in _PIN.findall(lock.read_text())}
    command = [
        *(sys.executable, "-m", "pip_audit", "--requirement", str(lock)),
        *("--require-hashes", "--disable-pip", "--strict", "--progress-spinner", "off", "--format", "json"),
        *("--vulnerability-service", "osv", "--osv-url", osv_url, "--timeout", f"{TIMEOUT_S:g}"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    # 0: nothing found; 1: something found, or an error, which leaves no report.
    try:
        rows = json.loads(done.stdout)["dependencies"]
        looked_up = {f"{_plain(row['name'])}=={row['version']}": [one["id"] for one in row["vulns"]] for row in rows}
    except (ValueError, KeyError, TypeError) as error:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ReleaseRefused(f"audit: pip-audit could not look {lock.name} up: {last}") from error
    missing = pinned - set(looked_up)
    if missing or not pinned:
        raise ReleaseRefused(f"audit: {lock.name}: not looked up: {', '.join(sorted(missing)) or 'anything'}")
    return looked_up


def _advisories(osv_url: str, ecosystem: str, name: str, version: str) -> list[str]:
    """The advisories of one version of one package."""
    question = json.dumps({"package": {"ecosystem": ecosystem, "name": name}, "version": version}).encode()
    request = urllib.request.Request(osv_url, question, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - our own setting
            found: Any = json.load(answer)
        return [str(one["id"]) for one in found.get("vulns", [])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReleaseRefused(f"audit: {osv_url} gives no answer that can be read: {error}") from error


def _plain(name: str) -> str:
    """A package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
