"""Accounts, keys, credits, sessions and jobs: records, ports, and the Redis store (all that knows Redis)."""
