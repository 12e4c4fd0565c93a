"""Photo to 3D by TripoSR: geometry and colours, in the net's own axes.

Upstream's code is imported from where the image has it, at the commit that docs/models/triposr.md names; none of it is
here. Called as its own run.py calls it.
"""

from __future__ import annotations

import re

import numpy as np
from net import Net, array
from PIL import Image
from tsr.system import TSR

VIT_NAMES = (
    (r"\.encoder\.layer\.(\d+)\.", r".layers.\1."),
    (r"\.attention\.attention\.(query|key|value)\.", lambda found: f".attention.{found[1][0]}_proj."),
    (r"\.attention\.output\.dense\.", ".attention.o_proj."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"(\.layers\.\d+)\.output\.dense\.", r"\1.mlp.fc2."),
)
"""The published checkpoint names the picture encoder's tensors as transformers 4 did; transformers 5 does otherwise."""


class RenamingTSR(TSR):
    """Upstream's class; its ``from_pretrained`` makes the class that it is called on, and then loads the checkpoint."""

    def load_state_dict(self, state_dict, *arguments, **options):
        wanted = self.state_dict().keys()
        renamed = {name if name in wanted else vit_name(name): tensor for name, tensor in state_dict.items()}
        return super().load_state_dict(renamed, *arguments, **options)


def vit_name(name):
    """A tensor's name as transformers 5 has it."""
    for pattern, replacement in VIT_NAMES:
        name = re.sub(pattern, replacement, name)
    return name


class TritonPythonModel(Net):
    def load(self):
        # Reads config.yaml with OmegaConf and the state dict with torch's restricted loader (enforced in net.py).
        self.net = RenamingTSR.from_pretrained(str(self.weights), config_name="config.yaml", weight_name="model.ckpt")
        self.net.renderer.set_chunk_size(int(self.parameter("chunk_size", "8192")))
        self.net.to(self.device)
        self.resolution = int(self.parameter("resolution", "256"))

    def answer(self, request):
        # TripoSR draws no lots: "seed" is an input so that every photo-to-3D net here is called alike.
        scene_codes = self.net([Image.fromarray(array(request, "image"))], device=self.device)
        mesh = self.net.extract_mesh(scene_codes, True, resolution=self.resolution)[0]
        return {
            "vertices": np.asarray(mesh.vertices, np.float32),
            "faces": np.asarray(mesh.faces, np.int32),
            "colors": np.asarray(mesh.visual.vertex_colors, np.float32)[:, :3] / 255.0,
        }
