"""The ``lensora`` command."""
