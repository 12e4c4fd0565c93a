"""A stand-in for TripoSR's package ``tsr``."""
