"""The folders that ``python -m quality.scenes`` wrote, as the scripts that fit take them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

PARTS = ("tune", "unseen")


def scenes_in(part: Path) -> list[Path]:
    """The ``scene.json`` of each scene of a part's folder, by name."""
    return sorted(part.glob("*/scene.json"))


def refuse_without_scenes(folders: Sequence[Path]) -> None:
    """End the process where a folder is not there, or all together lack a part: what was fitted on the rest alone would
    be written over what is there."""
    for folder in folders:
        if not folder.is_dir():
            raise SystemExit(f"--scenes {folder}: no such folder")
    for part in PARTS:
        if not any(scenes_in(folder / part) for folder in folders):
            named = ", ".join(map(str, folders))
            raise SystemExit(f"--scenes {named}: no scene in {part}/ (python -m quality.scenes --part {part})")
