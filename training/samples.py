"""Made objects as samples of a corpus: clean cartons, bottles, cups and the like, of which scans hold few.

``python -m training.samples [--out DIR] [--objects 420]`` draws objects from reserved seeds, which the shape network
never saw, every family as often, into the layout of ``quality.large``, split by the same rule; ``quality.fit_judge
collect`` reads them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from quality.cycles.truth import write_glb
from quality.gl import Renderer
from quality.large import CACHE, Options, draw
from quality.split import part_of
from training.objects import FAMILIES, RESERVED_SEEDS, make


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw what is not there yet."""
    parser = argparse.ArgumentParser(prog="training.samples", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=CACHE.expanduser().with_name("made"))
    parser.add_argument("--objects", type=int, default=420)
    options = parser.parse_args(arguments)
    style, families = Options(), list(FAMILIES)
    (options.out / "meshes").mkdir(parents=True, exist_ok=True)
    with Renderer(style.photo_px) as renderer:
        for seed in RESERVED_SEEDS[: options.objects]:
            name = f"made_{seed}"
            folder = options.out / part_of(name) / f"{name}_0"
            if (folder / "camera.json").exists():
                continue
            mesh, _ = make(seed, families[seed % len(families)])
            path = options.out / "meshes" / f"{name}.glb"
            write_glb(path, np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64))
            draw(mesh, path.name, folder, renderer, style)


if __name__ == "__main__":
    main()
