"""What is wrong with an answer, as one number to descend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.batches import Batch
from training.network import Answer


@dataclass(frozen=True)
class Weights:
    """How much each mistake counts beside the field's cross-entropy, whose weight is 1."""

    overlap: float = 0.3
    depth: float = 0.05
    normals: float = 0.10
    camera: float = 0.08


@dataclass(frozen=True)
class Mistakes:
    """The parts of the loss, and measures for people.

    Attributes:
        total: what is descended.
        entropy: mean cross-entropy of the field inside the silhouette.
        overlap: (n,) soft intersection over union of each field.
        depth, normals: mean error of front depth, half sides, and mean 1 - cosine.
        pitch: (n,) absolute error, radians.
    """

    total: Tensor
    entropy: Tensor
    overlap: Tensor
    depth: Tensor
    normals: Tensor
    pitch: Tensor

    def numbers(self) -> dict[str, float]:
        """Their means, for the log."""
        names = {"loss": self.total, "entropy": self.entropy, "iou": self.overlap.mean(), "depth": self.depth}
        names |= {"normals": self.normals, "pitch": self.pitch.mean()}
        return {name: float(value.detach()) for name, value in names.items()}


def mistakes(answer: Answer, batch: Batch, device: torch.device, weights: Weights | None = None) -> Mistakes:
    """Compare an answer with the truth."""
    w = weights or Weights()

    def told(values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)

    field = _at(answer.field, told(batch.rays)).float()
    truth = told(batch.field).float() / 255.0
    entropy = functional.binary_cross_entropy_with_logits(field, truth)
    sure = torch.sigmoid(field)
    both = (sure * truth).sum(dim=(1, 2))
    overlap = both / (sure.sum(dim=(1, 2)) + truth.sum(dim=(1, 2)) - both + 1.0)
    surface = _at(answer.surface, told(batch.pixels)).float()
    depth_error = (surface[..., 0] - told(batch.depth)).abs()
    scale = surface[..., 4].clamp(-5.0, 1.0)
    depth = (depth_error * torch.exp(-scale) + scale).mean()
    normals = 1.0 - (functional.normalize(surface[..., 1:4], dim=-1) * told(batch.normals)).sum(dim=-1).mean()
    camera = answer.camera.float()
    camera_error = (camera[:, :3] - told(batch.camera)).abs()
    camera_scale = camera[:, 3:].clamp(-4.0, 2.0)
    camera_loss = (camera_error * torch.exp(-camera_scale) + camera_scale).mean()
    total = (
        entropy + w.overlap * (1.0 - overlap.mean()) + w.depth * depth + w.normals * normals + w.camera * camera_loss
    )
    return Mistakes(total, entropy, overlap.detach(), depth_error.mean(), normals, camera_error[:, 0].detach())


def _at(cells: Tensor, numbers: Tensor) -> Tensor:
    """(n, k, c): the values of ``cells`` (n, rows, columns, places, c) at k numbered places of each picture."""
    n, count = len(cells), cells.shape[1] * cells.shape[2] * cells.shape[3]
    flat = cells.reshape(n * count, cells.shape[4])
    rows = (numbers + torch.arange(n, device=cells.device)[:, None] * count).reshape(-1)
    return flat.index_select(0, rows).view(n, -1, cells.shape[4])
