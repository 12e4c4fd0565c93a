"""A release: images, chart, wheels and the npm package, from one version to one registry."""
