"""Scenes made from words: surfaces in perspective, surroundings, light, and the lens that photographs them."""
