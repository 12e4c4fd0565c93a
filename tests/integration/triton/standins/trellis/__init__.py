"""A stand-in for TRELLIS's package ``trellis``."""
