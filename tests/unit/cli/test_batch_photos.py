"""Photos of a batch: found in files, folders and archives, and chosen by a table."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from lensora.cli.photos import NAMELESS, ListedPhoto, chosen, listed, named_apart
from lensora.contract.batches import BatchItemBody
from lensora.contract.folders import folder_of
from lensora.core.errors import ConfigurationError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photos, one of them in a folder within, among what is none."""
    folder = tmp_path / "shop"
    (folder / "mugs").mkdir(parents=True)
    (folder / "lamp.JPG").write_bytes(b"lamp")
    (folder / "mugs" / "red.png").write_bytes(b"red")
    (folder / "notes.txt").write_bytes(b"")
    (folder / ".hidden.jpg").write_bytes(b"")
    return folder


def test_a_folder_gives_its_photos_by_name(folder: Path) -> None:
    """Those in folders within too; what is no photo, and what is hidden, is passed over."""
    found = listed([folder, folder / "lamp.JPG"])
    assert [(photo.name, photo.read()) for photo in found] == [("lamp", b"lamp"), ("mugs-red", b"red")]
    assert found[1].path == (folder / "mugs" / "red.png").as_posix()


def test_an_archive_gives_its_photos(tmp_path: Path) -> None:
    """As a folder does; an entry that is too large is not unpacked, a broken archive is said."""
    path = tmp_path / "shop.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b/red.webp", b"red")
        archive.writestr("__MACOSX/._red.webp", b"")
        archive.writestr("large.png", bytes(20_000_001))
    small, large = listed([path])
    assert (small.name, small.read()) == ("b-red", b"red")
    assert large.name == "large"
    with pytest.raises(OSError, match="at most 20 MB"):
        large.read()
    path.write_bytes(b"no archive")
    with pytest.raises(ConfigurationError, match=r"shop\.zip"):
        listed([path])


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_entry_is_that_photo_s_trouble(tmp_path: Path, method: int) -> None:
    """As a file that cannot be read, so that the others go on."""
    path = tmp_path / "shop.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("red.png", bytes(range(256)) * 40)
    data = bytearray(path.read_bytes())
    data[60:90] = b"\xff" * 30
    path.write_bytes(data)
    (photo,) = listed([path])
    with pytest.raises(OSError):
        photo.read()


def test_nothing_to_film_is_said(tmp_path: Path) -> None:
    """With what is taken."""
    with pytest.raises(ConfigurationError, match=r"no photo found: it takes \.jpeg, \.jpg"):
        listed([tmp_path])


def test_a_table_chooses_and_says_what_differs(folder: Path, tmp_path: Path) -> None:
    """Only its rows, in its order, each with its name, object, background and size."""
    table = tmp_path / "rows.csv"
    table.write_text(
        "photo,name,object,background,height_cm\nmugs/red.png,Red mug,1,on a desk,9.5\nlamp.JPG,,,,\n", "utf-8-sig"
    )
    red, lamp = chosen(listed([folder]), table)
    assert (red.name, lamp.name, lamp.fields) == ("Red mug", "lamp", {})
    assert red.fields == {
        "object_index": 1,
        "background": {"type": "prompt", "prompt": "on a desk"},
        "real_height_cm": 9.5,
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("photo\nlost.jpg\n", r"line 2: there is no photo 'lost\.jpg'"),
        ("photo,colour\nlamp.JPG,red\n", "has a column 'colour'; it takes photo, name"),
        ("name\nlamp\n", "has no column 'photo'"),
        ("photo,object\nlamp.JPG,first\n", "line 2: object must be an integer, not 'first'"),
        ("photo,width_cm\nlamp.JPG,12 cm\n", "line 2: width_cm must be a number, as in 9.5, not '12 cm'"),
        ('photo,height_cm\nlamp.JPG,"12,5"\n', "line 2: height_cm must be a number, as in 9.5, not '12,5'"),
        ("photo,background\nlamp.JPG,on a table, in the sun\n", "line 2: it has more cells than columns; a cell with"),
        ("photo,name,name\nlamp.JPG,a,b\n", "has the column 'name' twice; it takes photo, name"),
        ('photo,name\nlamp.JPG,"open\nmugs/red.png,b\n', r"rows\.csv: unexpected end of data"),
        ("photo\n", "it has no rows"),
        ("photo,height_cm\nlamp.JPG,-5\n", "line 2: real_height_cm must be a number from 0.1 to 10000, not -5.0"),
        ("photo,background\nlamp.JPG,beach.jpg\n", "line 2: background beach.jpg: looks like a file"),
        (f"photo,background\nlamp.JPG,{'x' * 1001}\n", "line 2: background.prompt must have at most 1,000 characters"),
    ],
)
def test_a_table_that_is_wrong_is_said_by_its_line(folder: Path, tmp_path: Path, text: str, says: str) -> None:
    """Before anything is paid."""
    table = tmp_path / "rows.csv"
    table.write_text(text)
    with pytest.raises(ConfigurationError, match=says):
        chosen(listed([folder]), table)


@pytest.mark.parametrize(
    "names",
    [
        ["Screenshot 9.41\u202fAM", "two\tparts", "ideographic\u3000space", "\u200b", ""],
        ["red/blue", "red-blue", "Red?Blue", "mug.", "mug", " mug", "..."],
        ["x" * 116 + " y", "x" * 130, "x" * 119],
        ["\u676f" * 116, "\u676f" * 110, "\U0001f375" * 116],
        ["photo", "photo-2", "photo"],
        ["caf\udce9"],
        ["con", "CON", "nul.jpg", "lpt1"],
    ],
)
def test_each_photo_has_a_folder_under_the_name_that_the_api_keeps(names: list[str], tmp_path: Path) -> None:
    """What the API says of an item is found by its name, and no film is saved over another one."""
    photos = named_apart(ListedPhoto(name, name, bytes) for name in names)
    kept = [BatchItemBody(session_id="s", name=photo.name).name for photo in photos]
    assert kept == [photo.name for photo in photos]
    for photo in photos:
        (tmp_path / folder_of(photo.name, NAMELESS)).mkdir()
    assert len({folder_of(photo.name, NAMELESS).casefold() for photo in photos}) == len(names)
