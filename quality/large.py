"""The large corpus: hundreds of objects, four views each, drawn by ``quality.gl`` into the user's cache.

``python -m quality.large --meshes DIR [--out DIR] [--objects 300] [--views 4]`` takes any folder of GLBs (upright, +Y
up) and writes the layout of ``quality.measure.sample`` into ``tune/``, ``held/`` and ``unseen/``, split as the
corpus in the repository. It is quick (a few views a second) and less like a photo: for fitting many numbers, and for
benches that want more objects. A ``MANIFEST.tsv`` beside the meshes is copied: their licences ask for it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from quality.cycles.truth import write_glb
from quality.gl import Lighting, Picture, Pose, Renderer, TexturedMesh, load_mesh, random_lighting, random_pose
from quality.split import part_of

CACHE = Path("~/.cache/lensora/corpus")


@dataclass(frozen=True)
class Options:
    """How the views are drawn. ``photo_px``, ``back_px``: sides. ``quality``: the photo's, as JPEG, least and most."""

    photo_px: int = 512
    back_px: int = 160
    quality: tuple[int, int] = (80, 93)
    noise: float = 1.6


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw what is not there yet."""
    parser = argparse.ArgumentParser(prog="quality.large", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--meshes", type=Path, required=True, help="folder of GLB files")
    parser.add_argument("--out", type=Path, default=CACHE.expanduser())
    parser.add_argument("--objects", type=int, default=300)
    parser.add_argument("--views", type=int, default=4)
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    paths = chosen(options.meshes, options.objects)
    if not paths:
        parser.error(f"--meshes {options.meshes}: no folder with .glb files in it")
    count = draw_all(paths, options.out, options.views)
    manifest = options.meshes / "MANIFEST.tsv"
    if manifest.exists():
        shutil.copyfile(manifest, options.out / "MANIFEST.tsv")
    print(f"{options.out}: {count} new views in {time.perf_counter() - started:.0f} s")


def chosen(folder: Path, count: int) -> list[Path]:
    """At most ``count`` meshes of a folder, always the same ones, evenly from ``unseen`` and ``tune``; and all held."""
    paths = sorted(folder.glob("*.glb"), key=lambda p: hashlib.sha256(f"large {p.stem}".encode()).hexdigest())
    unseen = [p for p in paths if part_of(p.stem) == "unseen"][: count // 2]
    tune = [p for p in paths if part_of(p.stem) == "tune"][: count - len(unseen)]
    return sorted(unseen + tune + [p for p in paths if part_of(p.stem) == "held"])


def draw_all(paths: Sequence[Path], out: Path, views: int, options: Options | None = None) -> int:
    """Draw all views of some meshes that are not there yet; returns how many were drawn. What cannot be is named."""
    style = options or Options()
    count = 0
    # One context to a thread: the backs are drawn at the photo's size and scaled down.
    with Renderer(style.photo_px) as renderer:
        for path in paths:
            folders = [out / part_of(path.stem) / f"{path.stem}_{view}" for view in range(views)]
            missing = [f for f in folders if not (f / "camera.json").exists()]
            if not missing:
                continue
            try:
                mesh = load_mesh(path)
            except ValueError as error:
                print(f"left out: {error}", flush=True)
                continue
            (out / "meshes").mkdir(parents=True, exist_ok=True)
            write_glb(
                out / "meshes" / path.name, np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)
            )
            for folder in missing:
                draw(mesh, path.name, folder, renderer, style)
                count += 1
    return count


def draw(mesh: TexturedMesh, file: str, folder: Path, renderer: Renderer, style: Options) -> None:
    """One view into its folder; the folder's name is the random seed."""
    rng = np.random.default_rng(int(hashlib.sha256(folder.name.encode()).hexdigest()[:8], 16))
    pose = random_pose(rng)
    # Even light, and the photo's own mean colour: what can be known of a back from the front.
    even = Lighting(colors=((0.0,) * 3,) * 3, sky=(1.0,) * 3, ground=(1.0,) * 3)
    shown = renderer.upload(mesh)
    picture = renderer.draw(shown, pose, random_lighting(rng))
    front = renderer.draw(shown, pose, even)
    back = renderer.draw(shown, Pose(pose.azimuth + np.pi, pose.pitch, 0.0, pose.distance, 1.0 / 0.9), even)
    shown.release()
    behind = _smaller(back.rgba, style.back_px)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "input.jpg", _photographed(picture.rgba, rng, style), int(rng.integers(*style.quality)))
    _write(folder / "back.jpg", _exposed(behind, front.rgba, picture.rgba), 88)
    cv2.imwrite(str(folder / "mask.png"), picture.rgba[..., 3])
    cv2.imwrite(str(folder / "back_mask.png"), behind[..., 3])
    (folder / "camera.json").write_text(json.dumps(_described(picture, file, style.photo_px), indent=1) + "\n")


def _described(picture: Picture, file: str, side: int) -> dict[str, object]:
    camera = picture.camera
    to_camera = np.vstack([camera.world_to_view, [0.0, 0.0, 0.0, 1.0]])
    to_camera[2, 3] -= camera.distance
    return {
        "mesh": f"../../meshes/{file}",
        "object": file.removesuffix(".glb"),
        "width": side,
        "height": side,
        "fx": camera.pixels * camera.distance,
        "fy": camera.pixels * camera.distance,
        "cx": camera.center[0],
        "cy": camera.center[1],
        "camera_to_world_opengl": np.linalg.inv(to_camera).round(7).tolist(),
        "azimuth_deg": float(np.degrees(camera.pose.azimuth)),
        "elevation_deg": float(np.degrees(camera.pose.pitch)),
        "roll_deg": float(np.degrees(camera.pose.roll)),
        "distance": camera.distance,
    }


def _photographed(rgba: NDArray[np.uint8], rng: np.random.Generator, style: Options) -> NDArray[np.uint8]:
    """The subject before a plain wall, a little blurred and noisy."""
    alpha = rgba[..., 3:].astype(np.float32) / 255.0
    wall = rng.uniform(60, 220) + rng.normal(0, 12, 3)
    picture = rgba[..., :3] * alpha + wall * (1.0 - alpha)
    picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 0.8)))
    picture = picture + rng.normal(0, rng.uniform(0.2, 1.0) * style.noise, picture.shape)
    return np.asarray(np.clip(picture + 0.5, 0, 255), np.uint8)


def _exposed(back: NDArray[np.uint8], front: NDArray[np.uint8], photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The evenly lit back over grey, scaled so that the evenly lit front has the photo's mean colour."""
    wanted, even = (p[..., :3][p[..., 3] > 128].astype(np.float64).mean(axis=0) for p in (photo, front))
    alpha = back[..., 3:].astype(np.float64) / 255.0
    shown = np.clip(back[..., :3] * np.clip(wanted / np.maximum(even, 4.0), 0.4, 2.5), 0, 255)
    return np.asarray(shown * alpha + 128.0 * (1.0 - alpha) + 0.5, np.uint8)


def _smaller(rgba: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A picture with straight alpha (s, s, 4) scaled down."""
    alpha = rgba[..., 3:].astype(np.float32) / 255.0
    mean = cv2.resize(
        np.concatenate([rgba[..., :3] * alpha, alpha], axis=2), (side, side), interpolation=cv2.INTER_AREA
    )
    straight = mean[..., :3] / np.maximum(mean[..., 3:], 1e-6)
    return np.asarray(np.concatenate([straight, mean[..., 3:] * 255.0], axis=2) + 0.5, np.uint8)


def _write(path: Path, picture: NDArray[np.uint8], quality: int) -> None:
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])


if __name__ == "__main__":
    main()
