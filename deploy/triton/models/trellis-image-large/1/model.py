"""Photo to 3D by TRELLIS: geometry and colours, in the net's own axes.

Upstream's code is imported from where the image has it, at the commit that docs/models/trellis-image-large.md names;
none of it is here. Only the mesh decoder is asked: upstream's GLB export bakes textures with a rasteriser that is not
for commerce, and is never imported. Texture baking is the mesh stage's own.
"""

from __future__ import annotations

import os

import numpy as np
from net import Net, array, number
from PIL import Image

# Read by upstream when it is imported.
os.environ.setdefault("ATTN_BACKEND", "xformers")
os.environ.setdefault("SPCONV_ALGO", "native")

from trellis.pipelines import TrellisImageTo3DPipeline


class TritonPythonModel(Net):
    def load(self):
        self.pipeline = TrellisImageTo3DPipeline.from_pretrained(str(self.weights))
        if self.device != "cpu":
            self.pipeline.cuda()
        self.structure = {"steps": int(self.parameter("structure_steps", "12")), "cfg_strength": 7.5}
        self.latent = {"steps": int(self.parameter("latent_steps", "12")), "cfg_strength": 3.0}

    def answer(self, request):
        # The first argument goes without its name: upstream calls it image, some forks images.
        outputs = self.pipeline.run(
            Image.fromarray(array(request, "image")),
            seed=number(request, "seed"),
            sparse_structure_sampler_params=self.structure,
            slat_sampler_params=self.latent,
            formats=["mesh"],
            preprocess_image=False,
        )
        mesh = outputs["mesh"][0]
        if not mesh.success:
            raise RuntimeError("the net found no surface in the picture")
        return {
            "vertices": mesh.vertices.float().cpu().numpy(),
            "faces": mesh.faces.cpu().numpy().astype(np.int32),
            # Columns 0 to 2 are colours in 0..1 (upstream applies the sigmoid), 3 to 5 normals.
            "colors": mesh.vertex_attrs[:, :3].float().cpu().numpy(),
        }
