"""Further photos: which are believed, and how solids are held against them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import trimesh

from lensora.core.words import ViewOmission
from quality.gl import Pose, Renderer, TexturedMesh
from services.mesh.cutout import read_cutout
from services.mesh.solid import Solid
from services.mesh.views.alignment import Sight, aligned
from services.mesh.views.evidence import Evidence, evidence_of
from services.mesh.views.fusion import parts_missed
from services.mesh.views.pitches import expected_pitches, level
from services.mesh.views.registration import Found, Witness
from services.mesh.views.verdict import Explained, better, expected_gain, objection

HALF = np.array([0.5, 0.7, 0.25])


def block(half: np.ndarray) -> Solid:
    """A closed box."""
    mesh = trimesh.creation.box(extents=2.0 * half)
    return Solid(np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64))


@pytest.fixture(scope="module")
def side() -> Evidence:
    """A box photographed from its right, 8 degrees off, by OpenGL; without a network."""
    solid = block(HALF)
    mesh = TexturedMesh(
        solid.vertices.astype(np.float32), solid.faces.astype(np.int32), np.full((8, 3), 0.6, np.float32)
    )
    with Renderer(160) as renderer:
        shown = renderer.upload(mesh)
        picture = renderer.draw(shown, Pose(math.pi / 2 + math.radians(8.0), 0.25, 0.0, 3.6))
        shown.release()
    return evidence_of(read_cutout(picture.rgba), None)


def test_a_true_solid_fills_the_outline_and_a_wrong_one_does_not(side: Evidence) -> None:
    """From the camera that suits it best a box of the right depth fills the outline; a much deeper one does not, and a
    flat one less, though it may turn its broad side."""
    witness = Witness(side, replace(side.standpoint, yaw=math.pi / 2))
    right, wide, flat = (
        aligned(block(HALF * np.array(factors)), witness).overlap
        for factors in ([1.0, 1.0, 1.0], [1.0, 1.0, 2.5], [1.0, 1.0, 0.3])
    )
    assert right > 0.95
    assert right > wide + 0.3
    assert right > flat + 0.02


def test_thickness_is_told_along_the_lines_of_sight(side: Evidence) -> None:
    """A solid twice as deep as another is twice as thick for the photo's field."""
    witness = Witness(side, replace(side.standpoint, yaw=math.pi / 2, size=-0.4))
    camera = side.camera(witness.standpoint)
    thin, thick = (Sight(block(HALF * np.array([wide, 1.0, 1.0])), camera, side).thickness() for wide in (0.5, 1.0))
    assert thick == pytest.approx(2.0 * thin, rel=0.25)


def test_depth_is_told_from_what_the_network_sees(side: Evidence) -> None:
    """A near side that lies where the network sees it, or is moved as a whole, is not off; a tilted one is."""
    witness = Witness(side, side.standpoint)
    camera = side.camera(witness.standpoint)
    drawn = Sight(block(HALF), camera, side)
    assert drawn.depth_error() is None
    far = np.zeros((2, 96, 96), np.float32)
    far[1] = 0.1
    face = block(np.array([0.4, 0.4, 0.2]))
    frontal = side.camera(replace(side.standpoint, pitch=0.0))
    flat = Sight(face, frontal, replace(side, surface=far)).depth_error()
    moved = Sight(
        face, frontal, replace(side, surface=far + np.array([0.3, 0.0], np.float32)[:, None, None])
    ).depth_error()
    slope = np.stack([np.tile(np.linspace(-0.5, 0.5, 96, dtype=np.float32), (96, 1)), far[1]])
    tilted = Sight(face, frontal, replace(side, surface=slope)).depth_error()
    assert flat is not None and flat == pytest.approx(0.0, abs=1e-3)
    assert moved == pytest.approx(flat, abs=1e-3)
    assert tilted is not None and tilted > 0.5


def test_the_solid_that_explains_all_photos_is_expected_to_gain() -> None:
    """A solid gains by filling further outlines and by lying where the network sees it; a box that a rule has told
    whole gives way to clear evidence alone. Without a network nothing is expected, and a film is judged as before."""
    one = Explained([0.99, 0.8], [0.6, 0.6])
    worse, filling, nearer = (
        Explained([0.95, 0.7], [0.8, 0.8]),
        Explained([0.95, 0.95], [0.6, 0.6]),
        Explained([0.95, 0.8], [0.2, 0.2]),
    )
    gains = [expected_gain(each, one, regular=False) for each in (worse, filling, nearer)]
    assert gains[0] is not None and gains[1] is not None and gains[2] is not None
    assert gains[0] < min(gains[1], gains[2])
    ruled = expected_gain(filling, one, regular=True)
    assert ruled is not None and ruled < gains[1]
    assert expected_gain(Explained([0.9, 0.9], []), Explained([0.9, 0.9], []), regular=False) is None
    assert better(nearer.overlaps, one.overlaps, gain=0.1)
    assert not better(nearer.overlaps, one.overlaps, gain=0.0)
    assert not better([0.6, 0.9], one.overlaps, gain=0.1)
    assert not better([0.95, 0.6], [0.99, 0.5], gain=0.1, filmed=[0.6])


def test_a_side_that_nobody_told_must_be_clear(side: Evidence) -> None:
    """A told side needs no lead; an untold one needs a lead over other sides and a good score. A back must also agree
    with the front. Each objection is named."""
    witness = Witness(side, replace(side.standpoint, yaw=math.pi / 2))
    back = Witness(side, replace(side.standpoint, yaw=math.pi))
    assert objection(Found(witness, 0.05, 1.0)) is None
    assert objection(Found(witness, 0.05, 0.8)) is ViewOmission.DISAGREES
    assert objection(Found(back, 0.05, 1.0)) is ViewOmission.DISAGREES
    assert objection(Found(back, 0.5, 1.0)) is None
    assert objection(Found(witness, 0.5, 1.0, lead=0.2)) is None
    assert objection(Found(witness, 0.5, 1.0, lead=0.02)) is ViewOmission.SIDE_UNCLEAR
    assert objection(Found(witness, 0.2, 1.0, lead=0.2)) is ViewOmission.SIDE_UNCLEAR


def test_pitches_are_drawn_to_the_usual_one(side: Evidence) -> None:
    """A photo that seems to be taken from far above, and is not sure of it, is taken for one from beside the thing; so
    is one that shows a named side, however sure it is. A photo from the top stays."""
    steep = replace(side, standpoint=replace(side.standpoint, pitch=1.1), pitch_spread=0.3)
    plain = replace(side, standpoint=replace(side.standpoint, pitch=0.3), pitch_spread=0.05)
    top = replace(side, standpoint=replace(side.standpoint, pitch=1.4), pitch_spread=0.05)
    drawn = [one.standpoint.pitch for one in level([plain, steep, top], [True, False, False])]
    assert drawn[0] == pytest.approx(0.3, abs=0.05)
    assert 0.25 < drawn[1] < 0.5
    assert drawn[2] == 1.4
    told = [one.standpoint.pitch for one in level([plain, top], [True, True])]
    assert told == pytest.approx([0.3, 0.3], abs=0.1)


def test_photos_tell_each_others_pitch() -> None:
    """A sure photo draws an unsure one to itself, and is hardly moved; two that agree are surer than one."""
    (low, sure), (drawn, _) = expected_pitches([(0.1, 0.03), (0.6, 0.4)])
    ((alone, unsure),) = expected_pitches([(0.6, 0.4)])
    assert low == pytest.approx(0.12, abs=0.03)
    assert drawn < 0.25 < alone
    assert sure < 0.1 < unsure
    (_, both), _ = expected_pitches([(0.5, 0.08), (0.5, 0.08)])
    ((_, one),) = expected_pitches([(0.5, 0.08)])
    assert both < one


def test_holes_and_parts_are_missed_and_a_short_rim_is_not() -> None:
    """A hole is filled, a rod that sticks out is, and a rim that is two cells short stays as it is."""
    drawn, wanted = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    drawn[10:30, 10:30], wanted[8:30, 10:30] = True, True
    drawn[18:20, 18:20] = False
    wanted[20:22, 30:39] = True
    missed = parts_missed(drawn, wanted & ~drawn, 4.0)
    assert missed[18:20, 18:20].all()
    assert missed[20:22, 30:39].all()
    assert not missed[8:10].any()


def test_what_joins_two_parts_is_missed_however_short_it_is() -> None:
    """A tail that hangs by two cells is not torn off; as much along one part's rim is left alone."""
    drawn, lacking = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    drawn[10:20, 5:18], drawn[12:18, 20:30] = True, True
    lacking[14:16, 18:20] = True
    lacking[14:16, 30:32] = True
    missed = parts_missed(drawn, lacking, 4.0)
    assert missed[14:16, 18:20].all()
    assert not missed[:, 30:].any()
