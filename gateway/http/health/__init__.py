"""Whether this process lives, and whether what it needs answers."""
