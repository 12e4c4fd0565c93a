"""Photographs of known things: scenes for Blender's Cycles, and the phone that takes them.

Needs ``bpy`` (the extra ``[corpus]``, Python 3.11) in a virtual environment of its own; nothing else of the project
imports this package. ``python -m quality.cycles --meshes DIR`` draws the corpus again.
"""
