"""The render stage: a GLB in front of a backplate becomes a film."""
