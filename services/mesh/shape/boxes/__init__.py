"""Boxes: a search in silhouette, then least squares on outline and inner edges."""
