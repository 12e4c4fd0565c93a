"""The real nets say the same on either engine, within the stated tolerances, on a photo that nothing was tuned on."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from lensora.adapters.runtimes import OnnxRuntime
from lensora.core.boxes import FULL_FRAME
from lensora.imaging.photo import Photo, decode
from lensora.settings import ModelSettings
from lensora.testing.pictures import saved
from services.detect.backends.registry import DETECT_BACKENDS
from services.segment.backends.registry import CUTOUT_BACKENDS
from services.segment.cutout import cut_out

LEAST_IOU = 0.999


@pytest.fixture(scope="module")
def photo() -> Photo:
    """scikit-image's coffee cup."""
    return decode(saved(Image.fromarray(data.coffee()), "JPEG", quality=92), longest_side_px=1024)


def runtime(engine: Literal["onnxruntime", "openvino"]) -> OnnxRuntime:
    """The pulled weights on one engine, each net in the precision that it bears."""
    return OnnxRuntime(ModelSettings().models_dir, engine=engine)


def test_cutouts_agree(photo: Photo) -> None:
    """The masks of the finished cutouts overlap by 0.999 and more."""

    def mask(engine: Literal["onnxruntime", "openvino"]) -> NDArray[np.bool_]:
        backend = CUTOUT_BACKENDS["isnet"](runtime(engine))
        return np.asarray(cut_out(photo.rgb, None, FULL_FRAME, FULL_FRAME, backend).rgba[..., 3] >= 128)

    ours, theirs = mask("onnxruntime"), mask("openvino")
    assert ours.any()
    assert (ours & theirs).sum() / (ours | theirs).sum() >= LEAST_IOU


def test_detections_agree(photo: Photo) -> None:
    """The same things are proposed, under the same names, in the same order; their boxes overlap by 0.98 and more."""
    ours, theirs = (
        DETECT_BACKENDS["objects"](runtime(engine)).detect(photo, 8).proposals for engine in ("onnxruntime", "openvino")
    )
    assert [(one.label, one.category) for one in ours] == [(one.label, one.category) for one in theirs]
    assert len(ours) >= 2
    assert all(one.box.iou(other.box) >= 0.98 for one, other in zip(ours, theirs, strict=True))
