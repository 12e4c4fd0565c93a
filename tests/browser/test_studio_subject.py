"""Saying what is meant, in a browser: a box, points, the cutout before it is paid for, a closer look, more
photos."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from gateway.http.testing import CAMERA_BOX, Installation
from gateway.http.visitor import Visitor
from gateway.jobs.records import TURN_CREDITS, VIEW_CREDITS
from lensora.testing.films import film_of, turning


def area(picture: Locator) -> tuple[float, float, float, float]:
    """Left, top, width and height of the photo on the screen, pixels."""
    box = picture.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


class Fingers:
    """Of a hand on a touch screen."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)

    def down(self, *places: tuple[float, float]) -> None:
        """Touch the screen."""
        self._send("touchStart", places)

    def move(self, *places: tuple[float, float]) -> None:
        """Go on, without letting go."""
        self._send("touchMove", places)

    def up(self) -> None:
        """Let go."""
        self._send("touchEnd", ())

    def _send(self, kind: str, places: tuple[tuple[float, float], ...]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_a_box_and_points_are_drawn_and_cut_out(visitor: Visitor, stack: Installation) -> None:
    """What was drawn reaches the API; the cutout is seen with its confidence before the film, which takes it."""
    page = visitor.page
    session_id = visitor.open_photo()
    page.get_by_role("radio", name="Box").check()
    left, top, width, height = area(page.locator(".picture"))
    page.mouse.move(left + 0.1 * width, top + 0.95 * height)
    page.mouse.down()
    page.mouse.move(left + 0.5 * width, top + 0.6 * height)
    page.mouse.move(left + 0.9 * width, top + 0.2 * height)
    page.mouse.up()
    for tool, x, y in (("Keep", 0.5, 0.5), ("Drop", 0.85, 0.3)):
        page.get_by_role("radio", name=tool).check()
        page.mouse.click(left + x * width, top + y * height)
    dot = area(page.locator(".point.drop"))
    assert abs(dot[0] + dot[2] / 2 - left - 0.85 * width) < 2 and abs(dot[1] + dot[3] / 2 - top - 0.3 * height) < 2
    visitor.picture("points")
    stack.detect.segmenter.uncertain = True
    page.get_by_role("button", name="Look at the cutout").click()
    expect(page.get_by_text("97 % sure that this is right")).to_be_attached()
    expect(page.get_by_text("This is the cutout: 97 % sure")).to_be_in_viewport()
    expect(page.get_by_role("button", name="Back to the photo")).to_be_focused()
    expect(page.get_by_alt_text("The cutout")).to_be_in_viewport(ratio=1)
    stack.detect.segmenter.uncertain = False
    visitor.picture("cutout")
    asked = stack.detect.segmenter.asked[-1]
    box = (asked.box.x1, asked.box.y1, asked.box.x2, asked.box.y2)
    assert all(abs(given - meant) < 0.01 for given, meant in zip(box, (0.1, 0.2, 0.9, 0.95), strict=True))
    assert [point.keep for point in asked.points] == [True, False]
    assert abs(asked.points[1].x - 0.85) < 0.01 and abs(asked.points[1].y - 0.3) < 0.01
    job_id = visitor.order()
    visitor.gateway.take(job_id)
    cutout = visitor.gateway.claims[job_id].job.order.cutout
    assert cutout is not None and session_id in cutout.uri


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_another_choice_is_another_cutout(visitor: Visitor) -> None:
    """A cutout that was looked at is not used for what was chosen after it."""
    page = visitor.page
    visitor.open_photo()
    page.get_by_role("button", name="Look at the cutout").click()
    page.get_by_role("button", name="Back to the photo").click()
    page.get_by_role("button", name="Entire photo").click()
    expect(page.get_by_role("button", name="Look at the cutout")).to_be_visible()
    job_id = visitor.order()
    visitor.gateway.take(job_id)
    order = visitor.gateway.claims[job_id].job.order
    assert order.cutout is None and order.box.x2 == 1.0


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_the_same_choice_keeps_the_cutout(visitor: Visitor) -> None:
    """What was paid for is lost neither by picking again what is picked, nor by taking up the tool for a box. Moving
    the box loses it."""
    page = visitor.page
    visitor.open_photo()
    page.get_by_role("button", name="Look at the cutout").click()
    page.get_by_role("button", name="Back to the photo").click()
    page.locator(".chips button[aria-pressed=true]").first.click()
    page.get_by_role("radio", name="Box").check()
    expect(page.get_by_role("button", name="Show the cutout")).to_be_visible()
    page.get_by_role("button", name="The whole box").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="Look at the cutout")).to_be_visible()


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_the_tool_for_a_box_chooses_nothing_by_itself(visitor: Visitor) -> None:
    """Keys that go from one tool to another pass it: the object stays what is meant until its box is changed."""
    page = visitor.page
    visitor.open_photo()
    first = page.locator(".chips button").first
    page.get_by_role("radio", name="Pick").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("group", name="Your box")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Keep")).to_be_checked()
    expect(first).to_have_attribute("aria-pressed", "true")
    with page.expect_request("**/v1/studio/transform") as asked:
        visitor.order()
    assert (asked.value.post_data_json["object_index"], "bbox" in asked.value.post_data_json) == (0, False)
    page.go_back()
    page.get_by_role("radio", name="Box").check()
    page.get_by_role("button", name="The whole box").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("button", name="Your box")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Clear").click()
    expect(first).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_the_photo_is_seen_from_nearer(visitor: Visitor) -> None:
    """The first step leads to what is meant; two fingers enlarge what lies between them, and set no point; a tap sets
    one where it was, and the next one there takes it away; a finger that goes on sets none."""
    page = visitor.page
    visitor.open_photo()
    before = area(page.locator(".picture"))
    page.get_by_role("button", name="Larger").click()
    page.get_by_role("button", name="Larger").click()
    after, frame = area(page.locator(".picture")), area(page.locator(".looking"))
    assert after[2] > 1.8 * before[2]
    x1, y1, x2, y2 = CAMERA_BOX
    assert abs(after[0] + (x1 + x2) / 2 * after[2] - (frame[0] + frame[2] / 2)) < 20
    assert abs(after[1] + (y1 + y2) / 2 * after[3] - (frame[1] + frame[3] / 2)) < 20
    page.get_by_role("radio", name="Keep").check()
    x, y = frame[0] + 0.5 * frame[2], frame[1] + 0.4 * frame[3]
    share = (x - after[0]) / after[2], (y - after[1]) / after[3]
    fingers = Fingers(page)
    fingers.down((x - 20, y), (x + 20, y))
    fingers.move((x - 27, y), (x + 27, y))
    fingers.up()
    page.wait_for_function("() => parseInt(document.querySelector('.zoom output').textContent) > 250")
    nearer = area(page.locator(".picture"))
    # Downwards the frame shows nearly all of it, and cannot go further.
    assert abs(nearer[0] + share[0] * nearer[2] - x) < 4 and abs(nearer[1] + share[1] * nearer[3] - y) < 40
    fingers.down((x, y))
    fingers.move((x + 30, y))
    page.wait_for_timeout(200)  # a finger that lets go while it moves flicks the photo on, under the tap
    fingers.up()
    expect(page.locator(".point")).to_have_count(0)
    page.touchscreen.tap(x, y)
    dot = area(page.locator(".point"))
    assert abs(dot[0] + dot[2] / 2 - x) < 2 and abs(dot[1] + dot[3] / 2 - y) < 2
    visitor.picture("nearer")
    page.touchscreen.tap(x, y)
    expect(page.locator(".point")).to_have_count(0)


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_from_photo_to_film_with_the_keyboard_alone(visitor: Visitor) -> None:
    """Box, point, background and move are chosen, and the film is ordered, without a pointer."""
    page = visitor.page
    visitor.open()
    visitor.choose_photo()
    expect(page.get_by_role("heading", name="Make a film of it")).to_be_focused()

    def press(*keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)

    page.get_by_role("radio", name="Pick").focus()
    press("ArrowRight")
    expect(page.get_by_role("radio", name="Box")).to_be_checked()
    corner = page.get_by_role("button", name="Bottom right corner")
    corner.focus()
    press("ArrowLeft", "ArrowUp")
    expect(corner).to_have_accessible_name("Bottom right corner: 78 %, 92 %. Move it with the arrow keys.")
    page.get_by_role("button", name="The whole box").focus()
    press("ArrowLeft", "ArrowLeft", "ArrowUp")
    page.get_by_role("radio", name="Box").focus()
    press("ArrowRight")
    page.get_by_role("application").focus()
    press("ArrowRight", "Enter")
    expect(page.locator(".point.keep")).to_have_count(1)
    page.get_by_role("radio", name="Describe").focus()
    press("ArrowRight", "ArrowRight", "ArrowRight")
    expect(page.get_by_role("radio", name="White")).to_be_checked()
    page.get_by_role("button", name="Create the film").focus()
    press("Enter")
    page.wait_for_url("**/studio/jobs/*")
    expect(page.get_by_role("heading", name="Your film is being made")).to_be_focused()
    job_id = page.url.rsplit("/", 1)[-1]
    visitor.gateway.take(job_id)
    order = visitor.gateway.claims[job_id].job.order
    assert (round(order.box.x2, 2), round(order.box.y2, 2)) == (0.76, 0.91)
    assert [(round(point.x, 2), round(point.y, 2)) for point in order.points] == [(0.52, 0.5)]
    assert order.background.type == "remove"


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_more_photos_are_added_and_the_film_is_made_with_them(visitor: Visitor) -> None:
    """Each is paid for by itself and seen with its box; side and box reach the order, and a reload keeps them."""
    page = visitor.page
    visitor.open_photo()
    adding = page.get_by_label("Add more photos")
    expect(page.locator("label.button", has_text="Add more photos")).to_contain_text(f"{VIEW_CREDITS} credits each")
    adding.set_input_files([visitor.photo, visitor.photo])
    views = page.locator(".views li")
    expect(views).to_have_count(2)
    page.get_by_label("Side that photo 1 shows").select_option("The back")
    expect(page.get_by_text(f"{2_000 - 5 - 2 * VIEW_CREDITS:,} credits", exact=True)).to_be_visible()
    film = {"name": "turn.mp4", "mimeType": "video/mp4", "buffer": film_of(turning(36), rate=12)}
    adding.set_input_files(film)
    expect(views).to_have_count(3)
    expect(views.nth(2)).to_contain_text("8 pictures")
    expect(page.get_by_text(f"{2_000 - 5 - 2 * VIEW_CREDITS - TURN_CREDITS:,} credits", exact=True)).to_be_visible()
    visitor.picture("more-photos")
    page.get_by_role("button", name="Photo 2: correct").click()
    expect(page.get_by_role("heading", name="Where is it in this photo?")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Bottom right corner").focus()
    page.keyboard.press("ArrowLeft")
    visitor.picture("more-photos-box")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Photo 2: correct")).to_be_focused()
    page.reload()
    expect(views).to_have_count(3)
    expect(page.get_by_label("Side that photo 1 shows")).to_have_value("back")
    job_id = visitor.order()
    visitor.make(job_id)
    said = page.get_by_text("Also made with your photos: the back, the video of a turn.")
    expect(said).to_contain_text("Not used: a photo of no named side. Nobody said which side this photo shows")
    first, second, *pictures = visitor.gateway.claims[job_id].job.order.views
    assert (first.side, second.side, len(pictures)) == ("back", None, 8)
    assert (round(first.box.x2, 2), round(second.box.x2, 2)) == (0.79, 0.78)


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_another_thing_is_refused_and_may_be_insisted_on(visitor: Visitor, stack: Installation) -> None:
    """The sentence is shown with a way to say where it is; one that is taken out is gone, and five are the most."""
    page = visitor.page
    visitor.open_photo()
    visitor.watch.expected = ("status of 400",)
    adding = page.get_by_label("Add more photos")
    likeness, stack.detect.detector.likeness = stack.detect.detector.likeness, (0.01, 0.0, 0.0)
    adding.set_input_files(visitor.photo)
    expect(page.get_by_role("alert")).to_contain_text("seems to show another thing than your photo")
    visitor.picture("more-photos-refused")
    page.get_by_role("button", name="It is the same thing: show where").click()
    expect(page.get_by_role("heading", name="Where is it in this photo?")).to_be_visible()
    stack.detect.detector.likeness = likeness
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Take photo 1 out").click()
    expect(page.locator(".views li")).to_have_count(0)
    broken = {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": b"no"}
    named = [
        {"name": f"{name}.jpg", "mimeType": "image/jpeg", "buffer": visitor.photo.read_bytes()} for name in "abcdefg"
    ]
    adding.set_input_files([broken, *named])
    expect(page.locator(".views li")).to_have_count(5)
    expect(page.get_by_text("Five is the most.")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("There is no more room for f.jpg, g.jpg.")
    expect(adding).to_be_disabled()


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_a_back_of_another_shape_is_refused_in_the_studios_words(visitor: Visitor, stack: Installation) -> None:
    """What a person can do is said, no field of the API; the photo stays of no named side."""
    page = visitor.page
    visitor.open_photo()
    visitor.watch.expected = ("status of 400",)
    box, stack.detect.detector.box = stack.detect.detector.box, (0.02, 0.45, 0.98, 0.55)
    page.get_by_label("Add more photos").set_input_files(visitor.photo)
    side = page.get_by_label("Side that photo 1 shows")
    side.select_option("The back")
    expect(page.get_by_role("alert")).to_contain_text("Turn this photo upright, choose another side, or draw the box")
    expect(page.get_by_role("alert")).not_to_contain_text("bbox")
    expect(side).to_have_value("")
    stack.detect.detector.box = box


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_a_further_file_that_is_none_stops_no_other(visitor: Visitor) -> None:
    """Each that is wrong is named with its reason, and those beside it are added."""
    page = visitor.page
    visitor.open_photo()
    visitor.watch.expected = ("status of 400",)
    wrong = {"name": "IMG_1.HEIC", "mimeType": "image/heic", "buffer": b"heic"}
    broken = {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": b"no"}
    whole = [{"name": f"{name}.jpg", "mimeType": "image/jpeg", "buffer": visitor.photo.read_bytes()} for name in "ab"]
    page.get_by_label("Add more photos").set_input_files([wrong, whole[0], broken, whole[1]])
    expect(page.locator(".views li")).to_have_count(2)
    expect(page.get_by_role("alert")).to_contain_text("IMG_1.HEIC is not a photo")
    expect(page.get_by_role("alert")).to_contain_text("broken.jpg: Image must be")


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_a_video_of_another_kind_is_told_which_are_taken(visitor: Visitor) -> None:
    """It was meant as a turn: it is not asked to be a photo."""
    page = visitor.page
    visitor.open_photo()
    wrong = {"name": "turn.webm", "mimeType": "video/webm", "buffer": b"webm"}
    page.get_by_label("Add more photos").set_input_files(wrong)
    expect(page.get_by_role("alert")).to_contain_text("turn.webm is not a video that the studio takes (“.webm”)")
    expect(page.get_by_role("alert")).to_contain_text("Please choose an MP4 or MOV.")


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_things_that_are_called_alike_are_numbered(visitor: Visitor) -> None:
    """In the list and on the photo, by the same numbers; a name that is there once has none."""
    page = visitor.page
    session_id = visitor.session()

    def alike(route: Route) -> None:
        session = route.fetch().json()
        for found in session["objects"][:2]:
            found["label"] = "product"
        route.fulfill(json=session)

    page.route(f"**/v1/studio/sessions/{session_id}", alike)
    visitor.open(f"/studio/sessions/{session_id}")
    for name in ("product 1", "product 2"):
        expect(page.locator(".chips").get_by_role("button", name=name)).to_be_visible()
        expect(page.locator(".shapes").get_by_role("button", name=name)).to_be_visible()
    expect(page.get_by_role("button", name="Entire photo", exact=True)).to_be_visible()
    visitor.picture("alike")
