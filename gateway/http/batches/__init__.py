"""Batches: many photos ordered at once, followed, canceled and taken as one archive."""
