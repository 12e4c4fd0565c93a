"""The still scene: placement, shadow, and colours that stay."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import pytest

from lensora.adapters.patience import while_waiting
from lensora.core.artifacts import ModelUse
from lensora.core.errors import Cancelled, InvalidBackground, InvalidRequest, SubjectNotFound
from lensora.core.scene import Lighting, Scene, studio_lighting
from lensora.core.staging import BASE_LINE, FILL, FrameShape, staged, straightening
from lensora.core.viewpoint import Viewpoint
from services.segment.backends import Painted
from services.segment.backplate import Crop, check_size, image_backplate, plain_backplate, prompt_backplate
from services.segment.composite import composite, encode_jpeg, place
from services.segment.shadow import Outline, key_share


def cutout(width: int = 220, height: int = 300, pad: int = 30) -> np.ndarray:
    """A striped block with a soft edge on clear ground."""
    rgba = np.zeros((height + 2 * pad, width + 2 * pad, 4), np.uint8)
    rgba[..., :3] = (200, 60, 40)
    rgba[::40, :, :3] = (30, 90, 160)
    rgba[pad : pad + height, pad : pad + width, 3] = 255
    rgba[..., 3] = cv2.GaussianBlur(rgba[..., 3], (0, 0), 1.0)
    return rgba


def scene(x: float = -0.6, horizon: float = 0.55) -> Scene:
    light = studio_lighting()
    direction = np.array([x, 0.7, 0.2], np.float32)
    return Scene(horizon, False, Lighting(light.sh, direction / np.linalg.norm(direction), light.key_color * 3))


def grey(side: int = 400) -> np.ndarray:
    return np.full((side, side, 3), 150, np.uint8)


@pytest.mark.parametrize(("width", "height"), [(220, 300), (300, 120), (60, 500)])
@pytest.mark.parametrize("frame", [(400, 400), (640, 360)])
def test_the_subject_stands_on_the_line(width: int, height: int, frame: tuple[int, int]) -> None:
    """Base line, size and middle are those of the staging, whatever the shapes."""
    stage = staged(width, height)
    placed = place(cutout(width, height), *frame)
    rows = np.flatnonzero((placed.alpha > 0.5).any(axis=1))
    columns = np.flatnonzero((placed.alpha > 0.5).any(axis=0))
    assert abs((rows[-1] + 1) / frame[1] - stage.base_line) < 0.01
    assert abs((columns[0] + columns[-1] + 1) / 2 / frame[0] - 0.5) < 0.01
    extent = max((columns[-1] + 1 - columns[0]) / frame[0], (rows[-1] + 1 - rows[0]) / frame[1])
    assert extent == pytest.approx(stage.fill, abs=0.025)


def test_flat_things_are_shown_larger_and_stand_higher() -> None:
    """What is as tall as wide stands on the base line; a truck is larger and stands higher, a plank more so."""
    assert staged(1.0, 1.0) == staged(1.0, 3.0) and (staged(1.0, 1.0).fill, staged(1.0, 1.0).base_line) == (
        FILL,
        BASE_LINE,
    )
    truck, plank = staged(5.0, 2.0), staged(5.0, 0.1)
    assert FILL < truck.fill < plank.fill < 0.75 and BASE_LINE > truck.base_line > plank.base_line > 0.79


@pytest.mark.parametrize("side", [-0.9, 0.9])
def test_no_shadow_is_cut_off_by_the_edge_of_a_plain_plate(side: float) -> None:
    """A tall thing under a low light: its long shadow is there, and the frame's edges have the plate's colour."""
    plate = plain_backplate(400, 400)
    light = studio_lighting()
    low = Lighting(light.sh, np.array([side, 0.45, 0.2], np.float32) / 1.03, light.key_color * 12)
    out = composite(cutout(120, 500), plate.rgb, replace(plate.scene, lighting=low)).astype(int)
    assert np.concatenate([out[0], out[-1], out[:, 0], out[:, -1]]).min() >= 254
    assert out[:, 340 if side < 0 else 60].min() < 250


def test_colours_are_not_shifted() -> None:
    """Inside the subject every pixel is the cutout's, on a dark, a bright and a coloured backplate, JPEG included."""
    block = cutout()
    block[..., :3] = (200, 60, 40)
    for colour in ((10, 10, 10), (250, 250, 250), (20, 200, 60)):
        plate = np.full((400, 400, 3), colour, np.uint8)
        out = composite(block, plate, scene())
        inside = cv2.erode(place(block, 400, 400).alpha, np.ones((13, 13), np.uint8)) > 0.99
        assert np.abs(out[inside].astype(int) - (200, 60, 40)).max() <= 2
        decoded = cv2.imdecode(np.frombuffer(encode_jpeg(out), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        assert np.abs(decoded[inside].astype(int) - (200, 60, 40)).mean() < 2.0


@pytest.mark.parametrize("x", [-0.6, 0.6])
def test_the_shadow_falls_away_from_the_light(x: float) -> None:
    """The ground is darker on the side that the light does not come from, darkest under the subject."""
    out = composite(cutout(), grey(), scene(x)).astype(float).mean(axis=2)
    band = slice(int(0.80 * 400), int(0.87 * 400))
    left, right = out[band, 20:90].mean(), out[band, 310:380].mean()
    assert (right < left - 3) if x < 0 else (left < right - 3)
    under = out[int(0.866 * 400) : int(0.88 * 400), 150:250].mean()
    assert under < min(left, right) and under < 120


def test_the_wall_is_not_in_shadow() -> None:
    """Above the horizon the backplate is as it was."""
    out = composite(cutout(), grey(), scene(horizon=0.7))
    far = out[: int(0.68 * 400), :60]
    assert np.abs(far.astype(int) - 150).max() <= 1


def test_the_white_plate_stays_white() -> None:
    """On the plate of remove the borders stay 255 and the subject has a shadow under it."""
    plate = plain_backplate(400, 400)
    out = composite(cutout(), plate.rgb, plate.scene)
    assert int(out[0].min()) == 255 and int(out[:200, 0].min()) == 255
    assert out[int(0.868 * 400), 200].mean() < 235


@pytest.mark.parametrize("shape", [FrameShape(), FrameShape(0.5625, 1.0), FrameShape(1.0, 0.5625)])
@pytest.mark.parametrize("pitch", [5.0, 40.0])
def test_a_long_shadow_on_the_white_plate_ends_before_the_border(shape: FrameShape, pitch: float) -> None:
    """However the camera looks down, and whatever is seen of the plate: a white page shows no edge."""
    plate = plain_backplate(400, 400)
    low = np.array([-0.85, 0.5, -0.1], np.float32)
    light = replace(plate.scene.lighting, key_direction=low / np.linalg.norm(low))
    out = composite(cutout(), plate.rgb, replace(plate.scene, lighting=light, pitch=np.radians(pitch)), shape)
    assert min(out[0].min(), out[-1].min(), out[:, 0].min(), out[:, -1].min()) == 255
    assert out[:, 3 * out.shape[1] // 4 :].min() < 252


def test_a_coloured_plate_keeps_its_colour() -> None:
    """The borders are the colour to the digit, and the subject casts a shadow in it."""
    plate = plain_backplate(400, 400, color=(31, 92, 87))
    out = composite(cutout(), plate.rgb, plate.scene)
    assert out[0].min(axis=0).tolist() == [31, 92, 87] == out[0].max(axis=0).tolist()
    assert out[int(0.868 * 400), 200].astype(int).sum() < 31 + 92 + 87


def test_an_empty_cutout_is_refused() -> None:
    """A cutout without a visible pixel cannot stand anywhere."""
    with pytest.raises(SubjectNotFound):
        composite(np.zeros((100, 100, 4), np.uint8), grey(), scene())


def test_the_key_s_share_follows_the_light() -> None:
    """A strong key casts a stronger shadow than a weak one, and shares stay in 0..1."""
    light = studio_lighting()
    weak = key_share(Lighting(light.sh, light.key_direction, light.key_color * 0.1))
    strong = key_share(Lighting(light.sh, light.key_direction, light.key_color * 30))
    assert np.all(weak < 0.2) and np.all(strong > 0.8) and np.all(strong <= 1.0)


@pytest.mark.parametrize(
    ("shape", "size"), [((100, 300), (256, 256)), ((300, 100), (300, 260)), ((64, 64), (512, 256))]
)
def test_a_crop_keeps_the_aspect(shape: tuple[int, int], size: tuple[int, int]) -> None:
    """A circle stays a circle, the middle stays in the middle, and the size is exact."""
    picture = np.zeros((*shape, 3), np.uint8)
    cv2.circle(picture, (shape[1] // 2, shape[0] // 2), 25, (255, 255, 255), -1)
    out = Crop.of(picture, *size).taken(picture, *size)
    assert out.shape == (size[1], size[0], 3)
    rows = np.flatnonzero((out[..., 0] > 127).any(axis=1))
    columns = np.flatnonzero((out[..., 0] > 127).any(axis=0))
    tall, wide = rows[-1] - rows[0], columns[-1] - columns[0]
    assert min(tall, size[1] - 1) == tall
    assert abs(tall - wide) <= max(3, 0.06 * wide) or tall >= size[1] - 2
    assert abs((columns[0] + columns[-1]) / 2 - size[0] / 2) < 0.03 * size[0]


def test_sizes_and_bytes_are_checked() -> None:
    """Sides out of range and bytes that are no picture are refused by name."""
    check_size(256, 2160)
    with pytest.raises(InvalidRequest, match="height"):
        check_size(256, 2161)
    with pytest.raises(InvalidBackground, match="background is not a usable picture"):
        image_backplate(b"\x89PNG nothing", 256, 256)


def feet(positions: list[tuple[int, int]]) -> np.ndarray:
    """A table: a slab on legs that end at ``(column, row)``."""
    rgba = np.zeros((360, 400, 4), np.uint8)
    rgba[..., :3] = (150, 110, 80)
    rgba[100:150, 60:340, 3] = 255
    for column, row in positions:
        rgba[140:row, column - 8 : column + 8, 3] = 255
    return rgba


def test_every_foot_has_its_contact_shadow() -> None:
    """Legs further back, and so higher in the picture, darken the ground under them as the front one does."""
    legs = [(90, 290), (200, 340), (310, 290)]
    table = feet(legs)
    out = composite(table, grey(600), scene(0.0, horizon=0.4)).astype(float).mean(axis=2)
    placed = place(table, 600, 600)
    scale = (placed.right - placed.left) / 280
    for column, row in legs:
        x, y = placed.left + (column - 60) * scale, placed.bottom + (row - 340) * scale
        under = out[int(y) + 1 : int(y) + 4, int(x) - 4 : int(x) + 4].mean()
        between = out[int(y) + 1 : int(y) + 4, int(x) + 40 : int(x) + 48].mean()
        assert under < 95 and under < between - 25


def test_a_hand_is_no_foot() -> None:
    """What ends far over the ground throws no contact shadow into the air below it."""
    rgba = feet([(90, 340), (310, 190)])
    out = composite(rgba, grey(600), scene(-0.01, horizon=0.2)).astype(float).mean(axis=2)
    placed = place(rgba, 600, 600)
    scale = (placed.right - placed.left) / 280
    x, y = placed.left + 250 * scale, placed.bottom - 150 * scale
    assert out[int(y) + 2 : int(y) + 5, int(x) - 4 : int(x) + 4].mean() > 130


def test_the_lower_edges_of_a_corner_touch_the_ground() -> None:
    """A box seen from its corner stands on both its lower edges, a ball on its lowest part alone."""
    corner = np.zeros((400, 400), np.float32)
    cv2.fillPoly(corner, [np.array([(60, 120), (340, 120), (340, 250), (200, 310), (60, 250)], np.int32)], 1.0)
    box = Outline.of(corner, 311.0)
    assert float(box.hang[80:320].max()) < 3.0 and box.ground[100] == pytest.approx(267, abs=4)
    ball = np.zeros((400, 400), np.float32)
    cv2.circle(ball, (200, 210), 100, 1.0, -1)
    outline = Outline.of(ball, 311.0)
    assert float(outline.hang[195:205].max()) < 1.0 and float(outline.hang[110]) > 20.0


def pictures_without_ground() -> dict[str, np.ndarray]:
    """A gradient, a night sky, plaster, blurred lights."""
    random = np.random.default_rng(5)
    down = np.linspace(0.0, 1.0, 300)[:, None, None]
    fade = np.broadcast_to(np.array([250, 240, 230]) * (1 - down) + np.array([60, 60, 110]) * down, (300, 300, 3))
    stars = np.zeros((300, 300, 3), np.uint8) + np.array([8, 10, 24], np.uint8)
    lights = np.zeros((300, 300, 3), np.float32)
    for x, y in random.integers(0, 300, (80, 2)):
        stars[y, x] = 230
        cv2.circle(lights, (int(x), int(y)), 16, tuple(random.uniform(40, 200, 3)), -1)
    rough = cv2.GaussianBlur(random.standard_normal((300, 300)), (0, 0), 3.0)[..., None]
    plaster = np.clip(185 + 60 * rough + np.zeros(3), 0, 255)
    return {
        "gradient": fade.astype(np.uint8),
        "stars": stars,
        "plaster": plaster.astype(np.uint8),
        "lights": cv2.GaussianBlur(lights, (0, 0), 3.0).astype(np.uint8),
    }


@pytest.mark.parametrize("name", ["gradient", "stars", "plaster", "lights"])
def test_a_picture_without_ground_gets_no_cast_shadow(name: str) -> None:
    """On a sky, a wall or a gradient nothing falls beside the subject; a hint of contact stays under it."""
    picture = pictures_without_ground()[name]
    data = cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
    plate = image_backplate(data, 300, 300)
    assert plate.scene.afloat
    out = composite(cutout(), plate.rgb, plate.scene).astype(int)
    assert np.abs(out - plate.rgb)[int(0.9 * 300) :, :70].max() <= 4
    level = np.full((300, 300, 3), 150, np.uint8)
    afloat = composite(cutout(), level, replace(scene(), afloat=True)).astype(int)[int(0.866 * 300), 120:180].mean()
    grounded = composite(cutout(), level, scene()).astype(int)[int(0.866 * 300), 120:180].mean()
    assert grounded + 15 < afloat < 147


def standing(tall: int) -> np.ndarray:
    """A body on two wheels, a quarter of its width apart from its ends; ``tall`` pixels of room under it."""
    rgba = np.zeros((400, 400, 4), np.uint8)
    rgba[..., :3] = 200
    rgba[180 : 330 - tall, 40:360, 3] = 255
    for x in (90, 310):
        cv2.circle(rgba, (x, 300 - tall), 30 + tall, (200, 200, 200, 255), -1)
    rgba[:180, :, 3] = 0
    return rgba


def test_the_ground_is_dark_under_a_low_body() -> None:
    """Between the wheels of a car hardly any light reaches the ground; under a body far over it much more does."""
    dark = {}
    for tall in (20, 90):
        rgba = standing(tall)
        out = composite(rgba, grey(600), scene(0.0, horizon=0.2)).astype(float).mean(axis=2)
        placed = place(rgba, 600, 600)
        scale = (placed.right - placed.left) / 320
        row, column = int(placed.bottom - 8 * scale), int((placed.left + placed.right) / 2)
        dark[tall] = out[row - 2 : row + 2, column - 10 : column + 10].mean()
    assert dark[20] < 75 and dark[90] > dark[20] + 20


def test_a_curved_rim_has_an_even_shadow() -> None:
    """Along the lower edge of a dish the ground darkens evenly: the stairs that its rows make of a curve are no gaps
    under it."""
    rgba = np.zeros((600, 600, 4), np.uint8)
    cv2.ellipse(rgba, (300, 300), (270, 42), 0, 0, 360, (40, 40, 40, 255), -1, cv2.LINE_AA)
    plate = plain_backplate(768, 768)
    out = composite(rgba, plate.rgb, plate.scene)[..., 1].astype(np.float64)
    alpha = place(rgba, 768, 768).alpha
    columns = np.arange(230, 538)
    lowest = 767 - np.argmax(alpha[::-1, columns] > 0.4, axis=0)
    below = np.mean([out[lowest + row, columns] for row in range(4, 8)], axis=0)
    even = cv2.GaussianBlur(below[None], (0, 0), 12.0, borderType=cv2.BORDER_REPLICATE)[0]
    assert below.mean() < 240.0
    assert np.abs(below - even).max() < 12.0


@pytest.mark.parametrize("pitch", [0.07, 0.25])
def test_no_haze_stands_over_a_flat_thing(pitch: float) -> None:
    """A dish that is seen from its side shades the ground before it, and hardly what is seen over its two ends."""
    rgba = np.zeros((600, 600, 4), np.uint8)
    cv2.ellipse(rgba, (300, 300), (270, 24), 0, 0, 360, (40, 40, 40, 255), -1, cv2.LINE_AA)
    plate = plain_backplate(768, 768, Viewpoint(pitch, 0.0, 0.01, 0.01))
    out = composite(rgba, plate.rgb, plate.scene)[..., 1].astype(np.float64)
    seen = place(rgba, 768, 768, plate.scene.pitch or 0.0).alpha > 0.1
    for column in np.linspace(*np.flatnonzero(seen.any(axis=0))[[0, -1]], 9)[1:-1].astype(int):
        rows = np.flatnonzero(seen[:, column])
        over, under = 255.0 - out[rows[0] - 30, column], 255.0 - out[rows[-1] + 8, column]
        assert under > 20.0 and over < 0.4 * under, (column, over, under)


def test_the_ground_runs_straight_between_two_feet() -> None:
    """The sill between two wheels hangs over the line that joins them, gently as it may rise from them."""
    alpha = np.zeros((400, 400), np.float32)
    points = [(40, 150), (360, 150), (360, 250), (300, 290), (260, 265), (140, 285), (100, 310), (40, 260)]
    cv2.fillPoly(alpha, [np.array(points, np.int32)], 1.0)
    outline = Outline.of(alpha, 311.0)
    assert outline.hang[200] > 20.0 and outline.ground[200] > 286.0


@pytest.mark.parametrize("slant", [0, 8])
def test_a_table_is_a_ground(slant: int) -> None:
    """A surface whose far edge runs across the picture, level or a little askew, carries the subject."""
    picture = np.full((300, 300, 3), (205, 200, 190), np.uint8)
    cv2.fillPoly(picture, [np.array([(0, 170 - slant), (300, 170 + slant), (300, 300), (0, 300)])], (120, 85, 60))
    plate = image_backplate(cv2.imencode(".png", picture[..., ::-1])[1].tobytes(), 300, 300)
    assert not plate.scene.afloat
    assert plate.scene.horizon == pytest.approx(0.57, abs=0.05)


def ground_picture(edge: int) -> bytes:
    """A PNG of a wall over a table whose edge lies at a row of 400."""
    picture = np.full((400, 400, 3), (205, 190, 160), np.uint8)
    picture[edge:] = (60, 90, 130)
    return bytes(cv2.imencode(".png", picture)[1])


def test_a_picture_is_cropped_to_its_surface_for_a_subject_from_above() -> None:
    """Seen from above, more of a user's surface is shown and its edge moves up; seen from its side, nothing changes."""
    above = Viewpoint(pitch=np.radians(60.0), pitch_doubt=np.radians(3.0))
    level = Viewpoint(pitch=np.radians(6.0), pitch_doubt=np.radians(3.0))
    as_given, low, high = (
        image_backplate(ground_picture(220), 256, 256, viewpoint=each) for each in (None, level, above)
    )
    assert np.array_equal(as_given.rgb, low.rgb) and low.scene.horizon == pytest.approx(0.55, abs=0.02)
    assert high.scene.horizon < 0.40 and not high.scene.afloat
    row = round(high.scene.horizon * 256)
    assert high.rgb[row - 8, 128, 0] > 150 > high.rgb[row + 8, 128, 0]


@pytest.mark.parametrize("lean", [-6.0, 6.0])
def test_a_thing_that_leans_in_its_photo_stands_upright(lean: float) -> None:
    """A photo's known roll is taken back: the block is upright again, whole, on the same base line. A roll that is
    small or hardly known changes nothing."""
    level = cutout(120, 300, 80)
    turn = cv2.getRotationMatrix2D((level.shape[1] / 2, level.shape[0] / 2), lean, 1.0)  # anticlockwise
    leaning = cv2.warpAffine(level, turn, level.shape[1::-1], flags=cv2.INTER_CUBIC)
    known = Viewpoint(roll=np.radians(lean), roll_doubt=np.radians(0.3))
    assert straightening(known) == pytest.approx(np.radians(lean), rel=0.05)
    straight, before, upright = (
        place(picture, 400, 400, turn=amount)
        for picture, amount in ((leaning, straightening(known)), (leaning, 0.0), (level, 0.0))
    )
    assert straight.bottom == pytest.approx(upright.bottom, abs=1.0)
    assert np.abs(straight.alpha - upright.alpha).mean() < 0.2 * np.abs(before.alpha - upright.alpha).mean()
    for unsure in (None, Viewpoint(), Viewpoint(roll=0.01, roll_doubt=0.001), Viewpoint(roll=0.05, roll_doubt=0.1)):
        assert straightening(unsure) == 0.0


def test_a_net_that_paints_at_eye_level_is_cropped_to_its_surface() -> None:
    """A text-to-image net is asked for the photo's pitch; surroundings that it paints all the same are cropped away, as
    from a user's picture."""
    painted = np.full((400, 400, 3), (205, 190, 160), np.uint8)
    painted[220:] = (60, 90, 130)

    class EyeLevel:
        asked = 0.0

        def paint(self, *words: object) -> Painted:
            self.asked = float(words[4])  # type: ignore[arg-type]
            return Painted(painted, horizon=None, pitch=self.asked, key=None)

        def describe(self) -> ModelUse:
            return ModelUse("eye-level", "1", "", "Apache-2.0", "segment")

    net = EyeLevel()
    above = Viewpoint(pitch=np.radians(60.0), pitch_doubt=np.radians(3.0))
    level = prompt_backplate("on a table", 400, 400, 1, net)
    high = prompt_backplate("on a table", 400, 400, 1, net, viewpoint=above)
    assert net.asked == high.scene.pitch == pytest.approx(np.radians(60.0), abs=0.02)
    assert np.array_equal(level.rgb, painted) and level.scene.horizon == pytest.approx(0.55, abs=0.03)
    assert high.scene.horizon < 0.40 and high.rgb.shape == painted.shape
    row = round(high.scene.horizon * 400)
    assert abs(int(high.rgb[row - 10, 200, 0]) - int(high.rgb[row + 10, 200, 0])) > 20


@pytest.mark.parametrize(
    ("columns", "rows", "frame"), [(270, 480, (288, 512)), (480, 270, (512, 288)), (480, 270, (288, 512))]
)
def test_a_picture_fills_what_the_film_shows(columns: int, rows: int, frame: tuple[int, int]) -> None:
    """One of the film's own shape is seen to its edges, not cut to a square before; one of another shape covers it."""
    picture = np.full((rows, columns, 3), (190, 195, 200), np.uint8)
    picture[rows // 2 :] = (60, 90, 130)
    picture[:16] = picture[-16:] = (250, 10, 10)
    picture[:, :16] = picture[:, -16:] = (10, 250, 10)
    shape = FrameShape.of(*frame)
    plate = image_backplate(cv2.imencode(".png", picture)[1].tobytes(), 512, 512, shape=shape)
    assert plate.rgb.shape == (512, 512, 3)
    left, top, right, bottom = shape.box(512)
    shown = plate.rgb[top:bottom, left:right].astype(int)
    own = frame[0] > frame[1], columns > rows
    assert (shown[len(shown) // 4, 3, 1] > 200) == (own[0] == own[1]), "its left edge"
    assert shown[3, len(shown[0]) // 2, 2] > 200 and shown[-4, len(shown[0]) // 2, 2] > 200, "its upper and lower edge"
    assert plate.scene.horizon == pytest.approx(0.5, abs=0.03)


def test_what_is_seen_from_above_lies_in_the_middle_and_is_shaded_all_round() -> None:
    """A plan has surface and shade on all sides of it; an elevation stands low and is shaded at its foot."""
    plate = np.full((300, 300, 3), 180, np.uint8)
    rgba = np.zeros((200, 200, 4), np.uint8)
    cv2.rectangle(rgba, (20, 60), (180, 140), (90, 60, 40, 255), -1)
    for pitch, whole in ((0.05, False), (np.radians(65.0), True)):
        world = Scene(0.0 if whole else 0.5, False, studio_lighting(), pitch=pitch)
        placed = place(rgba, 300, 300, pitch)
        out = composite(rgba, plate, world).astype(int)
        top, bottom = round(placed.top), round(placed.bottom)
        assert (abs((top + bottom) / 2 - 150) < 15) == whole
        assert out[bottom + 2, 150].mean() < 165
        assert (out[top - 3, 150].mean() < 172) == whole


def test_a_still_that_nobody_waits_for_any_more_ends_at_its_next_step() -> None:
    """Each step of a large one takes up to half a second, and all together seconds: shade, reflection, edges."""
    polished = replace(scene(), mirror=0.15, roughness=0.2)
    looks = 0

    def leave_after(most: int) -> None:
        nonlocal looks
        looks += 1
        if looks > most:
            raise Cancelled("gone")

    with while_waiting(partial(leave_after, 1_000)):
        whole = composite(cutout(), grey(), polished)
    assert whole.shape == (400, 400, 3) and looks > 20
    for most in range(looks):
        looks = 0
        with while_waiting(partial(leave_after, most)), pytest.raises(Cancelled):
            composite(cutout(), grey(), polished)
