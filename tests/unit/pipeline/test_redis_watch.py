"""The gauges of Redis's durability."""

from __future__ import annotations

import math
import subprocess
import sys


def test_what_redis_has_not_said_yet_is_not_a_failure() -> None:
    """A worker that starts while Redis is away exports NaN: ``LensoraRedisPersistence`` pages at 0."""
    script = (
        "import gateway.pipeline.redis_watch as watch\n"
        "for gauge in (watch.AOF_ENABLED, watch.AOF_WRITE_OK, watch.AOF_REWRITE_OK):\n"
        "    print(gauge._value.get())\n"
    )
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert [math.isnan(float(value)) for value in printed.split()] == [True] * 3
