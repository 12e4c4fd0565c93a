"""``make demo``: one real photo through the public API, by ``lensora run``; without a photo of yours, a coffee cup's.

The photo of the cup is scikit-image's ``coffee`` (CC0, Rachel Michetti), which comes with that package.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path


def sample_photo(folder: Path) -> Path:
    """Write scikit-image's ``coffee`` as a PNG file; returns its path."""
    from PIL import Image
    from skimage import data

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "coffee.png"
    Image.fromarray(data.coffee()).save(path)
    return path


def main() -> None:
    """Run the main job and leave with the status of ``lensora run``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", default="", help="a JPEG, PNG or WebP; empty takes the sample")
    parser.add_argument("--prompt", default="on a marble countertop in a sunlit kitchen")
    parser.add_argument("--camera", default="turntable")
    parser.add_argument("--out", default="out")
    arguments = parser.parse_args()
    out = Path(arguments.out)
    photo = Path(arguments.photo) if arguments.photo else sample_photo(out)
    command = [
        str(Path(sys.executable).parent / "lensora"),
        "run",
        f"--background={arguments.prompt}",
        f"--camera={arguments.camera}",
        f"--out={out}",
        "--",
        str(photo),
    ]
    sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
