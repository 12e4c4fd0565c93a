"""Finds the things in a photo that a user may want to pick, names them, and says what is wrong with the photo."""
