"""The pictures made from words, and the parts they are made of."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lensora.core.frames import linear_from_srgb
from lensora.rpc.call import Call, Progress
from services.segment.scenery.ground import SUBJECT_DISTANCE_M, SUBJECT_LINE, Ground, slopes
from services.segment.scenery.lens import LUMA, blur_by_row, defocus, iris, tone
from services.segment.scenery.noise import Noise, cellular, smoothstep
from services.segment.scenery.plan import PLACES
from services.segment.scenery.scene import ScenePicture, build
from services.segment.scenery.surfaces import SURFACES
from services.segment.scenery.words import read


def picture(prompt: str, seed: int = 5, size: tuple[int, int] = (256, 256)) -> ScenePicture:
    return build(read(prompt), *size, seed)


def brightness(scene: ScenePicture) -> float:
    return float((linear_from_srgb(scene.picture.astype(np.float32) / 255.0) @ LUMA).mean())


@pytest.mark.parametrize("surface", sorted({*SURFACES, "grass", "water"} - {"litter"}))
def test_each_surface_makes_a_picture(surface: str) -> None:
    """Each surface is drawn: neither black nor burnt out, with some texture or gradient of its own."""
    scene = picture(f"{surface} in a room" if surface != "paper" else "paper")
    below = scene.picture[int(scene.horizon * 256) + 20 :].astype(np.float32)
    assert 8 < below.mean() < 247
    assert below.std(axis=(0, 1)).mean() > 1.0
    assert float((below >= 254).all(axis=2).mean()) < 0.25


@pytest.mark.parametrize("place", sorted(PLACES))
@pytest.mark.parametrize("mood", ["soft", "night"])
def test_each_place_makes_a_picture(place: str, mood: str) -> None:
    """Each place by day and by night has content above its horizon, and a horizon above the subject's base line."""
    scene = picture(f"{place} {mood}")
    assert 0.3 < scene.horizon < SUBJECT_LINE - 0.15
    above = scene.picture[: int(scene.horizon * 256)].astype(np.float32)
    assert above.std() > 2.0


def test_the_same_seed_is_the_same_picture() -> None:
    """Words, size and seed decide every pixel; another seed is another picture."""
    first, again, other = (picture("oak table in a kitchen", seed).picture for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert float(np.abs(first.astype(int) - other.astype(int)).mean()) > 2.0


@pytest.mark.parametrize("size", [(256, 256), (480, 270), (270, 480), (301, 257)])
def test_any_size_is_filled(size: tuple[int, int]) -> None:
    """Wide, tall and odd sizes come as asked."""
    scene = picture("wooden table in a garden", size=size)
    assert scene.picture.shape == (size[1], size[0], 3) and scene.picture.dtype == np.uint8


def test_light_words_change_the_light() -> None:
    """Night and drama are darker than soft light; sunset is redder than noon."""
    soft, night, drama = (
        brightness(picture(f"wooden table in a kitchen, {word} light")) for word in ("soft", "night", "dramatic")
    )
    assert night < 0.5 * soft and drama < 0.5 * soft
    noon, sunset = (picture(f"beach at {word}").picture.astype(np.float32) for word in ("noon", "sunset"))
    assert sunset[..., 0].mean() / sunset[..., 2].mean() > 1.4 * noon[..., 0].mean() / noon[..., 2].mean()


def test_what_is_far_is_out_of_focus() -> None:
    """The surface is sharp where the subject stands and soft at its far edge."""
    scene = build(read("concrete in a room"), 512, 512, 4)
    grey = scene.picture.astype(np.float32).mean(axis=2)
    detail = (np.diff(grey, axis=1) ** 2).mean(axis=1)
    at_subject = detail[int(0.83 * 512) : int(0.89 * 512)].mean()
    at_edge = detail[int((scene.horizon + 0.02) * 512) : int((scene.horizon + 0.06) * 512)].mean()
    assert at_subject > 2.5 * at_edge


def test_work_can_be_ended_between_phases() -> None:
    """What the check raises ends the work."""
    phases: list[str] = []

    def told(progress: Progress) -> None:
        phases.append(progress.phase)
        if progress.fraction > 0.3:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        build(read("beach"), 256, 256, 1, Call(told=told))
    assert phases == ["surroundings", "lens"]


PITCHES = [0.05, 0.35, 0.8, 1.15]
"""Radians that a camera looks down."""


@pytest.mark.parametrize("pitch", PITCHES)
def test_the_subject_stands_on_its_line(pitch: float) -> None:
    """The ground plane passes through the subject's base line at the subject's depth, both ways, from any height."""
    ground = Ground(0.36, 0.6).raised(pitch, natural=False)
    assert ground.pitch == pytest.approx(pitch)
    assert ground.distance(SUBJECT_LINE) == pytest.approx(SUBJECT_DISTANCE_M)
    assert ground.line(ground.distance(0.7)) == pytest.approx(0.7)
    patch = ground.patch(200, 300, 180)
    row = int(SUBJECT_LINE * 300) - 180
    assert patch.z[row, 0] == pytest.approx(patch.stand, rel=0.01)
    assert np.all(np.diff(patch.z[:, 0]) < 0)


def test_from_above_there_is_more_surface() -> None:
    """The higher the camera, the higher in the picture the surface ends; a meadow then fills it, a table hardly."""
    edges = [Ground(0.36, 0.6).raised(pitch, natural=False).edge for pitch in PITCHES]
    assert edges == sorted(edges, reverse=True) and 0.0 < edges[-1] < 0.15
    assert Ground(0.36, 0.44).raised(0.8, natural=True).first == 0.0


def test_a_camera_of_the_usual_height_sees_the_usual_scene() -> None:
    """Raising a camera to where it stands changes nothing."""
    usual = Ground(0.36, 0.6)
    same = usual.raised(usual.pitch, natural=False)
    assert (same.vanishing, same.edge) == (pytest.approx(0.36), pytest.approx(0.6))


@pytest.mark.parametrize("pitch", PITCHES)
def test_slopes_of_a_tilted_plane_are_exact(pitch: float) -> None:
    """Screen differences give back the slopes of a plane that tilts both ways, perspective taken out."""
    patch = Ground(0.36, 0.6).raised(pitch, natural=False).patch(400, 400, 260)
    slope_x, slope_z = slopes((0.3 * patch.x - 0.2 * patch.z).astype(np.float32), patch)
    inner = (slice(2, -2), slice(2, -2))
    assert np.allclose(slope_x[inner], 0.3, atol=0.01)
    assert np.allclose(slope_z[inner], -0.2, atol=0.02)


@pytest.mark.parametrize("words", ["on grass in a garden", "on water by the sea", "marble in a kitchen", "beach"])
def test_scenes_from_above_are_whole(words: str) -> None:
    """A scene that is looked down upon has no hole, no stripe and no black: its rows differ little in brightness."""
    picture = build(read(words), 200, 200, 3, pitch=np.radians(65.0)).picture
    rows = picture[40:].mean(axis=(1, 2))
    assert rows.min() > 0.4 * rows.max()


def test_noise_is_even_and_fades_with_distance() -> None:
    """Octaves have unit spread, and detail finer than two pixels is left out."""
    grid = np.arange(0, 60, 0.2, dtype=np.float32)
    x, y = np.meshgrid(grid, grid)
    values = Noise(3)(x, y)
    assert values.std() == pytest.approx(1.0, abs=0.15) and abs(float(values.mean())) < 0.1
    far = Noise(3).fractal(x, y, 4, footprint=np.full_like(x, 10.0))
    assert float(np.abs(far).max()) == 0.0


def test_cells_are_nearest_first() -> None:
    """The nearest feature point is never farther than the second nearest."""
    x, y = np.meshgrid(np.linspace(0, 9, 90, dtype=np.float32), np.linspace(0, 9, 90, dtype=np.float32))
    first, second, ident = cellular(x, y, 1)
    assert np.all(first <= second) and len(np.unique(ident)) > 30


def test_a_point_of_light_becomes_a_disc_of_the_same_power() -> None:
    """Defocus keeps the light's sum and spreads it over the iris, not beyond."""
    assert float(iris(7.5).sum()) == pytest.approx(1.0, abs=1e-5)
    point = np.zeros((61, 61, 3), np.float32)
    point[30, 30] = 50.0
    disc = defocus(point, 8.0)
    assert float(disc.sum()) == pytest.approx(150.0, rel=1e-3)
    y, x = np.mgrid[-30:31, -30:31]
    assert float(disc[np.hypot(x, y) > 10].max()) < 1e-9
    rows = blur_by_row(point, np.zeros(61, np.float32))
    assert np.array_equal(rows, point)


def test_the_film_keeps_middle_tones_and_never_turns_back() -> None:
    """Tone leaves what is under its knee as it is, rises all the way, and stays under white."""
    ramp = np.repeat(np.linspace(0.0, 6.0, 200, dtype=np.float32)[None, :, None], 3, axis=2)
    curve = tone(ramp)[0, :, 0]
    assert np.all(np.diff(curve) >= -1e-6) and curve.max() <= 1.0
    low = ramp[0, :, 0] < 0.7
    assert np.allclose(curve[low], ramp[0, low, 0], atol=1e-6)
    assert smoothstep(0, 1, np.array([-1.0, 0.5, 2.0], np.float32)).tolist() == [0.0, 0.5, 1.0]


def test_the_road_has_no_edge_in_the_picture() -> None:
    """By day a street's far road goes over into the wet ground: no row jumps from light to dark under the horizon."""
    scene = picture("street after rain", size=(384, 384))
    rows = linear_from_srgb(scene.picture.astype(np.float32) / 255.0)[:, 150:234] @ LUMA
    middle = rows.mean(axis=1)[int(0.43 * 384) : int(0.62 * 384)]
    assert float(np.abs(np.diff(middle)).max()) < 0.035
    assert float(middle.min()) > 0.45 * float(middle.max())


def test_the_sun_comes_into_a_sunlit_kitchen() -> None:
    """Its window is brighter than anything, without a clipped blue; the wall away from it has warm patches of sun."""
    sunny = linear_from_srgb(picture("marble countertop in a sunlit kitchen", 3, (384, 384)).picture / np.float32(255))
    plain = linear_from_srgb(picture("marble countertop in a kitchen", 3, (384, 384)).picture / np.float32(255))
    window = sunny[20:130, 25:150].reshape(-1, 3)
    assert float((window @ LUMA).mean()) > 0.6
    assert float((window[:, 2] - window[:, 0]).mean()) < 0.05
    wall = slice(60, 190), slice(210, 330)
    gain = (sunny[wall] @ LUMA) / (plain[wall] @ LUMA)
    assert float(np.quantile(gain, 0.9)) > 1.25 * float(np.quantile(gain, 0.1))
    lit = sunny[wall][gain > np.quantile(gain, 0.8)].mean(axis=0)
    assert lit[0] > 1.1 * lit[2]


def test_leaves_shade_a_studio_s_wall_unless_it_is_to_be_plain() -> None:
    """Words that nobody knows get a studio with the shadow of leaves on its wall; a plain one has an even wall."""

    def ripple(prompt: str) -> float:
        wall = linear_from_srgb(picture(prompt, 9, (384, 384)).picture / np.float32(255))[:200] @ LUMA
        return float(np.abs(cv2.GaussianBlur(wall, (0, 0), 3) - cv2.GaussianBlur(wall, (0, 0), 9)).mean())

    plain = ripple("plain bewildered otters")
    assert ripple("bewildered otters") > 2.5 * plain
