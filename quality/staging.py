"""How well photos are staged: pictures of known things, what the mesh stage says of their cameras, and how they rest.

Every object of a part of ``quality.split`` is drawn from known cameras; all must stand as they stand on a table, +Y up.
What the stage finds out costs a second for each picture, and what is made of it next to nothing: so ``Pictured`` holds
the first, and ``staged`` works out the second for any rules.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quality.gl import TexturedMesh, load_mesh, random_lighting, random_pose
from quality.gl.renderer import Renderer
from quality.split import part_of
from services.mesh.backends.silhouette import raw_mesh
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.explanation import Explained, explain
from services.mesh.network import ShapeNetwork
from services.mesh.view import View
from services.mesh.viewpoint import RULES as VIEWPOINT
from services.mesh.viewpoint import TRUST, NetworkTrust, Witnesses, believed, witnesses_of
from services.render.rest import RULES as REST
from services.render.rest import UP, RestRules, centre_of_mass, planted, rested, stable_faces, tilt_to_fall

Doubles = NDArray[np.float64]

PICTURE_PX = 384

RIGHT_DEG = 25.0
"""A rest pose is right if its up is within this of the truth: the next face of a box is 90 degrees away."""


@dataclass(frozen=True)
class Pictured:
    """A picture of a known thing, and what the mesh stage made of it.

    Attributes:
        name: of the object.
        kind: how its mesh was made.
        pitch: radians, true.
        up: (3,) true up, the picture's axes.
        resting: (k, 3) unit vectors, the picture's axes: up of every pose in which the true thing stays.
        said: of the camera.
        points: (n, 3) of the mesh, unit size, the file's frame.
        mass: (3,) its centre of mass.
        to_view: (3, 3) rotation from the file's frame to the picture's axes.
    """

    name: str
    kind: str
    pitch: float
    up: Doubles
    resting: Doubles
    said: Witnesses
    points: Doubles
    mass: Doubles
    to_view: Doubles


@dataclass(frozen=True)
class Staged:
    """What came of one picture.

    Attributes:
        name, kind: as of ``Pictured``.
        pitch_error: degrees.
        doubt: degrees that the pitch is said to be off.
        right: it rests on what it rested on, within ``RIGHT_DEG``.
        stays: it rests on that, or on something else that the true thing would stay on.
        gap: between the ground and the third lowest point, share of the height.
        carried: its support lies under its centre of mass.
    """

    name: str
    kind: str
    pitch_error: float
    doubt: float
    right: bool
    stays: bool
    gap: float
    carried: bool


def things_in(folder: Path, parts: tuple[str, ...]) -> list[tuple[str, Path]]:
    """Names and GLB files of a folder that belong to these parts of the split, sorted."""
    return [(path.stem, path) for path in sorted(folder.rglob("*.glb")) if part_of(path.stem) in parts]


def pictured(
    things: Iterator[tuple[str, str, TexturedMesh]],
    network: ShapeNetwork | None,
    views: int,
    rng: np.random.Generator,
) -> Iterator[Pictured]:
    """Draw each thing and let the mesh stage look at it.

    Args:
        things: name of the object, what it is called, and its mesh.
        network: the shape network; None does without.
        views: pictures of each.
        rng: of cameras and lamps.
    """
    with Renderer(PICTURE_PX) as renderer:
        for name, called, mesh in things:
            shown = renderer.upload(mesh)
            vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)
            unit = vertices / float(np.ptp(vertices, axis=0).max())
            poses = np.array([-normal for normal, _ in stable_faces(unit, centre_of_mass(unit, faces))]).reshape(-1, 3)
            for _ in range(views):
                picture = renderer.draw(shown, random_pose(rng), random_lighting(rng))
                turn = np.asarray(picture.camera.world_to_view[:3, :3], np.float64)
                truth = (picture.camera.pose.pitch, turn @ UP, poses @ turn.T)
                yield _looked_at(name, called, read_cutout(picture.rgba), truth, network)
            shown.release()


def _looked_at(
    name: str, called: str, cutout: Cutout, truth: tuple[float, Doubles, Doubles], network: ShapeNetwork | None
) -> Pictured:
    view = View(cutout, None if network is None else network.predict(cutout))
    verdict = explain(view)
    raw = raw_mesh(verdict.best, verdict.confidence)
    assert raw.camera is not None
    points = raw.solid.vertices / float(np.ptp(raw.solid.vertices, axis=0).max())
    to_view = raw.camera.to_view[:, :3]
    return Pictured(
        name,
        raw.method,
        *truth,
        witnesses_of(Explained(view, verdict), called),
        points,
        centre_of_mass(points, raw.solid.faces),
        to_view / np.cbrt(np.linalg.det(to_view)),
    )


def staged(picture: Pictured, trust: NetworkTrust = TRUST, rules: RestRules = REST) -> Staged:
    """The camera and the rest pose that come of a picture."""
    seen = believed(picture.said, VIEWPOINT, trust)
    rest = rested(picture.points, picture.mass, picture.to_view.T @ seen.up, rules)
    up = picture.to_view @ rest.turn.T @ UP
    turned = picture.points @ rest.turn.T
    standing = planted(turned, rest.dent)
    tall = float(np.ptp(standing[:, 1]))
    mass = rest.turn @ picture.mass - (0.0, turned[:, 1].min(), 0.0)
    least = math.cos(math.radians(RIGHT_DEG))
    right = bool(up @ picture.up >= least)
    return Staged(
        picture.name,
        picture.kind,
        math.degrees(seen.pitch - picture.pitch),
        math.degrees(seen.pitch_doubt),
        right,
        right or bool((picture.resting @ up >= least).any()),
        float(np.sort(standing[:, 1])[2]) / tall,
        tilt_to_fall(standing, mass, -UP, 0.005 * tall) > 0.0,
    )


def meshes(things: list[tuple[str, Path]]) -> Iterator[tuple[str, str, TexturedMesh]]:
    """Each thing, what it is called (the words of its file's name: a bench's ``cutlery_fork`` is a fork), its mesh."""
    for name, path in things:
        yield name, name.replace("_", " "), load_mesh(path)
