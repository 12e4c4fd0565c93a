"""The ArtifactStore contract, held by the folder, a real S3 API, and the shipped in-memory store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from lensora.adapters.artifacts import ObjectArtifacts, memory_artifacts, open_artifacts
from lensora.core.artifacts import Artifact
from lensora.core.errors import ArtifactCorrupted, ConfigurationError, FileNotFound, InvalidRequest, Unavailable

S3_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
}


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """A real S3 API on loopback, with one bucket; the process's AWS variables point at it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    before = dict(os.environ)
    os.environ.update({**S3_ENVIRONMENT, "AWS_ENDPOINT_URL": endpoint})
    try:
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        client.create_bucket(Bucket="lensora-test")
        client.close()
        yield endpoint
    finally:
        os.environ.clear()
        os.environ.update(before)
        server.stop()


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectArtifacts:
    """Each store that must keep the contract."""
    if request.param == "folder":
        return open_artifacts(f"file://{tmp_path}/artifacts")
    if request.param == "memory":
        return memory_artifacts()
    request.getfixturevalue("s3_endpoint")
    return open_artifacts(f"s3://lensora-test/{tmp_path.name}")


async def test_what_is_put_is_got_back(store: ObjectArtifacts) -> None:
    """Bytes come back unchanged, sync and async, and the reference describes them."""
    artifact = store.put("jobs/a/cutout.png", b"pixels", "image/png")
    assert artifact.size_bytes == 6
    assert artifact.media_type == "image/png"
    assert store.get(artifact) == b"pixels"
    other = await store.put_async("jobs/a/model.glb", b"mesh", "model/gltf-binary")
    assert await store.get_async(other) == b"mesh"
    assert store.key_of(artifact.uri) == "jobs/a/cutout.png"


async def test_put_replaces(store: ObjectArtifacts) -> None:
    """A stage that is run again rewrites its output under the same key."""
    store.put("jobs/a/x.bin", b"first", "application/json")
    again = store.put("jobs/a/x.bin", b"second", "application/json")
    assert store.get(again) == b"second"
    assert (await store.stat_async("jobs/a/x.bin")).size_bytes == 6


async def test_a_missing_artifact_is_file_not_found(store: ObjectArtifacts) -> None:
    """Reading what is not there says so, in every way of reading."""
    ghost = Artifact(uri=store.put("a/b", b"", "x/y").uri + "-ghost", sha256="0" * 64, size_bytes=0, media_type="x/y")
    with pytest.raises(FileNotFound):
        store.get(ghost)
    with pytest.raises(FileNotFound):
        await store.get_async(ghost)
    with pytest.raises(FileNotFound):
        await store.stat_async("a/b-ghost")
    with pytest.raises(FileNotFound):
        [piece async for piece in store.stream_async("a/b-ghost", 0, 4)]


async def test_changed_bytes_are_noticed(store: ObjectArtifacts) -> None:
    """Bytes that do not match the reference's digest are never handed out."""
    artifact = store.put("jobs/a/x.bin", b"first", "application/json")
    store.put("jobs/a/x.bin", b"other", "application/json")
    with pytest.raises(ArtifactCorrupted, match="sha256"):
        store.get(artifact)


async def test_ranges(store: ObjectArtifacts) -> None:
    """A stream yields exactly the bytes of its half-open range."""
    data = bytes(range(256)) * 3000
    store.put("jobs/a/video.mp4", data, "video/mp4")
    pieces = [piece async for piece in store.stream_async("jobs/a/video.mp4", 100, 600_000)]
    assert b"".join(pieces) == data[100:600_000]
    assert len(pieces) > 1


async def test_list_and_delete(store: ObjectArtifacts) -> None:
    """Listing takes whole segments as prefix; deleting twice is no error."""
    for key in ("jobs/a/1", "jobs/a/2", "jobs/ab/3"):
        store.put(key, b"x", "x/y")
    assert {item.key async for item in store.list_async("jobs/a/")} == {"jobs/a/1", "jobs/a/2"}
    await store.delete_async(["jobs/a/1", "jobs/a/2"])
    await store.delete_async(["jobs/a/1"])
    assert {item.key async for item in store.list_async("jobs")} == {"jobs/ab/3"}


async def test_no_empty_folder_stays(tmp_path: Path) -> None:
    """A folder goes with its last file, its neighbours stay, and the store itself can be written to again."""
    store = open_artifacts(f"file://{tmp_path}/artifacts")
    for key in ("jobs/a/1", "jobs/a/2", "jobs/b/1"):
        store.put(key, b"x", "x/y")
    await store.delete_async(["jobs/a/1", "jobs/a/2"])
    assert [path.name for path in (tmp_path / "artifacts" / "jobs").iterdir()] == ["b"]
    await store.delete_async(["jobs/b/1"])
    assert list((tmp_path / "artifacts").iterdir()) == []
    store.put("jobs/c/1", b"x", "x/y")


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../secret", "a/../b", "a//b", ".hidden", "a b", "a?b", "a/"])
def test_a_key_that_is_not_plain_is_refused(store: ObjectArtifacts, key: str) -> None:
    """No key can leave the store's base or need escaping in a URL."""
    with pytest.raises(InvalidRequest, match="plain path segments"):
        store.put(key, b"x", "x/y")


@pytest.mark.parametrize("uri", ["file:///etc/passwd", "s3://elsewhere/key", "http://127.0.0.1/x", ""])
def test_a_uri_of_another_store_is_refused(store: ObjectArtifacts, uri: str) -> None:
    """A service reads nothing but its own store, whatever a request names."""
    with pytest.raises(InvalidRequest, match="must lie under"):
        store.get(Artifact(uri=uri, sha256="0" * 64, size_bytes=1, media_type="x/y"))


def test_a_store_that_does_not_answer_is_unavailable(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket behind a closed port is Unavailable, with a time to retry after."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_RETRIES", "0")
    store = open_artifacts("s3://lensora-test/x")
    with pytest.raises(Unavailable) as caught:
        store.put("a", b"x", "x/y")
    assert caught.value.retry_after_s


@pytest.mark.parametrize("name", ["shop#2", "what?", "100%41"])
def test_a_folder_of_any_name_is_that_folder(tmp_path: Path, name: str) -> None:
    """What a URL elsewhere would read as its query or fragment is a part of the name."""
    store = open_artifacts(f"file://{tmp_path}/{name}/artifacts")
    artifact = store.put("jobs/a/1", b"x", "x/y")
    assert (tmp_path / name / "artifacts" / "jobs" / "a" / "1").read_bytes() == b"x"
    assert store.get(artifact) == b"x"


@pytest.mark.parametrize("url", ["ftp://x/y", "artifacts", "s3://", "s3://bucket/a#b", "s3://bucket/a?b"])
def test_an_unknown_store_is_a_configuration_error(url: str) -> None:
    """The sentence names the variable and what it takes."""
    with pytest.raises(ConfigurationError, match=r"LENSORA_ARTIFACTS_URL=.*takes file:///folder or s3://bucket"):
        open_artifacts(url)


async def test_a_folder_is_moved_with_its_files(tmp_path: Path) -> None:
    """Such as the home of `lensora up`, to a larger disk: what was kept under the old place is read in the new one."""
    before = tmp_path / "artifacts" / "home" / "artifacts"
    kept = open_artifacts(f"file://{before}").put("jobs/a/cutout.png", b"pixels", "image/png")
    after = (tmp_path / "artifacts" / "home").rename(tmp_path / "larger") / "artifacts"
    store = open_artifacts(f"file://{after}")
    assert store.get(kept) == b"pixels"
    assert await store.get_async(kept) == b"pixels"
    assert store.key_of(kept.uri) == "jobs/a/cutout.png"
    for uri in (f"file://{before}/../../secret", f"file://{before}//etc/passwd", "s3://bucket/artifacts/jobs/a"):
        with pytest.raises(InvalidRequest):
            store.key_of(uri)
