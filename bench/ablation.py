"""What each part of the cutout stage is worth: the stage without it, on samples with known truth.

``make bench-cutout DATA=... ARGS=--ablation``. The nets run in this process, twice for each sample, and everything else
is taken from the same two maps.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.measure import closing_line, table
from lensora.adapters.runtimes import open_runtime
from lensora.core.boxes import Box
from lensora.settings import ModelSettings, load
from services.segment.aim import Aim, Surroundings
from services.segment.backends.registry import CUTOUT_BACKENDS
from services.segment.candidates import Candidate, candidates
from services.segment.cutout import LOOK_AGAIN
from services.segment.fitted import JUDGEMENT
from services.segment.judge import Bench, confidence, pick
from services.segment.matte import close_holes, settle

Plane = NDArray[np.float32]
Finish = Callable[[Plane], Plane]

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
    """A sample with its candidates, ready to be judged in several ways."""

    truth: NDArray[np.bool_]
    soft: Plane
    beyond: int
    bench: Bench
    first: list[Candidate]
    both: list[Candidate]
    sure: float


def ablation(samples: Sequence[Truth]) -> int:
    """Print the table, the constants that are left, and the closing line."""
    backend = CUTOUT_BACKENDS["isnet"](open_runtime(load(ModelSettings)))
    tried = [_tried(sample, backend.salience) for sample in samples]
    names = sorted({each.name for case in tried for each in case.both} - {"plain"})
    ways = {
        "the stage as it is": _scores(tried),
        "plain alone": _scores(tried, keep=()),
        "no finishing": _scores(tried, finish=lambda matte: matte),
        "no second look": _scores(tried, looks=1),
        "a second look always": _scores(tried, looks=2),
        **{f"without {name}": _scores(tried, keep=tuple(other for other in names if other != name)) for name in names},
        **{f"always {name}": _always(tried, name) for name in names},
    }
    plain = ways["plain alone"][:, 0]
    rows = [
        (
            way,
            float(s[:, 0].mean()),
            float((s[:, 0] - plain).min()),
            int((s[:, 0] - plain < -0.005).sum()),
            s[:, 1].mean(),
        )
        for way, s in ways.items()
    ]
    table(("way", "IoU", "worst against plain", "worse by 0.005", "error of alpha"), rows)
    counts = constants()
    table(("module", "constants", "fields of parameter classes"), [(name, *both) for name, both in counts.items()])
    closing_line(
        {
            **{f"iou_{way.replace(' ', '_')}": float(scores[:, 0].mean()) for way, scores in ways.items()},
            "constants": sum(plain for plain, _fields in counts.values()),
            "parameters": sum(fields for _plain, fields in counts.values()),
            "samples": len(tried),
        }
    )
    return 0


def _tried(sample: Truth, salience: Callable[[NDArray[np.uint8]], Plane]) -> Tried:
    height, width = sample.alpha.shape
    crop = sample.box.padded(width, height)
    aim = Aim.at(sample.rgb, sample.box, crop)
    first = salience(aim.picture)
    around = Surroundings.of(aim, LOOK_AGAIN.padding, LOOK_AGAIN.longest_px)
    wide = around.seen_from(aim, salience(around.rgb))
    bench = Bench(aim.picture, aim.within, first)
    one = list(candidates(first, aim.picture, aim.within))
    left, top, right, bottom = crop.pixels(width, height)
    seen = sample.alpha[top:bottom, left:right]
    size = (aim.picture.shape[1], aim.picture.shape[0])
    soft = seen if seen.shape[::-1] == size else _resized(seen, size)
    beyond = int((sample.alpha > 0.5).sum()) - int((seen > 0.5).sum())
    both = list(candidates(first, aim.picture, aim.within, wide))
    return Tried(soft > 0.5, soft, beyond, bench, one, both, confidence(bench, first, one, JUDGEMENT))


def _resized(plane: Plane, size: tuple[int, int]) -> Plane:
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def _finished(matte: Plane) -> Plane:
    return close_holes(settle(matte))


def _scores(
    tried: Sequence[Tried], keep: tuple[str, ...] | None = None, finish: Finish = _finished, looks: int = 0
) -> NDArray[np.float64]:
    """(n, 2): IoU and mean error of alpha, with some of the candidates alone; ``looks`` 0 asks twice where in doubt."""
    out = []
    for case in tried:
        again = looks == 2 or (looks == 0 and case.sure < JUDGEMENT.look_again)
        found = case.both if again else case.first
        found = [each for each in found if each.name == "plain" or keep is None or each.name in keep]
        out.append(_score(case, finish(pick(case.bench, found, JUDGEMENT).matte)))
    return np.array(out)


def _always(tried: Sequence[Tried], name: str) -> NDArray[np.float64]:
    """The same with one candidate taken unjudged wherever it is."""
    return np.array(
        [
            _score(case, _finished(next((each for each in case.both if each.name == name), case.both[0]).matte))
            for case in tried
        ]
    )


def _score(case: Tried, matte: Plane) -> tuple[float, float]:
    found = matte > 0.5
    either = int((found | case.truth).sum()) + case.beyond
    return float((found & case.truth).sum()) / max(1, either), float(np.abs(matte - case.soft).mean())


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
