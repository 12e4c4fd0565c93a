"""How good a finished model is, against truth and against its photo.

Everything here reads the GLB as a stranger would, by trimesh, and draws it with its own small rasteriser: nothing of
``services`` is used, so that a mistake of convention shows as a bad figure instead of cancelling out.

- ``glb``: a finished file read back: mesh, texture, the photo's camera;
- ``drawing``: that model from any camera, unlit;
- ``shape``: F-score, chamfer distance, volume IoU after one alignment search for every method;
- ``look``: silhouette IoU, SSIM and colour error against the photo, the back against the truth's;
- ``sample``: a folder of a corpus;
- ``noise``: what a mean over few objects is worth: bootstrap by object.
"""
