"""One real photo to the four artifacts, through the public API of a stack that a user started."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
import trimesh
from PIL import Image

from lensora.client import Client

ROOT = Path(__file__).resolve().parents[2]


def probe(video: Path) -> dict[str, object]:
    """What ffprobe says of the first stream, with the frames counted."""
    ffprobe = shutil.which("ffprobe")
    assert ffprobe, "ffprobe is missing: run `make setup-test`, or apt-get install ffmpeg"
    fields = "codec_name,pix_fmt,width,height,r_frame_rate,nb_read_frames,duration,color_space,color_range"
    done = subprocess.run(
        [ffprobe, "-v", "error", "-count_frames", "-show_entries", f"stream={fields}", "-of", "json", str(video)],
        capture_output=True,
        check=True,
    )
    stream: dict[str, object] = json.loads(done.stdout)["streams"][0]
    return stream


def validate(glb: Path) -> dict[str, object]:
    """The Khronos glTF validator's report."""
    script = ROOT / "tests" / "tools" / "validate_gltf.mjs"
    node = shutil.which("node") or str(Path(sys.executable).parent / "node")
    done = subprocess.run([node, str(script), str(glb)], capture_output=True, check=False, text=True)
    assert done.stdout, f"the glTF validator did not run ({done.stderr}); run `make setup-test`"
    report: dict[str, object] = json.loads(done.stdout)
    return report


def mirrored(photo: Path) -> bytes:
    """What a photo's other side may look like."""
    out = io.BytesIO()
    with Image.open(photo) as picture:
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(out, "JPEG")
    return out.getvalue()


def test_the_pages_python_example_runs_to_a_video(up, cup: Path, tmp_path: Path) -> None:
    """The example of the public page runs unmodified but for its base URL, and the video it saves is as promised."""
    shutil.copy(cup, tmp_path / "rolleiflex.jpg")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "data" / "page_example.py")],
        cwd=tmp_path,
        env={**os.environ, "LENSORA_TEST_API": up.base_url, "PIXELAPI_KEY": up.api_key},
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    )
    assert "session:" in done.stdout
    assert "entire image (no crop) (full_frame)" in done.stdout
    assert "MP4:" in done.stdout
    assert "FAILED" not in done.stdout
    stream = probe(tmp_path / "output.mp4")
    assert (stream["codec_name"], stream["pix_fmt"]) == ("h264", "yuv420p")
    assert (stream["width"], stream["height"]) == (768, 768)
    assert stream["r_frame_rate"] == "24/1"
    assert stream["nb_read_frames"] == "96"
    assert float(str(stream["duration"])) == pytest.approx(4.0, abs=1e-3)
    assert stream["color_space"] == "bt709"


def test_the_four_artifacts_are_what_they_say(up, client: Client, cup: Path, tmp_path: Path) -> None:
    """Cutout, scene, model and film of one job, for a story, open in other programs and hold the contract's promises; a
    further photo is cut out and given to the model, and told of."""
    session = client.init(cup, max_objects=6)
    assert session.credits_used == 5
    view = client.add_view(session.session_id, mirrored(cup), "back")
    assert view.likeness is not None and view.likeness > 0.5 and view.credits_used == 2
    assert session.objects[-1].label == "entire image (no crop)"
    tall = {"aspect": "9:16", "size": 768, "seconds": 1.0}
    ticket = client.transform(session.session_id, "on a marble countertop with soft natural light", output=tall)
    seen: list[tuple[str | None, int]] = []
    result = client.wait(ticket, on_progress=lambda r: seen.append((r.step, r.progress)), timeout_s=180)
    assert result.status == "completed", result.error
    assert (result.step, result.progress) == ("done", 100)
    assert [progress for _, progress in seen] == sorted(progress for _, progress in seen)
    files = client.download(result, tmp_path)
    assert result.quality is not None and result.quality.views is not None and result.models is not None
    assert [(each.view_id, each.side) for each in result.quality.views] == [(view.view_id, "back")]
    assert {each.stage for each in result.models if each.views == (view.view_id,)} >= {"detect", "segment"}

    cutout = Image.open(files["removed_bg"])
    assert (cutout.format, cutout.mode) == ("PNG", "RGBA")
    alpha = np.asarray(cutout)[..., 3]
    assert 0.05 < (alpha > 128).mean() < 0.95

    scene = Image.open(files["scene"])
    assert (scene.format, scene.mode, scene.size) == ("JPEG", "RGB", (432, 768))
    assert np.asarray(scene).std() > 10

    report = validate(files["glb"])
    assert report["issues"]["numErrors"] == 0, report  # type: ignore[index]
    mesh = trimesh.load(files["glb"], force="mesh")
    mesh.merge_vertices(merge_tex=True, merge_norm=True)  # a seam of the atlas is no hole
    assert mesh.is_watertight
    low, high = mesh.bounds
    assert abs(low[1]) < 1e-3
    assert np.abs((low + high)[[0, 2]]).max() < 2e-2 * (high - low).max()
    assert len(mesh.faces) <= 60_000
    assert files["glb"].stat().st_size <= 3_000_000
    stream = probe(files["mp4"])
    assert (stream["width"], stream["height"], stream["nb_read_frames"]) == (432, 768, "24")


def test_the_pages_curl_sequence(up, cup: Path, tmp_path: Path) -> None:
    """The page's two cURL calls and the poll answer with exactly the fields that the page shows."""
    curl = shutil.which("curl")
    assert curl, "curl is missing: apt-get install curl"
    header = ["-H", f"Authorization: Bearer {up.api_key}"]

    def call(*arguments: str) -> dict[str, object]:
        done = subprocess.run([curl, "-sS", *arguments, *header], capture_output=True, check=True, cwd=cup.parent)
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    init = call("-X", "POST", f"{up.base_url}/v1/studio/init", "-F", "image=@rolleiflex.jpg", "-F", "max_objects=6")
    assert list(init) == [
        "session_id", "source_url", "objects", "suggested_actions", "credits_used", "vlm_elapsed_ms",
    ]  # fmt: skip
    body = {
        "session_id": init["session_id"],
        "object_index": 0,
        "background": {"type": "remove"},
        "camera_preset": "dolly",
    }
    job = call(
        *("-X", "POST", f"{up.base_url}/v1/studio/transform", "-H", "Content-Type: application/json"),
        *("-d", json.dumps(body)),
    )
    assert list(job)[:5] == ["job_id", "status", "credits_used", "estimated_seconds", "poll_url"]
    assert job["credits_used"] == 75
    with Client(up.base_url, up.api_key) as sdk:
        assert sdk.wait(str(job["job_id"]), timeout_s=180).status == "completed"
    poll = call(f"{up.base_url}{job['poll_url']}")
    assert poll["status"] == "completed"
    assert set(poll["output"]) >= {"mp4_url", "glb_url", "scene_url", "removed_bg_url"}  # type: ignore[call-overload]


def test_an_artifact_opens_without_a_key_and_in_ranges(up, client: Client) -> None:
    """A finished job's links open bare, answer HEAD and Range, and carry the file's name and type."""
    page = client.jobs(limit=1)
    output = page.jobs[0].output
    assert output is not None
    with httpx.Client(trust_env=False) as bare:
        head = bare.head(output.mp4_url)
        assert head.status_code == 200
        assert head.headers["content-type"] == "video/mp4"
        assert ".mp4" in head.headers["content-disposition"]
        part = bare.get(output.mp4_url, headers={"Range": "bytes=4-7"})
        assert (part.status_code, part.content) == (206, b"ftyp")
        assert bare.get(output.mp4_url.replace(".mp4", ".mp5")).status_code == 404


def test_a_text_file_is_refused_and_costs_nothing(up, client: Client) -> None:
    """A text file named .jpg is 400 invalid_image, and the balance stays."""
    before = client.account().balance
    answer = httpx.post(
        f"{up.base_url}/v1/studio/init",
        headers={"Authorization": f"Bearer {up.api_key}"},
        files={"image": ("photo.jpg", io.BytesIO(b"not a picture at all"), "image/jpeg")},
        trust_env=False,
    )
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_image"
    assert client.account().balance == before
