"""Write the dashboards into the chart, or check that those there are what this code makes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.dashboards.money import money
from deploy.dashboards.overview import overview
from deploy.dashboards.pipeline import pipeline
from deploy.dashboards.services import services
from deploy.dashboards.triton import triton

FOLDER = Path(__file__).parent.parent / "helm" / "lensora" / "dashboards"

DASHBOARDS: Mapping[str, Callable[[], Dashboard]] = {
    "overview": overview,
    "pipeline": pipeline,
    "services": services,
    "triton": triton,
    "money": money,
}


def text(name: str) -> str:
    """The JSON of one dashboard, as it lies in the chart."""
    encoded = JSONEncoder(sort_keys=True, indent=2).encode(DASHBOARDS[name]().build())
    return json.dumps(json.loads(encoded), sort_keys=True, indent=2) + "\n"


def main() -> int:
    """``--check`` exits with 1 when a file differs from what the code makes."""
    differing = []
    for name in DASHBOARDS:
        path = FOLDER / f"{name}.json"
        if "--check" in sys.argv[1:]:
            if not path.is_file() or path.read_text() != text(name):
                differing.append(str(path))
        else:
            path.write_text(text(name))
            sys.stdout.write(f"{path}\n")
    for found in differing:
        sys.stderr.write(f"{found} is not what deploy/dashboards makes; run: python -m deploy.dashboards\n")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
