"""What every hypothesis goes through: budget of triangles, front, atlas, fidelity, files."""
