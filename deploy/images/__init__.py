"""Container images: what each one needs, its lock, and a test of them without a daemon."""
