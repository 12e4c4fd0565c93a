"""``make demo``: one real photo through the public API, by ``lensora run``; without one of yours, a coffee cup."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

SAMPLE = Path(__file__).resolve().parent.parent / "examples" / "photos" / "coffee.jpg"


def main() -> None:
    """Run the main job and leave with the status of ``lensora run``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", default="", help="a JPEG, PNG or WebP; empty takes the sample")
    parser.add_argument("--prompt", default="on a marble countertop in a sunlit kitchen")
    parser.add_argument("--camera", default="turntable")
    parser.add_argument("--out", default="out")
    arguments = parser.parse_args()
    command = [
        str(Path(sys.executable).parent / "lensora"),
        "run",
        f"--background={arguments.prompt}",
        f"--camera={arguments.camera}",
        f"--out={arguments.out}",
        "--",
        arguments.photo or str(SAMPLE),
    ]
    sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
