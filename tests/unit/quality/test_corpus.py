"""The corpus in the repository keeps its own rules."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from quality.measure.drawing import projected
from quality.measure.glb import SourceView
from quality.measure.sample import Sample, samples_in
from quality.split import held, is_reserved, part_of

CORPUS = Path(__file__).parents[3] / "quality" / "corpus"
SAMPLES = [sample for part in ("tune", "unseen") for sample in samples_in(CORPUS / part)]


def test_the_split_is_the_one_that_was_agreed() -> None:
    """One name in five by its SHA-256; a change would mix what is trained on with what is held back."""
    names = [f"thing_{k}" for k in range(1000)]
    assert [is_reserved(n) for n in names] == [int(hashlib.sha256(n.encode()).hexdigest(), 16) % 5 == 0 for n in names]
    assert 150 < sum(map(is_reserved, names)) < 250


def test_each_object_lies_in_its_own_part() -> None:
    """Folders, split.json and the rule agree, and both parts hold at least 30 objects."""
    parts = json.loads((CORPUS / "split.json").read_text())
    for part, names in parts.items():
        assert len(names) >= 30
        assert {part_of(name) for name in names} == {part}
        assert {s.thing for s in SAMPLES if s.folder.parent.name == part} == set(names)


def test_what_is_held_was_never_trained_on_and_decides_nothing() -> None:
    """Every held object is reserved, and in no corpus' part ``unseen``."""
    assert held() and all(is_reserved(name) and part_of(name) == "held" for name in held())
    assert held().isdisjoint(sample.thing for sample in SAMPLES)


def test_each_object_names_its_licence_and_author() -> None:
    """One row of ATTRIBUTION.tsv for each object, every cell filled, no made-up colours."""
    rows = {
        row["object"]: row
        for row in csv.DictReader((CORPUS / "ATTRIBUTION.tsv").read_text().splitlines(), delimiter="\t")
    }
    assert set(rows) == {sample.thing for sample in SAMPLES}
    assert all(all(row.values()) for row in rows.values())
    assert not any("made up" in row["licence_author"] for row in rows.values())


def test_the_corpus_is_small_enough_for_a_repository() -> None:
    """At most 15 MB."""
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) <= 15_000_000


@pytest.mark.parametrize("sample", SAMPLES[:: max(len(SAMPLES) // 12, 1)], ids=lambda s: s.name)
def test_the_camera_puts_the_mesh_where_the_matte_is(sample: Sample) -> None:
    """Photo, matte, back, camera and mesh of a sample fit each other to the pixel."""
    camera, rgba, truth, back = sample.camera(), sample.rgba(), sample.truth(), sample.back()
    assert rgba.shape == (512, 512, 4)
    assert back is not None
    assert len(truth.faces) <= 6000
    assert float(np.linalg.norm(truth.vertices, axis=1).max()) == pytest.approx(1.0, abs=1e-3)
    for numbers, mask, slack in ((camera, rgba[..., 3], 4.0), (camera["back"], back[..., 3], 2.0)):
        to_camera = np.linalg.inv(np.array(numbers["camera_to_world_opengl"]))[:3]
        view = SourceView(to_camera, numbers["fx"], (numbers["cx"], numbers["cy"]))
        pixels, _ = projected(np.asarray(truth.vertices), view)
        # Lenses blur the matte's edge by some pixels; an object near the lens reaches behind what its corners show.
        x, y, width, height = cv2.boundingRect((mask >= 100).astype(np.uint8))
        box = [x, y, x + width, y + height]
        assert np.concatenate([pixels.min(axis=0), pixels.max(axis=0)]) == pytest.approx(box, abs=slack)
