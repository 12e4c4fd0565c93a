"""The operator's page and its calls; there only where a token is set."""
