"""Many photos at once, in a browser: one price before, each photo's state in words, one archive."""

from __future__ import annotations

import base64
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from gateway.http.visitor import Visitor

DROP = """([names, data]) => {
  const bytes = Uint8Array.from(atob(data), character => character.charCodeAt(0));
  const transfer = new DataTransfer();
  for (const name of names) transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
  document.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""
"""Drops photos of these names onto the page."""

PASTE = DROP.replace(
    'new DragEvent("drop", { dataTransfer: transfer,', 'new ClipboardEvent("paste", { clipboardData: transfer,'
)
"""Pastes photos of these names."""

ADD = ".many input[type=file]"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four photos and a file that is called like one."""
    folder = tmp_path_factory.mktemp("shop")
    for number in range(4):
        Image.new("RGB", (96, 96), (60 * number, 120, 90)).save(folder / f"mug-{number}.jpg")
    (folder / "broken.jpg").write_bytes(b"no photo")
    return sorted(folder.iterdir())


def jobs_of(visitor: Visitor) -> list[str]:
    """The ids of the films that the page of a batch shows, in its order."""
    films = visitor.page.locator("li.film a")
    return [str(address).rsplit("/", 1)[-1] for address in films.evaluate_all("links => links.map(link => link.href)")]


def film(visitor: Visitor, name: str) -> Locator:
    """One photo's card."""
    return visitor.page.locator("li.film", has_text=name)


def ordered(visitor: Visitor, films: str) -> str:
    """Order what is chosen; the batch's id."""
    visitor.page.get_by_role("button", name=f"Make {films}").click()
    visitor.page.wait_for_url(lambda url: "/studio/batches/" in url and not url.endswith("/new"))
    return visitor.page.url.rsplit("/", 1)[-1]


def test_five_photos_of_which_one_is_broken(
    visitor: Visitor, photos: list[Path], accessible: Callable[[Page], None]
) -> None:
    """The price of all is seen before; the broken one says why and stops no other; a reload loses nothing; what was not
    made is cancelled with one press and paid back; the archive holds what is ready."""
    page = visitor.page
    visitor.watch.expected = ("status of 400",)
    visitor.open()
    page.get_by_role("link", name="Many photos at once").click()
    page.locator(ADD).first.set_input_files(photos)
    expect(page.get_by_text("400 credits")).to_be_visible()
    before = visitor.gateway.balance(visitor.key)
    visitor.picture("many")
    accessible(page)
    ordered(visitor, "5 films")
    assert before - visitor.gateway.balance(visitor.key) == 4 * (5 + 75)
    expect(film(visitor, "broken")).to_contain_text("Not a photo, not charged")
    expect(film(visitor, "broken")).to_contain_text("Image must be a JPEG, PNG or WebP")
    jobs = jobs_of(visitor)
    assert len(jobs) == 4
    for job_id in jobs[:3]:
        visitor.make(job_id)
    page.reload()
    bar = page.get_by_role("progressbar", name="Progress of all films")
    expect(bar).to_have_attribute("aria-valuetext", "3 of 4 ready, 75 %")
    expect(film(visitor, "mug-0")).to_contain_text("Ready")
    expect(film(visitor, "mug-0").locator("img")).to_be_visible()
    visitor.picture("batch")
    page.get_by_role("button", name="Cancel all").click()
    expect(page.get_by_role("group", name=re.compile("Cancel the film"))).to_be_focused()
    accessible(page)
    page.get_by_role("button", name="Cancel them").click()
    expect(page.get_by_role("heading", name="Cancelled")).to_be_visible()
    expect(page.get_by_text("of which 75 came back")).to_be_visible()
    accessible(page)
    with page.expect_download() as loading:
        page.get_by_role("link", name="Download all films (.zip)").click()
    archive = zipfile.ZipFile(loading.value.path())
    assert {name.partition("/")[0] for name in archive.namelist()} == {"films.csv", "mug-0", "mug-1", "mug-2"}
    film(visitor, "mug-0").locator("a").click()
    page.get_by_role("link", name="All films of this batch").click()
    expect(page.get_by_role("heading", name="Cancelled")).to_be_visible()


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_an_archive_and_a_folder_are_opened(
    visitor: Visitor, photos: list[Path], tmp_path: Path, accessible_by_day_and_night: Callable[[Page], None]
) -> None:
    """What is no photo in them is passed over or said; what was uploaded survives a reload and is not paid again."""
    page = visitor.page
    packed = tmp_path / "shop.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(photos[1], "shop/red.jpg")
        archive.writestr("shop/notes.txt", "nothing")
    broken = tmp_path / "bad.zip"
    broken.write_bytes(b"no archive")
    visitor.open("/studio/batches/new")
    page.locator(ADD).first.set_input_files([packed, broken])
    expect(page.locator(".photo-row")).to_have_count(2)
    expect(page.locator(".photo-row", has_text="bad.zip")).to_contain_text("cannot be unpacked")
    page.locator(ADD).nth(1).set_input_files(photos[2].parent)
    expect(page.locator(".photo-row")).to_have_count(7)
    page.get_by_role("button", name="Leave broken out").click()
    expect(page.get_by_text("400 credits")).to_be_visible()
    page.get_by_text("Size, length and files").click()
    page.get_by_label("Longer side").select_option("1920")
    page.get_by_label("Length").select_option("12")
    expect(page.get_by_text("The account has 2,000 credits: too little")).to_be_visible()
    expect(page.get_by_role("button", name="Make 5 films")).to_be_disabled()
    page.get_by_label("Longer side").select_option("768")
    page.get_by_label("Length").select_option("4")
    page.get_by_role("radio", name="White").check()
    refusal = '{"code": "insufficient_credits", "detail": "This costs 375 credits; the balance is 0."}'
    visitor.watch.expected = ("status of 402",)
    page.route("**/v1/studio/batches", lambda route: route.fulfill(status=402, body=refusal), times=1)
    page.get_by_role("button", name="Make 5 films").click()
    expect(page.get_by_role("alert")).to_contain_text("This costs 375 credits")
    page.reload()
    expect(page.locator(".photo-row.ready")).to_have_count(5)
    expect(page.get_by_text("375 credits")).to_be_visible()
    expect(page.get_by_role("radio", name="White")).to_be_checked()
    visitor.picture("many-again")
    batch_id = ordered(visitor, "5 films")
    page.get_by_role("link", name="My films").first.click()
    page.get_by_role("link", name="Batches").click()
    expect(page.locator(".batches li")).to_contain_text("0 of 5 ready")
    visitor.picture("batches")
    accessible_by_day_and_night(page)
    page.locator(".batches a").click()
    page.wait_for_url(f"**/studio/batches/{batch_id}")


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_photos_that_are_dropped_together_are_a_batch(visitor: Visitor, photos: list[Path]) -> None:
    """On whatever screen; one photo alone is still a film of its own. A cancel that fails is said beside its button."""
    page = visitor.page
    visitor.open()
    data = base64.b64encode(photos[1].read_bytes()).decode()
    page.evaluate(DROP, [["a.jpg", "b.jpg"], data])
    page.wait_for_url("**/studio/batches/new")
    ordered(visitor, "2 films")
    visitor.watch.expected = ("status of 503",)
    refusal = '{"code": "unavailable", "detail": "The job store does not answer."}'
    page.route("**/cancel", lambda route: route.fulfill(status=503, body=refusal), times=1)
    page.get_by_role("button", name="Cancel all").click()
    page.get_by_role("button", name="Cancel them").click()
    expect(page.get_by_role("alert")).to_contain_text("They could not be cancelled. The job store does not answer.")
    page.get_by_role("button", name="Cancel them").click()
    expect(page.get_by_role("heading", name="Cancelled")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete them").click()
    page.wait_for_url("**/studio/batches")
    expect(page.get_by_text("There is no batch yet")).to_be_visible()


def test_photos_that_come_while_others_are_ordered_stay(visitor: Visitor, photos: list[Path]) -> None:
    """They are neither ordered nor lost: the next batch has them."""
    page = visitor.page
    visitor.open("/studio/batches/new")
    page.locator(ADD).first.set_input_files(photos[1:2])
    expect(page.get_by_text("80 credits")).to_be_visible()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/studio/batches", hold)
    page.get_by_role("button", name="Make 1 film").click()
    expect(page.get_by_role("button", name="Ordering…")).to_be_visible()
    page.evaluate(DROP, [["late.jpg"], base64.b64encode(photos[2].read_bytes()).decode()])
    expect(page.locator(".photos")).to_contain_text("late")
    held[0].continue_()
    page.wait_for_url(lambda url: "/studio/batches/" in url and not url.endswith("/new"))
    page.get_by_role("link", name="More photos").click()
    expect(page.locator(".photos b")).to_have_text(["late"])
    page.get_by_role("button", name="Remove all").click()


def test_a_photo_that_is_pasted_beside_others_is_one_of_them(visitor: Visitor, photos: list[Path]) -> None:
    """It joins the batch, as one that is dropped does, and nothing is uploaded yet."""
    page = visitor.page
    visitor.open("/studio/batches/new")
    page.locator(ADD).first.set_input_files(photos[1:2])
    before = visitor.gateway.balance(visitor.key)
    page.evaluate(PASTE, [["pasted.jpg"], base64.b64encode(photos[2].read_bytes()).decode()])
    expect(page.locator(".photos b")).to_have_text(["mug-0", "pasted"])
    assert page.url.endswith("/studio/batches/new")
    assert visitor.gateway.balance(visitor.key) == before
    page.get_by_role("button", name="Remove all").click()


LOSE_AN_ANSWER = """() => {
  const sent = window.fetch;
  window.fetch = async (address, options) => {
    if (!String(address).endsWith("/init")) return sent(address, options);
    window.fetch = sent;
    await sent(address, { ...options, signal: null });
    window.lost = true;
    return new Promise((_, refuse) => options.signal.addEventListener("abort", () => refuse(options.signal.reason)));
  };
}"""
"""The next photo's answer does not come, although the server has given it."""


def test_a_photo_that_is_sent_again_is_paid_once(visitor: Visitor, photos: list[Path]) -> None:
    """The person stops while its answer is on its way, and orders again."""
    page = visitor.page
    visitor.open("/studio/batches/new")
    page.locator(ADD).first.set_input_files(photos[1:2])
    expect(page.get_by_text("80 credits")).to_be_visible()
    before = visitor.gateway.balance(visitor.key)
    page.evaluate(LOSE_AN_ANSWER)
    page.get_by_role("button", name="Make 1 film").click()
    while not page.evaluate("() => window.lost === true"):
        page.wait_for_timeout(50)
    page.get_by_role("button", name="Stop").click()
    ordered(visitor, "1 film")
    assert before - visitor.gateway.balance(visitor.key) == 5 + 75


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_photos_of_an_order_that_is_refused_are_not_paid(visitor: Visitor) -> None:
    """What is wrong with the choices is said before any photo is looked at, and mended choices can be ordered."""
    page = visitor.page
    visitor.watch.expected = ("status of 400",)
    visitor.open("/studio/batches/new")
    page.locator(".many input[type=file]").first.set_input_files(visitor.photo)
    page.get_by_role("radio", name="Your picture").check()
    page.get_by_label("or its address").fill("ftp://shop.example/wall.jpg")
    expect(page.get_by_text("must start with http:// or https://")).to_be_visible()
    expect(page.get_by_role("button", name="Make 1 film")).to_be_disabled()
    page.get_by_role("radio", name="White").check()
    expect(page.get_by_role("button", name="Make 1 film")).to_be_enabled()
