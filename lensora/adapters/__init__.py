"""Adapters to the world outside, each behind one small Protocol."""
