"""Objects without limit: one function a family draws parts from a seed, prints go on, a textured mesh comes out.

``make(seed)`` always gives the same object for a seed. Families are grouped by module; each has a kind, the word under
which figures are reported, and a weight, how often it is drawn. A family is a function from a random generator to a
list of ``Part``; add one by writing it and naming it in its module's ``FAMILIES``.
"""

from __future__ import annotations

import numpy as np

from quality.gl import TexturedMesh
from training.objects import bodies, furniture, gear, packets, vehicles, vessels
from training.objects.painted import painted

FAMILIES = {
    **packets.FAMILIES,
    **vessels.FAMILIES,
    **furniture.FAMILIES,
    **vehicles.FAMILIES,
    **bodies.FAMILIES,
    **gear.FAMILIES,
}

KINDS = {
    "carton": "box",
    "open_box": "box",
    "stack": "box",
    "board": "flat",
    "slab": "flat",
    "keyboard": "flat",
    "bottle": "bottle",
    "cup": "vessel",
    "pot": "vessel",
    "can": "vessel",
    "served": "vessel",
    "bowl": "vessel",
    "lamp": "vessel",
    "fruit": "food",
    "bent": "food",
    "table": "furniture",
    "chair": "furniture",
    "sofa": "furniture",
    "shelf": "furniture",
    "cabinet": "furniture",
    "car": "vehicle",
    "truck": "vehicle",
    "plane": "vehicle",
    "boat": "vehicle",
    "two_wheeler": "vehicle",
    "person": "figure",
    "animal": "figure",
    "shoe": "shoe",
    "bag": "bag",
    "plant": "plant",
    "hand_tool": "tool",
    "blades": "tool",
    "device": "electronics",
    "screen": "electronics",
    "soup": "other",
}
"""The kind of each family, in the words of the corpora."""

WEIGHTS = {
    "carton": 3.5,
    "open_box": 1.5,
    "shoe": 3.0,
    "cup": 1.5,
    "can": 2.0,
    "soup": 2.0,
    "person": 1.5,
    "device": 1.5,
    "chair": 1.3,
}
"""Families that are drawn more often than the others: boxes were weak without it, shoes are rare among the meshes."""

PRINTED = frozenset({"carton", "open_box", "stack", "can"})
"""Families that mostly carry text and labels."""

RESERVED_SEEDS = range(900_000, 910_000)
"""Seeds for measuring; nothing is trained on them."""


def make(seed: int, family: str | None = None) -> tuple[TexturedMesh, str]:
    """Draw an object and the name of its family.

    Args:
        seed: any; a family's rare failure (parts that enclose nothing) moves on to the next draw of the same seed.
        family: None draws one.
    """
    rng = np.random.default_rng(seed)
    names = list(FAMILIES)
    shares = np.array([WEIGHTS.get(name, 1.0) for name in names])
    for _ in range(10):
        name = family or names[int(rng.choice(len(names), p=shares / shares.sum()))]
        try:
            return painted(FAMILIES[name](rng), rng, printed=3.0 if name in PRINTED else 1.0), name
        except ValueError:
            continue
    raise ValueError(f"seed {seed} draws nothing")
