"""Accounts, keys, credits, sessions and jobs: their records, the ports, and the Redis store, the only code that knows Redis."""
