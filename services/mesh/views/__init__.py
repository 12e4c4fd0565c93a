"""Further photos of one thing: brought into one frame with the main photo, made into one solid, laid on it as colours.

- ``sides``: what is said of a further photo, and what becomes of it;
- ``cameras``: where each photo was taken from, as numbers that can be searched;
- ``evidence``: what each photo says of the space around the thing;
- ``registration``: the search for the cameras under which the photos agree;
- ``fusion``: one closed solid from all photos;
- ``verdict``: which photos the model is made with, and which solid explains all of them best;
- ``combining``: the order of all that;
- ``labels``, ``levels``, ``painting``: which photo each part of the surface is coloured from, and how their colours
  meet.
"""
