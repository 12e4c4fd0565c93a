"""Numbers and lists that the pages about the stages repeat are those of the code."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from quality.judge_fit import HARM, OUTLINE_WEIGHT
from quality.measure.look import BACK_SIDE_PX, PHOTO_SIDE_PX
from quality.measure.shape import CELLS, THRESHOLD
from quality.split import RESERVED_PART
from services.detect.ranking import FEATURES
from services.mesh.cutout import RULES as CUTOUT
from services.mesh.finish.budget import RULES as BUDGET
from services.mesh.finish.orientation import RULES as FRONT
from services.mesh.judge.verdict import FARTHEST
from services.mesh.kinds import FRONT_REACH
from services.mesh.kinds.registry import KINDS
from services.mesh.model import MAX_GLB_BYTES, MAX_TRIANGLES
from services.mesh.model import RULES as MODEL
from services.mesh.shape.boxes.cuboid import USUAL_DEPTH
from services.mesh.shape.detail import RULES as DETAIL
from services.mesh.shape.grids import FREE_REACH
from services.mesh.shape.mouth import PITCHES_DEG
from services.mesh.shape.revolution import RULES as REVOLUTION
from services.mesh.texturing.baking import PARAMETERS as BAKING
from services.render.animation import GIF_MOST_FPS, GIF_MOST_SIDE, WEBP_MOST_FPS, WEBP_MOST_SIDE
from services.render.backends.occlusion import RULES as SHADE
from services.render.encode import X264_CRF
from services.render.film import PROGRESS_EVERY
from services.render.rest import RULES as REST
from services.render.shadow import SKY_DIRECTIONS, SLICES

ROOT = Path(__file__).resolve().parents[3]
JUDGE = ROOT / "services" / "mesh" / "judge"

TOLD = {
    "internals/render.md": (
        f"tilted by {math.degrees(REST.least_tip):.0f} degrees",
        f"from {SHADE.across**2} directions",
        f"more than about {SHADE.most_drawn // SHADE.across**2 // 1000},000 triangles",
        f"made of {SLICES} horizontal slices",
        f"the mean of {SKY_DIRECTIONS} directions",
        f"CRF {X264_CRF}",
        f"at most {GIF_MOST_SIDE} px and {GIF_MOST_FPS:.0f} frames a second",
        f"at most {WEBP_MOST_SIDE} px and {WEBP_MOST_FPS:.0f} a second",
        f"every {PROGRESS_EVERY} frames",
    ),
    "internals/mesh.md": (f"cut off at {FARTHEST:g}",),
    "MESH.md": (
        f"off at {FARTHEST:g} standard deviations",
        f"less {OUTLINE_WEIGHT:g} times the silhouette's error",
        f"{HARM:g} under the plain one",
        f"({PITCHES_DEG[0]:.0f} to {PITCHES_DEG[-1]:.0f} degrees)",
        f"the {REVOLUTION.usual_pitch_deg:.0f} degrees from which products are usually photographed",
        f"within {CUTOUT.rim_share:.1%} of the outline",
        f"longer than\n{BAKING.large_subject_px} px",
        f"the longest side is {100 * FRONT.longest_side_m:.0f} cm",
        f"Defaults: {round(BUDGET.most * DETAIL.calm):,} triangles for a calm outline, up to",
        f"{BUDGET.most:,} for thin and branched things and what a network has told (at most {MAX_TRIANGLES:,} whatever",
        f"{MAX_GLB_BYTES / 1e6:.0f} MB. Triangles get half" if BUDGET.geometry_share == 0.5 else "",
        f"grid of {1e6 * MODEL.grid_m:.0f} micrometres",
        f"for boxes up to {math.degrees(FRONT_REACH):.0f} degrees",
        f"shapes up to {math.degrees(FREE_REACH):.0f}",
        f"({USUAL_DEPTH:g} of its smaller side)",
    ),
    "notes/detect.md": (f"looks at {len(FEATURES)} measures",),
    "notes/render.md": (f"the mean of {SKY_DIRECTIONS} directions", f"{SLICES} horizontal slices"),
    "QUALITY.md": (
        {5: "one in five is reserved"}[RESERVED_PART],
        f"F at {THRESHOLD:g}",
        f"on {CELLS}^3 cells",
        f"scaled to {PHOTO_SIDE_PX} px",
        f"{BACK_SIDE_PX} px |",
    ),
}


@pytest.mark.parametrize("page", TOLD)
def test_numbers_of_a_page_are_those_of_the_code(page: str) -> None:
    """Each phrase, made of the code's own number, stands there."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    assert not [phrase for phrase in TOLD[page] if not phrase or phrase not in text]


@pytest.mark.parametrize("page", ["MESH.md", "internals/mesh.md"])
def test_every_group_of_the_judges_terms_is_told(page: str) -> None:
    """The groups that some weights use are named; those that stop with the network are the two that are told."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    plain, network = (
        {term.split(".")[0] for term in json.loads((JUDGE / name).read_text())["scale"]}
        for name in ("weights.json", "weights_network.json")
    )
    kinds = {kind.name for kind in KINDS}
    assert not [group for group in (plain | network) - kinds if f"`{group}`" not in text]
    assert plain - network == {"view", "shading"}


def test_every_kind_of_shape_is_told() -> None:
    """The table of kinds is the registry, in its order."""
    text = (ROOT / "docs" / "MESH.md").read_text("utf-8")
    table = text.split("| kind | proposes |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [kind.name for kind in KINDS]


def test_the_made_objects_are_counted() -> None:
    """The command draws as many as the page says, where it is not told otherwise."""
    (count,) = re.findall(
        r'"--objects", type=int, default=(\d+)', (ROOT / "training" / "samples.py").read_text("utf-8")
    )
    assert f"draws {count} made objects" in (ROOT / "docs" / "QUALITY.md").read_text("utf-8")
