"""The ways to find things, by the names that the configuration uses."""
