"""A wheel holds everything that the studio is made of, or it is not built."""

from __future__ import annotations

from pathlib import Path

import pytest

from build_protos import PAGES, require_pages
from tools import node_packages


def test_each_script_of_the_pages_is_required() -> None:
    """Those that the set-up fetches are those that a wheel must hold."""
    assert set(PAGES) == {name for name in node_packages.PAGES if name.endswith(".js")}


def test_a_wheel_without_the_3d_viewer_is_not_built(tmp_path: Path) -> None:
    """The build stops and says what to run; with every script it goes on."""
    for name in PAGES:
        (tmp_path / name).touch()
    require_pages(tmp_path)
    (tmp_path / "model-viewer.min.js").unlink()
    with pytest.raises(RuntimeError, match=r"model-viewer.min.js not in .*node_packages"):
        require_pages(tmp_path)
