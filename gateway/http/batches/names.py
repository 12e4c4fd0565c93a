"""Names of a batch's items: for people, and as folders of its archive. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lensora.contract.folders import folder_of

MAX_FOLDER_CHARACTERS = 80
"""Some systems limit the whole path to 260."""


def distinct(names: Sequence[str | None], taken: Iterable[str] = ()) -> list[str]:
    """A name for each item, no two the same: the given one, numbered where it is not the first, else its place.

    Args:
        names: what is given.
        taken: what none may be called.
    """
    width = max(3, len(str(len(names))))
    used = {name.casefold() for name in taken}
    found = []
    for place, given in enumerate(names):
        wanted = given if given is not None else f"{place + 1:0{width}d}"
        name, number = wanted, 1
        while name.casefold() in used:
            number += 1
            name = f"{wanted}-{number}"
        used.add(name.casefold())
        found.append(name)
    return found


def folders(names: Sequence[str], taken: Iterable[str] = ()) -> list[str]:
    """A folder's name for each of these names, that every system can unpack, no two the same, none of those taken."""
    return distinct(
        [folder_of(name[:MAX_FOLDER_CHARACTERS], f"{place + 1:03d}") for place, name in enumerate(names)], taken
    )
