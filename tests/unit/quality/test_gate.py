"""The gate opens for noise and shuts for a loss."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from quality import gate
from quality.gate import Values, compared, one_view_each, written
from quality.measure.sample import Sample

COUNT = 30


def _values(seed: int = 0) -> dict[str, dict[str, float]]:
    random = np.random.default_rng(seed)
    return {
        f"thing{k:02}_{view}": {
            "fscore": float(random.uniform(0.3, 0.9)),
            "inflation": 0.4,
            "iou": 0.99,
            "ssim": float(random.uniform(0.85, 0.98)),
            "color_error": float(random.uniform(1, 4)),
            "back_ssim": 0.5,
            "back_histogram": 4.0,
        }
        for k in range(COUNT)
        for view in (0, 1)
    }


THINGS = {name: name[:-2] for name in _values()}


def _fallen(measured: dict[str, dict[str, float]]) -> set[str]:
    committed: dict[str, Values] = dict(_values())
    return {line.name for line in compared(committed, measured, THINGS) if not line.passes}


def test_the_same_figures_pass() -> None:
    """Nothing has fallen when nothing has changed."""
    assert _fallen(_values()) == set()


def test_better_figures_pass() -> None:
    """More F-score and less colour error are no reason to fail."""
    better = {
        n: v | {"fscore": v["fscore"] + 0.05, "color_error": v["color_error"] - 0.5} for n, v in _values().items()
    }
    assert _fallen(better) == set()


@pytest.mark.parametrize(
    ("key", "change", "figure"),
    [
        ("fscore", -0.02, "mean F-score"),
        ("iou", -0.004, "mean silhouette IoU"),
        ("ssim", -0.01, "texture: mean SSIM"),
        ("color_error", 0.3, "texture: mean colour error"),
        ("back_ssim", -0.02, "back: mean SSIM"),
        ("back_histogram", 0.5, "back: mean histogram distance"),
    ],
)
def test_a_small_loss_everywhere_fails(key: str, change: float, figure: str) -> None:
    """A loss that all objects share is no noise, however small beside their differences."""
    assert figure in _fallen({n: v | {key: v[key] + change} for n, v in _values().items()})


def test_a_large_loss_of_a_few_fails() -> None:
    """Three objects of thirty that break shut the gate."""
    broken = {n: v | ({"fscore": v["fscore"] - 0.25} if n < "thing03" else {}) for n, v in _values().items()}
    assert "mean F-score" in _fallen(broken)


def test_one_object_far_under_its_inflation_fails() -> None:
    """The worst margin is of single objects: one that becomes much worse than plain inflation shuts the gate."""
    values = _values()
    for view in (0, 1):
        values[f"thing07_{view}"]["fscore"] = 0.05
    assert "worst margin over inflation" in _fallen(values)


def test_evenly_spread_noise_passes() -> None:
    """A few objects better and a few worse by as much is what another rounding does."""
    random = np.random.default_rng(4)
    shaken = {}
    for k in range(0, COUNT, 2):
        move = float(random.uniform(-0.003, 0.003))
        for view in (0, 1):
            shaken[f"thing{k:02}_{view}"] = move
            shaken[f"thing{k + 1:02}_{view}"] = -move
    assert _fallen({n: v | {"fscore": v["fscore"] + shaken[n]} for n, v in _values().items()}) == set()


def test_what_is_written_is_what_is_read() -> None:
    """gate.toml holds every sample's values to four places."""
    back = tomllib.loads(written(_values()))["samples"]
    for name, values in _values().items():
        assert back[name] == pytest.approx(values, abs=1e-4)


def test_one_view_of_each_object_is_taken_and_both_views_in_turn(tmp_path: Path) -> None:
    """The quick gate sees every object, half of them from their second view."""
    for k in range(4):
        for view in (0, 1):
            folder = tmp_path / f"cup{k}_{view}"
            folder.mkdir()
            (folder / "camera.json").write_text(f'{{"object": "cup{k}"}}')
    samples = [Sample(folder) for folder in sorted(tmp_path.iterdir())]
    assert [sample.name for sample in one_view_each(samples)] == ["cup0_0", "cup1_1", "cup2_0", "cup3_1"]


def test_a_folder_without_samples_is_named_and_commits_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, or one that is not there, is an error, and the figures that are held stay as they are."""
    kept = tmp_path / "gate.toml"
    kept.write_text("[samples]\n")
    monkeypatch.setattr(gate, "COMMITTED", kept)
    for folder in (tmp_path, tmp_path / "away"):
        for more in ([], ["--commit"]):
            with pytest.raises(SystemExit, match=f"{folder}: no folder in it holds"):
                gate.main(["--data", str(folder), *more])
    assert kept.read_text() == "[samples]\n"
