"""The split by object: what nothing may be fitted or trained on.

The rule is a hash of the object's name, so it needs no list, holds for objects yet to come, and every script that asks
gets the same answer: the corpus, the shape network and the benches.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

RESERVED_PART = 5
"""One object in so many is reserved."""


def is_reserved(name: str) -> bool:
    """Whether an object is kept back for measuring.

    Args:
        name: file name of the object without folder and suffix, such as ``aws_residential_sofa_01``.
    """
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % RESERVED_PART == 0


@cache
def held() -> frozenset[str]:
    """Reserved objects that what judges the shape network's word is fitted on: it has seen all that are not reserved,
    and is surer of them than it ought to be. They are in no part ``unseen``."""
    return frozenset(Path(__file__).with_name("held.txt").read_text("utf-8").split())


def part_of(name: str) -> str:
    """The part of a corpus that an object belongs to: ``tune``, ``held`` (to be fitted on too, see there) or
    ``unseen``; ``name`` as for ``is_reserved``."""
    if name in held():
        return "held"
    return "unseen" if is_reserved(name) else "tune"
