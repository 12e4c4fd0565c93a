"""The studio's calls: upload a photo, look at its cutout, order a film, ask for its price."""
