"""TRELLIS image large (Xiang et al. 2024, "Structured 3D Latents for Scalable and Versatile 3D Generation")."""

from __future__ import annotations

from services.mesh.backends.photo_net import NetSpec

TRELLIS = NetSpec(
    name="trellis",
    model="trellis-image-large",
    side_px=518,
    # Upstream's preprocess_image: the box of the subject grown by 1.2, black behind it.
    fill=1.0 / 1.2,
    background=0.0,
    # z up, as upstream's to_glb turns it: x stays, z becomes up, -y comes towards the viewer.
    to_house=((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
    linear_colors=False,
    # The net stands things up in their own axes, whatever side the photo shows.
    distance=None,
)
