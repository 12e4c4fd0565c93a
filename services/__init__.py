"""The four stages, each a gRPC service of its own."""
