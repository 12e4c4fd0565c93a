"""What each part of the cutout stage is worth: the stage without it, on samples with known truth.

``make bench-cutout DATA=... ARGS=--ablation``. The net runs in this process, twice for each sample, and everything else
is taken from the same two maps.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.measure import closing_line, table
from lensora.adapters.rechecked import content_with_quick
from lensora.adapters.runtimes import open_runtime
from lensora.core.boxes import Box
from lensora.settings import ModelSettings, load
from quality.cutouts.fit import NEVER
from services.segment.aim import LOOK_AGAIN, Aim, Surroundings
from services.segment.backends.registry import CUTOUT_BACKENDS
from services.segment.candidates import Candidate, wider
from services.segment.edges import band_of, refined
from services.segment.fitted import EDGE_NET, JUDGEMENT
from services.segment.glass import find_body, glazed
from services.segment.grabcut import completed
from services.segment.judge import Bench, confidence, pick
from services.segment.matte import PixelBox, firmed, settle

Plane = NDArray[np.float32]

ROOM = Path(__file__).parents[1] / "services/segment"
OTHERS = {"backplate.py", "composite.py", "horizon.py", "lighting.py", "shadow.py"}
"""Modules of the room that have no part in the cutout."""


class Truth(Protocol):
    """A photo with its subject's matte, (h, w) float32."""

    rgb: NDArray[np.uint8]
    alpha: Plane

    @property
    def box(self) -> Box:
        """The subject's bounding box."""
        ...


@dataclass(frozen=True)
class Tried:
    """A sample with its candidates, the plain one first, ready to be judged in several ways."""

    picture: NDArray[np.uint8]
    within: PixelBox
    soft: Plane
    beyond: int
    bench: Bench
    found: list[Candidate]
    sure: float


@dataclass(frozen=True)
class Way:
    """The stage with something left out.

    Attributes:
        looks: 1 never asks twice, 2 always, 0 where in doubt.
        judged: False takes a second look's matte wherever there is one.
        averaged: whether two looks at the same thing are.
        coloured: whether colours add to what is in doubt.
        edge, settle, firm, glass: whether these steps are taken.
    """

    looks: int = 0
    judged: bool = True
    averaged: bool = True
    coloured: bool = True
    edge: bool = True
    settle: bool = True
    firm: bool = True
    glass: bool = True


WAYS = {
    "the stage as it is": Way(),
    "plain alone": Way(looks=1, coloured=False, edge=False),
    "no refined edge": Way(edge=False),
    "no second look": Way(looks=1),
    "a second look always": Way(looks=2),
    "no judge of the second look": Way(judged=False),
    "looks never averaged": Way(averaged=False),
    "nothing added by colours": Way(coloured=False),
    "nothing settled": Way(settle=False),
    "nothing firmed": Way(firm=False),
    "no see-through bodies": Way(glass=False),
}


def ablation(samples: Sequence[Truth], page: Path | None = None) -> int:
    """Print the table, the constants that are left, and the closing line.

    Args:
        samples: photos with truth.
        page: where the same is written as a page of the documentation.
    """
    backend = CUTOUT_BACKENDS["isnet"](open_runtime(load(ModelSettings)))
    tried = [_tried(sample, backend.salience) for sample in samples]
    scores = {name: _scores(tried, way) for name, way in WAYS.items()}
    plain = scores["plain alone"][:, 0]
    rows = [
        (
            name,
            float(s[:, 0].mean()),
            float((s[:, 0] - plain).min()),
            int((s[:, 0] - plain < -0.005).sum()),
            float(s[:, 1].mean()),
        )
        for name, s in scores.items()
    ]
    heads = ("way", "IoU", "worst against plain", "worse by 0.005", "error of alpha")
    table(heads, rows)
    counts = constants()
    constant_rows = [(name, *both) for name, both in counts.items()]
    table(("module", "constants", "fields of parameter classes"), constant_rows)
    if page is not None:
        page.write_text(_page(len(tried), heads, rows, constant_rows))
    closing_line(
        {
            **{f"iou_{name.replace(' ', '_')}": float(s[:, 0].mean()) for name, s in scores.items()},
            "constants": sum(plain for plain, _fields in counts.values()),
            "parameters": sum(fields for _plain, fields in counts.values()),
            "samples": len(tried),
        }
    )
    return 0


def _page(
    count: int, heads: Sequence[str], rows: Sequence[Sequence[object]], constant_rows: Sequence[Sequence[object]]
) -> str:
    """The tables as a page."""

    def lines(names: Sequence[str], body: Sequence[Sequence[object]]) -> str:
        shown = [[f"{value:.4f}" if isinstance(value, float) else str(value) for value in row] for row in body]
        return "\n".join(f"| {' | '.join(row)} |" for row in [list(names), ["---"] * len(names), *shown])

    return (
        "# What each part of the cutout stage is worth\n\n"
        'Written by `make bench-cutout DATA=... ARGS="--ablation --page FILE"`; not edited by hand.\n'
        f"Each row is the stage with one part left out, on {count} samples that nothing was fitted on.\n\n"
        f"{lines(heads, rows)}\n\n## Numbers that are left in the code\n\n"
        f"{lines(('module', 'constants', 'fields of parameter classes'), constant_rows)}\n"
    )


def _tried(sample: Truth, salience: Callable[[NDArray[np.uint8]], Plane]) -> Tried:
    height, width = sample.alpha.shape
    crop = sample.box.padded(width, height)
    aim = Aim.at(sample.rgb, sample.box, crop)
    first = salience(aim.picture)
    around = Surroundings.of(aim, LOOK_AGAIN.padding, LOOK_AGAIN.longest_px)
    with content_with_quick():
        wide = around.seen_from(aim, salience(around.rgb))
    bench = Bench(aim.picture, aim.within, first)
    left, top, right, bottom = crop.pixels(width, height)
    seen = sample.alpha[top:bottom, left:right]
    size = (aim.picture.shape[1], aim.picture.shape[0])
    soft = seen if seen.shape[::-1] == size else _resized(seen, size)
    beyond = int((sample.alpha > 0.5).sum()) - int((seen > 0.5).sum())
    again = wider(wide, aim.picture, aim.within)
    found = [Candidate("plain", first), *([] if again is None else [again])]
    return Tried(aim.picture, aim.within, soft, beyond, bench, found, confidence(bench, first, JUDGEMENT))


def _resized(plane: Plane, size: tuple[int, int]) -> Plane:
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def _scores(tried: Sequence[Tried], way: Way) -> NDArray[np.float64]:
    """(n, 2): IoU and mean error of alpha of the stage in a way."""
    out = []
    for case in tried:
        again = way.looks == 2 or (way.looks == 0 and case.sure < JUDGEMENT.enough(case.picture.shape))
        matte = _matte(case, case.found if again else case.found[:1], way)
        out.append(_score(case, matte))
    return np.array(out)


def _matte(case: Tried, found: list[Candidate], way: Way) -> Plane:
    judgement = JUDGEMENT if way.averaged else replace(JUDGEMENT, apart=NEVER)
    look = pick(case.bench, found, judgement) if way.judged else found[-1]
    if way.coloured:
        look = completed(case.bench, look, found[0].matte, case.picture, case.within, judgement)
    chosen = look.matte
    matte = settle(chosen) if way.settle else chosen
    if way.edge:
        edged = refined(chosen, case.picture, EDGE_NET)
        matte = edged if way.settle else np.where(band_of(chosen) > 0.0, edged, chosen)
    matte = firmed(matte) if way.firm else matte
    body = find_body(matte, case.picture, case.within) if way.glass else None
    if body is None:
        return matte
    rgba = np.dstack([case.picture, np.asarray(matte * 255.0 + 0.5, np.uint8)])
    return np.asarray(glazed(rgba, body, case.picture)[..., 3] / np.float32(255.0), np.float32)


def _score(case: Tried, matte: Plane) -> tuple[float, float]:
    found, truth = matte > 0.5, case.soft > 0.5
    either = int((found | truth).sum()) + case.beyond
    return float((found & truth).sum()) / max(1, either), float(np.abs(matte - case.soft).mean())


def constants() -> dict[str, tuple[int, int]]:
    """Module constants with numbers, and numeric fields of parameter classes, of each module of the cutout."""
    counts = {}
    for path in sorted([*ROOM.glob("*.py"), *(ROOM / "backends").glob("*.py")]):
        if path.name in OTHERS:
            continue
        body = ast.parse(path.read_text()).body
        plain = sum(isinstance(node, ast.Assign) and _numeric(node.value) for node in body)
        fields = sum(
            isinstance(field, ast.AnnAssign) and field.value is not None and _numeric(field.value)
            for node in body
            if isinstance(node, ast.ClassDef)
            for field in node.body
        )
        if plain or fields:
            counts[str(path.relative_to(ROOM))] = (plain, fields)
    return counts


def _numeric(value: ast.expr) -> bool:
    return any(isinstance(node, ast.Constant) and isinstance(node.value, int | float) for node in ast.walk(value))
