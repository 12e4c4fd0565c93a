"""``python -m gateway http`` and ``python -m gateway worker``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from lensora.core.errors import ConfigurationError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the gateway's processes until a signal ends it; settings come from the environment."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description=__doc__)
    parser.add_argument("process", choices=("http", "worker"), help="http: the REST surface; worker: runs the jobs")
    process = parser.parse_args(arguments).process
    try:
        # Each process loads what it needs alone: the worker has no web server, the web server no pipeline.
        if process == "http":
            from gateway.http.process import run  # noqa: PLC0415
        else:
            from gateway.pipeline.process import run  # noqa: PLC0415
        run()
    except ConfigurationError as error:
        sys.stderr.write(f"gateway {process}: {error.message}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
