"""The shared library of Lensora Studio: what every process needs, and nothing that only one needs."""

__version__ = "0.1.0"
