"""A contact sheet of photos on the embedded stack: ``python -m bench.sheet --photos FOLDER --out sheet.jpg``.

Each photo of a folder goes through the whole stack once and is filmed by all three camera moves. Its row shows the
photo, the still, and one frame of each film. ``--before CHECKOUT`` (whose stubs are built) adds the cells of its code
to the left of this one's. ``--background`` may be given several times, and the photos take them in turn: words, a
colour, ``remove``, or the file of a picture. The sheet of the docs: ``--photos quality/corpus/unseen --limit 12``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from bench.measure import closing_line
from bench.stack import Up, photos, up
from lensora.client import Client
from lensora.client.requests import Background, background_of, uploaded
from lensora.core.words import CameraMove

Pixels = NDArray[np.uint8]

SHOWN = {CameraMove.TURNTABLE: 1 / 12, CameraMove.DOLLY: 1.0, CameraMove.CINEMATIC: 0.8}
"""The frame of each film that is shown, as a share of its time: a little aside, the close end, and well round."""

BACKGROUNDS = (
    "on a marble countertop in a sunlit kitchen",
    "on a wooden table in a cozy cafe at night",
    "on a polished black stone in a studio",
    "remove",
)

GAP = 6
"""Pixels between cells; three times as many between two checkouts."""


def main() -> None:
    """Film every photo, and write the sheet."""
    parser = argparse.ArgumentParser(prog="python -m bench.sheet", description=__doc__)
    parser.add_argument("--photos", "--data", dest="photos", help="folder of photos; without it a coffee cup")
    parser.add_argument("--limit", type=int, default=12, help="photos at most, spread over the folder")
    parser.add_argument("--out", type=Path, default=Path("sheet.jpg"))
    parser.add_argument("--background", action="append", help="words, #rrggbb, remove, or a picture's file")
    parser.add_argument("--before", type=Path, help="another checkout, shown to the left")
    parser.add_argument("--cell", type=int, default=240, help="side of a cell, pixels")
    given = parser.parse_args()
    pictures = spread(photos(given.photos), given.limit)
    backgrounds = given.background or list(BACKGROUNDS)
    blocks = [[squared(read(data), given.cell)] for data in pictures.values()]
    refused: list[str] = []
    for checkout in (*([given.before.resolve()] if given.before else []), None):
        with up(checkout=checkout) as stack:
            for number, (name, photo) in enumerate(pictures.items()):
                cells, problem = filmed(stack, photo, backgrounds[number % len(backgrounds)], given.cell)
                blocks[number].append(cells)
                refused += [] if problem is None else [name]
                sys.stdout.write(f"{name}: {problem or 'filmed'}\n")
    sheet = np.concatenate([beside(row) for row in blocks])
    cv2.imwrite(str(given.out), sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    sys.stdout.write(f"{given.out}: {sheet.shape[1]}x{sheet.shape[0]} pixels\n")
    closing_line({"photos": len(pictures), "failed": len(refused)})


def spread(pictures: dict[str, bytes], limit: int) -> dict[str, bytes]:
    """So many of them at most, evenly spread over their order."""
    names = list(pictures)
    chosen = sorted({round(k * (len(names) - 1) / max(1, limit - 1)) for k in range(limit)})
    return pictures if len(names) <= limit else {names[k]: pictures[names[k]] for k in chosen}


def filmed(stack: Up, photo: bytes, background: str, cell: int) -> tuple[Pixels, str | None]:
    """The still and one frame of each move beside each other, and what went wrong, whose cells stay grey."""
    cells = [np.full((cell, cell, 3), 128, np.uint8) for _ in range(1 + len(SHOWN))]
    problem = None
    with Client(stack.base_url, stack.api_key) as client, tempfile.TemporaryDirectory() as folder:
        session, behind = client.init(photo), chosen(client, background)
        first = None
        for number, (move, share) in enumerate(SHOWN.items()):
            if first is None:
                ticket = first = client.transform(session.session_id, behind, camera_preset=move)
            else:
                ticket = client.render(first, camera_preset=move, background=behind)
            result = client.wait(ticket)
            if result.output is None:
                problem = f"{move}: {result.status}"
                continue
            files = client.download(result, Path(folder) / move)
            if number == 0:
                cells[0] = squared(read(files["scene"].read_bytes()), cell)
            cells[number + 1] = squared(frame_at(files["mp4"], share), cell)
    return joined(cells), problem


def chosen(client: Client, words: str) -> Background:
    """A background of the command line."""
    if Path(words).is_file():
        return uploaded(client.backplate(Path(words)).backplate_id)
    return background_of(words)


def frame_at(film: Path, share: float) -> Pixels:
    """(h, w, 3) uint8 sRGB: the frame at a share of a film's time, 0..1."""
    with av.open(str(film)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.asarray(frames[round(share * (len(frames) - 1))], np.uint8)


def read(data: bytes) -> Pixels:
    """(h, w, 3) uint8 sRGB of a picture's file, upright."""
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1], np.uint8)


def squared(picture: Pixels, side: int) -> Pixels:
    """(side, side, 3): a whole picture on grey."""
    rows, columns = picture.shape[:2]
    scale = side / max(rows, columns)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    result = np.full((side, side, 3), 128, np.uint8)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    result[top : top + size[1], left : left + size[0]] = small
    return result


def joined(cells: list[Pixels], gap: int = GAP) -> Pixels:
    """Cells of one height beside each other, white between them."""
    space = np.full((cells[0].shape[0], gap, 3), 255, np.uint8)
    return np.concatenate([part for cell in cells for part in (cell, space)][:-1], axis=1)


def beside(blocks: list[Pixels]) -> Pixels:
    """A row of the sheet: the photo and each checkout's cells, with white below."""
    row = joined(blocks, 3 * GAP)
    return np.concatenate([row, np.full((GAP, row.shape[1], 3), 255, np.uint8)])


if __name__ == "__main__":
    main()
