"""Schemathesis as an attacker: what it is called with, and what it was answered."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOOKS = "bench.attack_hooks"
LOG_VARIABLE = "BENCH_ATTACK_ANSWERS"
"""A file that gets a line for each answer: its status, and ``later`` where it says when to come again."""
DEEP_VARIABLE = "BENCH_ATTACK_DEEP"
"""Where it is set, ids of earlier answers take the place of most that were made up."""


def command(url: str, key: str) -> list[str]:
    """Schemathesis, without end: chains of calls, one after another, as one customer would make them."""
    return [
        str(Path(sys.executable).parent / "schemathesis"),
        *("run", f"{url}/openapi.json"),
        *("--header", f"Authorization: Bearer {key}", "--checks", "not_a_server_error", "--no-color"),
        *("--phases", "stateful", "--max-time", "3600", "--continue-on-failure", "--request-timeout", "10"),
    ]


def environment(log: Path) -> dict[str, str]:
    """What Schemathesis needs to find this module, and to write the answers to ``log``."""
    return {"SCHEMATHESIS_HOOKS": HOOKS, "PYTHONPATH": str(ROOT), LOG_VARIABLE: str(log), DEEP_VARIABLE: "1"}


def answers(log: Path) -> Counter[str]:
    """How often each answer was given."""
    return Counter(log.read_text().splitlines()) if log.exists() else Counter()
