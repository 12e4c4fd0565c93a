"""Shap-E (Jun and Nichol 2023, "Shap-E: Generating Conditional 3D Implicit Functions")."""

from __future__ import annotations

from services.mesh.backends.photo_net import NetSpec

SHAP_E = NetSpec(
    name="shap-e",
    model="shap-e-img2img",
    side_px=256,
    fill=0.75,
    # Trained on renders over white.
    background=1.0,
    # diffusers' create_pan_cameras: z up, the first camera stands at -y and sees x to its right.
    to_house=((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
    # The renderer decodes sRGB to linear light before it hands out vertex colours.
    linear_colors=True,
    distance=None,
)
