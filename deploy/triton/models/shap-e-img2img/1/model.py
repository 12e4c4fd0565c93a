"""Photo to 3D by diffusers' ShapEImg2ImgPipeline: geometry and colours, in the net's own axes."""

from __future__ import annotations

import diffusers
import numpy as np
import torch
from net import Net, array, number
from PIL import Image

STEPS = 64
GUIDANCE = 3.0
"""What the authors' notebook uses."""


class TritonPythonModel(Net):
    def load(self):
        diffusers.utils.logging.set_verbosity_error()
        # Half precision, not bfloat16: the signed distances need the mantissa. The renderer was published as a state
        # dict in torch's format, which diffusers reads with weights_only.
        self.dtype = torch.float16 if self.device != "cpu" else torch.float32
        self.pipeline = diffusers.ShapEImg2ImgPipeline.from_pretrained(
            str(self.weights), dtype=self.dtype, local_files_only=True
        )
        self.pipeline.set_progress_bar_config(disable=True)
        self.pipeline.to(self.device)
        self.steps = int(self.parameter("steps", str(STEPS)))

    def answer(self, request):
        mesh = self.pipeline(
            Image.fromarray(array(request, "image")),
            num_inference_steps=self.steps,
            guidance_scale=GUIDANCE,
            generator=torch.Generator("cpu").manual_seed(number(request, "seed")),
            output_type="mesh",
        ).images[0]
        colors = torch.stack([mesh.vertex_channels[channel] for channel in "RGB"], dim=-1)
        return {
            "vertices": mesh.verts.float().cpu().numpy(),
            "faces": mesh.faces.cpu().numpy().astype(np.int32),
            # Linear light, as the renderer decodes it.
            "colors": colors.float().cpu().numpy(),
        }
