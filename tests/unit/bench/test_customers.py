"""What the gateway's bench says where an answer is not the one it measures."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from bench.cheap_house import CheapHouse
from bench.customers import Refused, require


def test_a_refusal_is_told_in_its_own_words(tmp_path: Path) -> None:
    """The bench ends with the status, the answer's code, and the last warnings of the processes; 200 ends nothing."""
    house = CheapHouse(tmp_path, workers=0, slots=1, delay_s=0.0, lease_s=15.0)
    lines = [
        json.dumps({"event": "request", "level": "info"}),
        json.dumps({"event": "request_failed", "level": "warning", "cause": "TimeoutError"}),
    ]
    (tmp_path / "http.log").write_text("\n".join(lines))
    require(200, b"{}", "poll", house, time.perf_counter())
    with pytest.raises(Refused) as ended:
        require(503, b'{"code": "too_many_connections"}', "poll", house, time.perf_counter())
    said = str(ended.value)
    assert said.startswith("poll answered 503 after ")
    assert "too_many_connections" in said and "TimeoutError" in said
    assert '"request"' not in said
