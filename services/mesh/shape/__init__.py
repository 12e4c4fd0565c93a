"""What shape a cutout has: the evidence, and one module for each way to build a solid from it."""
