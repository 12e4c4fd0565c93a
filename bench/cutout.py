"""The cutout against truth and against rembg with the same weights: overlap, halo, time, memory.

``python -m bench.cutout --data DIR``: DIR holds folders with ``input.png`` or ``.jpg`` (a photo) and ``mask.png``
(its subject), at any depth. Where DIR holds ``cutouts/*.png`` (RGBA subjects), each is also set into a made scene,
where the true colours of the subject are known to the last pixel.

Halo: of the pixels within ``BAND_PX`` of the true outline that the cutout shows at all, the share whose colour,
weighted by the alpha it is shown with, is more than ``HALO_DELTA_E`` (CIELAB) away from the subject's own colour there.
The own colour is the true one where it is known, else that of the nearest pixel well inside the subject. Old background
that shines through at an edge counts; a wrong outline in the right colour does not (that is what IoU is for).
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc
from numpy.typing import NDArray
from skimage.color import rgb2lab

from bench.ablation import ablation
from bench.measure import MIB, PeakMemory, closing_line, machine, median, table
from lensora.adapters.artifacts import ObjectArtifacts, open_artifacts
from lensora.api.segment.v1 import segmenter_pb2, segmenter_pb2_grpc
from lensora.core.artifacts import MediaType
from lensora.core.boxes import Box
from lensora.models.store import path_of
from lensora.rpc.messages import artifact_from_proto, artifact_to_proto, box_to_proto
from lensora.settings import ModelSettings, load
from services.segment.scenery.scene import build
from services.segment.scenery.words import read

BAND_PX = 6
"""Half width of the band around the true outline in which halo is looked for."""

HALO_DELTA_E = 10.0
"""A colour difference that anyone sees (1 is just noticeable side by side)."""

SHOWN = 0.05
"""Alpha from which a pixel is shown."""

BUDGET_S, MOST_S, BUDGET_GIB = 2.0, 3.0, 1.3

MADE_SCENES = (
    "wooden table in a sunlit kitchen",
    "concrete, minimal studio",
    "green meadow in summer",
    "dark marble in a cafe at night",
)
"""Backgrounds of the made samples."""


@dataclass(frozen=True)
class Sample:
    """A photo with known truth.

    Attributes:
        name: for the table.
        rgb: (h, w, 3) uint8 sRGB.
        alpha: (h, w) float32, the subject, 0..1.
        own: (h, w, 3) uint8, the subject's own colour near its outline.
    """

    name: str
    rgb: NDArray[np.uint8]
    alpha: NDArray[np.float32]
    own: NDArray[np.uint8]

    @property
    def box(self) -> Box:
        """The subject's bounding box."""
        rows, columns = np.flatnonzero((self.alpha > 0.5).any(axis=1)), np.flatnonzero((self.alpha > 0.5).any(axis=0))
        height, width = self.alpha.shape
        return Box(columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height)


def samples(folder: Path) -> Iterator[Sample]:
    """Photos with masks below a folder, then the made ones; ends the process where a mask is not its photo's."""
    for mask_path in sorted(folder.rglob("mask.png")):
        found = (mask_path.with_name(name) for name in ("input.png", "input.jpg"))
        path = next((path for path in found if path.exists()), None)
        photo = None if path is None else cv2.imread(str(path))
        mask = cv2.imread(str(mask_path), cv2.IMREAD_GRAYSCALE)
        if photo is None or mask is None:
            continue
        if photo.shape[:2] != mask.shape:
            sizes = [f"{side.shape[1]}x{side.shape[0]}" for side in (photo, mask)]
            raise SystemExit(f"{mask_path}: has {sizes[1]} pixels, and the photo beside it {sizes[0]}")
        rgb = np.ascontiguousarray(photo[..., ::-1])
        alpha = (mask.astype(np.float32) / 255.0).clip(0.0, 1.0)
        if not _core(alpha).any():
            raise SystemExit(f"{mask_path}: shows no subject that is 5 pixels across anywhere")
        yield Sample(mask_path.parent.name, rgb, alpha, _nearest_inside(rgb, alpha))
    for index, path in enumerate(sorted((folder / "cutouts").glob("*.png"))):
        rgba = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if rgba is not None and rgba.ndim == 3 and rgba.shape[2] == 4:
            yield _made(path.stem, cv2.cvtColor(rgba, cv2.COLOR_BGRA2RGBA), index)


def _core(alpha: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(h, w): well inside of the subject."""
    return np.asarray(cv2.erode(alpha, np.ones((5, 5), np.uint8)) > 0.99, np.bool_)


def _nearest_inside(rgb: NDArray[np.uint8], alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    solid = _core(alpha).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(1 - solid, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    rows, columns = np.nonzero(solid)
    index = np.zeros(int(labels.max()) + 1, np.int64)
    index[labels[rows, columns]] = np.arange(len(rows))
    return np.asarray(rgb[rows[index[labels]], columns[index[labels]]], np.uint8)


def _made(name: str, rgba: NDArray[np.uint8], index: int) -> Sample:
    """A subject set into a made scene; no shadow, no change of its colours."""
    side = 1024
    scene = build(read(MADE_SCENES[index % len(MADE_SCENES)]), side, side, 100 + index).picture
    scale = 0.62 * side / max(rgba.shape[:2])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    alpha_in = rgba[..., 3:].astype(np.float32) / 255.0
    layer = np.dstack([rgba[..., :3] * alpha_in, alpha_in])
    layer = cv2.resize(layer, None, fx=scale, fy=scale, interpolation=flags)
    canvas = np.zeros((side, side, 4), np.float32)
    top, left = int(0.86 * side) - layer.shape[0], (side - layer.shape[1]) // 2
    canvas[top : top + layer.shape[0], left : left + layer.shape[1]] = layer
    alpha = canvas[..., 3].clip(0.0, 1.0)
    photo = canvas[..., :3] + scene * (1.0 - alpha[..., None])
    own = np.where(
        alpha[..., None] > 0.02,
        canvas[..., :3] / np.maximum(alpha[..., None], 0.02),
        _nearest_inside(photo.clip(0, 255).astype(np.uint8), alpha),
    )
    return Sample(f"made: {name}", photo.clip(0, 255).astype(np.uint8), alpha, own.clip(0, 255).astype(np.uint8))


@dataclass(frozen=True)
class Score:
    """How good a cutout is: overlap of the masks at half alpha, share of halo pixels, error of alpha at the edge."""

    iou: float
    halo: float
    edge: float


def score(sample: Sample, rgba: NDArray[np.uint8]) -> Score:
    """Compare a cutout of the whole photo's size with the truth."""
    alpha = rgba[..., 3].astype(np.float32) / 255.0
    found, truth = alpha > 0.5, sample.alpha > 0.5
    iou = float((found & truth).sum() / max(1, (found | truth).sum()))
    inside = truth.astype(np.uint8)
    reach = np.where(
        truth, cv2.distanceTransform(inside, cv2.DIST_L2, 5), cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    )
    band = reach < BAND_PX
    shown = band & (alpha > SHOWN)
    difference = np.linalg.norm(rgb2lab(rgba[..., :3]) - rgb2lab(sample.own), axis=2) * alpha
    halo = float((difference[shown] > HALO_DELTA_E).mean()) if shown.any() else 0.0
    return Score(iou, halo, float(np.abs(alpha - sample.alpha)[band].mean()))


def on_canvas(sample: Sample, crop: Box, cutout: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A cutout of a crop, put back into a picture of the photo's size."""
    height, width = sample.alpha.shape
    left, top, right, bottom = crop.pixels(width, height)
    canvas = np.zeros((height, width, 4), np.uint8)
    if cutout.shape[:2] != (bottom - top, right - left):
        cutout = np.asarray(cv2.resize(cutout, (right - left, bottom - top), interpolation=cv2.INTER_AREA), np.uint8)
    canvas[top:bottom, left:right] = cutout
    return canvas


class Client:
    """The running segment service."""

    def __init__(self, process: psutil.Process, stub: Any, artifacts: ObjectArtifacts) -> None:
        self.process = process
        self._stub = stub
        self._artifacts = artifacts

    def cpu_s(self) -> float:
        """Processor seconds that the service has used so far, all cores together."""
        used = self.process.cpu_times()
        return float(used.user + used.system)

    def cutout(self, photo: bytes, box: Box, crop: Box) -> tuple[NDArray[np.uint8], float]:
        """(h, w, 4) uint8 RGBA, and the seconds that the call took; one clear pixel where no subject was found."""
        stored = self._artifacts.put("bench/photo.png", photo, MediaType.PNG)
        request = segmenter_pb2.CutoutRequest(
            photo=artifact_to_proto(stored), box=box_to_proto(box), crop=box_to_proto(crop), output_prefix="bench"
        )
        started = time.perf_counter()
        try:
            answers = list(self._stub.Cutout(request, timeout=120))
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.FAILED_PRECONDITION:
                raise
            return np.zeros((1, 1, 4), np.uint8), time.perf_counter() - started
        seconds = time.perf_counter() - started
        data = self._artifacts.get(artifact_from_proto(answers[-1].result.cutout, field="cutout"))
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA), np.uint8), seconds


@contextmanager
def service() -> Iterator[Client]:
    """A segment service of its own, as ``lensora up`` starts it."""
    with tempfile.TemporaryDirectory() as folder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        url = f"file://{folder}"
        environment = {
            **os.environ,
            "LENSORA_PORT": str(port),
            "LENSORA_ARTIFACTS_URL": url,
            "LENSORA_LOG_LEVEL": "warning",
        }
        process = psutil.Popen([sys.executable, "-m", "services.segment"], env=environment)
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                health = health_pb2_grpc.HealthStub(channel)
                health.Check(health_pb2.HealthCheckRequest(), timeout=60, wait_for_ready=True)
                yield Client(process, segmenter_pb2_grpc.SegmenterStub(channel), open_artifacts(url))
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def rembg_session() -> Any:
    """rembg's own session for IS-Net, on the weights that we use."""
    from rembg import new_session  # noqa: PLC0415 (a dependency of this bench alone)

    settings = load(ModelSettings)
    # rembg takes weights from a folder of its own alone.
    os.environ["REMBG_HOME"] = os.environ["U2NET_HOME"] = str(settings.models_dir.expanduser())
    return new_session("dis_custom", model_path=str(path_of("isnet-general-use", settings.models_dir.expanduser())))


def main() -> int:
    """Run every sample through both; print the table and the closing line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with input.png beside mask.png, at any depth")
    parser.add_argument("--ablation", action="store_true", help="what each part of the stage is worth, in this process")
    parser.add_argument("--page", type=Path, help="with --ablation: write its tables as a page of the documentation")
    parser.add_argument("--repeats", type=int, default=2, help="cutouts of each sample for the time")
    arguments = parser.parse_args()
    found = list(samples(arguments.data))
    if not found:
        sys.stderr.write(f"--data {arguments.data}: no folder in it has an input.png beside a mask.png\n")
        return 2
    print(machine())
    if arguments.ablation:
        return ablation(found, arguments.page)
    rows, ours, times, cpu = [], [], [], []
    cutouts = {}
    with service() as client, PeakMemory(client.process.pid) as memory:
        for sample in found:
            height, width = sample.alpha.shape
            crop = sample.box.padded(width, height)
            photo = bytes(cv2.imencode(".png", sample.rgb[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])
            for _ in range(arguments.repeats):
                before = client.cpu_s()
                cutout, seconds = client.cutout(photo, sample.box, crop)
                times.append(seconds)
                cpu.append(client.cpu_s() - before)
            cutouts[sample.name] = score(sample, on_canvas(sample, crop, cutout))
            ours.append(cutouts[sample.name])
    from rembg import remove  # noqa: PLC0415 (a dependency of this bench alone)

    session = rembg_session()
    theirs, their_times = [], []
    for sample in found:
        height, width = sample.alpha.shape
        crop = sample.box.padded(width, height)
        left, top, right, bottom = crop.pixels(width, height)
        started = time.perf_counter()
        result = remove(np.ascontiguousarray(sample.rgb[top:bottom, left:right]), session=session)
        their_times.append(time.perf_counter() - started)
        theirs.append(score(sample, on_canvas(sample, crop, np.asarray(result, np.uint8))))
    for sample, mine, other in zip(found, ours, theirs, strict=True):
        rows.append((sample.name, mine.iou, other.iou, mine.halo, other.halo, mine.edge, other.edge))
    table(("sample", "IoU", "rembg", "halo", "rembg", "edge error", "rembg"), rows)
    peak_gib = memory.peak_bytes / MIB / 1024

    def mean(scores: list[Score], name: str) -> float:
        return float(np.mean([getattr(each, name) for each in scores]))

    print(
        f"cutout {median(times):.2f} s (budget {BUDGET_S}), at most {max(times):.2f} s ({MOST_S}), "
        f"{median(cpu):.2f} s of CPU, "
        f"rembg {median(their_times):.2f} s, service peak {peak_gib:.2f} GiB (budget {BUDGET_GIB})"
    )
    closing_line(
        {
            "iou_mean": mean(ours, "iou"),
            "rembg_iou_mean": mean(theirs, "iou"),
            "iou_min": min(each.iou for each in ours),
            "halo_mean": mean(ours, "halo"),
            "rembg_halo_mean": mean(theirs, "halo"),
            "edge_error_mean": mean(ours, "edge"),
            "rembg_edge_error_mean": mean(theirs, "edge"),
            "iou_gain_mean": mean(ours, "iou") - mean(theirs, "iou"),
            "iou_gain_min": min(mine.iou - other.iou for mine, other in zip(ours, theirs, strict=True)),
            "cutout_p50_s": median(times),
            "cutout_max_s": max(times),
            "cutout_cpu_p50_s": median(cpu),
            "rembg_p50_s": median(their_times),
            "segment_peak_gib": peak_gib,
            "samples": len(found),
        }
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
