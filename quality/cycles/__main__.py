"""Draw the corpus: ``python -m quality.cycles --meshes DIR [--out DIR] [--only NAME,...] [--views 0,1] [--part i/n]``.

``DIR`` holds the meshes (GLB) and their ``MANIFEST.tsv``; which objects, and how they are shot, is in
``objects.tsv``. Every picture has its own random seed, from its name, so that any of them can be drawn again alone.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray
from PIL import Image

from quality.cycles import attribution, phone, photographer, room, truth
from quality.split import part_of

HERE = Path(__file__).parent
SIZE_PX, BACK_PX = 512, 160
SAMPLES, MATTE_SAMPLES, EVEN_SAMPLES = 4, 12, 4
"""Cycles' samples a pixel: few, the denoiser does the rest, so that two cores draw a picture in seconds."""


@dataclass(frozen=True)
class Entry:
    """One object of ``objects.tsv``: how it is shot. ``yaw_deg``: where its front is, +Z being 0."""

    name: str
    kind: str
    heights: tuple[str, ...]
    yaw_deg: float
    spread_deg: float
    roughness: float


def entries() -> list[Entry]:
    """All objects of the list."""
    with (HERE / "objects.tsv").open() as file:
        return [
            Entry(
                name=row["name"],
                kind=row["kind"],
                heights=(row["first"], row["second"]),
                yaw_deg=float(row["yaw_deg"]),
                spread_deg=float(row["spread_deg"]),
                roughness=float(row["roughness"]),
            )
            for row in csv.DictReader(file, delimiter="\t")
        ]


def main() -> None:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(prog="quality.cycles", description=__doc__)
    parser.add_argument("--meshes", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=HERE.parent / "corpus")
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--views", default="0,1", help="which of the views, separated by commas")
    parser.add_argument("--part", default="0/1", help="i/n: every n-th object, from the i-th")
    parser.add_argument("--again", action="store_true", help="also those that are there")
    options = parser.parse_args()
    chosen = [e for e in entries() if not options.only or e.name in options.only.split(",")]
    first, step = map(int, options.part.split("/"))
    rows = {
        row["file"]: row
        for row in csv.DictReader((options.meshes / "MANIFEST.tsv").read_text().splitlines(), delimiter="\t")
    }
    for view in map(int, options.views.split(",")):
        for entry in chosen[first::step]:
            folder = options.out / part_of(entry.name) / f"{entry.name}_{view}"
            if (folder / "camera.json").exists() and not options.again:
                continue
            started = time.perf_counter()
            draw(entry, view, options.meshes / f"{entry.name}.glb", folder, rows[f"{entry.name}.glb"])
            print(f"{folder.name}: {time.perf_counter() - started:.1f} s", flush=True)
    count = attribution.write(options.out, options.meshes / "MANIFEST.tsv")
    print(f"{options.out}: {count} objects")


def draw(entry: Entry, view: int, mesh: Path, folder: Path, row: dict[str, str]) -> None:
    """One photograph with its truth, into a folder."""
    seed = int(hashlib.sha256(f"{entry.name}_{view}".encode()).hexdigest()[:8], 16)
    random = np.random.default_rng(seed)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    _renderer()
    vertices, faces = _subject(mesh, entry)
    shot = photographer.take(
        vertices,
        height=entry.heights[view],
        yaw_deg=entry.yaw_deg,
        spread_deg=entry.spread_deg,
        size_px=SIZE_PX,
        random=random,
    )
    place = room.PLACES[entry.kind]
    scenery = room.build(place, float(vertices[:, 1].min()), shot.azimuth_deg, random)
    camera = _camera(shot)
    camera.dof.use_dof = True
    # A phone's f-number at its true size, a little wider: portrait modes and large sensors.
    camera.dof.aperture_fstop = float(random.uniform(4.0, 16.0))
    blur = shot.focal_mm / 1000 / 4 / place.radius_m
    camera.dof.focus_distance = max(shot.distance - 0.35, 0.5)
    camera.dof.aperture_fstop = camera.lens / 1000 / max(blur / camera.dof.aperture_fstop * 4, 1e-6)
    with tempfile.TemporaryDirectory() as temporary:
        light = _rendered(Path(temporary) / "photo.exr")[..., :3]
        alpha = _alone(scenery, Path(temporary) / "matte.exr")
        picture, _ = phone.developed(light, alpha, random)
        camera.dof.use_dof = False
        room.even_light()
        bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = SIZE_PX // 4
        front = _rendered(Path(temporary) / "front.exr")
        back_shot = photographer.behind(shot, vertices, BACK_PX)
        _camera(back_shot)
        bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = BACK_PX
        back = _rendered(Path(temporary) / "back.exr")
    folder.mkdir(parents=True, exist_ok=True)
    phone.write_jpeg(folder / "input.jpg", picture, int(random.integers(80, 93)))
    phone.write_matte(folder / "mask.png", alpha)
    phone.write_jpeg(folder / "back.jpg", _as_exposed(back, front, picture, alpha), 88)
    phone.write_matte(folder / "back_mask.png", back[..., 3])
    meshes = folder.parent.parent / "meshes"
    meshes.mkdir(exist_ok=True)
    truth.write_glb(meshes / f"{entry.name}.glb", vertices, faces)
    (folder / "camera.json").write_text(json.dumps(_described(entry, shot, back_shot, vertices, row), indent=1) + "\n")


def _described(
    entry: Entry, shot: photographer.Shot, back: photographer.Shot, vertices: NDArray[np.float64], row: dict[str, str]
) -> dict[str, Any]:
    return {
        "mesh": f"../../meshes/{entry.name}.glb",
        "object": entry.name,
        "kind": entry.kind,
        "licence": row["licence_author"],
        **_camera_of(shot),
        "azimuth_deg": round(shot.azimuth_deg, 3),
        "elevation_deg": round(shot.pitch_deg, 3),
        "roll_deg": round(shot.roll_deg, 3),
        "focal_mm_equivalent": round(shot.focal_mm, 1),
        "distance": round(shot.distance, 5),
        "support_plane_y": round(float(vertices[:, 1].min()), 6),
        "back": _camera_of(back),
        "convention": "mesh coordinates: y up, centred on the bounding box, max radius 1. camera_to_world_opengl: the "
        "camera looks down -z, y up. u = cx + fx * x / -z, v = cy - fy * y / -z",
    }


def _camera_of(shot: photographer.Shot) -> dict[str, Any]:
    return {
        "width": shot.size_px,
        "height": shot.size_px,
        "fx": round(shot.focal_px, 4),
        "fy": round(shot.focal_px, 4),
        "cx": round(shot.center_px[0], 4),
        "cy": round(shot.center_px[1], 4),
        "camera_to_world_opengl": [[round(float(v), 7) for v in line] for line in shot.camera_to_world],
    }


def _renderer() -> None:
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.threads_mode = "FIXED"
    scene.render.threads = 2
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.samples, cycles.use_adaptive_sampling = SAMPLES, False
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_prefilter, cycles.denoising_quality = "FAST", "FAST"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 3, 2, 2
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 6.0
    scene.render.resolution_x = scene.render.resolution_y = SIZE_PX
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.image_settings.color_depth = "32"
    scene.render.image_settings.exr_codec = "ZIP"
    scene.view_settings.view_transform = "Raw"


def _subject(mesh: Path, entry: Entry) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Put the object into the scene; its vertices (n, 3) in glTF's frame and its triangles (m, 3)."""
    bpy.ops.import_scene.gltf(filepath=str(mesh))
    parts = [thing for thing in bpy.context.scene.objects if thing.type == "MESH"]
    bpy.ops.object.select_all(action="DESELECT")
    for part in parts:
        part.select_set(True)
    bpy.context.view_layer.objects.active = parts[0]
    bpy.ops.object.parent_clear(type="CLEAR_KEEP_TRANSFORM")
    if len(parts) > 1:
        bpy.ops.object.join()
    subject = bpy.context.view_layer.objects.active
    bpy.ops.object.transform_apply(location=True, rotation=True, scale=True)
    data = subject.data
    points = np.empty(len(data.vertices) * 3, np.float32)
    data.vertices.foreach_get("co", points)
    points = points.reshape(-1, 3).astype(np.float64)
    points -= 0.5 * (points.min(axis=0) + points.max(axis=0))
    points /= np.linalg.norm(points, axis=1).max()
    data.vertices.foreach_set("co", points.astype(np.float32).reshape(-1))
    data.update()
    bpy.ops.object.shade_smooth_by_angle(angle=0.6)
    for material in data.materials:
        shader = material.node_tree.nodes.get("Principled BSDF") if material and material.use_nodes else None
        if shader is not None:
            for name, value in (("Roughness", entry.roughness), ("Metallic", 0.0)):
                for link in list(shader.inputs[name].links):
                    material.node_tree.links.remove(link)
                shader.inputs[name].default_value = value
    data.calc_loop_triangles()
    corners = np.empty(len(data.loop_triangles) * 3, np.int32)
    data.loop_triangles.foreach_get("vertices", corners)
    upright = np.stack([points[:, 0], points[:, 2], -points[:, 1]], axis=1)
    return upright, corners.reshape(-1, 3).astype(np.int64)


def _camera(shot: photographer.Shot) -> bpy.types.Camera:
    """The scene's camera: glTF's world to Blender's, the crop as sensor size and shift."""
    data = bpy.data.cameras.new("camera")
    thing = bpy.data.objects.new("camera", data)
    bpy.context.collection.objects.link(thing)
    to_blender = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], np.float64)
    thing.matrix_world = Matrix((to_blender @ shot.camera_to_world).tolist())
    data.sensor_fit = "HORIZONTAL"
    data.lens = shot.focal_mm
    data.sensor_width = shot.sensor_mm
    data.shift_x = 0.5 - shot.center_px[0] / shot.size_px
    data.shift_y = shot.center_px[1] / shot.size_px - 0.5
    data.clip_start = 0.01
    data.clip_end = 1000.0
    bpy.context.scene.camera = thing
    return data


def _rendered(path: Path) -> NDArray[np.float32]:
    """Render; linear light and alpha (h, w, 4)."""
    scene = bpy.context.scene
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(height, width, 4)[::-1]


def _alone(scenery: Sequence[bpy.types.Object], path: Path) -> NDArray[np.float32]:
    """The object's alpha (h, w) through the same lens, blurred edges and all."""
    for thing in scenery:
        thing.hide_render = True
    scene = bpy.context.scene
    scene.render.film_transparent = True
    scene.cycles.use_denoising = False
    scene.cycles.samples = MATTE_SAMPLES
    bpy.context.view_layer.material_override = room.glowing()
    alpha = _rendered(path)[..., 3]
    bpy.context.view_layer.material_override = None
    scene.cycles.use_denoising = True
    scene.cycles.samples = EVEN_SAMPLES
    return alpha


def _as_exposed(
    back: NDArray[np.float32], front: NDArray[np.float32], picture: NDArray[np.uint8], alpha: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """The back in even light, exposed so that the front in that light has the photo's mean colour."""
    photo = (picture.astype(np.float64) / 255.0) ** 2.2
    wanted = (photo * alpha[..., None]).sum(axis=(0, 1)) / max(float(alpha.sum()), 1e-6)
    even = front[..., :3].sum(axis=(0, 1)) / max(float(front[..., 3].sum()), 1e-6)
    gains = np.clip(wanted / np.maximum(even, 1e-4), 0.2, 5.0)
    cover = np.clip(back[..., 3:], 0.0, 1.0)
    shown = phone.display(back[..., :3] / np.maximum(cover, 1e-3) * gains) * (cover > 0.02)
    grey = shown * cover + 0.5 * (1.0 - cover)
    return np.asarray(Image.fromarray((np.clip(grey, 0, 1) * 255 + 0.5).astype(np.uint8)))


if __name__ == "__main__":
    main()
