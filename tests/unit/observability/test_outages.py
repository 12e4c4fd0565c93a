"""An outage in the log: where it begins, once a minute, and where it is over."""

from __future__ import annotations

from structlog.testing import capture_logs

from lensora.observability import logs
from lensora.observability.outages import Outage


def test_an_outage_is_a_line_a_minute() -> None:
    """However often it is looked for; each line while it goes on says how often that was, and for how long."""
    now = [0.0]
    outage = Outage(logs.get("test"), "store_away", "store_back", clock=lambda: now[0])
    with capture_logs() as lines:
        outage.answered()
        for _ in range(4 * 150):
            outage.failed(error="refused")
            now[0] += 0.25
        outage.answered()
        outage.answered()
        outage.failed(error="silent")
    assert [tuple(line.values()) for line in map(dict, lines)] == [
        ("refused", "store_away", "warning"),
        (241, 60, "refused", "store_away", "warning"),
        (481, 120, "refused", "store_away", "warning"),
        (600, 150, "store_back", "info"),
        ("silent", "store_away", "warning"),
    ]
