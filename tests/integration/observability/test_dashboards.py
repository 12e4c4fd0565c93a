"""The dashboards in the chart are what the code makes, and hang together."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from deploy.dashboards.__main__ import DASHBOARDS, FOLDER, text


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Every panel that shows something, those inside rows too."""
    found = []
    for panel in board["panels"]:
        found += panel.get("panels") or []
        if panel["type"] != "row":
            found.append(panel)
    return found


@pytest.mark.parametrize("name", DASHBOARDS)
def test_file_is_what_the_code_makes(name: str) -> None:
    """The checked-in JSON has not drifted from its source; ``python -m deploy.dashboards`` writes it."""
    assert (FOLDER / f"{name}.json").read_text() == text(name)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_are_complete(name: str) -> None:
    """Every panel has a title, a description, a place of its own and a query on the chosen data source."""
    board = json.loads((FOLDER / f"{name}.json").read_text())
    places = set()
    assert len(panels(board)) >= 8
    for panel in panels(board):
        assert panel["title"]
        assert panel["description"]
        assert panel["datasource"]["uid"] == "${datasource}"
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        places.add((place["x"], place["y"]))
        for target in panel["targets"]:
            assert target["expr"].count("(") == target["expr"].count(")")
    assert len(places) == len(panels(board)), "two panels lie on each other"


def test_no_file_without_code() -> None:
    """The chart holds no dashboard that the code does not make."""
    assert {path.stem for path in FOLDER.glob("*.json")} == set(DASHBOARDS)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_deployments_are_marked(name: str) -> None:
    """Each dashboard marks when a version appears that was not there before."""
    board = json.loads((FOLDER / f"{name}.json").read_text())
    (mark,) = [one for one in board["annotations"]["list"] if one["name"] == "Deployments"]
    assert mark["enable"]
    assert "lensora_build_info" in mark["expr"] and "offset 2m" in mark["expr"]


def test_the_burn_rates_are_told_with_all_their_alerts() -> None:
    """The panels of the error budgets name each rate of the rules with its two windows."""
    rules = (FOLDER.parent / "rules" / "lensora.yaml").read_text()
    units = {"m": "min", "h": "h", "d": "d"}
    pairs = re.findall(r"errors:ratio_rate(\w+) > (.*?) and lensora:http_errors:ratio_rate(\w+) >", rules)
    assert len(pairs) == 4
    told = [panel["description"] for panel in panels(json.loads(text("overview"))) if "by window" in panel["title"]]
    assert len(told) == 2
    for long, threshold, short in pairs:
        factor = threshold.strip("()").split(" * ")[0] if "*" in threshold else "1"
        words = f"{factor} ({long[:-1]} {units[long[-1]]} and {short[:-1]} {units[short[-1]]})"
        assert all(words in description for description in told), words
