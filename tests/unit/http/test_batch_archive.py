"""The archive of a batch: names that every system can unpack, and memory that does not grow with what it holds."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.http.batches.archive import TABLE, ArchiveCalls
from gateway.http.batches.names import distinct, folders
from gateway.http.plumbing.gate import Gate
from gateway.jobs import ports
from gateway.jobs.batch_records import Batch, BatchItem, ItemState
from gateway.jobs.records import OutputFile
from gateway.links import FileLinks, UrlSigner
from lensora.adapters.artifacts import open_artifacts
from lensora.core.artifacts import Artifact, MediaType
from lensora.core.steps import JobStatus

FILM_BYTES = 60_000_000


async def test_memory_does_not_grow_with_the_films(tmp_path: Path) -> None:
    """Two large films go through in pieces; a file that is no longer there is left out; the archive is whole."""
    artifacts = open_artifacts(f"file://{tmp_path}")
    (tmp_path / "film.mp4").touch()
    with (tmp_path / "film.mp4").open("r+b") as file:
        file.truncate(FILM_BYTES)
    outputs = {
        name: OutputFile(Artifact(f"file://{tmp_path}/{name}", "0" * 64, FILM_BYTES, MediaType.MP4), name)
        for name in ("film.mp4", "lost.glb")
    }

    async def get(_key_id: str, _job_id: str) -> Any:
        return SimpleNamespace(outputs=outputs)

    links = FileLinks(UrlSigner(["a-signing-key-for-tests-of-archives"], "http://studio.test"), artifacts.key_of)
    nowhere = cast(Any, SimpleNamespace())
    calls = ArchiveCalls(
        cast(Gate, nowhere), cast(ports.Jobs, SimpleNamespace(get=get)), nowhere, artifacts, nowhere, links
    )
    items = tuple(ItemState(place, BatchItem(f"{place}", "s", job_id="j"), JobStatus.COMPLETED) for place in (0, 1))
    batch = Batch("b", "key", "account", 1, items, {}, 150, False, 1_795_968_765_720, 1_795_968_765_721, 0)
    seen, head, tail = 0, b"", b""
    tracemalloc.start()
    async for piece in calls._archive(batch):
        seen += len(piece)
        head, tail = (head + piece)[:1_000], (tail + piece)[-1_000:]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen > 2 * FILM_BYTES and peak < 4_000_000
    assert head.startswith(b"PK") and tail.count(b"film.mp4") == 2 and b"lost.glb" not in tail


@given(st.lists(st.text(max_size=100), min_size=1, max_size=20))
@example(["\U0001f375" * 90, "\U0001f375" * 91])
@example(["con", "CON", "lpt1.txt"])
def test_any_names_are_folders_that_every_system_takes(names: list[str]) -> None:
    """One folder for each name, no two the same in any spelling, no path, nothing that Windows refuses."""
    made = folders(distinct(names))
    assert len({name.casefold() for name in made}) == len(names)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in made:
            assert 0 < len(name) <= 90 and len(name.encode()) <= 255 and not set('<>:"/\\|?*\0') & set(name)
            assert name == name.strip(" .") and name not in (".", "..")
            archive.writestr(f"{name}/film.mp4", b"")
    assert len(zipfile.ZipFile(out).namelist()) == len(names)


@pytest.mark.parametrize(
    ("given_names", "expected"),
    [
        (["mug", "Mug", None, "mug"], ["mug", "Mug-2", "003", "mug-3"]),
        ([None] * 2, ["001", "002"]),
    ],
)
def test_names_are_told_apart(given_names: list[str | None], expected: list[str]) -> None:
    """A name that was there gets a number; none is its place."""
    assert distinct(given_names) == expected


async def test_no_folder_has_the_tables_name(tmp_path: Path) -> None:
    """An item that is called as the table of the archive has a folder beside it: the archive can be unpacked."""
    artifacts = open_artifacts(f"file://{tmp_path}/store")
    film = OutputFile(artifacts.put("film.mp4", b"film", MediaType.MP4), "film.mp4")

    async def get(_key_id: str, _job_id: str) -> Any:
        return SimpleNamespace(outputs={"mp4": film})

    links = FileLinks(UrlSigner(["a-signing-key-for-tests-of-archives"], "http://studio.test"), artifacts.key_of)
    nowhere = cast(Any, SimpleNamespace())
    calls = ArchiveCalls(
        cast(Gate, nowhere), cast(ports.Jobs, SimpleNamespace(get=get)), nowhere, artifacts, nowhere, links
    )
    items = (ItemState(0, BatchItem("Films.csv", "s", job_id="j"), JobStatus.COMPLETED),)
    batch = Batch("b", "key", "account", 1, items, {}, 75, False, 1_795_968_765_720, 1_795_968_765_721, 0)
    packed = zipfile.ZipFile(io.BytesIO(b"".join([piece async for piece in calls._archive(batch)])))
    assert packed.namelist() == [TABLE, "Films.csv-2/film.mp4"]
    assert b"Films.csv,Films.csv-2,completed" in packed.read(TABLE)
