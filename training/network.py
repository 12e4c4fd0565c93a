"""The network in PyTorch: a small encoder beside a pretrained one, a transformer at 8 x 8, a decoder to 32 x 32.

What is said at 64 x 64 (the field) and at 128 x 128 (depth, normals) is said by the 32 x 32 features through one 1 x 1
convolution and a pixel shuffle, so that no convolution runs at those sizes: that is where a U-Net's time goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.backbone import FEATURES, Backbone

CHANNELS = 6
"""Inputs: red, green, blue, alpha, distance to the silhouette's rim, height in the picture."""


@dataclass(frozen=True)
class Size:
    """How large the network is.

    Attributes:
        fine, middle, token: channels at 32 x 32, 16 x 16 and 8 x 8.
        wide: channels of the decoder at 32 x 32.
        hidden: channels between the decoder and the field, beside the straight way.
        blocks: of the transformer.
        heads: of its attention.
        bins: of the field along a ray.
    """

    fine: int = 40
    middle: int = 80
    token: int = 256
    wide: int = 64
    hidden: int = 256
    blocks: int = 5
    heads: int = 4
    bins: int = 64


class Answer(NamedTuple):
    """What the network says of n pictures, as it leaves the last convolutions: cell by cell of the 32 x 32 features.

    Attributes:
        field: (n, 32, 32, 4, bins) logits of being inside; the 4 are the cell's 2 x 2 rays, row by row.
        surface: (n, 32, 32, 16, 5) depth, normal x, y, z (any length), log of the depth's scale of error; the 16 are
            the cell's 4 x 4 pixels, row by row.
        camera: (n, 6) pitch, roll, log distance, and the logs of their scales of error.
    """

    field: Tensor
    surface: Tensor
    camera: Tensor


def _silent(layer: nn.Conv2d | nn.Linear) -> None:
    """Begin with saying nothing: the way around it is all there is at first."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        self.norm = nn.GroupNorm(8, channels)
        _silent(self.second)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) -> the same."""
        return x + self.second(functional.gelu(self.first(self.norm(x))))


class Block(nn.Module):
    """Attention and a perceptron over tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.mixed = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.between = nn.LayerNorm(width)
        self.widened = nn.Linear(width, 4 * width)
        self.narrowed = nn.Linear(4 * width, width)
        _silent(self.joined)
        _silent(self.narrowed)

    def forward(self, x: Tensor) -> Tensor:
        """(n, tokens, width) -> the same."""
        n, tokens, width = x.shape
        parts = self.mixed(self.before(x)).view(n, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        # Written out: for 64 tokens the fused kernel of the CPU is slower than two products.
        weight = (parts[0] @ parts[1].transpose(2, 3) * (width // self.heads) ** -0.5).softmax(dim=-1)
        looked = weight @ parts[2]
        x = x + self.joined(looked.transpose(1, 2).reshape(n, tokens, width))
        return x + self.narrowed(functional.gelu(self.widened(self.between(x))))


class ShapeNet(nn.Module):
    """(n, 6, 128, 128) pictures to an ``Answer``."""

    def __init__(self, size: Size | None = None) -> None:
        super().__init__()
        s = size or Size()
        self.size = s
        self.backbone = Backbone()
        self.seen_fine = nn.Conv2d(FEATURES["quarter"], s.fine, 1)
        self.seen_middle = nn.Conv2d(FEATURES["eighth"], s.middle, 1)
        self.seen_tokens = nn.Conv2d(FEATURES["sixteenth"], s.token, 1)
        self.stem = nn.Conv2d(CHANNELS, s.fine, 8, 4, 2)
        self.fine = Residual(s.fine)
        self.to_middle = nn.Conv2d(s.fine, s.middle, 2, 2)
        self.middle = nn.Sequential(Residual(s.middle), Residual(s.middle))
        self.to_tokens = nn.Conv2d(s.middle, s.token, 2, 2)
        self.place = nn.Parameter(torch.randn(1, 64, s.token) * 0.02)
        self.blocks = nn.Sequential(*(Block(s.token, s.heads) for _ in range(s.blocks)))
        self.said = nn.LayerNorm(s.token)
        self.camera = nn.Sequential(nn.Linear(s.token, 64), nn.GELU(), nn.Linear(64, 6))
        self.up_middle = nn.Conv2d(s.token, 4 * s.middle, 1)
        self.join_middle = nn.Sequential(Residual(s.middle), Residual(s.middle))
        self.up_fine = nn.Conv2d(s.middle, 4 * s.wide, 1)
        self.skip_fine = nn.Conv2d(s.fine, s.wide, 1)
        self.join_fine = nn.Sequential(Residual(s.wide), Residual(s.wide), Residual(s.wide))
        self.last = nn.GroupNorm(8, s.wide)
        self.field = nn.Conv2d(s.wide, 4 * s.bins, 1)
        self.bent = nn.Sequential(nn.Conv2d(s.wide, s.hidden, 1), nn.GELU(), nn.Conv2d(s.hidden, 4 * s.bins, 1))
        _silent(self.bent[2])
        self.surface = nn.Conv2d(s.wide, 16 * 5, 1)
        nn.init.constant_(self.field.bias, -1.0)

    def forward(self, x: Tensor) -> Answer:
        """See ``Answer``."""
        with torch.no_grad():
            quarter, eighth, sixteenth = (functional.group_norm(f, 1) for f in self.backbone(x[:, :3]))
        fine = self.fine(self.stem(x) + self.seen_fine(quarter))
        middle = self.middle(self.to_middle(fine) + self.seen_middle(eighth))
        grid = self.to_tokens(middle) + self.seen_tokens(sixteenth)
        n, width, rows, columns = grid.shape
        tokens = self.said(self.blocks(grid.flatten(2).transpose(1, 2) + self.place))
        camera = self.camera(tokens.mean(dim=1))
        grid = tokens.transpose(1, 2).reshape(n, width, rows, columns)
        middle = self.join_middle(middle + functional.pixel_shuffle(self.up_middle(grid), 2))
        fine = self.join_fine(self.skip_fine(fine) + functional.pixel_shuffle(self.up_fine(middle), 2))
        features = functional.gelu(self.last(fine))
        field = (self.field(features) + self.bent(features)).permute(0, 2, 3, 1).unflatten(3, (4, self.size.bins))
        surface = self.surface(features).permute(0, 2, 3, 1).unflatten(3, (16, 5))
        return Answer(field, surface, camera)


def assembled(answer: Answer) -> Answer:
    """The same, in order: field (n, bins, 64, 64), surface (n, 5, 128, 128)."""
    return Answer(_unfolded(answer.field, 2), _unfolded(answer.surface, 4), answer.camera)


def _unfolded(cells: Tensor, step: int) -> Tensor:
    """(n, rows, columns, step * step, c) -> (n, c, rows * step, columns * step)."""
    _, rows, columns, _, channels = cells.shape
    # -1 and not n: a number would be written into the exported graph, which then takes no other number of pictures.
    split = cells.reshape(-1, rows, columns, step, step, channels).permute(0, 5, 1, 3, 2, 4)
    return split.reshape(-1, channels, rows * step, columns * step)
