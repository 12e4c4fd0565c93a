"""Commands whose gateway is away for longer than they wait: what was paid stays to be found."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress

from lensora.cli.batch import Choices, Made, _Batch
from lensora.cli.batches import _line
from lensora.cli.photos import ListedPhoto
from lensora.cli.watching import saved, watch
from lensora.core.errors import ConfigurationError, Unavailable
from lensora.core.steps import JobStatus

AWAY = "http://api.test does not answer: refused"


def console() -> Console:
    return Console(file=io.StringIO())


def test_a_job_that_cannot_be_followed_is_named() -> None:
    """With the command that follows it."""

    def wait(*_given: Any, **_named: Any) -> None:
        raise Unavailable(AWAY)

    client: Any = SimpleNamespace(wait=wait)
    with pytest.raises(Unavailable) as raised:
        watch(client, "j-1", console())
    assert str(raised.value) == f"{AWAY}; lensora jobs wait j-1 follows the job, which goes on"


def test_each_photo_of_a_batch_that_cannot_be_followed_is_told(tmp_path: Path) -> None:
    """Films that were ready are saved and told as they are; the others name their batch, and how to get it."""

    def wait(_ticket: Any, note: Callable[[Any], None]) -> None:
        ready = SimpleNamespace(name="mug", job_id="j-1", status=JobStatus.COMPLETED)
        made = SimpleNamespace(name="cup", job_id="j-2", status=JobStatus.PROCESSING)
        note(SimpleNamespace(items=(ready, made)))
        raise Unavailable(AWAY)

    client: Any = SimpleNamespace(batches=SimpleNamespace(wait=wait), download=lambda _job, _folder: {})
    ticket: Any = SimpleNamespace(batch_id="b-1", jobs=2)
    photos = {name: ListedPhoto(f"{name}.jpg", name, bytes) for name in ("mug", "cup")}
    told: list[Made] = []
    out = console()
    with ThreadPoolExecutor(1) as pool, Progress(console=out) as bar:
        batch = _Batch(client, pool, out, Choices("remove", None, None, {}), tmp_path, told.append)
        batch._films(ticket, photos, tmp_path, bar)
    by_photo = {made.photo: made for made in told}
    assert by_photo["mug.jpg"] == Made("mug.jpg", "b-1", "j-1", folder=tmp_path / "mug")
    later = f"{AWAY}; lensora batches download b-1 has the film when it is made"
    assert by_photo["cup.jpg"] == Made("cup.jpg", "b-1", error=later)
    assert len(told) == 2


@pytest.mark.parametrize(
    ("error", "kind"),
    [(Unavailable(AWAY), Unavailable), (PermissionError("out: no"), ConfigurationError)],
)
def test_files_that_cannot_be_saved_are_told_by_their_reason(error: Exception, kind: type[Exception]) -> None:
    """A server that is away may be back a moment later; a folder that cannot be written is the caller's to mend."""

    def download(*_given: Any) -> None:
        raise error

    client: Any = SimpleNamespace(download=download)
    result: Any = SimpleNamespace(job_id="j-1")
    with pytest.raises(kind) as raised:
        saved(client, result, Path("out"))
    assert str(raised.value) == f"the job is made, but not saved: {error}; lensora jobs download j-1 saves it later"


@pytest.mark.parametrize(
    ("status", "shown"), [("processing", "processing  40%"), ("canceled", "canceled"), ("failed", "failed")]
)
def test_a_batch_that_was_stopped_shows_no_share(status: str, shown: str) -> None:
    """Its films have all ended, which the API tells as 100; as 100% it would read as made."""
    progress = 40 if status == "processing" else 100
    counts = SimpleNamespace(completed=0, total=2)
    batch: Any = SimpleNamespace(batch_id="b-1", status=JobStatus(status), progress=progress, counts=counts)
    batch.created_at = "2026-12-01T01:02:03Z"
    assert _line(batch) == f"b-1  {shown:15}  2026-12-01 01:02:03  0 of 2 ready"
