"""A stand-in for TRELLIS's image-to-3D pipeline, with the signatures of the commit in these links.

https://github.com/microsoft/TRELLIS/blob/442aa1e1afb9014e80681d3bf604e8d728a86ee7/trellis/pipelines/trellis_image_to_3d.py
https://github.com/microsoft/TRELLIS/blob/442aa1e1afb9014e80681d3bf604e8d728a86ee7/trellis/representations/mesh/cube2mesh.py

Only names, arguments, types and shapes are upstream's. It refuses what upstream would not take, and answers with an
ellipsoid in upstream's axes (x right, y into the picture, z up): red on its right, blue on its left, green on top.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from PIL import Image
from tsr.system import ellipsoid

# Upstream reads both when it is imported.
assert os.environ["ATTN_BACKEND"] in ("xformers", "flash-attn", "sdpa")
assert os.environ["SPCONV_ALGO"] in ("native", "auto")


class MeshExtractResult:
    """``vertex_attrs``: (n, 6), colours in 0..1 and normals; ``success`` is False for an empty mesh."""

    def __init__(self, vertices, faces, vertex_attrs=None, res=64):
        self.vertices = vertices
        self.faces = faces.long()
        self.vertex_attrs = vertex_attrs
        self.res = res
        self.success = vertices.shape[0] != 0 and faces.shape[0] != 0


class TrellisImageTo3DPipeline:
    @staticmethod
    def from_pretrained(path: str) -> TrellisImageTo3DPipeline:
        assert json.loads((Path(path) / "pipeline.json").read_text())["name"] == "TrellisImageTo3DPipeline"
        return TrellisImageTo3DPipeline()

    def run(
        self,
        image: Image.Image,
        num_samples: int = 1,
        seed: int = 42,
        sparse_structure_sampler_params: dict = {},  # noqa: B006 (upstream's)
        slat_sampler_params: dict = {},  # noqa: B006
        formats: list[str] = ["mesh", "gaussian", "radiance_field"],  # noqa: B006
        preprocess_image: bool = True,
    ) -> dict:
        assert isinstance(image, Image.Image)
        assert image.size == (518, 518)
        assert num_samples == 1
        assert isinstance(seed, int)
        assert set(sparse_structure_sampler_params) == set(slat_sampler_params) == {"steps", "cfg_strength"}
        assert formats == ["mesh"]
        assert preprocess_image is False
        points, faces = ellipsoid([0.5, 0.3, 0.4])
        where = torch.from_numpy(points)
        colors = torch.where(where[:, :1] > 0, torch.tensor([[0.86, 0.12, 0.12]]), torch.tensor([[0.12, 0.12, 0.86]]))
        colors[where[:, 2] > 0.25] = torch.tensor([0.1, 0.8, 0.1])
        attributes = torch.cat([colors, torch.zeros_like(colors)], dim=1)
        return {"mesh": [MeshExtractResult(where, torch.from_numpy(faces), attributes, res=256)]}
