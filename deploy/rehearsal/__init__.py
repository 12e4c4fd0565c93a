"""The chart, rehearsed without a cluster: rendered by the real helm, run as local processes on loopback addresses."""
