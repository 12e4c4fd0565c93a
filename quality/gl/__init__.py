"""A fast renderer of textured meshes, for training sets, corpora and tests.

It draws with OpenGL over EGL (on a machine without a GPU: Mesa's software rasteriser, about 10 ms for a view of
128 pixels), and shares no code with ``services``: a mistake in the product's own camera does not cancel out here.

    mesh = load_mesh(Path("chair.glb"))                     # centred, inside the unit sphere
    rng = np.random.default_rng(7)
    with Renderer(size=256) as renderer:                     # one per process and thread: it owns the GL context
        shown = renderer.upload(mesh)
        picture = renderer.draw(shown, random_pose(rng), random_lighting(rng))
        shown.release()

``Picture`` holds

- ``rgba``: (s, s, 4) uint8, sRGB, straight alpha, anti-aliased; black where alpha is 0;
- ``depth``: (s, s) float32, the *view's* z of the front surface, 0 outside. Larger is nearer to the viewer;
- ``normals``: (s, s, 3) float32, unit vectors in the view's axes turned towards the viewer, 0 outside;
- ``camera``: what was drawn, as numbers.

**Frames.** The world is glTF's: +Y up. The view's axes are x to the right, y up, z towards the viewer; its origin is
the point that the camera looks at. The camera stands on +z at ``distance``. A view point (x, y, z) falls on the plane
z = 0 at ``x * distance / (distance - z)``, and one unit of that plane is ``pixels`` pixels. This is the camera model of
``services.mesh.camera.PhotoCamera``: ``PhotoCamera(c.world_to_view, c.center, c.pixels, c.distance)``.

**Framing.** The silhouette's bounding box lies in the middle of the picture and its longer side fills it but for a
margin, as in a crop around a subject; the camera looks at the middle of that box, so ``center`` is its middle.

**Pose.** ``pitch`` is positive when the camera looks down, ``roll`` is positive when the subject leans clockwise,
``azimuth`` 0 looks from +Z and grows towards +X; radians. ``distance`` is in radii of the unit sphere and stands for
the focal length: a subject that fills the frame at 24 mm is seen from about 2.3 radii, at 85 mm from about 6.5.

**Light.** Three directional lights, a sky and ground ambient, and a highlight, each with a colour cast.
``random_lighting`` draws them; ``Lighting()`` is a plain studio light.

The same arguments give the same bytes on the same driver. Tests: ``tests/unit/quality/test_gl.py``.
"""

from quality.gl.lighting import Lighting, random_lighting
from quality.gl.mesh import TexturedMesh, load_mesh
from quality.gl.pose import PictureCamera, Pose, random_pose
from quality.gl.renderer import Picture, Renderer, UploadedMesh

__all__ = [
    "Lighting",
    "Picture",
    "PictureCamera",
    "Pose",
    "Renderer",
    "TexturedMesh",
    "UploadedMesh",
    "load_mesh",
    "random_lighting",
    "random_pose",
]
