"""Commands that talk to a gateway elsewhere, as a person or a script types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from gateway.http.testing import Installation, installation
from gateway.jobs.records import JobError
from lensora.client import Client
from lensora.core.steps import STAGES, Step

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A gateway, without a worker."""
    with installation(tmp_path_factory.mktemp("remote")) as running:
        yield running


@pytest.fixture(scope="module")
def key(stack: Installation) -> str:
    """A key with credits for all tests."""
    return stack.gateway.api_key(1_000)


@pytest.fixture
def command(stack: Installation, key: str, tmp_path: Path) -> Command:
    """Runs ``lensora`` with that gateway and key in the environment."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "LENSORA_BASE_URL": stack.gateway.base_url, "LENSORA_API_KEY": key, **more}
        return subprocess.run(
            [sys.executable, "-m", "lensora.cli.main", *arguments],
            env={**environment, "LENSORA_HOME": str(tmp_path / "home")},
            capture_output=True,
            encoding=more.get("PYTHONIOENCODING", "utf-8"),
            check=False,
            cwd=tmp_path,
        )

    return run


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo as a file."""
    path = tmp_path_factory.mktemp("photos") / "camera.jpg"
    Image.linear_gradient("L").resize((640, 480)).convert("RGB").save(path)
    return path


def worker(stack: Installation, key: str, count: int) -> threading.Thread:
    """Completes the next jobs of the key, so many, as they come."""

    def work() -> None:
        left = count
        with Client(stack.gateway.base_url, key) as client:
            while left:
                for job in client.jobs(status="queued").jobs:
                    stack.gateway.take(job.job_id)
                    stack.gateway.do_stages(job.job_id, *STAGES)
                    stack.gateway.finish(job.job_id)
                    left -= 1
                time.sleep(0.05)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def submitted(stack: Installation, key: str, photo: Path) -> str:
    """The id of a fresh job."""
    with Client(stack.gateway.base_url, key) as client:
        return client.transform(client.init(photo).session_id, "remove").job_id


def test_run_takes_choices_and_answers_in_json(stack: Installation, key: str, command: Command, photo: Path) -> None:
    """One JSON object with session, further photos, result and files; all choices reach the job."""
    thread = worker(stack, key, 1)
    film = ("--size", "512", "--fps", "30", "--seconds", "2", "--format", "poster")
    done = command(
        "run", str(photo), *film, *("--detail", str(photo)) * 2, "--back", str(photo), "--view", str(photo), "--json"
    )
    thread.join(30)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["result"]["status"] == "completed"
    assert set(said["files"]) == {"mp4", "glb", "scene", "removed_bg"}
    order = stack.gateway.claims[said["result"]["job_id"]].job.order
    assert (order.output.size, order.output.fps, order.output.seconds) == (512, 30, 2.0)
    assert "poster" in order.output.formats
    assert [view.side for view in order.views] == ["back", "detail", "detail", None]
    assert [view["view_id"] for view in said["views"]] == [view.view_id for view in order.views]


def test_a_further_photo_that_is_refused_is_named(command: Command, photo: Path, tmp_path: Path) -> None:
    """Of several files the one that is wrong, photo or film."""
    text = tmp_path / "left.jpg"
    text.write_text("no picture")
    for option, said in (
        ("--left", "image must be a JPEG, PNG or WebP file"),
        ("--turn", "video must be an MP4 or MOV"),
    ):
        done = command("run", str(photo), "--back", str(photo), option, str(text))
        assert done.returncode == 1
        assert f"lensora: {text}: {said}" in done.stderr
    assert f"lensora: {text}: image must be" in command("run", str(text)).stderr


def test_jobs_are_listed_shown_downloaded_and_filmed_again(
    stack: Installation, key: str, command: Command, photo: Path, tmp_path: Path
) -> None:
    """A finished job is found again by its id, its files are saved, and a second film is made of it."""
    job_id = submitted(stack, key, photo)
    worker(stack, key, 1).join(30)
    listed = json.loads(command("jobs", "list", "--status", "completed", "--json").stdout)
    assert listed[0]["job_id"] == job_id
    assert job_id in command("jobs", "list").stdout
    assert "completed  100%" in command("jobs", "show", job_id).stdout
    files = json.loads(command("jobs", "download", job_id, "--out", str(tmp_path / "kept"), "--json").stdout)
    assert sorted(Path(path).name for path in files.values()) == [
        "cutout.png",
        "model.glb",
        "scene.jpg",
        "turntable.mp4",
    ]
    assert all(Path(path).stat().st_size > 1_000 for path in files.values())
    nowhere = command("jobs", "download", job_id, "--out", f"{files['mp4']}/films")
    assert (nowhere.returncode, nowhere.stderr) == (1, f"lensora: {files['mp4']}/films: Not a directory\n")
    ticket = json.loads(command("render", job_id, "--camera", "dolly", "--no-wait", "--json").stdout)
    assert ticket["credits_used"] == 25
    assert json.loads(command("jobs", "cancel", ticket["job_id"], "--json").stdout)["credits_refunded"] == 25
    assert json.loads(command("jobs", "delete", ticket["job_id"], "--json").stdout)["deleted"] is True
    assert ticket["job_id"] not in command("jobs", "list").stdout


def test_waiting_for_a_job_that_fails_is_status_1(stack: Installation, key: str, command: Command, photo: Path) -> None:
    """The reason and the refund are one sentence; the JSON on standard output is whole all the same."""
    job_id = submitted(stack, key, photo)
    stack.gateway.take(job_id)
    stack.gateway.fail(job_id, JobError("3D generation timeout", "deadline_exceeded", Step.GENERATING_3D, False))
    done = command("jobs", "wait", job_id, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["status"] == "failed"
    assert done.stderr.strip() == "lensora: the job is failed: 3D generation timeout; 75 credits came back"


def test_account_shows_balance_and_movements(command: Command) -> None:
    """For people and for programs."""
    said = json.loads(command("account", "--limit", "2", "--json").stdout)
    assert said["balance"] <= 1_000
    assert len(said["ledger"]) == 2
    assert f"{said['balance']} credits" in command("account").stdout


def test_a_batch_makes_a_folder_for_each_photo(
    stack: Installation, key: str, command: Command, photo: Path, tmp_path: Path
) -> None:
    """Photos that can be done are done, the one that cannot says why, and the exit status tells."""
    again = tmp_path / "other" / "camera.jpg"
    again.parent.mkdir()
    again.write_bytes(photo.read_bytes())
    shot = tmp_path / "Screenshot at 9.41\u202fAM.jpg"  # as macOS names them
    shot.write_bytes(photo.read_bytes())
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    thread = worker(stack, key, 3)
    done = command("batch", str(photo), str(again), str(shot), str(broken), "--out", str(tmp_path / "films"), "--json")
    thread.join(30)
    assert done.returncode == 1
    lines = {Path(line["photo"]): line for line in map(json.loads, done.stdout.splitlines())}
    assert {path.name for path in (tmp_path / "films").iterdir()} == {"camera", "camera-2", "Screenshot at 9.41 AM"}
    assert lines[photo]["error"] is None and lines[again]["error"] is None
    assert len(list(Path(str(lines[again]["folder"])).iterdir())) == 4
    assert "JPEG, PNG or WebP" in lines[broken]["error"] and lines[broken]["batch_id"] is None
    assert "4 photos: 320 credits" in done.stderr
    batch_id = lines[photo]["batch_id"]
    assert lines[again]["batch_id"] == batch_id
    listed = json.loads(command("batches", "list", "--limit", "1", "--json").stdout)
    assert (listed[0]["batch_id"], listed[0]["status"]) == (batch_id, "completed")
    archive = json.loads(command("batches", "download", batch_id, "--json").stdout)
    assert len(zipfile.ZipFile(tmp_path / archive["archive"]).namelist()) == 1 + 3 * 4
    assert "deleted" in command("batches", "delete", batch_id).stdout


def test_a_folder_is_ordered_by_the_rows_of_a_table(
    stack: Installation, key: str, command: Command, photo: Path, tmp_path: Path
) -> None:
    """Each row says what differs; the batch is shown and canceled by its id. The price is said before."""
    shop = tmp_path / "shop"
    shop.mkdir()
    for name in ("one.jpg", "two.jpg", "three.jpg"):
        (shop / name).write_bytes(photo.read_bytes())
    (tmp_path / "rows.csv").write_text("photo,name,object,background\ntwo.jpg,Second,2,a beach\none.jpg,,9,\n")
    done = command("batch", "shop", "--csv", "rows.csv", "--camera", "dolly", "--no-wait", "--json")
    assert done.returncode == 1
    refused, ordered = (json.loads(line) for line in done.stdout.splitlines())
    assert "object_index must be from 0 to 2" in refused["error"] and ordered["error"] is None
    shown = command("batches", "show", ordered["batch_id"]).stdout.splitlines()
    assert [line.split()[0] for line in shown[1:]] == ["Second", "one"]
    job_id = json.loads(command("batches", "show", ordered["batch_id"], "--json").stdout)["items"][0]["job_id"]
    stack.gateway.take(job_id)
    order = stack.gateway.claims[job_id].job.order
    assert (order.background.prompt, order.camera, order.object_index) == ("a beach", "dolly", 2)
    canceled = command("batches", "cancel", ordered["batch_id"]).stdout
    assert canceled == "Films canceled: 1. 75 credits came back in all.\n"
    by_words = command("batch", "shop/one.jpg", "--no-wait").stdout
    newest = json.loads(command("batches", "list", "--limit", "1", "--json").stdout)[0]["batch_id"]
    assert by_words == f"shop/one.jpg: batch {newest}\n"
    assert command("batches", "cancel", newest).returncode == 0
    many = stack.gateway.api_key(10)
    poor = command("batch", "shop", "--base-url", stack.gateway.base_url, "--api-key", many)
    assert poor.stderr.endswith("lensora: 3 photos cost 240 credits; the account has 10.\n")
    alone = command("batch", "shop/one.jpg", "--base-url", stack.gateway.base_url, "--api-key", many).stderr
    assert "1 photo: 80 credits;" in alone
    assert alone.endswith("lensora: 1 photo costs 80 credits; the account has 10.\n")
    lost = command("batch", "shop", "--background", "beach.JPG")
    assert (lost.returncode, lost.stderr.startswith("lensora: --background beach.JPG: looks like a file")) == (1, True)


@pytest.mark.parametrize("encoding", ["latin-1", "iso8859-5", "utf-8"])
def test_any_words_are_written_in_any_encoding(command: Command, encoding: str) -> None:
    """JSON is whole; for people, a character that the terminal does not have is an escape."""
    save = ("brands", "save", "shop", "--background", "\u00fcber \u684c \U0001f375")
    told = command(*save, "--json", PYTHONIOENCODING=encoding)
    assert json.loads(told.stdout)["background"]["prompt"] == "\u00fcber \u684c \U0001f375"
    shown = command(*save, PYTHONIOENCODING=encoding)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert command("brands", "delete", "shop").returncode == 0


def test_a_brand_and_an_object_are_looked_at_before_the_photo_is_paid(
    stack: Installation, key: str, command: Command, photo: Path
) -> None:
    """One that is not there, one without a background where none is given, and an index that no object has."""
    assert command("brands", "save", "bare", "--aspect", "4:5").returncode == 0
    balance = stack.gateway.balance(key)
    for options, sentence in (
        (("--brand", "lost"), "lensora: There is no brand 'lost' under this key."),
        (("--brand", "bare"), "lensora: --brand bare: the brand has no background, so --background must say one"),
        (("--object", "-1"), "Error: Invalid value for '--object': -1 is not in the range x>=0."),
    ):
        refused = command("run", str(photo), *options)
        assert refused.returncode in (1, 2)
        assert refused.stderr.endswith(f"{sentence}\n")
    assert stack.gateway.balance(key) == balance
    assert command("brands", "delete", "bare").returncode == 0


def test_a_film_that_cannot_be_saved_is_not_paid_or_not_lost(
    stack: Installation, key: str, command: Command, photo: Path, tmp_path: Path
) -> None:
    """A folder that cannot be had is said before anything is charged; later the sentence says how to get the film."""
    balance = stack.gateway.balance(key)
    job_id = "00000000-0000-4000-8000-000000000000"
    for arguments in (("batch", str(photo)), ("render", job_id), ("run", str(photo))):
        refused = command(*arguments, "--out", str(photo / "out"))
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr == f"lensora: --out {photo / 'out'}: Not a directory\n"
    assert stack.gateway.balance(key) == balance
    (tmp_path / "out" / "turntable.mp4").mkdir(parents=True)  # a folder where the film goes
    thread = worker(stack, key, 1)
    unsaved = command("run", str(photo), "--background", "remove")
    thread.join(30)
    newest = json.loads(command("jobs", "list", "--limit", "1", "--json").stdout)[0]["job_id"]
    assert unsaved.returncode == 1
    assert "lensora: the job is made, but not saved: " in unsaved.stderr
    assert unsaved.stderr.endswith(f"; lensora jobs download {newest} saves it later\n")
    assert command("jobs", "download", newest, "--out", "other").returncode == 0


def test_without_a_gateway_a_command_says_how_to_get_one(tmp_path: Path) -> None:
    """No stack runs in the home, and none is named."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LENSORA_")}
    done = subprocess.run(
        [sys.executable, "-m", "lensora.cli.main", "jobs", "list", "--home", str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("lensora: no stack runs here: start one with lensora up")
