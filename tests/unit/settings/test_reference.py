"""The pages of settings and metrics in the reference."""

from __future__ import annotations

import importlib
import re

import pytest

from lensora.settings import load
from tools.reference_pages import PROCESSES, ROOT, metrics, settings


@pytest.mark.parametrize("process", PROCESSES)
def test_each_default_can_be_set_as_the_page_shows_it(process: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process has with every shown default in its environment is what it has without any."""
    module, _, name = PROCESSES[process].partition(":")
    without = load(getattr(importlib.import_module(module), name))
    section = settings().partition(f"## {process}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(LENSORA_\w+)` \| (?:`(.*)`)? \|", section, re.MULTILINE)
    assert len(rows) == len(type(without).model_fields)
    for variable, default in rows:
        if default:
            monkeypatch.setenv(variable, default)
    assert load(type(without)) == without


def test_each_metric_that_the_code_has_is_on_its_page() -> None:
    """An alert or a dashboard of one's own is written by this page."""
    page = metrics()
    for package in ("gateway", "lensora", "services"):
        for path in (ROOT / package).rglob("*.py"):
            for name in re.findall(r'(?:Counter|Gauge|Histogram)\(\s*"(lensora_\w+)"', path.read_text("utf-8")):
                assert f"| `{name}` |" in page, name
