"""Paints the studio's gallery of scenes from their words, after the scenery has changed: ``python tools/scenes.py``."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from services.segment.backends.procedural import ProceduralScenery
from services.segment.backplate import prompt_backplate

WEB = Path(__file__).resolve().parent.parent / "gateway" / "http" / "web"
SIDE, PAINTED = 192, 384
SEED = 7


def scenes() -> dict[str, str]:
    """Name to words, as the page has them."""
    text = (WEB / "studio" / "parts" / "scenes.js").read_text()
    return dict(re.findall(r'^  \["(\w+)", "([^"]+)"\],$', text, re.MULTILINE))


def main() -> None:
    """Paint each of them."""
    folder = WEB / "scenes"
    folder.mkdir(exist_ok=True)
    for name, words in scenes().items():
        plate = prompt_backplate(words, PAINTED, PAINTED, SEED, ProceduralScenery())
        picture = Image.fromarray(plate.rgb).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        picture.save(folder / f"{name}.jpg", quality=82)


if __name__ == "__main__":
    main()
