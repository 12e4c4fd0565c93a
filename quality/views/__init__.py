"""Several photos of one thing, drawn from meshes with known truth, with the errors that people make.

``objects.tsv`` holds the split, made once: objects that the shape network has not seen, a part to ``tune`` on and a
part to decide on (``unseen``). The meshes lie in a folder that the caller names; ``bench.views`` measures on them.
"""
