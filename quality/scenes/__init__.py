"""Made scenes with true mattes: rendered things over photographs' crops and made rooms.

``python -m quality.scenes --meshes DIR --photos DIR --out DIR`` writes them; objects and backgrounds are split by
``quality.split``, so that what is tuned on one part is decided on the other. The data lies in the user's cache and is
never committed.

- ``sprite``: a thing alone, with its own colours, normals and which of it is see-through.
- ``backdrop``: what is behind.
- ``stage``: things put on a backdrop, with shadows, reflections and glass that bends what is behind it.
- ``plan``: which kinds of scenes there are, and how often.
"""
