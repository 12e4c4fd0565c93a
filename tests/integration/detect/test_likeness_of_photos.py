"""The limits of likeness on real photos: the corpus' unseen part, front against front and back in another room."""

from __future__ import annotations

from lensora.adapters.runtimes import OnnxRuntime
from quality.likeness import MODELS_DIR, figures, pairs_of
from services.detect.backends.saliency import CLASSIFIER
from services.detect.labels import Labeller, load_vocabulary


def test_a_thing_s_own_back_is_not_taken_for_another_thing() -> None:
    """On things that nothing was fitted on: no photo of one is refused, most photos of two get a hint."""
    labeller = Labeller(OnnxRuntime(MODELS_DIR).open(CLASSIFIER, "detect"), load_vocabulary())
    found = figures(pairs_of("unseen", labeller))
    assert found["pairs_same"] > 150 and found["pairs_other"] > 5_000
    assert found["auc"] > 0.96
    assert found["same_refused"] == 0.0 and found["same_doubted"] < 0.06
    assert found["other_doubted"] > 0.7
