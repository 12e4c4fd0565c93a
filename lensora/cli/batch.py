"""``lensora batch``: the main job for many photos, some at a time, each into a folder of its own."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from lensora.cli.options import Address, camera_option, film_options, gateway_options, json_option
from lensora.cli.watching import ended
from lensora.client import Client
from lensora.core.errors import LensoraError
from lensora.core.words import CameraMove


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one photo: the folder of its files, or why there are none."""

    photo: Path
    job_id: str
    folder: Path | None
    error: str

    def as_json(self) -> dict[str, Any]:
        """As one line of ``--json``."""
        return {
            "photo": str(self.photo),
            "job_id": self.job_id or None,
            "folder": None if self.folder is None else str(self.folder),
            "error": self.error or None,
        }


@click.command()
@click.argument("photos", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--background", default="remove", show_default=True, help='"remove", a URL, or a scene in words.')
@camera_option
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("out"), show_default=True)
@click.option("--at-once", default=4, show_default=True, type=click.IntRange(1, 64), help="Photos under way at a time.")
@film_options
@json_option
@gateway_options
def batch(
    address: Address,
    photos: tuple[Path, ...],
    background: str,
    camera: str | None,
    out: Path,
    at_once: int,
    output: dict[str, object],
    as_json: bool,
) -> None:
    """Make films of PHOTOS with the same choices; each photo's files go to OUT/its name.

    With --json one line for each photo, as it ends. Exit status 1 when one could not be made; the others are kept.
    """
    stop = threading.Event()
    folders = _folders(photos, out)
    failed = 0
    with address.client() as client, ThreadPoolExecutor(at_once) as pool:

        def one(photo: Path) -> Done:
            return _make(client, photo, folders[photo], background, camera or CameraMove.TURNTABLE, output, stop)

        under_way = [pool.submit(one, photo) for photo in dict.fromkeys(photos)]
        try:
            for future in as_completed(under_way):
                done = future.result()
                failed += bool(done.error)
                line = f"{done.photo}: {done.error or done.folder}"
                click.echo(json.dumps(done.as_json(), ensure_ascii=False) if as_json else line)
        except KeyboardInterrupt:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    if failed:
        raise SystemExit(1)


def _folders(photos: tuple[Path, ...], out: Path) -> dict[Path, Path]:
    """A folder for each photo, by its name; photos of one name get a number."""
    taken: set[str] = set()
    folders = {}
    for photo in dict.fromkeys(photos):
        name, number = photo.stem, 1
        while name in taken:
            number += 1
            name = f"{photo.stem}-{number}"
        taken.add(name)
        folders[photo] = out / name
    return folders


def _make(
    client: Client,
    photo: Path,
    folder: Path,
    background: str,
    camera: str,
    output: dict[str, object],
    stop: threading.Event,
) -> Done:
    job_id = ""
    try:
        session = client.init(photo)
        if stop.is_set():
            return Done(photo, "", None, "stopped before its job was sent")
        job_id = client.transform(session.session_id, background, camera_preset=camera, output=output or None).job_id
        result = client.wait(job_id)
        ended(result)
        client.download(result, folder)
    except LensoraError as error:
        return Done(photo, job_id, None, error.message)
    return Done(photo, job_id, folder, "")
