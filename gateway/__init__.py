"""The gateway: the public REST surface, and the worker that turns jobs into artifacts."""
