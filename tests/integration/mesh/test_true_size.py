"""A model at its thing's true size, in every format, and a film that does not change with it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import tinyusdz
import trimesh
from numpy.typing import NDArray

from lensora.api.mesh.v1 import mesher_pb2
from lensora.core.errors import InvalidRequest
from lensora.core.scene import Scene
from lensora.core.size import Extent, RealSize
from lensora.core.words import CameraMove
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.cutout import read_cutout
from services.mesh.finish.formats import FileFormat, file_of
from services.mesh.model import Model, ModelRequest, finish
from services.mesh.servicer import real_size_of
from services.render.backends.opengl import OpenGLRenderer
from services.render.composition import Compositor
from services.render.engine import Engine
from services.render.order import FilmOrder
from services.render.planning import set_up

AXES = {Extent.WIDTH: 0, Extent.HEIGHT: 1, Extent.DEPTH: 2}


@pytest.fixture(scope="module")
def pot() -> Callable[[RealSize | None], Model]:
    """Finishes the model of a drawn pot at a size; its shape is found once."""
    rgba = np.zeros((160, 160, 4), np.uint8)
    cv2.ellipse(rgba, (80, 88), (36, 58), 0, 0, 360, (170, 90, 40, 255), -1)
    cv2.circle(rgba, (80, 80), 10, (30, 60, 160, 255), -1)
    cutout = read_cutout(rgba)
    raw = SilhouetteBackend().reconstruct(cutout, silent)

    def make(size: RealSize | None) -> Model:
        return finish(cutout, raw, ModelRequest(name="pot", real_size=size), silent)

    return make


def silent(_phase: str, _done: float) -> None:
    """Nobody asks how far the work is."""


@pytest.fixture(scope="module")
def plain(pot: Callable[[RealSize | None], Model]) -> Model:
    """The pot that nobody has measured."""
    return pot(None)


def extents(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Width, height and depth."""
    return np.asarray(np.ptp(np.asarray(points, np.float64), axis=0))


@pytest.mark.parametrize(("extent", "metres"), [(Extent.HEIGHT, 0.123), (Extent.WIDTH, 0.001), (Extent.DEPTH, 100.0)])
def test_every_file_has_the_true_size(
    pot: Callable[[RealSize | None], Model], plain: Model, extent: Extent, metres: float
) -> None:
    """GLB and USDZ in metres, STL in millimetres, at that measure; the other measures keep their proportion."""
    model = pot(RealSize(extent, metres))
    wanted = extents(plain.surface.positions)
    wanted *= metres / wanted[AXES[extent]]
    glb = trimesh.load(io.BytesIO(model.glb), file_type="glb").to_mesh()
    assert extents(glb.vertices) == pytest.approx(wanted, rel=1e-4)
    assert glb.vertices[:, 1].min() == pytest.approx(0.0, abs=1e-4 * metres)
    stl = trimesh.load(io.BytesIO(file_of(model, FileFormat.STL)), file_type="stl")
    assert extents(stl.vertices)[[0, 2, 1]] == pytest.approx(1000.0 * wanted, rel=2e-3)
    stage = tinyusdz.load_bytes(file_of(model, FileFormat.USDZ))
    assert stage.get_metadata("metersPerUnit") == 1.0
    text = stage.export_to_string().split("extent = [", 1)[1].split("]", 1)[0]
    low, high = (np.array([float(part) for part in corner.split(",")]) for corner in text.strip("()").split("), ("))
    assert high - low == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("metres", [None, 0.001, 0.012, 100.0])
def test_an_obj_keeps_the_shape_of_a_small_thing(pot: Callable[[RealSize | None], Model], metres: float | None) -> None:
    """The corners of all triangles lie where the model has them, to a share of an edge, so none of them collapses."""
    model = pot(None if metres is None else RealSize(Extent.HEIGHT, metres))
    archive = zipfile.ZipFile(io.BytesIO(file_of(model, FileFormat.OBJ)))
    mesh = trimesh.load(io.BytesIO(archive.read("pot.obj")), file_type="obj", process=False)
    own = model.surface.positions[model.surface.faces].astype(np.float64)
    size = float(extents(model.surface.positions).max())
    assert np.abs(mesh.triangles - own).max() < 1e-5 * size
    assert mesh.area_faces.min() > 0.0


def frames(engine: Engine, glb: bytes) -> NDArray[np.int16]:
    """(n, 256, 256, 3): a film of a model before a plain plate."""
    order = FilmOrder(glb, b"", Scene(horizon=0.5, plain=True), CameraMove.TURNTABLE, size=256, fps=12, seconds=1.0)
    shot, plate = set_up(order)
    compositor = Compositor(shot, plate, order.scene)
    return np.stack([compositor.frame(layer) for layer in engine.layers(shot, lambda: None)]).astype(np.int16)


def test_nothing_but_the_size_changes(pot: Callable[[RealSize | None], Model], plain: Model) -> None:
    """Texture and agreement with the photo are those of the plain model, and so is the film, up to rounding."""
    large = pot(RealSize(Extent.HEIGHT, 7.0))
    assert large.texture_jpeg == plain.texture_jpeg
    assert large.fidelity == plain.fidelity
    assert np.array_equal(large.surface.faces, plain.surface.faces)
    engine = Engine(lambda: OpenGLRenderer("cpu"))
    engine.start()
    try:
        before, after = frames(engine, plain.glb), frames(engine, large.glb)
    finally:
        engine.close()
    assert np.abs(before - after).mean() < 0.02
    assert np.percentile(np.abs(before - after), 99.9) <= 2


@pytest.mark.parametrize("metres", [0.0, -1.0, 100.1, float("nan"), float("inf")])
def test_a_size_of_nothing_in_the_world_is_refused(metres: float) -> None:
    """By the name of its field."""
    with pytest.raises(InvalidRequest, match=r"height must be from 0\.001 to 100 metres"):
        real_size_of(mesher_pb2.CreateMeshRequest(height_m=metres))


def test_a_request_says_one_measure_or_none() -> None:
    """Each field of the request is its own measure."""
    assert real_size_of(mesher_pb2.CreateMeshRequest()) is None
    assert real_size_of(mesher_pb2.CreateMeshRequest(width_m=0.5)) == RealSize(Extent.WIDTH, 0.5)
    assert real_size_of(mesher_pb2.CreateMeshRequest(depth_m=2.0)) == RealSize(Extent.DEPTH, 2.0)
