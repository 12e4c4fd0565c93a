"""A folder of a corpus: a photo, its matte, the true shape, and what the back looks like."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import trimesh
from numpy.typing import NDArray

PHOTOS = ("input.png", "input.jpg")


@dataclass(frozen=True)
class Sample:
    """One photograph with truth.

    Layout of the folder: ``input.png`` or ``input.jpg``, ``mask.png``, ``camera.json``, ``mesh.glb`` (or wherever
    ``mesh`` in ``camera.json`` points), and optionally ``back.jpg`` with ``back_mask.png``.
    """

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name, as tables show it."""
        return self.folder.name

    @property
    def thing(self) -> str:
        """The object's name: several samples may show one."""
        return str(self.camera().get("object", self.folder.name))

    def camera(self) -> dict[str, Any]:
        """``camera.json``; empty if there is none."""
        path = self.folder / "camera.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def rgba(self) -> NDArray[np.uint8]:
        """(h, w, 4) uint8: the photo with its matte as alpha.

        Raises:
            ValueError: a file is missing or cannot be read, or the two have different sizes.
        """
        photo = cv2.imread(str(self._photo()), cv2.IMREAD_COLOR)
        mask = cv2.imread(str(self.folder / "mask.png"), cv2.IMREAD_GRAYSCALE)
        if photo is None or mask is None or photo.shape[:2] != mask.shape:
            raise ValueError(f"{self.folder}: photo and mask.png must be readable and of one size")
        return np.dstack([cv2.cvtColor(photo, cv2.COLOR_BGR2RGB), mask]).astype(np.uint8)

    def mesh_path(self) -> Path:
        """The true shape's file."""
        beside = self.folder / "mesh.glb"
        return beside if beside.exists() else (self.folder / str(self.camera().get("mesh", "mesh.glb"))).resolve()

    def truth(self) -> trimesh.Trimesh:
        """The true shape, +Y up."""
        return load_mesh(self.mesh_path())

    def back(self) -> NDArray[np.uint8] | None:
        """(h, w, 4) uint8: the true look from behind, half a turn about the vertical on; None if it is not there."""
        look = cv2.imread(str(self.folder / "back.jpg"), cv2.IMREAD_COLOR)
        mask = cv2.imread(str(self.folder / "back_mask.png"), cv2.IMREAD_GRAYSCALE)
        if look is None or mask is None:
            return None
        return np.dstack([cv2.cvtColor(look, cv2.COLOR_BGR2RGB), mask]).astype(np.uint8)

    def _photo(self) -> Path:
        for name in PHOTOS:
            if (self.folder / name).exists():
                return self.folder / name
        raise ValueError(f"{self.folder}: neither {' nor '.join(PHOTOS)} is there")


def samples_in(folder: Path) -> list[Sample]:
    """All samples directly in a folder, by name; none where there is no such folder."""
    folders = sorted(folder.iterdir()) if folder.is_dir() else []
    found = (Sample(f) for f in folders if (f / "mask.png").exists())
    return [sample for sample in found if sample.mesh_path().exists()]


def load_mesh(path: Path) -> trimesh.Trimesh:
    """A mesh file as one mesh in its scene's frame."""
    scene = trimesh.load(path, process=False)
    mesh = scene.to_mesh() if isinstance(scene, trimesh.Scene) else scene
    assert isinstance(mesh, trimesh.Trimesh)
    return mesh
