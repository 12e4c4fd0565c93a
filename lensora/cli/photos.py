"""The photos of a batch: files, folders and ZIP archives that a person names, and the rows of a table about them."""

from __future__ import annotations

import csv
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from lensora.client import requests
from lensora.contract.batches import MAX_NAME_CHARACTERS, BatchItemBody, readable
from lensora.contract.folders import folder_of
from lensora.contract.requests import checked
from lensora.core.errors import ConfigurationError, InvalidInput

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
MAX_PICTURE_BYTES = 20_000_000
"""What the API takes; a larger entry of an archive is not unpacked."""

NAMELESS = "photo"
"""What a photo is called whose file's name leaves nothing."""

MAX_NAME_BYTES = 240
"""Of a name, so that its folder has at most the 255 that file systems take."""

N = TypeVar("N", int, float)

COLUMNS = ("photo", "name", "object", "background", "height_cm", "width_cm", "depth_cm")
"""Of a table: the photo's path, and what it says otherwise than the command's options."""


@dataclass(frozen=True, slots=True)
class ListedPhoto:
    """One photo to make a film of.

    Attributes:
        path: for people: of its file, or within its archive.
        name: of the folder that its film goes to.
        read: its bytes.
        fields: of the batch's item, beside session and name.
    """

    path: str
    name: str
    read: Callable[[], bytes]
    fields: Mapping[str, Any] = field(default_factory=dict)


def listed(paths: Iterable[Path]) -> list[ListedPhoto]:
    """Every photo of these files, folders and archives, each once, in the order of their names.

    Raises:
        ConfigurationError: an archive that is none, or no photo at all.
    """
    found: dict[str, ListedPhoto] = {}
    for path in paths:
        for photo in _of(path):
            found.setdefault(photo.path, photo)
    if not found:
        raise ConfigurationError(f"no photo found: it takes {', '.join(sorted(PICTURE_SUFFIXES))}, folders and .zip")
    return list(found.values())


def chosen(photos: list[ListedPhoto], table: Path) -> list[ListedPhoto]:
    """The photos that the rows of a CSV file name, with what each row says.

    Raises:
        ConfigurationError: a column that is unknown or there twice, a row with more cells than columns, a row without
            a photo, or one whose photo is not there or is named twice.
    """
    by_path = {photo.path: photo for photo in photos}
    found: list[ListedPhoto] = []
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            wrong = _wrong_columns(rows.fieldnames or ())
            if wrong:
                raise ConfigurationError(f"--csv {table}: {wrong}; it takes {', '.join(COLUMNS)}")
            found += [_with_row(by_path, row, f"--csv {table}, line {rows.line_num}") for row in rows]
    except (OSError, UnicodeError, csv.Error) as error:
        raise ConfigurationError(f"--csv {table}: {error}") from error
    if not found:
        raise ConfigurationError(f"--csv {table}: it has no rows")
    return found


def named_apart(photos: Iterable[ListedPhoto]) -> list[ListedPhoto]:
    """The photos with names as the API keeps them; one whose folder another one has already gets a number."""
    taken: set[str] = set()
    found = []
    for photo in photos:
        wanted = readable(photo.name).encode()[:MAX_NAME_BYTES].decode(errors="ignore")
        wanted = wanted[: MAX_NAME_CHARACTERS - 4].rstrip() or NAMELESS
        name, number = wanted, 1
        while folder_of(name, NAMELESS).casefold() in taken:
            number += 1
            name = f"{wanted}-{number}"
        taken.add(folder_of(name, NAMELESS).casefold())
        found.append(replace(photo, name=name))
    return found


def check_background(words: str, place: str) -> None:
    """Raises ConfigurationError: they end as a picture does, so they are a file's name, and not a scene in words."""
    if Path(words).suffix.lower() in PICTURE_SUFFIXES and "://" not in words:
        raise ConfigurationError(
            f"{place} {words}: looks like a file; it takes remove, a colour, the public URL of a picture, "
            "or a scene in words"
        )


def _wrong_columns(names: Sequence[str]) -> str:
    """What is wrong with a table's columns; empty where nothing is."""
    for place, name in enumerate(names):
        if name not in COLUMNS:
            return f"has a column {name!r}"
        if name in names[:place]:
            return f"has the column {name!r} twice"
    return "" if "photo" in names else "has no column 'photo'"


def _with_row(by_path: Mapping[str, ListedPhoto], row: Mapping[str, str | None], place: str) -> ListedPhoto:
    if None in row:  # where DictReader puts what has no column
        raise ConfigurationError(f"{place}: it has more cells than columns; a cell with a comma stands in quotes")
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
    wanted = cells["photo"]
    fitting = [photo for path, photo in by_path.items() if path == wanted or path.endswith(f"/{wanted}")]
    if len(fitting) != 1:
        raise ConfigurationError(f"{place}: {'several photos are' if fitting else 'there is no photo'} {wanted!r}")
    fields: dict[str, Any] = {}
    if cells["object"]:
        fields["object_index"] = _number(int, cells["object"], f"{place}: object must be an integer")
    for name in ("height_cm", "width_cm", "depth_cm"):
        if cells[name]:
            fields[f"real_{name}"] = _number(float, cells[name], f"{place}: {name} must be a number, as in 9.5")
    if cells["background"]:
        check_background(cells["background"], f"{place}: background")
        fields["background"] = requests.background_of(cells["background"])
    try:
        checked(BatchItemBody, {"session_id": "of the photo", **fields})
    except InvalidInput as error:
        raise ConfigurationError(f"{place}: {error.message}") from error
    (photo,) = fitting
    return replace(photo, name=cells["name"] or photo.name, fields=fields)


def _number(kind: Callable[[str], N], text: str, wanted: str) -> N:
    try:
        return kind(text)
    except ValueError as error:
        raise ConfigurationError(f"{wanted}, not {text!r}") from error


def _of(path: Path) -> Iterator[ListedPhoto]:
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            inside = file.relative_to(path)
            if file.suffix.lower() in PICTURE_SUFFIXES and file.is_file() and not _hidden(inside.parts):
                yield ListedPhoto(file.as_posix(), "-".join(inside.with_suffix("").parts), file.read_bytes)
    elif path.suffix.lower() == ".zip":
        yield from _of_archive(path)
    else:
        yield ListedPhoto(path.as_posix(), path.stem, path.read_bytes)


def _of_archive(path: Path) -> Iterator[ListedPhoto]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = sorted(archive.infolist(), key=lambda entry: entry.filename)
    except (OSError, zipfile.BadZipFile) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    for entry in entries:
        inside = PurePosixPath(entry.filename)
        if inside.suffix.lower() in PICTURE_SUFFIXES and not entry.is_dir() and not _hidden(inside.parts):
            name = "-".join(inside.with_suffix("").parts)
            yield ListedPhoto(f"{path.as_posix()}/{entry.filename}", name, _unpacking(path, entry))


def _unpacking(path: Path, entry: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        if entry.file_size > MAX_PICTURE_BYTES:
            raise OSError(f"it has {entry.file_size / 1e6:.0f} MB; a photo may have at most 20 MB")
        try:
            with zipfile.ZipFile(path) as archive, archive.open(entry) as file:
                return file.read(MAX_PICTURE_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, NotImplementedError, EOFError) as error:
            raise OSError(f"it cannot be unpacked: {error}") from error

    return read


def _hidden(parts: Iterable[str]) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)
