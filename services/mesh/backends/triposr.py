"""TripoSR (Tochilkin et al. 2024, "TripoSR: Fast 3D Object Reconstruction from a Single Image")."""

from __future__ import annotations

from services.mesh.backends.photo_net import NetSpec

TRIPOSR = NetSpec(
    name="triposr",
    model="triposr",
    side_px=512,
    # Upstream's run.py: --foreground-ratio 0.85, and half grey behind the subject.
    fill=0.85,
    background=0.5,
    # Upstream's get_spherical_cameras: x towards the first camera, y to its right, z up. The photo is the first camera.
    to_house=((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
    linear_colors=False,
    # The camera stands at 1.9 and the subject spans 0.85 of a field of 40 degrees: 1.9 / (0.85 * 1.9 * tan 20) radii.
    distance=3.2,
)
