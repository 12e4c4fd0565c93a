"""``python -m gateway.smoke``: one tiny job through the REST API of an installation, to see that it works.

It takes Redis from ``LENSORA_REDIS_URL`` to make an account and a key of its own (``helm test`` runs it inside the
cluster), sends a painted photo, waits for the film and opens the four files. Then it revokes the key and lets the
session, the job and their files expire: a sweeper deletes them within a minute. What stays are the account, with the
balance it had, and the lines of its ledger.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import click
import httpx

from gateway.jobs.records import INIT_CREDITS, TRANSFORM_CREDITS
from gateway.jobs.store import open_store
from gateway.settings import RedisSettings
from lensora.client import Client
from lensora.core.errors import ConfigurationError, LensoraError, StageFailed
from lensora.core.steps import JobStatus
from lensora.core.words import JobPicture, OutputFormat
from lensora.settings import load

PHOTO = Path(__file__).with_name("smoke.jpg")
"""Small, but enough for a cutout; a file, so that the gateway's image needs nothing that draws."""

SMALL_FILM = {"size": 256, "fps": 12, "seconds": 1.0}
"""The smallest film that the API makes."""

MAGIC: dict[str, bytes] = {
    OutputFormat.MP4: b"ftyp",
    OutputFormat.GLB: b"glTF",
    JobPicture.SCENE: b"\xff\xd8\xff",
    JobPicture.REMOVED_BG: b"\x89PNG",
}
"""Bytes that each file has near its start."""


@click.command()
@click.option("--base-url", envvar="LENSORA_BASE_URL", help="Address of the installation from here.")
@click.option("--account", default="smoke-test", show_default=True, help="Account that pays; made where it is missing.")
@click.option("--background", default="remove", show_default=True, help='"remove", a URL, or words.')
@click.option("--photo", is_flag=True, help="Only write the photo that is sent, a JPEG, to standard output.")
@click.option("--timeout", "timeout_s", default=600.0, show_default=True, help="Seconds that the job may take.")
def smoke(base_url: str | None, account: str, background: str, photo: bool, timeout_s: float) -> None:
    """Run one tiny job against BASE_URL; exit status 0 when all four files are right."""
    if photo:
        sys.stdout.buffer.write(painted_photo())
        return
    if not base_url:
        raise ConfigurationError("the smoke test needs --base-url or LENSORA_BASE_URL")
    started = time.monotonic()
    key_id, secret = asyncio.run(_make_key(account))
    made: list[tuple[str, str]] = []
    try:
        # Beside it in the cluster: a proxy of the environment is for the Internet.
        with Client(base_url, secret, transport=httpx.HTTPTransport()) as client:
            session = client.init(painted_photo())
            click.echo(f"session {session.session_id}: {', '.join(found.label for found in session.objects)}")
            ticket = client.transform(session.session_id, background, output=SMALL_FILM)
            made.append((ticket.job_id, session.session_id))
            result = client.wait(ticket, timeout_s=timeout_s)
        if result.status is not JobStatus.COMPLETED or result.output is None:
            raise StageFailed(f"job {result.job_id} is {result.status}: {result.error}")
        for name, url in result.output.urls().items():
            size = _open(_reachable(url, base_url), MAGIC.get(name, b""))
            click.echo(f"{name}: {size} bytes")
        click.echo(f"job {result.job_id} completed; everything took {time.monotonic() - started:.1f} s")
    finally:
        asyncio.run(_leave_nothing(key_id, made))


async def _make_key(account: str) -> tuple[str, str]:
    """A fresh key of the account, which gets the price of one job."""
    store = open_store(load(RedisSettings))
    try:
        await store.accounts.create(account)
        price = INIT_CREDITS + TRANSFORM_CREDITS
        await store.credits.grant(account, price, reference=f"smoke-{os.urandom(8).hex()}", memo="smoke test")
        key, secret = await store.keys.create(account, "smoke test")
    finally:
        await store.close()
    return key.key_id, secret


async def _leave_nothing(key_id: str, made: list[tuple[str, str]]) -> None:
    """Revoke the key and let what it made expire; ``made`` holds job and session ids."""
    store = open_store(load(RedisSettings))
    try:
        for job_id, session_id in made:
            await store.expiry.hasten(key_id, job_id, session_id)
        await store.keys.revoke(key_id)
    finally:
        await store.close()


def painted_photo() -> bytes:
    """A painted orange on a grey table, a JPEG of 320 pixels: a subject that stands out."""
    return PHOTO.read_bytes()


def _reachable(url: str, base_url: str) -> str:
    """The artifact's link with the address by which this machine reaches the installation."""
    base = urlsplit(base_url)
    return urlunsplit(urlsplit(url)._replace(scheme=base.scheme, netloc=base.netloc))


def _open(url: str, magic: bytes) -> int:
    """Size of the file behind the link. Raises StageFailed when it is not what it should be."""
    answer = httpx.get(url, timeout=30.0, trust_env=False)
    if not answer.is_success or magic not in answer.content[:16]:
        raise StageFailed(f"{url} answered {answer.status_code} with {answer.content[:16]!r}")
    return len(answer.content)


def main() -> None:
    """One sentence on standard error and status 1 when it does not work."""
    try:
        smoke()
    except LensoraError as error:
        click.echo(f"smoke test: {error.message}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
