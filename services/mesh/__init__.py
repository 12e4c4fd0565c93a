"""The mesh stage: one cutout in, a closed, textured model out."""
