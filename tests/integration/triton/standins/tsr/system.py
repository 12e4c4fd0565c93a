"""A stand-in for TripoSR's ``tsr.system.TSR``, with the signatures of the commit in these links.

https://github.com/VAST-AI-Research/TripoSR/blob/107cefdc244c39106fa830359024f6a2f1c78871/tsr/system.py
https://github.com/VAST-AI-Research/TripoSR/blob/107cefdc244c39106fa830359024f6a2f1c78871/run.py
https://github.com/VAST-AI-Research/TripoSR/blob/107cefdc244c39106fa830359024f6a2f1c78871/tsr/models/tokenizers/image.py

Only names, arguments, types and shapes are upstream's. It refuses what upstream would not take, and answers with an
ellipsoid in upstream's axes: x towards the first camera, y to its right, z up; red on its right, blue on its left.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image
from transformers.models.vit.modeling_vit import ViTModel

VIT_CONFIG = Path(__file__).with_name("vit.json")
"""In place of the file that upstream fetches from facebook/dino-vitb16."""


class TSR(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(3))
        # As upstream's picture tokenizer: transformers' own class, made from a configuration file.
        self.image_tokenizer = torch.nn.Module()
        self.image_tokenizer.model = ViTModel(ViTModel.config_class.from_pretrained(str(VIT_CONFIG)))
        self.chunk_size = None
        self.renderer = SimpleNamespace(set_chunk_size=self._set_chunk_size)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str, config_name: str, weight_name: str):
        folder = Path(pretrained_model_name_or_path)
        assert (folder / config_name).is_file()
        model = cls()
        # As upstream has it: without weights_only.
        model.load_state_dict(torch.load(str(folder / weight_name), map_location="cpu"))
        return model

    def forward(self, image, device: str) -> torch.Tensor:
        assert isinstance(image, list)
        assert all(isinstance(picture, Image.Image) and picture.mode == "RGB" for picture in image)
        assert self.chunk_size == 8192
        return torch.zeros(len(image), 3, 40, 8, 8, device=device)

    def extract_mesh(self, scene_codes, has_vertex_color, resolution: int = 256, threshold: float = 25.0):
        assert scene_codes.ndim == 5
        assert has_vertex_color is True
        assert resolution == 256
        assert threshold == 25.0
        points, faces = ellipsoid(self.scale.detach().numpy())
        colors = np.where(points[:, 1:2] > 0, [[220, 30, 30, 255]], [[30, 30, 220, 255]]).astype(np.uint8)
        return [SimpleNamespace(vertices=points, faces=faces, visual=SimpleNamespace(vertex_colors=colors))]

    def _set_chunk_size(self, chunk_size: int) -> None:
        self.chunk_size = chunk_size


def ellipsoid(radii):
    """A closed ball of rings and segments, scaled: vertices (n, 3) and outward faces (m, 3)."""
    rings, segments = 24, 48
    polar = np.linspace(0, np.pi, rings + 1)[1:-1]
    around = np.arange(segments) * 2 * np.pi / segments
    ring = np.stack([np.cos(around), np.sin(around)], axis=1)
    middle = [np.column_stack([np.sin(p) * ring, np.full(segments, np.cos(p))]) for p in polar]
    points = np.concatenate([[[0.0, 0.0, 1.0]], *middle, [[0.0, 0.0, -1.0]]]) * radii
    faces = []
    for s in range(segments):
        t = (s + 1) % segments
        faces.append((0, 1 + s, 1 + t))
        for r in range(rings - 2):
            a, b = 1 + r * segments, 1 + (r + 1) * segments
            faces += [(a + s, b + s, b + t), (a + s, b + t, a + t)]
        last = 1 + (rings - 2) * segments
        faces.append((last + t, last + s, len(points) - 1))
    return points.astype(np.float32), np.array(faces, np.int64)
